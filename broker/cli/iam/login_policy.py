"""`broker iam login-policy`."""

from __future__ import annotations

from typing import Any, Final

import click

from broker.cli.client.completing import complete_groups
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.records import parsed_uidp
from broker.cli.client.tables import Column, View
from broker.cli.client.values import separated
from broker.cli.groups import CommandGroup
from broker.sdk.api import Record

PATH: Final = "/broker/v1/loginPolicies"


def _listed(name: str) -> Any:
    return lambda policy: ", ".join(policy.get(name, ()))


VIEW: Final = View(
    "login policy",
    "login policies",
    (
        Column("Organization", "group"),
        Column("Requires its provider", "requireIdentityProvider"),
        Column("Break glass", _listed("breakGlass")),
        Column("E-mail domains", _listed("emailDomains")),
    ),
    key="group",
    label="group",
)

organization_argument = click.argument(
    "organization", metavar="[ORGANIZATION]", required=False, shell_complete=complete_groups
)


@click.group(cls=CommandGroup)
def login_policy() -> None:
    """What an organization asks of the people who hold roles in it."""


@login_policy.command()
@organization_argument
@api_command()
async def view(run: Invocation, *, organization: str | None) -> None:
    """Show the login policy of an organization."""
    group = await run.group(organization, flag="ORGANIZATION")
    run.out.record(VIEW, await run.api.call("GET", f"{PATH}/{group}"))


@login_policy.command()
@organization_argument
@click.option(
    "--require-identity-provider/--no-require-identity-provider",
    default=None,
    help="Whether roles count only in logins through the organization's own identity provider.",
)
@click.option(
    "--break-glass",
    multiple=True,
    metavar="PERSON",
    help="UIDP of a person whom that does not bind, instead of those that there are; repeats, or "
    "has commas; '' for nobody.",
)
@click.option(
    "--email-domain",
    multiple=True,
    metavar="DOMAIN",
    help="Domain of the organization's addresses, instead of those that there are; repeats, or has "
    "commas; '' for none. For operators.",
)
@api_command()
async def update(
    run: Invocation,
    *,
    organization: str | None,
    require_identity_provider: bool | None,
    break_glass: tuple[str, ...],
    email_domain: tuple[str, ...],
) -> None:
    """Change what is given of the login policy of an organization; the rest stays."""
    changes: Record = {}
    if require_identity_provider is not None:
        changes["requireIdentityProvider"] = require_identity_provider
    if break_glass:
        changes["breakGlass"] = [
            parsed_uidp(each, flag="--break-glass") for each in separated(break_glass)
        ]
    if email_domain:
        changes["emailDomains"] = separated(email_domain)
    if not changes:
        raise click.UsageError("Nothing to change.")
    group = await run.group(organization, flag="ORGANIZATION")
    mask = {"updateMask": ",".join(changes)}
    answer = await run.api.call("PATCH", f"{PATH}/{group}", parameters=mask, body=changes)
    run.out.record(VIEW, answer)

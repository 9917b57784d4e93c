"""`broker iam identity-providers`."""

from __future__ import annotations

from typing import IO, Any, Final

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_roles
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.client.values import separated
from broker.cli.groups import CommandGroup
from broker.iam.uidp import Uidp
from broker.sdk.api import IDENTITY_PROVIDERS, Record

VIEW = View(
    "identity provider",
    "identity providers",
    (
        Column("UIDP", "uid"),
        Column("Name", "name"),
        Column("Issuer", "oidc.issuer"),
        Column("Client id", "oidc.clientId"),
        Column("Description", "description", is_wide=True),
        Column("Default role", "defaultRole", is_wide=True),
        Column("Groups claim", "oidc.groupsClaim", is_wide=True),
        Column("PKCE", "oidc.pkceEnabled", is_wide=True),
        Column("Created", "createTime", is_wide=True),
    ),
)

TESTS: Final = "/broker/v1/identityProviders"


def _outcome(check: Record) -> str:
    if not check.get("ok"):
        return "FAIL"
    return "?" if check.get("uncertain") else "ok"


CHECKS: Final = View(
    "check",
    "checks",
    (
        Column("Check", "name"),
        Column("Outcome", _outcome),
        Column("Expected", "expected"),
        Column("Got", "got"),
        Column("Hint", "hint"),
    ),
    key="name",
    label="hint",
)

RULES: Final = {
    "sub": "CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID",
    "oid": "CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID",
}


def provider_options(callback: Any) -> Any:
    """What `create` and `update` both take."""
    options = (
        click.option("--name", help="Name."),
        click.option("--description", help="Description."),
        click.option(
            "--configuration-type",
            type=click.Choice(["OIDC"], case_sensitive=False),
            default="OIDC",
            show_default=True,
            help="Protocol of the provider.",
        ),
        click.option("--oidc-issuer", help="Issuer URL."),
        click.option("--oidc-client-id", help="Client id that the provider gave the broker."),
        click.option(
            "--oidc-client-secret",
            help="Client secret. Others on the machine can read a command line: rather "
            "--oidc-client-secret-file.",
        ),
        click.option(
            "--oidc-client-secret-file",
            type=click.File("r"),
            help="File with the client secret, - is stdin.",
        ),
        click.option(
            "--oidc-additional-scopes",
            multiple=True,
            help="Scopes to ask for besides openid, email and profile; repeats, or has commas.",
        ),
        click.option("--oidc-groups-claim", help="Claim with the person's groups."),
        click.option(
            "--oidc-pkce-enabled/--no-oidc-pkce-enabled",
            default=None,
            help="Whether to use PKCE, which needs no client secret.",
        ),
        click.option(
            "--oidc-correlation-rule",
            type=click.Choice(sorted(RULES)),
            help="Claim that is the external id of a user that SCIM provisioned.",
        ),
        click.option(
            "--default-role",
            help="Role that who registers through the provider holds: name or UIDP.",
            shell_complete=complete_roles,
        ),
    )
    for option in reversed(options):
        callback = option(callback)
    return callback


@click.group(
    cls=CommandGroup,
    modules={
        "group-mappings": "broker.cli.iam.group_role_mappings:group_mappings",
        "scim": "broker.cli.iam.scim:scim",
    },
)
def identity_providers() -> None:
    """OpenID providers through which the people of an organization log in."""


@identity_providers.command("list")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_providers(run: Invocation, *, parent: str | None, recursive: bool) -> None:
    """List identity providers."""
    filters = await records.placed(run, parent, recursive=recursive)
    found = await run.api.records(IDENTITY_PROVIDERS, {**filters, "orderBy": "name"})
    run.out.records(VIEW, found)


@identity_providers.command()
@click.argument("idp", metavar="[IDENTITY_PROVIDER]", required=False)
@parent_option
@api_command()
async def describe(run: Invocation, *, idp: str | None, parent: str | None) -> None:
    """Show an identity provider."""
    given = [idp] if idp else []
    (found,) = await records.named(
        run, IDENTITY_PROVIDERS, given, flag="IDENTITY_PROVIDER", parent=parent
    )
    run.out.record(VIEW, found)


@identity_providers.command()
@click.argument("idp", metavar="[IDENTITY_PROVIDER]", required=False)
@parent_option
@api_command(*LIST_FORMATS)
async def test(run: Invocation, *, idp: str | None, parent: str | None) -> None:
    """Tell whether people can log in through an identity provider, and what is missing.

    Nobody logs in. Exit code 1 when a check fails.
    """
    given = [idp] if idp else []
    (found,) = await records.named(
        run, IDENTITY_PROVIDERS, given, flag="IDENTITY_PROVIDER", parent=parent
    )
    answer = await run.api.call("POST", f"{TESTS}/{found['uid']}:test", body={})
    run.out.records(CHECKS, answer.get("checks", []))
    if not answer.get("ok"):
        raise click.exceptions.Exit(1)


@identity_providers.command()
@provider_options
@parent_option
@yes_option
@api_command()
async def create(run: Invocation, /, *, parent: str | None, **given: Any) -> None:
    """Let people log in through an OpenID provider."""
    group = await run.group(parent)
    given["name"] = given["name"] or run.ask.text("--name", "Name of the provider")
    given["oidc_issuer"] = given["oidc_issuer"] or run.ask.text("--oidc-issuer", "Issuer URL")
    given["oidc_client_id"] = given["oidc_client_id"] or run.ask.text(
        "--oidc-client-id", "Client id"
    )
    provider = await _members(run, given, group)
    run.out.record(VIEW, await run.api.create(IDENTITY_PROVIDERS, group, provider))


@identity_providers.command()
@click.argument("idp", metavar="[IDENTITY_PROVIDER]", required=False)
@provider_options
@yes_option
@api_command()
async def update(run: Invocation, /, *, idp: str | None, **given: Any) -> None:
    """Change what is given of an identity provider; the rest stays."""
    found = await run.record(IDENTITY_PROVIDERS, idp, flag="IDENTITY_PROVIDER")
    uidp = Uidp(found["uid"])
    changes = await _members(run, given, uidp.parent or uidp)
    if not changes:
        raise click.UsageError("Nothing to change.")
    mask = [name for name in changes if name != "oidc"]
    mask += [f"oidc.{name}" for name in changes.get("oidc", ())]
    run.out.record(VIEW, await run.api.update(IDENTITY_PROVIDERS, uidp, changes, mask))


@identity_providers.command()
@click.argument("idps", metavar="[IDENTITY_PROVIDER]...", nargs=-1)
@parent_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, idps: tuple[str, ...], parent: str | None) -> None:
    """Delete identity providers, with their group mappings."""
    found = await records.named(
        run, IDENTITY_PROVIDERS, idps, flag="IDENTITY_PROVIDER", parent=parent
    )
    await records.delete(run, IDENTITY_PROVIDERS, VIEW, found)


async def _members(run: Invocation, given: dict[str, Any], group: Uidp) -> Record:
    """What was given, as the API has it."""
    rule = given["oidc_correlation_rule"]
    oidc = {
        "issuer": given["oidc_issuer"],
        "clientId": given["oidc_client_id"],
        "clientSecret": _secret(given["oidc_client_secret"], given["oidc_client_secret_file"]),
        "additionalScopes": separated(given["oidc_additional_scopes"]) or None,
        "groupsClaim": given["oidc_groups_claim"],
        "pkceEnabled": given["oidc_pkce_enabled"],
        "correlationRule": RULES[rule] if rule else None,
    }
    role = given["default_role"]
    members = {
        "name": given["name"],
        "description": given["description"],
        "defaultRole": await run.role(role, at=group, flag="--default-role") if role else None,
        "oidc": {name: value for name, value in oidc.items() if value is not None} or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _secret(text: str | None, file: IO[str] | None) -> str | None:
    if text and file:
        raise click.UsageError("Give the client secret once.")
    if file is None:
        return text
    return file.read(8192).strip()

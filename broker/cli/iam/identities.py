"""`broker iam identities`."""

from __future__ import annotations

from typing import Any, Final

import click

from broker.cli.client import records
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View, member
from broker.cli.client.values import is_past
from broker.cli.groups import CommandGroup
from broker.sdk.api import IDENTITIES, Record

TYPES: Final = {
    "claim-match": "RELATIONSHIP_TYPE_CLAIM_MATCH",
    "static": "RELATIONSHIP_TYPE_STATIC",
    "aws": "RELATIONSHIP_TYPE_AWS_IDENTITY",
    "service-principal": "RELATIONSHIP_TYPE_SERVICE_PRINCIPAL",
}
_RULES: Final = {
    "claimMatch": "claim-match",
    "staticKeys": "static",
    "awsIdentity": "aws",
    "servicePrincipal": "service-principal",
}


def _type(identity: Record) -> str:
    return next((kind for name, kind in _RULES.items() if name in identity), "")


def _rule(*names: str) -> Any:
    """What the rules say under the first of these names that they have, pattern or literal."""

    def shows(identity: Record) -> Any:
        rules = [member(identity, rule) for rule in _RULES if isinstance(identity.get(rule), dict)]
        return next((each[name] for each in rules for name in names if each.get(name)), None)

    return shows


VIEW = View(
    "identity",
    "identities",
    (
        Column("UIDP", "uid"),
        Column("Name", "name"),
        Column("Type", _type),
        Column("Issuer", _rule("issuer", "issuerPattern", "awsAccount")),
        Column("Subject", _rule("subject", "subjectPattern", "arn", "arnPattern")),
        Column("Description", "description", is_wide=True),
        Column("Expires", "staticKeys.expirationTime", is_wide=True),
        Column("Last seen", "lastSeenTime", is_wide=True),
        Column("Created", "createTime", is_wide=True),
    ),
)

identity_argument = click.argument("identity", metavar="[IDENTITY]", required=False)


@click.group(
    cls=CommandGroup,
    modules={
        "create": "broker.cli.iam.identity_create:create",
        "explain": "broker.cli.iam.identity_explain:explain",
        "update": "broker.cli.iam.identity_update:update",
    },
)
def identities() -> None:
    """Who tokens are minted for."""


@identities.command("list")
@click.option("--name", help="Only identities with exactly this name.")
@click.option("--type", "kind", type=click.Choice(list(TYPES)), help="Only with such rules.")
@click.option("--expired", is_flag=True, help="Only those whose static keys are over.")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_identities(
    run: Invocation,
    *,
    name: str | None,
    kind: str | None,
    expired: bool,
    parent: str | None,
    recursive: bool,
) -> None:
    """List identities."""
    filters = await records.placed(run, parent, recursive=recursive)
    filters |= {"name": name or "", "relationshipType": TYPES.get(kind or "", "")}
    found = await run.api.records(IDENTITIES, {**filters, "orderBy": "name"})
    run.out.records(VIEW, _expired(run, found) if expired else found)


@identities.command()
@identity_argument
@parent_option
@api_command()
async def describe(run: Invocation, *, identity: str | None, parent: str | None) -> None:
    """Show an identity with its rules."""
    given = [identity] if identity else []
    (found,) = await records.named(run, IDENTITIES, given, flag="IDENTITY", parent=parent)
    run.out.record(VIEW, found)


@identities.command()
@click.argument("identities", metavar="[IDENTITY]...", nargs=-1)
@click.option("--expired", is_flag=True, help="Delete those whose static keys are over.")
@parent_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(
    run: Invocation, *, identities: tuple[str, ...], expired: bool, parent: str | None
) -> None:
    """Delete identities, with their role bindings anywhere."""
    if expired:
        if identities:
            raise click.UsageError("Give identities, or --expired.")
        filters = await records.placed(run, parent, recursive=True)
        filters["relationshipType"] = TYPES["static"]
        found = _expired(run, await run.api.records(IDENTITIES, filters))
    else:
        found = await records.named(run, IDENTITIES, identities, flag="IDENTITY", parent=parent)
    await records.delete(run, IDENTITIES, VIEW, found)


def _expired(run: Invocation, identities: list[Record]) -> list[Record]:
    ends = ((each, member(each, "staticKeys.expirationTime") or "") for each in identities)
    return [each for each, end in ends if is_past(end, run.now)]

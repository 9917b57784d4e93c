"""`broker iam external-group-role-mappings`, and `identity-providers group-mappings`.

One noun under two names: the first takes the provider as `--idp`, the second as its argument.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_groups, complete_roles
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup
from broker.iam.uidp import Uidp
from broker.sdk.api import GROUP_ROLE_MAPPINGS, IDENTITY_PROVIDERS, Record

VIEW = View(
    "mapping",
    "mappings",
    (
        Column("UIDP", "uid"),
        Column("External group", "externalGroupId"),
        Column("Role", "roleUid"),
        Column("Scope", "scope"),
        Column("Identity provider", "identityProviderUid", is_wide=True),
        Column("Created", "createTime", is_wide=True),
    ),
    label="externalGroupId",
)

provider_argument = click.argument("idp", metavar="IDENTITY_PROVIDER")
provider_option = click.option("--idp", help="Identity provider: UIDP, or names: acme/okta.")
external_group_option = click.option(
    "--external-group-id", help="Group, as it stands in the provider's groups claim."
)
role_option = click.option(
    "--role", help="Role that its members hold: name or UIDP.", shell_complete=complete_roles
)
scope_option = click.option(
    "--scope",
    help="Group where they hold it: UIDP, or names such as acme/shop. Default: the provider's.",
    shell_complete=complete_groups,
)
all_option = click.option("--all", "every", is_flag=True, help="All mappings of the provider.")


@click.group(cls=CommandGroup)
def group_role_mappings() -> None:
    """Roles for members of a group at an identity provider, while they are logged in."""


@group_role_mappings.command("list")
@provider_option
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_mappings(
    run: Invocation, *, idp: str | None, parent: str | None, recursive: bool
) -> None:
    """List mappings."""
    filters = await records.placed(run, parent, recursive=recursive)
    if idp:
        filters["identityProviderUid"] = await run.names.uidp(IDENTITY_PROVIDERS, idp, flag="--idp")
    run.out.records(VIEW, await run.api.records(GROUP_ROLE_MAPPINGS, filters))


@group_role_mappings.command()
@provider_option
@external_group_option
@role_option
@scope_option
@yes_option
@api_command()
async def create(
    run: Invocation,
    *,
    idp: str | None,
    external_group_id: str | None,
    role: str | None,
    scope: str | None,
) -> None:
    """Let the members of a provider's group hold a role."""
    await _create(run, await _provider(run, idp, "--idp"), external_group_id, role, scope)


@group_role_mappings.command()
@click.argument("mappings", metavar="[MAPPING]...", nargs=-1)
@all_option
@provider_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(
    run: Invocation, *, mappings: tuple[str, ...], every: bool, idp: str | None
) -> None:
    """Delete mappings (UIDPs), or --all of an identity provider."""
    if bool(mappings) == every:
        raise click.UsageError("Give the UIDPs of mappings, or --all with --idp.")
    await _delete(run, await _provider(run, idp, "--idp") if every else None, mappings)


@click.group(cls=CommandGroup)
def group_mappings() -> None:
    """Roles for members of a provider's groups, while they are logged in."""


@group_mappings.command("list")
@provider_argument
@api_command(*LIST_FORMATS)
async def list_of_provider(run: Invocation, *, idp: str) -> None:
    """List the mappings of an identity provider."""
    provider = await _provider(run, idp, "IDENTITY_PROVIDER")
    run.out.records(VIEW, await _of_provider(run, provider))


@group_mappings.command("create")
@provider_argument
@external_group_option
@role_option
@scope_option
@yes_option
@api_command()
async def create_at_provider(
    run: Invocation,
    *,
    idp: str,
    external_group_id: str | None,
    role: str | None,
    scope: str | None,
) -> None:
    """Let the members of a group hold a role."""
    provider = await _provider(run, idp, "IDENTITY_PROVIDER")
    await _create(run, provider, external_group_id, role, scope)


@group_mappings.command("delete")
@provider_argument
@click.argument("mappings", metavar="[MAPPING]...", nargs=-1)
@all_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete_of_provider(
    run: Invocation, *, idp: str, mappings: tuple[str, ...], every: bool
) -> None:
    """Delete mappings of an identity provider: by UIDP or external group, or --all."""
    if bool(mappings) == every:
        raise click.UsageError("Give mappings, or --all.")
    provider = await _provider(run, idp, "IDENTITY_PROVIDER")
    await _delete(run, provider, mappings)


async def _provider(run: Invocation, idp: str | None, flag: str) -> Uidp:
    if idp:
        return await run.names.uidp(IDENTITY_PROVIDERS, idp, flag=flag)
    return Uidp((await run.record(IDENTITY_PROVIDERS, idp, flag=flag))["uid"])


async def _of_provider(run: Invocation, provider: Uidp) -> list[Record]:
    return await run.api.records(GROUP_ROLE_MAPPINGS, {"identityProviderUid": provider})


async def _create(
    run: Invocation,
    provider: Uidp,
    external_group: str | None,
    role: str | None,
    scope: str | None,
) -> None:
    at = await run.names.group(scope, flag="--scope") if scope else provider.parent
    assert at is not None, "a provider lies below its group"
    external_group = external_group or run.ask.text("--external-group-id", "External group")
    mapping = {
        "identityProviderUid": provider,
        "externalGroupId": external_group,
        "roleUid": await run.role(role, at=at),
        "scope": at,
    }
    run.out.record(VIEW, await run.api.create(GROUP_ROLE_MAPPINGS, provider, mapping))


async def _delete(run: Invocation, provider: Uidp | None, mappings: Sequence[str]) -> None:
    if provider is None:
        found = await records.by_uidp(run, GROUP_ROLE_MAPPINGS, mappings, flag="MAPPING")
    else:
        listed = await _of_provider(run, provider)
        found = [each for each in listed if not mappings or _names(each) & {*mappings}]
        missing = {*mappings} - {name for each in found for name in _names(each)}
        if missing:
            raise click.UsageError(f"No such mapping of the provider: {', '.join(sorted(missing))}")
    await records.delete(run, GROUP_ROLE_MAPPINGS, VIEW, found)


def _names(mapping: Record) -> set[str]:
    return {mapping["uid"], mapping["externalGroupId"]}

"""`broker iam organizations`."""

from __future__ import annotations

import click

from broker.cli.client.completing import complete_groups
from broker.cli.client.flags import description_option, name_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS, TREE_FORMATS
from broker.cli.groups import CommandGroup
from broker.cli.iam import group_records
from broker.cli.iam.group_records import ORGANIZATIONS, skip_refresh_option
from broker.sdk.api import GROUPS

organization_argument = click.argument(
    "organization", metavar="[ORGANIZATION]", required=False, shell_complete=complete_groups
)


@click.group(cls=CommandGroup)
def organizations() -> None:
    """The groups at the top."""


@organizations.command("list")
@api_command(*TREE_FORMATS)
async def list_organizations(run: Invocation) -> None:
    """List organizations; as a tree, with their folders."""
    if run.out.form == "tree":
        run.out.tree(ORGANIZATIONS, await run.api.records(GROUPS))
        return
    found = await run.api.records(GROUPS, {"uidp.inRoot": True, "orderBy": "name"})
    run.out.records(ORGANIZATIONS, found)


@organizations.command()
@organization_argument
@api_command()
async def describe(run: Invocation, *, organization: str | None) -> None:
    """Show an organization."""
    run.out.record(ORGANIZATIONS, await group_records.found(run, ORGANIZATIONS, organization))


@organizations.command()
@click.argument("name", metavar="[NAME]", required=False)
@description_option
@yes_option
@api_command()
async def create(run: Invocation, *, name: str | None, description: str | None) -> None:
    """Create an organization; you become its owner."""
    await group_records.create(run, ORGANIZATIONS, "", name, {"description": description})
    click.echo("note: your token does not know it yet; exchange for a new one", err=True)


@organizations.command()
@organization_argument
@name_option
@description_option
@api_command()
async def update(
    run: Invocation, *, organization: str | None, name: str | None, description: str | None
) -> None:
    """Change name or description of an organization."""
    changes = {"name": name, "description": description}
    await group_records.update(run, ORGANIZATIONS, organization, changes)


@organizations.command()
@click.argument(
    "organization", metavar="[ORGANIZATION]...", nargs=-1, shell_complete=complete_groups
)
@skip_refresh_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, organization: tuple[str, ...], skip_refresh: bool) -> None:
    """Delete organizations, with everything in them."""
    del skip_refresh
    await group_records.delete(run, ORGANIZATIONS, organization)

"""`broker iam folders`."""

from __future__ import annotations

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_groups
from broker.cli.client.flags import (
    description_option,
    name_option,
    parent_option,
    recursive_option,
    yes_option,
)
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS, TREE_FORMATS
from broker.cli.groups import CommandGroup
from broker.cli.iam import group_records
from broker.cli.iam.group_records import FOLDERS, skip_refresh_option
from broker.iam.uidp import Uidp
from broker.sdk.api import GROUPS

folder_argument = click.argument(
    "folder", metavar="[FOLDER]", required=False, shell_complete=complete_groups
)


@click.group(cls=CommandGroup)
def folders() -> None:
    """Groups within organizations and within each other."""


@folders.command("list")
@parent_option
@recursive_option
@api_command(*TREE_FORMATS)
async def list_folders(run: Invocation, *, parent: str | None, recursive: bool) -> None:
    """List folders."""
    filters = await records.placed(run, parent, recursive=recursive)
    groups = await run.api.records(GROUPS, {**filters, "orderBy": "name"})
    if run.out.form == "tree":
        run.out.tree(FOLDERS, groups)
        return
    run.out.records(FOLDERS, [group for group in groups if not Uidp(group["uid"]).is_root])


@folders.command()
@folder_argument
@api_command()
async def describe(run: Invocation, *, folder: str | None) -> None:
    """Show a folder."""
    run.out.record(FOLDERS, await group_records.found(run, FOLDERS, folder))


@folders.command()
@click.argument("name", metavar="[NAME]", required=False)
@parent_option
@description_option
@yes_option
@api_command()
async def create(
    run: Invocation, *, name: str | None, parent: str | None, description: str | None
) -> None:
    """Create a folder."""
    group = await run.group(parent)
    await group_records.create(run, FOLDERS, group, name, {"description": description})


@folders.command()
@folder_argument
@name_option
@description_option
@api_command()
async def update(
    run: Invocation, *, folder: str | None, name: str | None, description: str | None
) -> None:
    """Change name or description of a folder."""
    changes = {"name": name, "description": description}
    await group_records.update(run, FOLDERS, folder, changes)


@folders.command()
@click.argument("folder", metavar="[FOLDER]...", nargs=-1, shell_complete=complete_groups)
@skip_refresh_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, folder: tuple[str, ...], skip_refresh: bool) -> None:
    """Delete folders, with everything in them."""
    del skip_refresh
    await group_records.delete(run, FOLDERS, folder)

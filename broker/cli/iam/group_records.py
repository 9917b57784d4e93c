"""Organizations and folders: groups of one kind each, with commands of their own."""

from __future__ import annotations

from collections.abc import Sequence

import click

from broker.cli.client import records
from broker.cli.client.invocation import Invocation
from broker.cli.client.tables import Column, View, shown
from broker.iam.uidp import Uidp
from broker.sdk.api import GROUPS, Record

_COLUMNS = (
    Column("UIDP", "uid"),
    Column("Name", "name"),
    Column("Description", "description"),
    Column("Created", "createTime", is_wide=True),
)
ORGANIZATIONS = View(
    "organization",
    "organizations",
    (*_COLUMNS, Column("Verified", "verified", is_wide=True)),
)
FOLDERS = View("folder", "folders", _COLUMNS)

skip_refresh_option = click.option(
    "--skip-refresh",
    is_flag=True,
    help="Leave a cached token as it is; so far there is none, and this changes nothing.",
)


async def found(run: Invocation, view: View, given: str | None) -> Record:
    """An organization or a folder, by name or UIDP; asked for where none is named."""
    is_organization = view is ORGANIZATIONS
    group = await run.record(
        GROUPS, given, flag=view.noun.upper(), among={"uidp.inRoot": is_organization}
    )
    if Uidp(group["uid"]).is_root != is_organization:
        other = FOLDERS if is_organization else ORGANIZATIONS
        raise click.UsageError(
            f"{shown(group['name'])} is no {view.noun}; see `broker iam {other.plural}`."
        )
    return group


async def create(run: Invocation, view: View, parent: str, name: str | None, more: Record) -> None:
    """Make one and print it."""
    name = name or run.ask.text("NAME", f"Name of the {view.noun}")
    made = await run.api.create(GROUPS, parent, {"name": name, **_given(more)})
    run.out.record(view, made)


async def update(run: Invocation, view: View, given: str | None, changes: Record) -> None:
    """Change what is given and print the result."""
    changes = _given(changes)
    if not changes:
        raise click.UsageError("Nothing to change: give --name or --description.")
    group = await found(run, view, given)
    run.out.record(view, await run.api.update(GROUPS, group["uid"], changes, list(changes)))


async def delete(run: Invocation, view: View, given: Sequence[str]) -> None:
    """Delete each, with what is in it."""
    groups = [await found(run, view, text) for text in given or [""]]
    consequence = " Everything in it but folders goes, too; folders have to be deleted before."
    await records.delete(run, GROUPS, view, groups, consequence=consequence)


def _given(members: Record) -> Record:
    return {name: value for name, value in members.items() if value is not None}

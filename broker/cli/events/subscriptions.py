"""`broker events subscriptions`."""

from __future__ import annotations

import click

from broker.cli.client import records
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup
from broker.sdk.api import SUBSCRIPTIONS

VIEW = View(
    "subscription",
    "subscriptions",
    (Column("UIDP", "uid"), Column("Sink", "sink")),
    label="sink",
)


@click.group(cls=CommandGroup)
def subscriptions() -> None:
    """URLs to which events of a group, and of everything below, are sent."""


@subscriptions.command("list")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_subscriptions(run: Invocation, *, parent: str | None, recursive: bool) -> None:
    """List subscriptions."""
    filters = await records.placed(run, parent, recursive=recursive)
    run.out.records(VIEW, await run.api.records(SUBSCRIPTIONS, filters))


@subscriptions.command()
@click.argument("sink", metavar="[URL]", required=False)
@parent_option
@yes_option
@api_command()
async def create(run: Invocation, *, sink: str | None, parent: str | None) -> None:
    """Send events to URL."""
    group = await run.group(parent)
    sink = sink or run.ask.text("URL", "URL to send events to")
    run.out.record(VIEW, await run.api.create(SUBSCRIPTIONS, group, {"sink": sink}))


@subscriptions.command()
@click.argument("uids", metavar="SUBSCRIPTION...", nargs=-1, required=True)
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, uids: tuple[str, ...]) -> None:
    """Send no more events for these subscriptions (UIDPs)."""
    found = await records.by_uidp(run, SUBSCRIPTIONS, uids, flag="SUBSCRIPTION")
    await records.delete(run, SUBSCRIPTIONS, VIEW, found)

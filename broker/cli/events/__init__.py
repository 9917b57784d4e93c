"""`broker events`: where events are sent."""

from __future__ import annotations

import click

from broker.cli.groups import CommandGroup


@click.group(
    cls=CommandGroup,
    modules={"subscriptions": "broker.cli.events.subscriptions:subscriptions"},
)
def events() -> None:
    """Look after the events of organizations."""

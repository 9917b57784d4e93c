"""`broker iam roles capabilities`."""

from __future__ import annotations

import sys

import click

from broker.cli.client.output import LIST_FORMATS, Printer
from broker.cli.client.tables import Column, View
from broker.cli.client.values import separated
from broker.cli.groups import CommandGroup
from broker.iam.capabilities import Capability, CapabilityTable

VIEW = View(
    "capability",
    "capabilities",
    (
        Column("Name", "name"),
        Column("Resource", "resource"),
        Column("Action", "action"),
        Column("Number", "number", is_wide=True),
        Column("Deprecated", "deprecated", is_wide=True),
    ),
    key="name",
    label="action",
)


@click.group(cls=CommandGroup)
def capabilities() -> None:
    """What a role can allow."""


@capabilities.command("list")
@click.option("--actions", multiple=True, help="Only these, such as list; repeats, or has commas.")
@click.option(
    "--resources", multiple=True, help="Only of these, such as groups; repeats, or has commas."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(LIST_FORMATS),
    default="table",
    show_default=True,
    help="How to print the result.",
)
def list_capabilities(actions: tuple[str, ...], resources: tuple[str, ...], output: str) -> None:
    """List the built-in capabilities that roles of organizations can have.

    An installation may have more: /.well-known/capabilities of the broker names them all.
    """
    rows = [_row(capability) for capability in CapabilityTable.load() if not capability.internal]
    wanted_actions, wanted_resources = separated(actions), separated(resources)
    found = [
        row
        for row in rows
        if (not wanted_actions or row["action"] in wanted_actions)
        and (not wanted_resources or row["resource"] in wanted_resources)
    ]
    found.sort(key=lambda row: str(row["name"]))
    Printer(output, is_terminal=sys.stdout.isatty()).records(VIEW, found)


def _row(capability: Capability) -> dict[str, object]:
    resource, _, action = capability.name.rpartition(".")
    return {
        "name": capability.name,
        "resource": resource,
        "action": action,
        "number": capability.bit,
        "deprecated": capability.deprecated,
    }

"""`broker iam roles`."""

from __future__ import annotations

import click

from broker.cli.client import records
from broker.cli.client.flags import (
    description_option,
    name_option,
    parent_option,
    recursive_option,
    yes_option,
)
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.client.values import separated
from broker.cli.groups import CommandGroup
from broker.cli.iam.capability_names import CapabilityNames, complete_capabilities
from broker.sdk.api import ROLES, Record

VIEW = View(
    "role",
    "roles",
    (
        Column("UIDP", "uid"),
        Column("Name", "name"),
        Column("Description", "description"),
        Column("Capabilities", "capabilities", is_wide=True),
    ),
)


role_argument = click.argument("role", metavar="[ROLE]", required=False)
capabilities_option = click.option(
    "--capabilities",
    multiple=True,
    help="Capabilities such as groups.list; repeats, or has commas.",
    shell_complete=complete_capabilities,
)


@click.group(
    cls=CommandGroup, modules={"capabilities": "broker.cli.iam.role_capabilities:capabilities"}
)
def roles() -> None:
    """Sets of capabilities: built in, or an organization's own."""


@roles.command("list")
@click.option("--name", help="Only roles with exactly this name.")
@click.option(
    "--capabilities",
    multiple=True,
    shell_complete=complete_capabilities,
    help="Only roles that have all of these; repeats, or has commas.",
)
@click.option("--managed", is_flag=True, help="Only built-in roles.")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_roles(
    run: Invocation,
    *,
    name: str | None,
    capabilities: tuple[str, ...],
    managed: bool,
    parent: str | None,
    recursive: bool,
) -> None:
    """List roles. Built-in ones lie in no group: --parent leaves them out."""
    if managed and parent:
        raise click.UsageError("--managed: built-in roles have no --parent.")
    filters = await records.placed(run, parent, recursive=recursive)
    selected = {**filters, "name": name or "", "uidp.inRoot": managed, "orderBy": "name"}
    names = CapabilityNames(run.api)
    found = [await names.readable(role) for role in await run.api.records(ROLES, selected)]
    wanted = set(separated(capabilities))
    run.out.records(VIEW, [role for role in found if wanted <= {*role["capabilities"]}])


@roles.command()
@role_argument
@parent_option
@api_command()
async def describe(run: Invocation, *, role: str | None, parent: str | None) -> None:
    """Show a role with its capabilities."""
    found = await _found(run, role, parent)
    run.out.record(VIEW, await CapabilityNames(run.api).readable(found))


@roles.command()
@click.argument("name", metavar="[NAME]", required=False)
@capabilities_option
@description_option
@parent_option
@yes_option
@api_command()
async def create(
    run: Invocation,
    *,
    name: str | None,
    capabilities: tuple[str, ...],
    description: str | None,
    parent: str | None,
) -> None:
    """Create a role of capabilities that you hold yourself."""
    group = await run.group(parent)
    name = name or run.ask.text("NAME", "Name of the role")
    wanted = separated(capabilities) or separated(
        [run.ask.text("--capabilities", "Capabilities, with commas between")]
    )
    names = CapabilityNames(run.api)
    role = {
        "name": name,
        "description": description or "",
        "capabilities": await names.to_wire(wanted, flag="--capabilities"),
    }
    run.out.record(VIEW, await names.readable(await run.api.create(ROLES, group, role)))


@roles.command()
@role_argument
@name_option
@description_option
@capabilities_option
@click.option(
    "--add-capabilities",
    multiple=True,
    shell_complete=complete_capabilities,
    help="Capabilities to add; repeats, or has commas.",
)
@click.option(
    "--remove-capabilities",
    multiple=True,
    shell_complete=complete_capabilities,
    help="Capabilities to take away; repeats, or has commas.",
)
@parent_option
@yes_option
@api_command()
async def update(
    run: Invocation,
    *,
    role: str | None,
    name: str | None,
    description: str | None,
    capabilities: tuple[str, ...],
    add_capabilities: tuple[str, ...],
    remove_capabilities: tuple[str, ...],
    parent: str | None,
) -> None:
    """Change a role. It reaches tokens that are minted from now on."""
    if capabilities and (add_capabilities or remove_capabilities):
        raise click.UsageError(
            "--capabilities names all of them: give it, or --add-capabilities and "
            "--remove-capabilities."
        )
    names = CapabilityNames(run.api)
    before = await names.readable(await _found(run, role, parent))
    after = {*(separated(capabilities) or before["capabilities"])}
    after = (after | {*separated(add_capabilities)}) - {*separated(remove_capabilities)}
    changes: Record = {}
    if name is not None:
        changes["name"] = name
    if description is not None:
        changes["description"] = description
    if after != {*before["capabilities"]}:
        changes["capabilities"] = await names.to_wire(sorted(after), flag="--capabilities")
    if not changes:
        raise click.UsageError("Nothing to change.")
    made = await run.api.update(ROLES, before["uid"], changes, list(changes))
    run.out.record(VIEW, await names.readable(made))


@roles.command()
@click.argument("role", metavar="[ROLE]...", nargs=-1)
@parent_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, role: tuple[str, ...], parent: str | None) -> None:
    """Delete roles, with every binding that gives them."""
    found = await records.named(run, ROLES, role, flag="ROLE", parent=parent)
    consequence = " Whoever holds it loses it."
    await records.delete(run, ROLES, VIEW, found, consequence=consequence)


async def _found(run: Invocation, role: str | None, parent: str | None) -> Record:
    group = await run.group(parent) if parent else None
    return await run.record(ROLES, role, flag="ROLE", parent=group)

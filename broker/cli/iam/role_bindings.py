"""`broker iam role-bindings`."""

from __future__ import annotations

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_roles
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View, member
from broker.cli.groups import CommandGroup
from broker.iam.uidp import Uidp
from broker.sdk.api import IDENTITIES, ROLE_BINDINGS, Record


def _who(binding: Record) -> str:
    identity = binding.get("identity") or {}
    known = identity.get("name") or identity.get("email") or binding.get("identityUid")
    return str(known or identity.get("uid", ""))


VIEW = View(
    "role binding",
    "role bindings",
    (
        Column("UIDP", "uid"),
        Column("Identity", _who),
        Column("Role", lambda binding: member(binding, "role.name") or binding.get("roleUid")),
        Column("Group", "group.name"),
        Column("Identity UIDP", "identity.uid", is_wide=True),
        Column("Issuer", "identity.issuer", is_wide=True),
        Column("Subject", "identity.subject", is_wide=True),
        Column("Created", "createTime", is_wide=True),
    ),
)

identity_option = click.option("--identity", help="Identity: UIDP, or names: acme/shop/deploy.")
role_option = click.option("--role", help="Role: name or UIDP.", shell_complete=complete_roles)


@click.group(cls=CommandGroup)
def role_bindings() -> None:
    """Who holds which role where."""


@role_bindings.command("list")
@parent_option
@recursive_option
@click.option("--identity", help="Only of this identity: UIDP, or names: acme/shop/deploy.")
@api_command(*LIST_FORMATS)
async def list_bindings(
    run: Invocation, *, parent: str | None, recursive: bool, identity: str | None
) -> None:
    """List role bindings."""
    filters = await records.placed(run, parent, recursive=recursive)
    if identity:
        filters["identity"] = await run.names.uidp(IDENTITIES, identity, flag="--identity")
    run.out.records(VIEW, await run.api.records(ROLE_BINDINGS, filters))


@role_bindings.command()
@identity_option
@click.option(
    "--person",
    nargs=2,
    metavar="ISSUER SUBJECT",
    help="Instead of --identity: a person, who need not have logged in yet.",
)
@role_option
@parent_option
@yes_option
@api_command()
async def create(
    run: Invocation,
    *,
    identity: str | None,
    person: tuple[str, str] | None,
    role: str | None,
    parent: str | None,
) -> None:
    """Let an identity or a person hold a role at a group, and at everything below it."""
    if identity and person:
        raise click.UsageError("Give --identity or --person.")
    group = await run.group(parent)
    holder = Uidp.of_person(*person) if person else await run.identity(identity, at=group)
    binding = {"identityUid": holder, "roleUid": await run.role(role, at=group)}
    run.out.record(VIEW, await run.api.create(ROLE_BINDINGS, group, binding))


@role_bindings.command()
@click.argument("binding", metavar="BINDING")
@identity_option
@role_option
@yes_option
@api_command()
async def update(run: Invocation, *, binding: str, identity: str | None, role: str | None) -> None:
    """Change identity or role of a binding (UIDP)."""
    if not (identity or role):
        raise click.UsageError("Nothing to change: give --identity or --role.")
    uidp = records.parsed_uidp(binding, flag="BINDING")
    changes: Record = {}
    if identity:
        changes["identityUid"] = await run.identity(identity, at=uidp.parent or uidp)
    if role:
        changes["roleUid"] = await run.role(role, at=uidp.parent or uidp)
    run.out.record(VIEW, await run.api.update(ROLE_BINDINGS, uidp, changes, list(changes)))


@role_bindings.command()
@click.argument("bindings", metavar="BINDING...", nargs=-1, required=True)
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, bindings: tuple[str, ...]) -> None:
    """Take roles away: delete bindings (UIDPs)."""
    found = await records.by_uidp(run, ROLE_BINDINGS, bindings, flag="BINDING")
    await records.delete(run, ROLE_BINDINGS, VIEW, [_labelled(each) for each in found])


def _labelled(binding: Record) -> Record:
    role, group = member(binding, "role.name"), member(binding, "group.name")
    return {**binding, "name": f"{role} of {_who(binding)} at {group}"}

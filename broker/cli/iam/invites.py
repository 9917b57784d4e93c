"""`broker iam invites`."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_groups, complete_roles
from broker.cli.client.flags import parent_option, recursive_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.client.values import Duration, is_past, seconds
from broker.cli.groups import CommandGroup
from broker.sdk.api import GROUP_INVITES

VIEW = View(
    "invite",
    "invites",
    (
        Column("UIDP", "uid"),
        Column("Role", "role.name"),
        Column("Expires", "expirationTime"),
        Column("Email", "email"),
        Column("Single use", "singleUse"),
        Column("Key id", "keyId", is_wide=True),
        Column("Created", "createTime", is_wide=True),
    ),
    label="keyId",
)


@click.group(cls=CommandGroup)
def invites() -> None:
    """Offers to hold a role, for who has the code."""


@invites.command("list")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_invites(run: Invocation, *, parent: str | None, recursive: bool) -> None:
    """List invites, without their codes."""
    filters = await records.placed(run, parent, recursive=recursive)
    run.out.records(VIEW, await run.api.records(GROUP_INVITES, filters))


@invites.command()
@click.argument("group", metavar="[GROUP]", required=False, shell_complete=complete_groups)
@parent_option
@click.option("--role", help="Role to offer: name or UIDP.", shell_complete=complete_roles)
@click.option("--email", help="Only for the person with this verified address.")
@click.option(
    "--ttl",
    type=Duration(),
    default="168h",
    show_default=True,
    help="How long it can be accepted: a minute to 90 days.",
)
@click.option("--single-use", is_flag=True, help="Gone after it was accepted once.")
@yes_option
@api_command()
async def create(
    run: Invocation,
    *,
    group: str | None,
    parent: str | None,
    role: str | None,
    email: str | None,
    ttl: timedelta,
    single_use: bool,
) -> None:
    """Make an invite and print its code and link, which nobody can see again."""
    if group and parent:
        raise click.UsageError("Give the group once: as GROUP, or by --parent.")
    at = await run.group(group or parent)
    invite = {
        "roleUid": await run.role(role, at=at),
        "email": email or "",
        "ttl": seconds(ttl),
        "singleUse": single_use,
    }
    made = await run.api.create(GROUP_INVITES, at, invite)
    if isinstance(made.get("role"), dict):
        # what it allows is told by `roles describe`; here it would drown the code
        made["role"].pop("capabilities", None)
    if code := made.get("code"):
        made["link"] = f"{run.broker.console}/auth/join?{urlencode({'invite': code})}"
    run.out.record(VIEW, made)


@invites.command()
@click.argument("invites", metavar="[INVITE]...", nargs=-1)
@click.option("--expired", is_flag=True, help="Delete those that nobody can accept any more.")
@parent_option
@recursive_option
@yes_option
@api_command(*LIST_FORMATS)
async def delete(
    run: Invocation,
    *,
    invites: tuple[str, ...],
    expired: bool,
    parent: str | None,
    recursive: bool,
) -> None:
    """Take invites back (UIDPs), or tidy up."""
    if bool(invites) == expired:
        raise click.UsageError("Give the UIDPs of invites, or --expired.")
    if parent and not expired:
        raise click.UsageError("--parent goes with --expired.")
    if expired:
        filters = await records.placed(run, parent, recursive=recursive)
        listed = await run.api.records(GROUP_INVITES, filters)
        found = [each for each in listed if is_past(each.get("expirationTime", ""), run.now)]
    else:
        found = await records.by_uidp(run, GROUP_INVITES, invites, flag="INVITE")
    await records.delete(run, GROUP_INVITES, VIEW, found)

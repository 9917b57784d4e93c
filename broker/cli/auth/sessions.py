"""`broker auth sessions`."""

from __future__ import annotations

import click

from broker.cli.client.flags import yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup
from broker.errors import NotFound

PATH = "/broker/v1/sessions"

VIEW = View(
    "session",
    "sessions",
    (
        Column("Id", "uid"),
        Column("Kind", lambda session: session.get("kind", "").lower()),
        Column("Client", "client"),
        Column("Provider", "provider"),
        Column("Last used", "usedAt"),
        Column("This one", "current"),
        Column("Address", "address", is_wide=True),
        Column("Logged in", "authenticatedAt", is_wide=True),
        Column("Ends", "endsAt", is_wide=True),
    ),
    label="client",
)


@click.group(cls=CommandGroup)
def sessions() -> None:
    """Where you are logged in: browsers, and applications that renew their tokens."""


@sessions.command("list")
@api_command(*LIST_FORMATS)
async def list_sessions(run: Invocation) -> None:
    """List your sessions, the one used last first."""
    answer = await run.api.call("GET", PATH)
    run.out.records(VIEW, answer.get("items", []))


@sessions.command()
@click.argument("uids", metavar="SESSION...", nargs=-1, required=True)
@yes_option
@api_command(*LIST_FORMATS)
async def revoke(run: Invocation, *, uids: tuple[str, ...]) -> None:
    """End sessions (ids). Tokens that they have stay good for an hour at most."""
    listed = (await run.api.call("GET", PATH)).get("items", [])
    found = {session["uid"]: session for session in listed}
    if missing := [uid for uid in uids if uid not in found]:
        raise NotFound("session_not_found", f"no session of yours has the id {missing[0]}")
    run.ask.confirm(f"End {len(uids)} session{'s' if len(uids) > 1 else ''}?")
    for uid in uids:
        await run.api.call("DELETE", f"{PATH}/{uid}")
    run.out.deleted(VIEW, [found[uid] for uid in uids])

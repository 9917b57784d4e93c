"""`broker iam whoami`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.tables import View, aligned, shown
from broker.sdk.api import Record

VIEW = View("token", "tokens", (), key="subject", label="email")
FORMATS = ("table", "wide", "json", "yaml", "id", "env", "none")


@click.command()
@api_command(*FORMATS)
async def whoami(run: Invocation) -> None:
    """Show whom the access token is for, and what it allows where."""
    who = await run.api.call("GET", "/auth/v1/ok")
    if run.out.form == "env":
        who.pop("capabilities", None)
    if run.out.form in ("table", "wide"):
        for line in lines(who, wide=run.out.form == "wide"):
            click.echo(line)
        return
    run.out.record(VIEW, who)


def lines(who: Record, *, wide: bool) -> Iterator[str]:
    """For people."""
    names = {
        "identity": "subject",
        "email": "email",
        "issuer": "issuer",
        "audience": "audience",
        "expires": "expiry",
    }
    yield from aligned([(head, shown(who[of])) for head, of in names.items() if who.get(of)])
    held = [_held(each, wide=wide) for each in who.get("capabilities", ())]
    yield from aligned([("GROUP", "ROLE", "CAPABILITIES"), *held]) if held else ()


def _held(held: Record, *, wide: bool) -> tuple[str, str, str]:
    group, role = held.get("group") or {}, held.get("role") or {}
    where = " ".join(filter(None, (shown(group.get("name")), group.get("id", ""))))
    names = held.get("capabilities", [])
    return where, shown(role.get("name")), shown(names) if wide else str(len(names))

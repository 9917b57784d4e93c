"""`broker auth status`."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from broker.cli.auth.logging_in import log_in
from broker.cli.auth.login import VIEW, rows
from broker.cli.auth.options import Way, way, way_options
from broker.cli.auth.person import Person, described, person_command
from broker.cli.client.connection import audience_option
from broker.cli.client.credentials import at_hand, warn_of_exposure
from broker.cli.client.tables import aligned
from broker.cli.client.values import moment_of
from broker.sdk.api import Record, connected
from broker.sdk.token_cache import claims_of


@click.command()
@way_options
@audience_option
@click.option("--quick", is_flag=True, help="Look at the token alone, and ask nobody.")
@person_command()
def status(person: Person, *, headless: bool, identity: str, upstream: str, quick: bool) -> None:
    """Show as whom you are logged in, and until when.

    Exit code 1 when you are not. With the options of a login, logs in first where that is so.
    """
    chosen = way(headless=headless, identity=identity, upstream=upstream)
    warn_of_exposure(person.cache, person.broker.audience)
    token = at_hand(os.environ, person.broker)
    if token is None and not quick:
        token = person.renewal.current(person.broker.audience)
        if token is None and chosen != Way():
            (token,) = log_in(person, chosen, [person.broker.audience])
    if token is None:
        click.echo(f"not logged in at {person.broker.issuer}: run 'broker auth login'", err=True)
        sys.exit(1)
    who = described(token)
    if not quick:
        who |= asyncio.run(_asked(person, token))
    if until := _renewable_until(person):
        who["renewable_until"] = until
    if person.out.form == "table":
        for line in aligned(rows(who)):
            click.echo(line)
        return
    person.out.record(VIEW, who)


async def _asked(person: Person, token: str) -> Record:
    """What the broker says of the bearer; it refuses a token that is not good."""
    async with connected(person.broker.api, token) as api:
        who = await api.call("GET", "/auth/v1/ok")
    held = {(each.get("group") or {}).get("id") for each in who.get("capabilities", ())}
    return {"groups": len(held), "valid": True}


def _renewable_until(person: Person) -> str:
    """When the refresh token ends, if it is not used before."""
    kept = person.cache.refreshable(person.broker.issuer, person.broker.audience)
    expires = claims_of(kept.refresh).get("exp") if kept and kept.refresh else None
    return moment_of(expires) if isinstance(expires, int) else ""

"""`broker auth logout`."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import click

from broker.cli.auth.person import Person, person_command
from broker.cli.options import printable
from broker.errors import BrokerError
from broker.sdk.login.provider import discovered
from broker.sdk.login.tokens import revoked
from broker.sdk.refusal import Refused
from broker.sdk.token_cache import Entry


@click.command()
@person_command("table", "json", "none")
def logout(person: Person) -> None:
    """End your logins at the broker, and forget their tokens.

    The tokens are forgotten even where the broker does not answer; the exit code is 1 then.
    """
    with person.cache.locked():
        entries = person.cache.entries(person.broker.issuer)
        for entry in entries:
            person.cache.forget(entry)
    failure = asyncio.run(_ended(person.broker.issuer, [e for e in entries if e.refresh]))
    audiences = [entry.audience for entry in entries]
    person.out.document({"loggedOut": audiences}, _lines(person, entries))
    if failure:
        click.echo(f"warning: not ended at the broker: {printable(failure)}", err=True)
        sys.exit(1)


async def _ended(issuer: str, entries: list[Entry]) -> str:
    """Why not, if not."""
    if not entries:
        return ""
    try:
        async with aiohttp.ClientSession() as session:
            provider = await discovered(session, issuer)
            for entry in entries:
                await revoked(session, provider, entry.refresh or "")
    except (BrokerError, Refused) as error:
        return str(error)
    return ""


def _lines(person: Person, entries: list[Entry]) -> list[str]:
    if person.out.form == "none":
        return []
    if not entries:
        return [f"not logged in at {person.broker.issuer}"]
    return [f"logged out of {printable(entry.audience)}" for entry in entries]

"""`broker auth delete-account`."""

from __future__ import annotations

import asyncio
import os

import click

from broker.cli.auth.person import Person, person_command
from broker.cli.client.credentials import access_token
from broker.cli.client.flags import yes_option
from broker.cli.client.tables import View, shown
from broker.sdk.api import Record, connected

VIEW = View("account", "accounts", (), key="subject", label="email")


@click.command("delete-account")
@yes_option
@person_command()
def delete_account(person: Person) -> None:
    """Delete your account, with every role that you hold."""
    bearer = access_token(None, os.environ, person.broker)
    who = asyncio.run(_who(person, bearer))
    label = f"{shown(who.get('email'))} ({shown(who['subject'])})".strip()
    person.ask.confirm(f"Delete the account {label} at {person.broker.issuer}?")
    asyncio.run(_delete(person, bearer, who["subject"]))
    with person.cache.locked():
        for entry in person.cache.entries(person.broker.issuer):
            if entry.subject == who["subject"]:
                person.cache.forget(entry)
    person.out.deleted(VIEW, [who])


async def _who(person: Person, bearer: str) -> Record:
    async with connected(person.broker.api, bearer) as api:
        return await api.call("GET", "/auth/v1/ok")


async def _delete(person: Person, bearer: str, identity: str) -> None:
    async with connected(person.broker.api, bearer) as api:
        await api.call("DELETE", f"/auth/v1/delete/{identity}")

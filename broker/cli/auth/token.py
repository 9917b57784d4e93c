"""`broker auth token`."""

from __future__ import annotations

import asyncio
import os

import click
import orjson

from broker.cli.auth.person import Person, person_command
from broker.cli.client.completing import complete_groups
from broker.cli.client.connection import audience_option
from broker.cli.client.credentials import access_token, warn_of_exposure
from broker.cli.client.names import Names
from broker.cli.client.values import separated
from broker.cli.groups import CommandWithVariants
from broker.cli.iam.whoami import VIEW as WHOAMI
from broker.cli.iam.whoami import lines
from broker.errors import Unauthenticated
from broker.sdk.api import connected
from broker.sdk.token_cache import claims_of


@click.group(cls=CommandWithVariants)
def token() -> None:
    """Print the access token, or what it allows."""


@token.command(CommandWithVariants.ITSELF)
@audience_option
@click.option("--capabilities", multiple=True, help="Only these; repeats, or has commas.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="Only at this group and below: UIDP or names; repeats, or has commas.",
    shell_complete=complete_groups,
)
@person_command("table", "json", "none")
def itself(person: Person, *, capabilities: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    """Print the access token, renewed if less than a minute of it is left."""
    warn_of_exposure(person.cache, person.broker.audience)
    found = _token(person, separated(scopes), separated(capabilities))
    if found is None:
        raise _not_logged_in(person)
    match person.out.form:
        case "json":
            claims = claims_of(found)
            click.echo(orjson.dumps({"token": found, "expires_at": claims.get("exp")}))
        case "table":
            click.echo(found)


@token.command()
@audience_option
@person_command("table", "wide", "json", "yaml", "none")
def capabilities(person: Person) -> None:
    """Show what the token allows, and where."""
    bearer = access_token(None, os.environ, person.broker)

    async def ask() -> None:
        async with connected(person.broker.api, bearer) as api:
            who = await api.call("GET", "/auth/v1/ok")
        if person.out.form in ("table", "wide"):
            for line in lines(who, wide=person.out.form == "wide"):
                click.echo(line)
            return
        person.out.record(WHOAMI, who)

    asyncio.run(ask())


def _token(person: Person, scopes: list[str], capabilities: list[str]) -> str | None:
    audience = person.broker.audience
    current = person.renewal.current(audience)
    if current is None or not (scopes or capabilities):
        return current
    groups = asyncio.run(_groups(person, current, scopes)) if scopes else []
    return person.renewal.narrowed(audience, scopes=groups, capabilities=capabilities)


async def _groups(person: Person, bearer: str, scopes: list[str]) -> list[str]:
    async with connected(person.broker.api, bearer) as api:
        names = Names(api)
        return [str(await names.group(scope, flag="--scope")) for scope in scopes]


def _not_logged_in(person: Person) -> Unauthenticated:
    return Unauthenticated(
        "not_logged_in", f"not logged in at {person.broker.issuer}; run 'broker auth login'"
    )

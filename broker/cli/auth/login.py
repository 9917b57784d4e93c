"""`broker auth login`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from broker.cli.auth.logging_in import ambient, log_in
from broker.cli.auth.options import way, way_options
from broker.cli.auth.person import Person, described, person_command
from broker.cli.client.tables import View, aligned, shown
from broker.errors import Unauthenticated
from broker.sdk.api import Record

VIEW = View("login", "logins", (), key="identity", label="email")


@click.command()
@way_options
@click.option(
    "--audience",
    "audiences",
    multiple=True,
    help="For whom a token is; repeats. Default: the issuer. [env: BROKER_AUDIENCE]",
)
@click.option("--invite-code", default="", metavar="CODE", help="Accept this invite.")
@click.option("--refresh", is_flag=True, help="Renew what is there; log in only where that fails.")
@click.option("--refresh-only", is_flag=True, help="Renew what is there, and never log in.")
@click.option("--refresh-all", is_flag=True, help="Renew what is there, for every audience.")
@click.option(
    "--prefer-ambient-credentials",
    "prefers_ambient",
    is_flag=True,
    help="Exchange the token of the platform that this runs on, where it has one.",
)
@click.option(
    "--sts-http1-downgrade", is_flag=True, expose_value=False, help="Nothing: HTTP/1.1 is all used."
)
@person_command()
def login(
    person: Person,
    *,
    headless: bool,
    identity: str,
    upstream: str,
    audiences: tuple[str, ...],
    invite_code: str,
    refresh: bool,
    refresh_only: bool,
    refresh_all: bool,
    prefers_ambient: bool,
) -> None:
    """Log in, in the browser, and keep the token for the commands that follow."""
    chosen = way(headless=headless, identity=identity, upstream=upstream)
    wanted = list(dict.fromkeys(audiences)) or [person.broker.audience]
    if refresh_all:
        if audiences:
            raise click.UsageError("--refresh-all renews every audience: leave --audience out.")
        entries = person.cache.entries(person.broker.issuer)
        wanted = [entry.audience for entry in entries if entry.audience] or wanted
    tokens: Sequence[str] | None = None
    if refresh or refresh_only or refresh_all:
        tokens = _renewed(person, wanted)
        if tokens is None and not refresh:
            raise _nothing_to_renew(person)
    if tokens is None and prefers_ambient:
        tokens = ambient(person, identity, wanted)
    if tokens is None:
        tokens = log_in(person, chosen, wanted, invite=invite_code)
    tell(person, tokens)


def tell(person: Person, tokens: Sequence[str]) -> None:
    """As whom somebody is logged in. No token is printed."""
    who = described(tokens[0])
    if len(tokens) > 1:
        who["audience"] = [described(token).get("audience") for token in tokens]
    if person.out.form == "table":
        for line in aligned(rows(who)):
            click.echo(line)
        return
    person.out.record(VIEW, who)


def rows(who: Record) -> list[tuple[str, str]]:
    """For people."""
    return [(name, shown(value)) for name, value in who.items()]


def _renewed(person: Person, audiences: Sequence[str]) -> list[str] | None:
    tokens = [person.renewal.renewed(audience) for audience in audiences]
    kept = [token for token in tokens if token is not None]
    return kept if len(kept) == len(audiences) else None


def _nothing_to_renew(person: Person) -> Unauthenticated:
    return Unauthenticated(
        "not_logged_in", f"there is no login at {person.broker.issuer} to renew; log in again"
    )

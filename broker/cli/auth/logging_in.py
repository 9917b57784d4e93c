"""The login itself: in the browser, by a code, or by exchanging a token; and keeping what came."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

import aiohttp
import click

from broker.cli.auth.options import Way
from broker.cli.auth.person import Person
from broker.cli.options import MAX_TOKEN_FILE, printable, token_of
from broker.errors import BrokerError, Precondition
from broker.sdk.ambient import token as ambient_token
from broker.sdk.exchange import exchange
from broker.sdk.login import browser, device
from broker.sdk.login.device import DeviceCode
from broker.sdk.login.provider import Provider, discovered
from broker.sdk.login.request import LoginRequest
from broker.sdk.login.tokens import Tokens, refreshed, revoked
from broker.sdk.refusal import Refused
from broker.sdk.token_cache import Kind, claims_of


def log_in(person: Person, way: Way, audiences: Sequence[str], *, invite: str = "") -> list[str]:
    """Log in, and keep a token for each audience; the tokens.

    Raises what `broker.sdk.login` does.
    """
    if way.upstream:
        return exchanged(person, way.identity, _upstream(way.upstream), audiences)
    return asyncio.run(_logged_in(person, way, audiences, invite))


def ambient(person: Person, identity: str, audiences: Sequence[str]) -> list[str] | None:
    """The same with the token of the platform that this runs on; None where there is none."""
    try:
        upstream = ambient_token(person.broker.issuer, identity=identity)
    except Precondition as error:
        if error.code != "credential_not_found":
            raise
        return None
    return exchanged(person, identity, upstream, audiences)


def exchanged(person: Person, identity: str, upstream: str, audiences: Sequence[str]) -> list[str]:
    """An upstream token, exchanged once an audience."""

    async def ask(audience: str) -> str:
        wanted = [audience] if audience != person.broker.issuer else []
        made = await exchange(person.broker.issuer, upstream, identity=identity, audience=wanted)
        return made.token

    tokens = [asyncio.run(ask(audience)) for audience in audiences]
    for audience, token in zip(audiences, tokens, strict=True):
        _keep(person, audience, Tokens(access_token=token))
    return tokens


async def _logged_in(person: Person, way: Way, audiences: Sequence[str], invite: str) -> list[str]:
    async with aiohttp.ClientSession() as session:
        provider = await discovered(session, person.broker.issuer)
        first, *more = audiences
        tokens = await _by_hand(session, provider, way, audiences, invite)
        _keep(person, first, tokens)
        refresh_token = tokens.refresh_token
        if refresh_token:
            await _end_others(session, person, provider, first)
        # by a code the first token is for all of them
        for audience in audiences if more and way.headless and refresh_token else more:
            if refresh_token:
                tokens = await refreshed(session, provider, refresh_token, audience=audience)
                refresh_token = tokens.refresh_token or refresh_token
                # at once: whoever comes with the old one again loses the login
                person.cache.save(Kind.REFRESH, first, refresh_token)
                person.cache.save(Kind.ACCESS, audience, tokens.access_token)
                if audience != first:  # that of whoever was logged in there before
                    person.cache.delete(Kind.REFRESH, audience)
            else:  # a login that must not be renewed: then one for each
                tokens = await _by_hand(session, provider, way, [audience], "")
                _keep(person, audience, tokens)
    kept = [person.cache.load(Kind.ACCESS, audience) for audience in audiences]
    return [token for token in kept if token is not None]


async def _by_hand(
    session: aiohttp.ClientSession,
    provider: Provider,
    way: Way,
    audiences: Sequence[str],
    invite: str,
) -> Tokens:
    is_default = list(audiences) == [provider.issuer]
    request = LoginRequest(
        audiences=() if is_default else tuple(audiences),
        organization=way.organization,
        connection=way.connection,
        invite=invite,
        identity=way.identity,
    )
    if way.headless:
        return await device.log_in(session, provider, request, _show_code)
    return await browser.log_in(session, provider, request, _open)


def _keep(person: Person, audience: str, tokens: Tokens) -> None:
    person.cache.save(Kind.ACCESS, audience, tokens.access_token)
    if tokens.refresh_token:
        person.cache.save(Kind.REFRESH, audience, tokens.refresh_token)
    else:  # that of whoever logged in before renews nothing of this login
        person.cache.delete(Kind.REFRESH, audience)


async def _end_others(
    session: aiohttp.ClientSession, person: Person, provider: Provider, audience: str
) -> None:
    """End earlier logins of the same person: the new one renews their tokens too."""
    now = person.cache.load(Kind.ACCESS, audience) or ""
    kept = person.cache.path(Kind.ACCESS, audience).parent
    for entry in person.cache.entries(provider.issuer):
        if entry.folder == kept or not entry.refresh:
            continue
        if entry.subject == claims_of(now).get("sub"):
            person.cache.replace(entry, None)
            with suppress(Refused, BrokerError):  # it ends by itself, if later
                await revoked(session, provider, entry.refresh)


def _open(url: str) -> None:
    """Tells the URL as well: a browser of this machine's may not be the one that somebody wants."""
    click.echo(f"Log in at\n\n  {printable(url)}\n", err=True)
    # one that runs in the terminal comes back only when it is left
    Thread(target=_opened, args=[url], daemon=True).start()


def _opened(url: str) -> None:
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(url)


def _show_code(code: DeviceCode) -> None:
    click.echo(
        f"Open {printable(code.verification_uri)} on any device and enter the code\n\n"
        f"  {printable(code.user_code)}\n",
        err=True,
    )
    if code.verification_uri_complete:
        click.echo(f"or open {printable(code.verification_uri_complete)}\n", err=True)
    click.echo(f"It is good for {code.expires_in / 60:.0f} minutes.", err=True)


def _upstream(given: str) -> str:
    """A token: in a file, from standard input, or as it is."""
    if given == "-":
        return token_of(sys.stdin.buffer.read(MAX_TOKEN_FILE), "<stdin>")
    try:
        with Path(given).open("rb") as file:
            return token_of(file.read(MAX_TOKEN_FILE), given)
    except OSError:  # no file, or longer than a name can be; its text may be a secret
        return token_of(given.encode()[:MAX_TOKEN_FILE], "--identity-token")

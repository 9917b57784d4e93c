"""Where the access token comes from that a command shows its broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import click

from broker.cli.client.connection import Connection
from broker.cli.options import MAX_TOKEN_FILE, token_in, token_of
from broker.errors import BrokerError, Precondition
from broker.sdk.token_cache import Kind, TokenCache

TOKEN: Final = "BROKER_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE: Final = "BROKER_TOKEN_FILE"  # noqa: S105
IDENTITY: Final = "BROKER_IDENTITY"


def access_token(
    given: IO[bytes] | None, environ: Mapping[str, str], connection: Connection
) -> str:
    """The token to call the API with: of `--token`, else of BROKER_TOKEN, else of the file that
    BROKER_TOKEN_FILE names, else that of `broker auth login`, renewed if it has to be, else what
    the platform's token is exchanged for where BROKER_IDENTITY says for whom.

    Raises `click.UsageError` where there is none, `Unauthenticated` (`token_malformed`) for what
    cannot be a token; neither quotes anything of it. Raises `Refused` and `Unavailable` where a
    broker that was asked gave none.
    """
    if given is not None:
        return token_in(given)
    if (token := _of_environment(environ)) is not None:
        return token
    if token := cached_token(environ, connection):
        return token
    if token := _of_platform(environ, connection):
        return token
    raise click.UsageError(
        f"No access token: run 'broker auth login', give --token FILE, or set {TOKEN} or "
        f"{TOKEN_FILE}."
    )


def cached_token(
    environ: Mapping[str, str], connection: Connection, *, renews: bool = True
) -> str | None:
    """That of `broker auth login`, if it is good for a minute. `renews`: or a new one."""
    # only who has logged in waits for this
    from broker.sdk.login.renewal import Renewal

    if (cache := user_cache(environ)) is None:
        return None
    warn_of_exposure(cache, connection.audience)
    renewal = Renewal(cache, connection.issuer, time.time)
    ask = renewal.current if renews else renewal.cached
    return ask(connection.audience)


def at_hand(environ: Mapping[str, str], connection: Connection) -> str | None:
    """A token that nobody has to be asked for; None where there is none that could be one."""
    try:
        return _of_environment(environ) or cached_token(environ, connection, renews=False)
    except (BrokerError, click.UsageError):
        return None


def user_cache(environ: Mapping[str, str]) -> TokenCache | None:
    """None where nothing says whose it would be."""
    try:
        return TokenCache.of_user(environ)
    except Precondition:
        return None


def warn_of_exposure(cache: TokenCache, audience: str) -> None:
    """Tell of tokens that others may read; they are used all the same, as nobody else would know
    that they have to be replaced.
    """
    for kind in Kind:
        if path := cache.exposed(kind, audience):
            click.echo(
                f"warning: others may read {path}; run 'broker auth logout', and log in again",
                err=True,
            )


def _of_environment(environ: Mapping[str, str]) -> str | None:
    if environ.get(TOKEN):
        if environ.get(TOKEN_FILE):
            raise click.UsageError(f"{TOKEN_FILE} is set as well as {TOKEN}.")
        return token_of(environ[TOKEN].encode()[:MAX_TOKEN_FILE], TOKEN)
    if path := environ.get(TOKEN_FILE):
        try:
            with Path(path).open("rb") as file:
                return token_in(file)
        except OSError as error:
            raise click.UsageError(f"{TOKEN_FILE}: cannot read {path}: {error.strerror}") from None
    return None


def _of_platform(environ: Mapping[str, str], connection: Connection) -> str | None:
    identity = environ.get(IDENTITY)
    if not identity:
        return None
    from broker.sdk import ambient
    from broker.sdk.exchange import exchange

    # Google's platform gives no sign without being asked, which takes seconds elsewhere
    platform = ambient.detected(environ, Path("/"))
    if platform is None:
        return None
    upstream = ambient.token(connection.issuer, identity=identity, platform=platform)
    audience = [connection.audience] if connection.audience != connection.issuer else []
    exchanged = exchange(connection.issuer, upstream, identity=identity, audience=audience)
    return asyncio.run(exchanged).token

"""Options that several commands share, and the settings and store that they open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click

from broker.errors import Unauthenticated

if TYPE_CHECKING:  # commands that need neither settings nor records start without them
    from broker.config import Settings
    from broker.store import Store

T = TypeVar("T")

MAX_TOKEN_FILE: Final = 65_536
"""Bytes that are read of a file that should hold a token."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with settings, lower case without BROKER_; variables win over it.",
)

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)


def settings_of(config: Path | None, *, workers: int | None = None) -> Settings:
    """The settings of this environment; `workers`, where it is given, goes before it."""
    from broker.config import load

    given = {} if workers is None else {"BROKER_WORKERS": str(workers)}
    return load({**os.environ, **given}, config)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings, with its schema up to date.

    A SQLite database is migrated on the way, since nobody else works in it; a PostgreSQL one
    has to be current (`broker migrate`).
    """
    from broker.store import Store

    store = Store.open(settings.database_url)
    try:
        if settings.database_url.startswith("sqlite"):
            await store.migrate()
        await store.check()
        yield store
    finally:
        await store.close()


def token_in(source: IO[bytes]) -> str:
    """The token that a file or standard input holds, without white space around it.

    Raises `Unauthenticated` (`token_malformed`) for what cannot be a token.
    """
    return token_of(source.read(MAX_TOKEN_FILE), source.name)


def token_of(content: bytes, name: str) -> str:
    """The same of content that is there already; `name` says where it is from."""
    text = content.strip()
    if not text:
        raise Unauthenticated("token_malformed", f"{name}: empty; expected a token")
    if not text.isascii() or any(octet <= 0x20 for octet in text):
        raise Unauthenticated(
            "token_malformed", f"{name}: not a token, which is one line of base64url"
        )
    return text.decode("ascii")


def printable(text: str) -> str:
    """Text of somebody else's for a terminal: what could steer it is written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(main())

"""Options that several commands share, and the settings and store that they open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import click

from broker.config import Settings, load
from broker.errors import Unauthenticated
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


def settings_of(config: Path | None) -> Settings:
    """The settings of this environment."""
    return load(os.environ, config)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings, with its schema up to date.

    A SQLite database is migrated on the way, since nobody else works in it; a PostgreSQL one
    has to be current (`broker migrate`).
    """
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
    content = source.read(MAX_TOKEN_FILE).strip()
    if not content:
        raise Unauthenticated("token_malformed", f"{source.name}: empty; expected a token")
    if not content.isascii() or any(octet <= 0x20 for octet in content):
        raise Unauthenticated(
            "token_malformed", f"{source.name}: not a token, which is one line of base64url"
        )
    return content.decode("ascii")


def printable(text: str) -> str:
    """Text of somebody else's for a terminal: what could steer it is written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(main())

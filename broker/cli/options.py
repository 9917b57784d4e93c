"""Options that several commands share, and the settings and store that they open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from broker.config import Settings, load
from broker.store import Store

T = TypeVar("T")

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


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(main())

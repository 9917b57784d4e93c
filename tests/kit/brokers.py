"""A running broker, in this process, on a real socket with a real database."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broker.app import NO_ADDRESSES, Broker
from broker.config import Settings, load
from broker.store import Store

PORTS: Final = range(10_000, 32_000)
"""Below those that the system gives to connections that go out (Linux: from 32,768 on), one of
which could take a port between the look and its use."""


def free_port() -> int:
    """A port that nobody listens on now."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """Where it is, and what it stores."""

    url: str
    settings: Settings
    store: Store
    """A second connection to its records, as an operator's command has."""


@asynccontextmanager
async def running_broker(
    folder: Path, *, addresses: Mapping[str, tuple[str, int]] = NO_ADDRESSES, **more: Any
) -> AsyncIterator[RunningBroker]:
    """Start one in `folder`; `more` are settings by variable name.

    `addresses`: where hosts are that it goes out to.
    """
    port = free_port()
    environ = {
        "BROKER_PORT": str(port),
        "BROKER_DATABASE_URL": f"sqlite:///{folder}/broker.sqlite3",
        "BROKER_KEYS_DIR": str(folder / "keys"),
        **more,
    }
    settings = load(environ)
    async with Broker(settings, addresses=addresses):
        store = Store.open(settings.database_url)
        try:
            yield RunningBroker(settings.issuer, settings, store)
        finally:
            await store.close()

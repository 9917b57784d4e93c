"""Two releases on one database: the next one's migrations, while this one serves."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import broker as package
from tests.cli.processes import (
    PATIENCE,
    HttpAnswer,
    Result,
    broker,
    eventually,
    http_call,
    installation,
    ok,
)
from tests.kit.databases import PostgresServer, running_postgres

EXPAND = """\
\"\"\"A column more, with a default.\"\"\"

import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{newest}"
branch_labels = None
depends_on = None
compatible_with = "{newest}"


def upgrade() -> None:
    op.add_column("groups", sa.Column("motto", sa.Text, nullable=False, server_default=""))
"""

CONTRACT = """\
\"\"\"Takes away what this release needs.\"\"\"

from alembic import op

revision = "9002"
down_revision = "9001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("identities", "single_use")
"""

HANGS = """\
\"\"\"Half done, it does not go on.\"\"\"

import time

import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("motto", sa.Text, nullable=False, server_default=""))
    print("half done", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


def ended(process: subprocess.Popen[bytes]) -> Result:
    """What it printed, once it has ended."""
    with process:
        out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out.decode(), err.decode())


class NextRelease:
    """A copy of this one with a migration more."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        source = Path(package.__file__).parent
        shutil.copytree(
            source, folder / "broker", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        self._versions = folder / "broker/store/migrations/versions"
        self.newest = max(path.name for path in self._versions.glob("[0-9]*.py"))[:4]

    def add(self, revision: str, text: str) -> None:
        path = self._versions / f"{revision}_next.py"
        path.write_text(text.replace("{newest}", self.newest))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "broker", *words],
            cwd=self._folder,
            env={"PYTHONPATH": str(self._folder), "BROKER_DATABASE_URL": self._url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str) -> Result:
        return ended(self.start(*words))


async def test_this_release_goes_on_while_and_after_the_next_one_expands(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """It mints, restarts and is ready on the next one's schema; a contraction stops it, and says
    why.
    """
    url = postgres.url(await postgres.create_database())
    ok(broker("migrate", folder=tmp_path, environ={"BROKER_DATABASE_URL": url}))
    following = NextRelease(tmp_path / "next", url)
    following.add("9001", EXPAND)
    with installation(tmp_path, BROKER_DATABASE_URL=url) as running:
        ready = f"{running.served.url}/readyz"
        ok(running.exchange())
        check = following.run("migrate", "--check")
        assert check.code == 1, check.err
        assert "9001  A column more, with a default." in check.out
        assert f"releases from {following.newest} go on" in check.out
        assert "up to date" in ok(following.run("migrate")).out
        assert ok(following.run("migrate", "--check")).out.startswith("The schema is up to date")
        assert http_call("GET", ready).status == 200
        ok(running.exchange())
        ok(running.run("keys", "list"))  # a command of this release opens the store anew
        refused = running.run("migrate")
        assert refused.code == 1
        assert "a newer version has migrated it" in refused.err
        following.add("9002", CONTRACT)
        assert "9002  Takes away what this release needs. (stop older releases)" in (
            ok(following.run("migrate")).out
        )

        def not_ready() -> HttpAnswer | None:
            answer = http_call("GET", ready)
            return answer if answer.status == 503 else None

        answer = eventually(not_ready)
        assert answer.body["parts"]["store"] == "schema_newer"


async def test_a_migrator_that_is_killed_leaves_nothing_half_done(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """The schema is what it was, and the next migrator goes all the way."""
    url = postgres.url(await postgres.create_database())
    ok(broker("migrate", folder=tmp_path, environ={"BROKER_DATABASE_URL": url}))
    following = NextRelease(tmp_path / "next", url)
    following.add("9001", HANGS)
    with following.start("migrate") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half done\n"
        process.kill()
    ok(broker("migrate", "--check", folder=tmp_path, environ={"BROKER_DATABASE_URL": url}))
    following.add("9001", EXPAND)
    assert "9001" in ok(following.run("migrate")).out
    ok(following.run("migrate", "--check"))


async def test_a_table_in_use_is_waited_for_without_keeping_others_from_it(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """Somebody reads it for long: others still can, and the migration is done in the end."""
    url = postgres.url(await postgres.create_database())
    ok(broker("migrate", folder=tmp_path, environ={"BROKER_DATABASE_URL": url}))
    following = NextRelease(tmp_path / "next", url)
    following.add("9001", EXPAND)
    reader, other = [await asyncpg.connect(url) for _ in range(2)]
    transaction = reader.transaction()
    await transaction.start()
    await reader.execute("SELECT FROM groups")
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    process = following.start("migrate")
    try:
        async with asyncio.timeout(PATIENCE):
            while not await other.fetchval(waits):
                assert process.poll() is None
                await asyncio.sleep(0.01)
            await other.execute("SELECT FROM groups")
        assert process.poll() is None
        await transaction.rollback()
        assert "9001" in ok(await asyncio.to_thread(ended, process)).out
    finally:
        process.kill()
        await reader.close()
        await other.close()

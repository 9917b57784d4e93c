"""Two releases on one database: the next one's migrations, while this one serves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


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

    def run(self, *words: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "broker", *words],
            cwd=self._folder,
            env={"PYTHONPATH": str(self._folder), "BROKER_DATABASE_URL": self._url},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


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

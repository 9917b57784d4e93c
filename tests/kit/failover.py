"""A PostgreSQL and its standby, which takes over."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.databases import SHORT, postgres_starter

PATIENCE = 20.0
CAUGHT_UP = "SELECT bool_and(flush_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication;"


class PostgresPair:
    """Two servers on Unix sockets in two folders."""

    def __init__(self, folder: Path) -> None:
        self._primary: Any = postgres_starter()(folder / "one", cleanup_mode="stop")
        self._folder = folder / "two"
        self._hosts = f"{folder}/one,{folder}/two"

    def start_standby(self) -> None:
        """A copy of the first, which follows it."""
        folder = self._folder.parent
        self._run(
            *("pg_basebackup", "-h", str(folder / "one"), "-U", "postgres"),
            *("-D", str(self._folder), "-R", "-X", "stream", "-c", "fast"),
        )
        for left_over in self._folder.glob(".s.PGSQL.*"):  # of the other's socket, which is there
            left_over.unlink()
        self._control("start", "-o", f'-h "" -k {self._folder}', "-l", f"{self._folder}/log")

    @property
    def url(self) -> str:
        """Of whichever takes changes."""
        return (
            f"postgresql://postgres@/postgres?host={self._hosts}&port=5432,5432"
            "&target_session_attrs=read-write"
        )

    def fail_over(self) -> None:
        """Lose the first at once, without goodbye; the second, which has all, takes its place."""
        until = time.monotonic() + PATIENCE
        while "t" not in self._primary.psql(CAUGHT_UP).split():
            if time.monotonic() > until:
                raise RuntimeError("the standby does not catch up")
            time.sleep(0.02)
        self._run("pg_ctl", "-D", str(self._primary.pgdata), "-m", "immediate", "-w", "stop")
        self._control("promote")

    def stop(self) -> None:
        """Both, for good."""
        self._primary.cleanup()
        if (self._folder / "postmaster.pid").exists():
            self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder), "-w", *words)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self._primary.bin_path / program), *words],
            user=self._primary.system_user,
            cwd="/",
            stdout=subprocess.DEVNULL,  # a pipe would be the server's too, and stay open
            stderr=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def postgres_pair() -> Iterator[PostgresPair]:
    """Start both."""
    folder = Path(tempfile.mkdtemp(prefix="pg-pair-", dir=SHORT))
    try:
        if os.getuid() == 0:  # neither server runs as root
            postgres_starter()  # makes the user
            folder.chmod(0o777)
        pair = PostgresPair(folder)
        try:
            pair.start_standby()
            yield pair
        finally:
            pair.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

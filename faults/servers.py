"""Processes that are cut off and killed: brokers, PostgreSQL, and whose clock goes wrong."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.kit.brokers import free_port
from tests.kit.databases import SHORT, postgres_starter

BROKER: Final = str(Path(sys.executable).with_name("broker"))
LIBFAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
PATIENCE: Final = 30.0
"""Seconds until something that never comes ends the scenario."""


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Missing(Exception):
    """What a scenario needs is not on this machine; the text says what."""


def eventually(condition: Callable[[], bool], what: str) -> float:
    """Wait for it; the seconds that it took."""
    start = time.perf_counter()
    while not condition():
        if time.perf_counter() - start > PATIENCE:
            raise RuntimeError(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.02)
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Served:
    """A `broker serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    environ: dict[str, str] = field(repr=False)

    @property
    def workers(self) -> list[int]:
        """Process ids of its children."""
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def memory(self) -> float:
        """Megabytes that are resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    @property
    def processor_seconds(self) -> float:
        """That it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the broker ended:\n{self.log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def serving(
    folder: Path, settings: Mapping[str, str] = _NONE, *, log: Path | None = None
) -> Iterator[Served]:
    """Start one with these variables, and wait until it is ready."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "BROKER_PORT": str(port),
        "BROKER_DATABASE_URL": f"sqlite:///{folder}/broker.sqlite3",
        "BROKER_KEYS_DIR": str(folder / "keys"),
        "BROKER_LOG_FORMAT": "json",
        **settings,
    }
    log = log or folder / "broker.log"
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [BROKER, "serve"], cwd=folder, env=environ, stdout=lines, stderr=lines
        )
    served = Served(f"http://127.0.0.1:{port}", process, log, environ)
    try:
        eventually(served.is_ready, "the broker is ready")
        yield served
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


class Database:
    """A PostgreSQL that can be made to crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._get_server = postgres_starter()
        self._server = self._get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def crash(self) -> None:
        """End it at once, without goodbye to its clients (pg_ctl's `immediate`)."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        eventually(lambda: _has_ended(pid), "PostgreSQL has ended")

    def start(self) -> None:
        """Again, at the same place; it recovers what was committed."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """For good."""
        self._server.cleanup()


@contextmanager
def database() -> Iterator[Database]:
    """Start one, with its defaults: what it says is kept is on the disk."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=SHORT))
    try:
        server = Database(folder / "data")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_ended(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


class Clock:
    """The clock of processes that were started with `environ`, moved by libfaketime."""

    def __init__(self, folder: Path, *, only_wall: bool) -> None:
        """`only_wall`: intervals are measured as before, as when somebody sets the time. Else they
        leap too, as if that much time had gone by.
        """
        ensure_faketime()
        self._file = folder / "clock"
        self.offset = 0.0
        self.move(0)
        self.environ = {
            "LD_PRELOAD": str(LIBFAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1" if only_wall else "0",
        }

    def move(self, offset: float) -> None:
        """To so many seconds from the real time."""
        self.offset = offset
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+.0f}\n")
        new.replace(self._file)

    def __call__(self) -> float:
        """Seconds since the epoch, as these processes see them."""
        return time.time() + self.offset


def ensure_faketime() -> None:
    """Libfaketime is a Debian package; install it where that needs nothing but asking."""
    if LIBFAKETIME.exists():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "libfaketime"], check=False)
    if not LIBFAKETIME.exists():
        raise Missing(f"{LIBFAKETIME} (Debian: apt-get install libfaketime)")


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of that size, as only root can make it."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        raise Missing("the right to mount a file system, which root has")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()

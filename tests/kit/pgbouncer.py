"""A PgBouncer in front of a PostgreSQL, in transaction mode."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.kit.brokers import free_port
from tests.kit.databases import SHORT

PATIENCE = 20.0

CONFIGURATION = """\
[databases]
* = host={socket} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
server_reset_query =
logfile = {folder}/log
pidfile = {folder}/pid
"""


def pgbouncer() -> str | None:
    """Where it is, if it is: Debian has it as a package."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def running_pgbouncer(server_url: str, *, size: int) -> Iterator[str]:
    """Start one with so many connections to the server of `server_url`; yields `HOST:PORT`."""
    program = pgbouncer()
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=SHORT))
    socket = parse_qs(urlsplit(server_url).query)["host"][0]
    listen = free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(socket=socket, port=5432, listen=listen, size=size, folder=folder)
    )
    user = None
    if os.getuid() == 0:  # it does not run as root
        user = "pgserver"
        for path in (folder, file):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [program, str(file)], stdout=output, stderr=output, user=user, cwd=folder
        )
    try:
        until = time.monotonic() + PATIENCE
        while "process up" not in (folder / "output").read_text():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "output").read_text())
            time.sleep(0.02)
        yield f"127.0.0.1:{listen}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

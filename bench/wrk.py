"""wrk as the load generator, pinned to the core that the server does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("exchange.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What a run gave. Latencies in milliseconds."""

    rate: float
    bad: int
    p50: float
    p99: float

    @property
    def micros(self) -> float:
        """Wall time of a request on the server's core, when that is saturated."""
        return 1e6 / self.rate


def ensure() -> None:
    """wrk is a Debian package; install it where that needs nothing but asking."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=False)
    if not shutil.which("wrk"):
        raise SystemExit("bench needs wrk on the PATH (Debian: apt-get install wrk)")


def load(url: str, requests: Path, *, seconds: int, connections: int, core: int) -> Load:
    """Send the file's requests in turn as fast as the answers come."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["-s", str(SCRIPT), url, "--", str(requests)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    count, micros, bad, p50, p99 = (int(word) for word in result.split()[1:])
    return Load(count / (micros / 1e6), bad, p50 / 1000, p99 / 1000)

"""`make bench`: the exchange on one core against its floors.

The server has core 0, the load core 1. Absolute numbers move with the machine; the ratios to
the floors of the same run are what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import floors, paced, wrk
from bench.installation import (
    as_json,
    fill,
    machine,
    process,
    resident_megabytes,
    tokens,
    wait_for,
    wait_until_open,
    write_requests,
)
from broker.sdk.testing.issuer import LocalIssuer

SERVER, LOADER = 0, 1
PORT, FLOOR_PORT = 8181, 8182
CONNECTIONS = 32
URL = f"http://127.0.0.1:{PORT}"
BROKER = str(Path(sys.executable).with_name("broker"))


def arguments() -> argparse.Namespace:
    """How long, how many."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="length of each load")
    parser.add_argument("--rounds", type=int, default=3, help="loads; the median counts")
    parser.add_argument("--identities", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def median(loads: list[wrk.Load]) -> wrk.Load:
    """The load of median rate."""
    return sorted(loads, key=lambda load: load.rate)[len(loads) // 2]


def measured_crypto() -> float:
    """On the server's core, with the other one as busy as the load generator keeps it.

    The two may be threads of one physical core, which makes everything slower while both work.
    """
    command = ["taskset", "-c", str(LOADER), sys.executable, "-c", "while True: pass"]
    busy = subprocess.Popen(command)
    os.sched_setaffinity(0, {SERVER})
    try:
        return statistics.median(floors.crypto(1.0) for _ in range(3))
    finally:
        os.sched_setaffinity(0, {SERVER, LOADER})
        busy.kill()
        busy.wait()


def measured_floor(
    folder: Path, requests: Path, options: argparse.Namespace, *more: str
) -> wrk.Load:
    """A handler of `bench.floors` with the same requests."""
    command = [sys.executable, "-m", "bench.floors", str(FLOOR_PORT), *more]
    with process(command, core=SERVER, env={}, log=folder / "floor.log"):
        url = f"http://127.0.0.1:{FLOOR_PORT}"
        wait_until_open(FLOOR_PORT)
        return median(
            [
                wrk.load(
                    url, requests, seconds=options.seconds, connections=CONNECTIONS, core=LOADER
                )
                for _ in range(options.rounds)
            ]
        )


def latencies(requests: Path, rate: float, seconds: float) -> list[float]:
    """In a process of its own, which can be pinned."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(
            paced.latencies, (URL, requests), {"rate": rate, "seconds": seconds, "core": LOADER}
        )


async def run(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Everything, in order; the figures."""
    database = f"sqlite:///{folder}/bench.sqlite3"
    figures: dict[str, object] = {"machine": machine()}
    async with LocalIssuer(audience=URL) as issuer:
        identities = await fill(database, issuer.url, options.identities)
        upstream = tokens(issuer, options.identities)
        files = write_requests(folder, identities, upstream)
        figures["upstream token bytes"] = len(upstream[0])
        figures["crypto floor µs"] = crypto = measured_crypto()
        for dialect, requests in files.items():
            constant = await asyncio.to_thread(measured_floor, folder, requests, options)
            figures[f"{dialect}: constant answer req/s"] = constant.rate
            if dialect == "sts":
                jwk = json.dumps(issuer.jwks()["keys"][0])
                figures["bare verify and mint req/s"] = bare = (
                    await asyncio.to_thread(measured_floor, folder, requests, options, jwk)
                ).rate
            figures |= await asyncio.to_thread(
                exchange, folder, database, dialect, requests, crypto, constant, options
            )
            figures[f"{dialect}: of the bare verify and mint"] = rate(figures, dialect) / bare
    return figures


def rate(figures: dict[str, object], dialect: str) -> float:
    """What was measured of the broker."""
    found = figures[f"{dialect}: req/s"]
    assert isinstance(found, float)
    return found


def exchange(
    folder: Path,
    database: str,
    dialect: str,
    requests: Path,
    crypto: float,
    constant: wrk.Load,
    options: argparse.Namespace,
) -> dict[str, object]:
    """The broker under load, in one dialect."""
    env = {
        "BROKER_PORT": str(PORT),
        "BROKER_DATABASE_URL": database,
        "BROKER_KEYS_DIR": str(folder / "keys"),
    }
    log = folder / f"broker-{dialect}.log"
    with process([BROKER, "serve"], core=SERVER, env=env, log=log) as pid:
        ready = wait_for(f"{URL}/readyz")
        at_rest = resident_megabytes(pid)
        wrk.load(URL, requests, seconds=2, connections=CONNECTIONS, core=LOADER)  # fills caches
        loads = [
            wrk.load(URL, requests, seconds=options.seconds, connections=CONNECTIONS, core=LOADER)
            for _ in range(options.rounds)
        ]
        load = median(loads)
        steady = latencies(requests, load.rate * 0.7, options.seconds)
        after = resident_megabytes(pid)
    floor = crypto + constant.micros
    return {
        f"{dialect}: req/s": load.rate,
        f"{dialect}: refused or broken": sum(one.bad for one in loads),
        f"{dialect}: p50 ms, saturated": load.p50,
        f"{dialect}: p99 ms, saturated": load.p99,
        f"{dialect}: p50 ms at 70 %": steady[len(steady) // 2],
        f"{dialect}: p99 ms at 70 %": steady[int(len(steady) * 0.99)],
        f"{dialect}: of the crypto floor": crypto / load.micros,
        f"{dialect}: of the constant answer": constant.micros / load.micros,
        f"{dialect}: of both floors together": floor / load.micros,
        f"{dialect}: memory MB at rest": at_rest,
        f"{dialect}: memory MB after the load": after,
        f"{dialect}: start to ready s": ready,
    }


def main() -> None:
    """Measure and print."""
    options = arguments()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("bench needs two cores: one for the server, one for the load")
    wrk.ensure()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), options))
    for name, value in figures.items():
        text = f"{value:.2f}" if isinstance(value, float) and value < 100 else value
        print(f"{name:36} {text:.0f}" if isinstance(text, float) else f"{name:36} {text}")
    if options.json:
        options.json.write_text(as_json(figures))


if __name__ == "__main__":
    main()

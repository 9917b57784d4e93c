"""Processes that are killed, and whose clock goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Final

from bench.installation import fill
from broker.sdk.testing.issuer import LocalIssuer
from faults.clients import Load, Tokens, asks
from faults.report import Outcomes, Report
from faults.servers import Clock, Served, eventually, serving
from faults.stores import RATE, during, expect_recorded, two_workers

JUMP: Final = 600
"""Seconds."""


async def worker_killed(folder: Path) -> Report:
    """Workers are killed (SIGKILL) under load, one after the other, three times."""
    async with two_workers(folder) as (served, postgres, load):

        async def kill() -> None:
            for _ in range(3):
                await asyncio.to_thread(_kill_one, served)
                await asyncio.sleep(1.5)

        lifted = await during(load, 12, kill)
        report = Report("worker-killed", load.outcomes, load.outcomes.recovered_after(lifted))
        await expect_recorded(report, postgres.url)
    report.notes.append(f"answers of attempts: {dict(load.outcomes.statuses)}; 0: cut off")
    return report


def _kill_one(served: Served) -> None:
    """And wait until there are two again."""
    victim = min(served.workers)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(set(served.workers) - {victim}) == 2, "another worker has started")


async def clock_jumps(folder: Path) -> Report:
    """The time is set ten minutes forward and back, everywhere, and then at the broker alone."""
    url = f"sqlite:///{folder}/broker.sqlite3"
    clock = Clock(folder, only_wall=True)
    async with (
        LocalIssuer(algorithm="ES256", clock=clock) as issuer,
        LocalIssuer(algorithm="ES256") as elsewhere,
    ):
        here = await fill(url, issuer.url, 20)
        there = await fill(url, elsewhere.url, 20)
        with serving(folder, clock.environ) as served:
            issuer.audience = elsewhere.audience = served.url
            tokens = Tokens(served.url, clock=clock)
            load = Load(served.url, asks(here, issuer), rate=RATE, tokens=tokens)
            alone: list[Outcomes] = []
            for offset in (0, JUMP, 0, -JUMP, 0):
                clock.move(offset)
                await load.run(2)
                expected = 401 if offset else 200
                other = Load(
                    served.url, asks(there, elsewhere), rate=50, tokens=tokens, expected=expected
                )
                alone.append(await other.run(1))
            ready = served.is_ready()
            lifted = time.perf_counter()
            await load.run(2)
    report = Report("clock", load.outcomes, load.outcomes.recovered_after(lifted))
    report.notes.append(f"answers of attempts: {dict(load.outcomes.statuses)}")
    for outcomes in alone:
        report.expect(
            outcomes.lost == outcomes.wrong == 0,
            f"of an issuer with the right time: {dict(outcomes.faults)}",
        )
    report.expect(ready, "the broker was not ready afterwards")
    report.notes.append(
        "an issuer whose clock is right while the broker's is not: refused with 401, accepted "
        "as soon as both are right"
    )
    return report

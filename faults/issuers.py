"""Issuers that go away, or take their time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from aiohttp import web

from bench.installation import fill
from broker.sdk.testing.issuer import LocalIssuer
from faults.clients import Load, Tokens, asks
from faults.report import Report
from faults.servers import Clock, serving

RATE: Final = 200
HOUR: Final = 3600.0
PAUSE: Final = 12.0
"""Seconds after which the broker has tried a dead issuer again for certain: it waits 10."""


async def issuer_outage(folder: Path) -> Report:
    """An issuer is away: its keys are used for a day, then refused, and fetched when it is back.

    The processes' clocks leap, the test does not wait for a day.
    """
    url = f"sqlite:///{folder}/broker.sqlite3"
    clock = Clock(folder, only_wall=False)
    async with LocalIssuer(algorithm="ES256", clock=clock) as issuer:
        identities = await fill(url, issuer.url, 20)
        with serving(folder, clock.environ) as served:
            issuer.audience = served.url
            tokens = Tokens(served.url, clock=clock)
            load = Load(served.url, asks(identities, issuer), rate=RATE, tokens=tokens)
            await load.run(2)
            await issuer.stop()
            for offset in (HOUR, 23 * HOUR):
                clock.move(offset)
                await load.run(2)
            clock.move(25 * HOUR)
            await asyncio.sleep(1)
            refused = Load(
                served.url, asks(identities, issuer), rate=50, tokens=tokens, expected=503
            )
            await refused.run(2)
            await issuer.start()
            lifted = time.perf_counter()
            clock.move(25 * HOUR + PAUSE)
            await load.run(3)
    report = Report("issuer-outage", load.outcomes, load.outcomes.recovered_after(lifted))
    wrong = refused.outcomes.faults
    report.expect(not wrong, f"after the cap, instead of 503: {dict(wrong)}")
    report.expect(refused.outcomes.lost == 0, "after the cap some were not answered")
    report.notes.append(
        f"with keys of up to 23 h: answered; after 25 h: {refused.outcomes.answered} of "
        f"{refused.outcomes.requests} refused with 503, p99 "
        f"{refused.outcomes.percentile(0.99):.1f} ms"
    )
    return report


class _Slow(LocalIssuer):
    """Answers nothing until it is let."""

    def __init__(self) -> None:
        super().__init__(algorithm="ES256")
        self.let = asyncio.Event()

    async def answer_discovery(self, request: web.Request) -> web.StreamResponse:
        await self.let.wait()
        return await super().answer_discovery(request)


async def slow_issuer(folder: Path) -> Report:
    """One issuer does not answer, and many of its workloads come; those of another do not wait."""
    url = f"sqlite:///{folder}/broker.sqlite3"
    slow = _Slow()
    async with LocalIssuer(algorithm="ES256") as issuer, slow:
        quick = await fill(url, issuer.url, 20)
        stuck = await fill(url, slow.url, 20)
        with serving(folder) as served:
            issuer.audience = slow.audience = served.url
            tokens = Tokens(served.url)
            await Load(served.url, asks(quick, issuer), rate=RATE, tokens=tokens).run(1)
            before = Load(served.url, asks(quick, issuer), rate=RATE, tokens=tokens)
            await before.run(5)
            load = Load(served.url, asks(quick, issuer), rate=RATE, tokens=tokens)
            delayed = Load(
                served.url, asks(stuck, slow), rate=50, tokens=Tokens(served.url), expected=503
            )
            waiting = asyncio.create_task(delayed.run(8))
            await load.run(8)
            await waiting
            slow.let.set()
    was, now = before.outcomes.percentile(0.99), load.outcomes.percentile(0.99)
    report = Report("slow-issuer", load.outcomes)
    report.expect(not delayed.outcomes.faults, f"of the slow one: {dict(delayed.outcomes.faults)}")
    report.expect(not load.outcomes.failed_at, "workloads of the other issuer had to try again")
    report.notes.append(
        f"p99 of the others {was:.1f} ms before, {now:.1f} ms during; of the slow one's "
        f"{delayed.outcomes.answered} were refused with 503, the slowest after "
        f"{delayed.outcomes.percentile(1):.0f} ms"
    )
    return report

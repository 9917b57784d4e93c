"""What is behind the broker goes away and comes back: PostgreSQL, Redis, room on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.installation import fill
from broker.sdk.testing.issuer import LocalIssuer
from faults.clients import Load, asks
from faults.records import recorded
from faults.report import Report
from faults.servers import Database, Served, database, serving, small_disk
from tests.kit.redis import running_redis

RATE = 200
AWAY = 2.0
"""Seconds."""


async def during(load: Load, seconds: float, fault: Callable[[], Awaitable[None]]) -> float:
    """Run the load, with the fault after a while; when that was over."""
    running = asyncio.create_task(load.run(seconds))
    await asyncio.sleep(2)
    await fault()
    lifted = time.perf_counter()
    await running
    return lifted


async def expect_recorded(report: Report, url: str) -> None:
    """Every token that a client has received is in the audit log."""
    missing = report.load.minted - await recorded(url)
    report.expect(not missing, f"{len(missing)} tokens without an audit record")
    report.notes.append(f"{len(report.load.minted)} tokens received, each recorded")


@asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[tuple[Served, Database, Load]]:
    """On PostgreSQL and Redis, and a load for them."""
    with database() as postgres, running_redis() as redis:
        async with LocalIssuer(algorithm="ES256") as issuer:
            identities = await fill(postgres.url, issuer.url, 20)
            settings = {
                "BROKER_DATABASE_URL": postgres.url,
                "BROKER_REDIS_URL": redis.url,
                "BROKER_WORKERS": "2",
            }
            with serving(folder, settings) as served:
                issuer.audience = served.url
                yield served, postgres, Load(served.url, asks(identities, issuer), rate=RATE)


async def database_restarts(folder: Path) -> Report:
    """PostgreSQL crashes under load and is back two seconds later; two workers."""
    async with two_workers(folder) as (_, postgres, load):

        async def restart() -> None:
            await asyncio.to_thread(postgres.crash)
            await asyncio.sleep(AWAY)
            await asyncio.to_thread(postgres.start)

        lifted = await during(load, 10, restart)
        report = Report("database", load.outcomes, load.outcomes.recovered_after(lifted))
        await expect_recorded(report, postgres.url)
    report.expect(load.outcomes.statuses[503] > 0, "the restart was not noticed at all")
    report.notes.append(f"answers of attempts: {dict(load.outcomes.statuses)}")
    return report


async def redis_restarts(folder: Path) -> Report:
    """Redis goes away under load and is back two seconds later; half of the identities need it."""
    url = f"sqlite:///{folder}/broker.sqlite3"
    with running_redis() as redis:
        async with LocalIssuer(algorithm="ES256") as issuer:
            free = await fill(url, issuer.url, 10)
            needing = await fill(url, issuer.url, 10, single_use=True)
            with serving(folder, {"BROKER_REDIS_URL": redis.url}) as served:
                issuer.audience = served.url
                without = Load(served.url, asks(free, issuer), rate=RATE)
                single_use = Load(served.url, asks(needing, issuer), rate=RATE)

                async def restart() -> None:
                    await asyncio.to_thread(redis.stop)
                    await asyncio.sleep(AWAY)
                    await asyncio.to_thread(redis.start)

                beside = asyncio.create_task(without.run(8))
                lifted = await during(single_use, 8, restart)
                others = await beside
    back = single_use.outcomes.recovered_after(lifted)
    report = Report("redis", single_use.outcomes, back)
    await expect_recorded(report, url)
    report.expect(single_use.outcomes.statuses[503] > 0, "the restart was not noticed at all")
    report.expect(
        others.lost == others.wrong == 0 and not others.failed_at,
        f"who needs no Redis was affected: {dict(others.statuses)}",
    )
    report.notes.append(
        f"without single use: {others.requests} requests, {others.answered} answered at the first "
        f"attempt, p99 {others.percentile(0.99):.1f} ms"
    )
    return report


async def disk_full(folder: Path) -> Report:
    """No room for SQLite, nor for the log beside it, for three seconds."""
    with small_disk(24) as disk:
        url = f"sqlite:///{disk}/broker.sqlite3"
        async with LocalIssuer(algorithm="ES256") as issuer:
            identities = await fill(url, issuer.url, 20)
            with serving(disk, {"BROKER_KEYS_DIR": str(folder / "keys")}) as served:
                issuer.audience = served.url
                load = Load(served.url, asks(identities, issuer), rate=RATE)
                ballast = disk / "ballast"

                async def no_room() -> None:
                    _fill_up(ballast)
                    await asyncio.sleep(AWAY + 1)
                    ballast.unlink()

                lifted = await during(load, 10, no_room)
                size = served.log.stat().st_size
            report = Report("disk", load.outcomes, load.outcomes.recovered_after(lifted))
            await expect_recorded(report, url)
    report.expect(load.outcomes.statuses[503] > 0, "the full disk was not noticed at all")
    report.expect(size > 0, "nothing was logged")
    report.notes.append(f"answers of attempts: {dict(load.outcomes.statuses)}")
    return report


def _fill_up(ballast: Path) -> None:
    """Until nothing more fits."""
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 20, 4096):
            try:
                while file.write(bytes(block)) == block:
                    pass
            except OSError:
                continue

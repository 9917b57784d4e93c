"""The fault suite notices what it is for, and a broker goes on where its surroundings fail."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from bench.installation import fill
from broker.sdk.testing.issuer import Handler, LocalIssuer
from faults import clients, stores
from faults.clients import Ask, Load, asks
from faults.records import recorded
from faults.report import Outcomes, Report
from faults.servers import BROKER, eventually, serving
from tests.kit.brokers import free_port

CHECKOUT = Path(__file__).parents[2]


class Answering(LocalIssuer):
    """A broker's place, where the exchange is answered as a test says."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(algorithm="ES256")
        self._status, self._body = status, body

    def routes(self) -> dict[str, Handler]:
        return {"/.well-known/jwks.json": self.answer_jwks, "/sts/exchange": self._exchange}

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        del request
        return web.json_response(self._body, status=self._status)


def unnamed() -> str:
    return "a token"


async def seen(status: int, body: object, *, expected: int = 200) -> Report:
    """What the suite makes of such answers."""
    async with Answering(status, body) as server:
        load = Load(server.url, [Ask("identity", unnamed)], rate=20, expected=expected)
        return Report("x", await load.run(0.2))


async def test_an_answer_that_is_no_token_is_wrong() -> None:
    """200 alone convinces nobody."""
    report = await seen(200, {"token": "no.token.atall"})
    assert (report.load.requests, report.load.answered, report.load.wrong) == (4, 4, 4)
    assert not report.passed


async def test_a_refusal_that_nobody_expects_is_wrong() -> None:
    """A good token was refused."""
    report = await seen(401, {"details": [{"reason": "token_expired"}]})
    assert report.load.faults == {"401 token_expired": 4}
    assert not report.passed
    assert (await seen(401, {}, expected=401)).passed


async def test_what_is_never_answered_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """503, tried again until the client has no patience any more."""
    monkeypatch.setattr(clients, "PATIENCE", 0.5)
    report = await seen(503, {})
    assert (report.load.answered, report.load.lost) == (0, 4)
    assert report.load.statuses[503] > 4
    assert not report.passed


async def test_the_row_tells_what_failed() -> None:
    """An expectation of the scenario itself counts like something lost."""
    report = Report("x", Outcomes())
    report.expect(True, "the sun is up")
    passed = report.passed
    report.expect(False, "the moon is up")
    assert (passed, report.passed) == (True, False)
    assert "FAILED: the moon is up" in report.lines()[-1]


async def test_redis_restarts_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost or wrong, no token is without its record, and who needs no Redis is not
    delayed by it.
    """
    monkeypatch.setattr(stores, "RATE", 25)
    monkeypatch.setattr(stores, "AWAY", 1.0)
    report = await stores.redis_restarts(tmp_path)
    assert report.passed, report.lines()


async def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """With every line of its log refused by the system, tokens are minted and recorded."""
    url = f"sqlite:///{tmp_path}/broker.sqlite3"
    async with LocalIssuer(algorithm="ES256") as issuer:
        identities = await fill(url, issuer.url, 1)
        with serving(tmp_path, log=Path("/dev/full")) as served:
            issuer.audience = served.url
            outcomes = await Load(served.url, asks(identities, issuer), rate=20).run(1)
            served.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(served.process.wait, 30)
    assert (outcomes.answered, outcomes.wrong, outcomes.statuses[200]) == (20, 0, 20)
    assert outcomes.minted == await recorded(url)


def test_as_many_open_files_as_the_system_allows(tmp_path: Path) -> None:
    """Whatever the shell began with: a connection more is not refused for it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    started = subprocess.Popen(
        ["bash", "-c", f"ulimit -Sn 200; exec {BROKER} serve"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "BROKER_PORT": str(free_port())},
        stderr=subprocess.DEVNULL,
    )

    def soft() -> str:
        lines = Path(f"/proc/{started.pid}/limits").read_text().splitlines()
        return next(line.split()[3] for line in lines if line.startswith("Max open files"))

    try:
        eventually(lambda: soft() == str(hard), "the limit is raised")
    finally:
        started.kill()
        started.wait()


def test_scenarios_are_chosen_by_name() -> None:
    """One that there is not is named, with those that there are."""
    command = [sys.executable, "-m", "faults", "earthquake"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such scenario: earthquake; there are database, redis" in done.stderr

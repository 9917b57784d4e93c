"""What the admin port tells, and to whom it does not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.brokers import RunningBroker, free_port, running_broker
from tests.kit.calls import exchange

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def admin_port() -> int:
    return free_port()


@pytest.fixture
async def broker(tmp_path: Path, admin_port: int) -> AsyncIterator[RunningBroker]:
    async with running_broker(tmp_path, BROKER_ADMIN_PORT=str(admin_port)) as running:
        yield running


async def text(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        return await response.text()


async def samples(port: int) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await text(port))
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_a_refused_exchange_is_counted_by_its_stage(
    broker: RunningBroker, admin_port: int
) -> None:
    """With the dialect and how long it took; the token is nowhere."""
    token = f"not.a.{secrets.token_hex(8)}"
    answer = await exchange(broker, token, "0" * 40)
    assert answer.status == 401
    found = await samples(admin_port)
    assert (
        value(
            found,
            "broker_exchanges_total",
            dialect="sts",
            outcome="refused",
            stage="token",
            issuer_class="other",
        )
        == 1
    )
    assert value(found, "broker_exchange_seconds_count", dialect="sts", outcome="refused") == 1
    assert token not in await text(admin_port)


async def test_what_callers_choose_makes_no_new_series(
    broker: RunningBroker, admin_port: int
) -> None:
    """A flood of made-up paths, methods and issuers leaves the number of series as it was."""
    async with aiohttp.ClientSession() as session:

        async def flood(marks: list[str]) -> int:
            for mark in marks:
                async with session.get(f"{broker.url}/{mark}"):
                    pass
                async with session.request(f"X{mark}".upper(), f"{broker.url}/token"):
                    pass
                async with session.get(f"{broker.url}/iam/v2/groups/{mark}"):
                    pass
                async with session.get(
                    f"{broker.url}/sts/exchange",
                    headers={"Authorization": f"Bearer {mark}.{mark}.{mark}"},
                ):
                    pass
            return len(await samples(admin_port))

        before = await flood([secrets.token_hex(4)])
        assert await flood([secrets.token_hex(4) for _ in range(20)]) == before


async def test_the_admin_port_is_another_port(broker: RunningBroker, admin_port: int) -> None:
    """The world's port has no metrics; the admin port has no API."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{broker.url}/metrics") as response:
            assert response.status == 404
        async with session.get(f"http://127.0.0.1:{admin_port}/sts/exchange") as response:
            assert response.status == 404
        async with session.get(f"http://127.0.0.1:{admin_port}/readyz") as response:
            assert response.status == 200


async def test_keys_caches_and_the_version_are_told(broker: RunningBroker, admin_port: int) -> None:
    """One key signs, and how old it and the last look at the key log are."""
    await asyncio.sleep(0)
    found = await samples(admin_port)
    assert value(found, "broker_signing_keys", state="active") == 1
    assert value(found, "broker_signing_keys", state="revoked") == 0
    assert value(found, "broker_signing_key_age_seconds") >= 0
    assert value(found, "broker_signing_keys_read_age_seconds") < 60
    assert value(found, "broker_audit_waiting") == 0
    assert any(name == "broker_info" for name, _ in found)


async def test_a_request_is_counted_by_route_and_status(
    broker: RunningBroker, admin_port: int
) -> None:
    """The route is the template, without what a caller put into it."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{broker.url}/healthz"):
            pass
        async with session.get(f"{broker.url}/iam/v2/groups/{'0' * 40}"):
            pass
    found = await samples(admin_port)
    counted = {
        (dict(labels)["path"], dict(labels)["status"]): count
        for (name, labels), count in found.items()
        if name == "broker_http_requests_total"
    }
    assert counted["/healthz", "200"] == 1
    assert counted["/iam/v2/groups/{uid=**}", "401"] == 1

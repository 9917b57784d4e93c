"""Two brokers on one database and one Redis: what one takes away, the other does not give."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.api import Caller, login, wires
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import exchange
from tests.kit.organizations import github, organization
from tests.kit.redis import RedisServer, running_redis
from tests.kit.redis_groups import watched_servers


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A server that a test may stop."""
    with running_redis() as server:
        yield server


@dataclasses.dataclass(frozen=True)
class Two:
    """Brokers `one` and `other`, an owner who calls the first, and an identity with a role."""

    one: RunningBroker
    other: RunningBroker
    issuer: LocalIssuer
    owner: Caller
    folder: Uidp
    ci: Uidp
    binding: Uidp

    async def status(self, broker: RunningBroker) -> int:
        """Of an exchange for the identity's role."""
        token = self.issuer.token(self.issuer.github_claims())
        return (await exchange(broker, token, self.ci, scope=self.folder)).status


@asynccontextmanager
async def two_brokers(folder: Path, redis_url: str) -> AsyncIterator[Two]:
    settings: dict[str, Any] = {"BROKER_REDIS_URL": redis_url}
    async with running_broker(folder, **settings) as one:
        settings["BROKER_ISSUER"] = one.url
        async with (
            running_broker(folder, **settings) as beside,
            LocalIssuer(audience=one.url) as issuer,
            wires(one) as ways,
        ):
            other = dataclasses.replace(beside, url=f"http://127.0.0.1:{beside.settings.port}")
            acme = await organization(one.store)
            await acme.bind(await acme.person(issuer.url, "ann"), "owner", acme.id)
            owner = await login(one, issuer, ways["http"], "ann")
            ci = await acme.identity(github(issuer.url), single_use=False)
            binding = await acme.bind(ci, "viewer")
            yield Two(one, other, issuer, owner, acme.folder, ci, binding)


@pytest.mark.parametrize("lost", [False, True], ids=["with redis", "without"])
async def test_a_role_that_one_takes_away_the_other_does_not_give(
    tmp_path: Path, redis: RedisServer, lost: bool
) -> None:
    """By Redis at once; without it, by the look at the database each second."""
    async with two_brokers(tmp_path, redis.url) as brokers:
        assert await brokers.status(brokers.other) == 200
        if lost:
            redis.stop()
            assert await brokers.status(brokers.other) == 200
        await brokers.owner("RoleBindings/Delete", id=brokers.binding)
        assert await brokers.status(brokers.one) == 403
        status = 200
        for _ in range(200):
            if (status := await brokers.status(brokers.other)) == 403:
                break
            await asyncio.sleep(0.05)
        assert status == 403


async def test_a_used_token_stays_used_when_a_replica_takes_over(tmp_path: Path) -> None:
    """While nobody has, what is used once is not given, and everything else is."""
    with watched_servers() as servers:
        async with two_brokers(tmp_path, servers.url) as brokers:
            acme = await organization(brokers.one.store, "other")
            once = await acme.identity(github(brokers.issuer.url), single_use=True)
            used, fresh = (
                brokers.issuer.token(brokers.issuer.github_claims(), jti=name)
                for name in ("used", "fresh")
            )
            assert (await exchange(brokers.one, used, once)).status == 200
            servers.wait_for_replica()
            servers.kill()
            lost = await exchange(brokers.one, fresh, once)
            assert (lost.status, lost.reason) == (503, "state_unavailable")
            assert lost.headers["Retry-After"] == "5"
            assert await brokers.status(brokers.one) == 200
            answer = lost
            for _ in range(300):
                answer = await exchange(brokers.other, used, once)
                if answer.status != 503:
                    break
                await asyncio.sleep(0.05)
            assert answer.reason == "token_already_used"
            assert (await exchange(brokers.one, fresh, once)).status == 200
            assert (await exchange(brokers.other, fresh, once)).reason == "token_already_used"

"""How often something may be done, in one process and in several."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Unavailable
from broker.state.rates import Rate, RateLimiter
from broker.state.redis import RedisState
from broker.state.sharing import RateSharing
from tests.kit.redis import RedisServer, running_redis


class Clock:
    """Seconds, when somebody says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def used(limiter: RateLimiter, key: str = "a") -> bool:
    """Use it once, if that may be."""
    if limiter.wait(key):
        return False
    limiter.count(key)
    return True


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1/second", (1, 1)), ("100/minute", (100, 60)), ("5/hour", (5, 3600)), ("9/day", (9, 86400))],
)
def test_rates_are_read(text: str, rate: tuple[int, int]) -> None:
    """A count and a unit."""
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "100", "0/minute", "-1/minute", "1.5/minute", "1/week", " 1/day", "1/day\n"]
)
def test_what_is_no_rate(text: str) -> None:
    """Is told, with an example."""
    with pytest.raises(ValueError, match="100/minute"):
        Rate.parse(text)


@pytest.mark.parametrize("quota", [1, 3, 7, 100, 601])
def test_a_quota_is_let_through_at_once_and_then_one_at_a_time(quota: int) -> None:
    """Each time as much as was earned back."""
    clock = Clock()
    limiter = RateLimiter(Rate(quota, 60), clock=clock)
    assert [used(limiter) for _ in range(quota + 1)] == [True] * quota + [False]
    wait = limiter.wait("a")
    assert wait == pytest.approx(60 / quota)
    clock.now += wait
    assert [used(limiter), used(limiter)] == [True, False]
    clock.now += 60
    assert [used(limiter) for _ in range(quota + 1)] == [True] * quota + [False]


def test_keys_are_counted_apart() -> None:
    """One that is behind costs no other anything."""
    limiter = RateLimiter(Rate(1, 60), clock=Clock())
    assert used(limiter, "a")
    assert not used(limiter, "a")
    assert used(limiter, "b")


@given(st.lists(st.floats(0, 30), max_size=200))
def test_in_no_window_is_more_than_two_quotas(pauses: list[float]) -> None:
    """However the uses are spread: one that was saved, one that is earned meanwhile."""
    clock = Clock()
    limiter = RateLimiter(Rate(10, 60), clock=clock)
    times = []
    for pause in pauses:
        clock.now += pause
        if used(limiter):
            times.append(clock.now)
    for start in times:
        assert sum(start <= at < start + 60 for at in times) <= 20


def test_nobody_is_behind_by_more_than_a_window() -> None:
    """A thousand uses over the quota have the same wait as one."""
    limiter = RateLimiter(Rate(10, 60), clock=Clock())
    for _ in range(1000):
        limiter.count("a")
    assert limiter.wait("a") == pytest.approx(6)


def test_memory_is_bounded() -> None:
    """The first come are the first forgotten; what is earned back goes before them."""
    clock = Clock()
    limiter = RateLimiter(Rate(1, 60), clock=clock, size=100)
    for number in range(1000):
        limiter.count(str(number))
        assert len(limiter._earned) <= 100
    assert limiter.wait("999")
    assert not limiter.wait("0")
    clock.now += 61
    limiter.count("new")
    for number in range(99):
        limiter.count(str(number))
    assert limiter.wait("new")


async def test_processes_share_what_was_used(redis: RedisServer) -> None:
    """When they have told each other, two together have one quota."""
    clock = Clock()
    limiters = [RateLimiter(Rate(10, 86_400), clock=clock) for _ in range(2)]
    states = [RedisState.at(redis.url) for _ in limiters]
    pairs = zip(limiters, states, strict=True)
    one, other = (RateSharing({"together": limiter}, state) for limiter, state in pairs)
    for limiter in limiters:
        assert all(used(limiter) for _ in range(5))
    await one.share()
    await other.share()
    assert not used(limiters[1])
    assert used(limiters[0])  # it has not heard of the others' uses yet
    await one.share()
    assert not used(limiters[0])
    for state in states:
        await state.close()


async def test_names_are_counted_apart(redis: RedisServer) -> None:
    """An address and an identity that are written alike are two."""
    state = RedisState.at(redis.url)
    limiters = {
        "address": RateLimiter(Rate(2, 86_400), clock=Clock()),
        "identity": RateLimiter(Rate(2, 86_400), clock=Clock()),
    }
    sharing = RateSharing(limiters, state)
    limiters["address"].count("alike")
    limiters["address"].count("alike")
    limiters["identity"].count("alike")
    await sharing.share()
    assert not used(limiters["address"], "alike")
    assert used(limiters["identity"], "alike")
    await state.close()


async def test_sharing_counts_what_is_used_meanwhile() -> None:
    """A use between the question and the answer is not lost."""
    clock = Clock()
    limiter = RateLimiter(Rate(10, 60), clock=clock)

    class Meanwhile:
        async def use(self, uses: Mapping[str, tuple[Rate, int]]) -> dict[str, float]:
            limiter.count("a")
            return {key: count * rate.interval for key, (rate, count) in uses.items()}

    sharing = RateSharing({"address": limiter}, Meanwhile())
    limiter.count("a")
    await sharing.share()
    assert sum(used(limiter) for _ in range(20)) == 8
    assert limiter.take_unshared() == {"a": 9}


async def test_a_redis_that_is_gone_leaves_each_process_its_own_count() -> None:
    """And when it is back, they share again."""
    with running_redis() as server:
        state = RedisState.at(server.url)
        limiter = RateLimiter(Rate(3, 86_400), clock=Clock())
        sharing = RateSharing({"address": limiter}, state)
        server.stop()
        limiter.count("a")
        with pytest.raises(Unavailable):
            await sharing.share()
        assert used(limiter)
        server.start()
        await sharing.share()
        assert limiter.take_unshared() == {}
        assert [used(limiter) for _ in range(3)] == [True, True, False]
        await state.close()


async def test_redis_forgets_rates_that_are_earned_back(redis: RedisServer) -> None:
    """A key lives as long as it says anything."""
    state = RedisState.at(redis.url)
    behind = await state.use({"address:ttl": (Rate(10, 3600), 4)})
    assert behind["address:ttl"] == pytest.approx(1440)
    left = await state._client.ttl("broker:rate:address:ttl")
    assert 1400 < left <= 1440
    behind = await state.use({"address:ttl": (Rate(10, 3600), 40)})
    assert math.isclose(behind["address:ttl"], 3600)
    await state.close()

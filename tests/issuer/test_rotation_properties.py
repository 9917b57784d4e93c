"""The promise of the schedule: a verifier never meets an unknown key on a token that still lives.

Tried against processes whose clocks differ and whose refreshes stop and go on, with tokens minted
and JWKS fetched everywhere, all the time.
"""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Self

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from broker.errors import Unavailable
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import LEAD, MAX_AGE, PERIOD, REFRESH, Clock, key_file, key_ring, kids

LIFETIME = 3600
LEEWAY = 60
SKEW = 30
"""Seconds by which each process's clock is off, either way: up to 60 between two of them."""

TICK = 10
"""Seconds between two looks at the world."""


class World:
    """Three processes over one log, and all verifiers.

    At every tick each process mints a token of an hour and serves its JWKS. Of the tokens of a
    key only the last to expire matters, and of equal JWKS only the one that is kept longest.
    """

    def __init__(self, skews: tuple[int, ...]) -> None:
        self.runner = asyncio.Runner()
        self.log = SqliteKeyLog()
        self.true = Clock()
        self.skews = skews
        self.clocks = [Clock(float(skew)) for skew in skews]
        wrapper = key_file()
        self.rings = [key_ring(self.log, wrapper, clock) for clock in self.clocks]
        self.stalled = [False for _ in skews]
        self.accepted_until: dict[str, float] = {}
        self.kept_until: dict[frozenset[str], float] = {}
        for ring in self.rings:
            self.runner.run(ring.open())
        self.observe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.runner.close()
        self.log.close()

    def rotate(self, process: int) -> None:
        self.runner.run(self.rings[process].rotate())
        self.observe()

    def leap(self, seconds: int) -> None:
        """Let time pass that nobody looks at; tokens and JWKS of before are past then."""
        self.true.seconds += seconds
        self.refresh()
        self.observe()

    def advance(self, seconds: int) -> None:
        """Let time pass tick by tick; processes that are not stalled refresh on time."""
        for n in range(seconds // TICK):
            self.true.seconds += TICK
            if n % (REFRESH // TICK) == 0:
                self.refresh()
            self.observe()

    def refresh(self) -> None:
        self.set_clocks()
        for ring, stalled in zip(self.rings, self.stalled, strict=True):
            if not stalled:
                self.runner.run(ring.refresh())

    def set_clocks(self) -> None:
        for clock, skew in zip(self.clocks, self.skews, strict=True):
            clock.seconds = self.true.seconds + skew

    def observe(self) -> None:
        self.set_clocks()
        for ring, clock, stalled in zip(self.rings, self.clocks, self.stalled, strict=True):
            max_age = ring.jwks_max_age(clock.now)
            if not stalled:
                assert max_age == MAX_AGE
            if max_age > 0:
                published = frozenset(kids(ring, clock.now))
                until = self.true.now + max_age
                self.kept_until[published] = max(until, self.kept_until.get(published, 0))
            try:
                kid = ring.signer(clock.now).kid
            except Unavailable:
                assert stalled
                continue
            until = int(clock.now) + LIFETIME + LEEWAY
            self.accepted_until[kid] = max(until, self.accepted_until.get(kid, 0))
        self.verify()

    def verify(self) -> None:
        """Every verifier has the keys of every token that it may still accept."""
        now = self.true.now
        live = {kid for kid, until in self.accepted_until.items() if now < until}
        for published, until in self.kept_until.items():
            if now < until:
                assert live <= published


@pytest.mark.parametrize("skews", list(product((-SKEW, SKEW), repeat=3)))
@pytest.mark.parametrize("stalls_for", [4 * LEAD, LEAD - TICK, LEAD // 2])
def test_a_process_that_stops_refreshing_meets_a_rotation(
    skews: tuple[int, ...], stalls_for: int
) -> None:
    """Whichever clocks are ahead, a process that missed the rotation stops before it does harm."""
    with World(skews) as world:
        world.advance(2 * REFRESH)
        world.stalled[1] = True
        world.rotate(0)
        world.advance(stalls_for)
        world.stalled[1] = False
        world.refresh()
        world.advance(LEAD + LIFETIME + 5 * LEEWAY)
        assert len(kids(world.rings[2], world.clocks[2].now)) == 1


def test_a_world_without_stalls_is_never_refused() -> None:
    """A healthy installation signs and is cached in full through its scheduled rotation."""
    with World((-SKEW, 0, SKEW)) as world:
        world.leap(PERIOD - REFRESH)
        world.advance(2 * LEAD + LIFETIME)
        assert len({status.key.kid for status in world.rings[0].states(world.true.now)}) == 2
        assert len(world.accepted_until) == 2


processes = st.integers(min_value=0, max_value=2)
skews = st.sampled_from([-SKEW, 0, SKEW])


class Rotations(RuleBasedStateMachine):
    """Rotations, stalls and time in any order."""

    @initialize(offsets=st.tuples(skews, skews, skews))
    def start(self, offsets: tuple[int, int, int]) -> None:
        self.world = World(offsets)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    @rule(process=processes)
    def rotate(self, process: int) -> None:
        self.world.rotate(process)

    @rule(process=processes)
    def stall(self, process: int) -> None:
        self.world.stalled[process] = True

    @rule(process=processes)
    def resume(self, process: int) -> None:
        self.world.stalled[process] = False
        self.world.refresh()
        self.world.observe()

    @rule(seconds=st.sampled_from([TICK, REFRESH, MAX_AGE, LEAD // 2, LEAD - 60, LEAD, LIFETIME]))
    def time_passes(self, seconds: int) -> None:
        self.world.advance(seconds)

    @rule(seconds=st.sampled_from([86_400, PERIOD]))
    def much_time_passes(self, seconds: int) -> None:
        self.world.leap(seconds)


TestRotations = Rotations.TestCase
TestRotations.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)

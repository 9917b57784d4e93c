"""What each key does when, from the chain and the clock alone."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from broker.errors import Invalid
from broker.issuer.keys import SigningKey
from broker.issuer.schedule import KeyState, RotationSchedule, Timeline, least_publish_lead
from tests.issuer.rings import LEAD, MAX_AGE, REFRESH, START, schedule

KEPT = 3600 + 60 + 60
"""Seconds from retirement until a key leaves the JWKS: token, leeway, margin."""

DAY = 86_400


def row(
    kid: str, predecessor: str, *, activates: float, created: float | None = None
) -> SigningKey:
    made = activates - LEAD if created is None else created
    return SigningKey(
        kid=kid,
        algorithm="ES256",
        public_jwk="{}",
        wrapped_private=b"",
        created_at=START + timedelta(seconds=made),
        activates_at=START + timedelta(seconds=activates),
        predecessor=predecessor,
    )


CHAIN = [
    row("c", "b", activates=2 * DAY),
    row("a", "", activates=0, created=0),
    row("b", "a", activates=DAY),
]


def at(seconds: float) -> float:
    return START.timestamp() + seconds


def states(rows: list[SigningKey], seconds: float) -> dict[str, KeyState]:
    statuses = Timeline(rows, schedule()).statuses(at(seconds))
    return {status.key.kid: status.state for status in statuses}


NEXT, ACTIVE, RETIRED, GONE = KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRED, KeyState.GONE


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, [ACTIVE, NEXT, NEXT]),
        (DAY - 1, [ACTIVE, NEXT, NEXT]),
        (DAY, [RETIRED, ACTIVE, NEXT]),
        (DAY + KEPT - 1, [RETIRED, ACTIVE, NEXT]),
        (DAY + KEPT, [GONE, ACTIVE, NEXT]),
        (2 * DAY, [GONE, RETIRED, ACTIVE]),
        (2 * DAY + KEPT, [GONE, GONE, ACTIVE]),
        (2000 * DAY, [GONE, GONE, ACTIVE]),
    ],
)
def test_a_key_goes_from_next_to_gone(seconds: float, expected: list[KeyState]) -> None:
    """Every key is next, active, retired and gone in turn, and one is active at any time."""
    assert states(CHAIN, seconds) == dict(zip("abc", expected, strict=True))


def test_the_published_keys_are_those_that_are_not_gone() -> None:
    """The JWKS holds next, active and retired keys, oldest first."""
    timeline = Timeline(CHAIN, schedule())
    assert [key.kid for key in timeline.published(at(DAY + KEPT - 1))] == ["a", "b", "c"]
    assert [key.kid for key in timeline.published(at(DAY + KEPT))] == ["b", "c"]


def test_the_times_of_a_key_are_those_of_its_successor() -> None:
    """A key signs until its successor does, and leaves the JWKS when its last token expired."""
    first, second, third = Timeline(CHAIN, schedule()).statuses(at(0))
    assert first.signs_from == START
    assert first.signs_until == second.signs_from == START + timedelta(days=1)
    assert first.leaves_jwks_at == START + timedelta(days=1, seconds=KEPT)
    assert (third.signs_until, third.leaves_jwks_at) == (None, None)


def test_the_order_of_the_rows_does_not_matter() -> None:
    """Any order in which the log answers gives the same timeline."""
    shuffled = list(CHAIN)
    for seed in range(10):
        random.Random(seed).shuffle(shuffled)
        assert [s.key.kid for s in Timeline(shuffled, schedule()).statuses(at(0))] == list("abc")


def test_before_every_key_the_oldest_signs() -> None:
    """A clock before the first activation still has a signing key, and publishes all."""
    timeline = Timeline(CHAIN, schedule())
    assert timeline.active(at(-DAY))[0].kid == "a"
    assert [key.kid for key in timeline.published(at(-DAY))] == ["a", "b", "c"]


def test_a_hole_in_the_chain_leaves_the_order_by_age() -> None:
    """Where a row was deleted, the pieces of the chain follow each other by activation."""
    rows = [
        row("c", "b", activates=2 * DAY),
        row("a", "", activates=0),
        row("d", "c", activates=3 * DAY),
    ]
    assert states(rows, 2 * DAY + 1) == {"a": RETIRED, "c": ACTIVE, "d": NEXT}


def test_the_successor_replaces_a_key_whose_clock_was_ahead() -> None:
    """The chain decides, not the larger time: a key made by a clock a year ahead can be replaced."""
    rows = [row("a", "", activates=365 * DAY), row("b", "a", activates=LEAD)]
    assert states(rows, 0) == {"a": ACTIVE, "b": NEXT}
    assert states(rows, LEAD) == {"a": RETIRED, "b": ACTIVE}
    assert states(rows, 366 * DAY) == {"a": GONE, "b": ACTIVE}


def test_rows_that_point_at_each_other_are_kept() -> None:
    """A loop, which only a damaged log can hold, neither hangs nor hides a key."""
    rows = [
        row("a", "b", activates=0),
        row("b", "a", activates=DAY),
        row("c", "c", activates=2 * DAY),
    ]
    assert set(states(rows, 0)) == {"a", "b", "c"}


def test_rows_are_buried_a_day_after_they_left_the_jwks() -> None:
    """A row is deleted late, oldest first, and the signing key's never."""
    timeline = Timeline(CHAIN, schedule())
    assert timeline.buried(at(DAY + KEPT + DAY - 1)) == []
    assert [key.kid for key in timeline.buried(at(DAY + KEPT + DAY))] == ["a"]
    assert [key.kid for key in timeline.buried(at(2000 * DAY))] == ["a", "b"]


def test_a_lead_that_verifiers_cannot_follow_is_refused() -> None:
    """The publish lead covers JWKS maximum age, refresh interval and 60 s of margin."""
    least = least_publish_lead(
        jwks_max_age=timedelta(seconds=MAX_AGE), refresh_interval=timedelta(seconds=REFRESH)
    )
    assert least == timedelta(seconds=390)
    assert schedule(lead=390).trusted_for == 330
    with pytest.raises(Invalid, match="390 s") as caught:
        schedule(lead=389)
    assert (caught.value.code, caught.value.field) == (
        "key_publish_lead_too_short",
        "key_publish_lead",
    )


@pytest.mark.parametrize("period", [-1, 0, LEAD - 1])
def test_a_period_shorter_than_the_lead_is_refused(period: float) -> None:
    """A rotation period that no rotation fits into is refused; zero is not `by hand`."""
    with pytest.raises(Invalid) as caught:
        schedule(period=period)
    assert caught.value.code == "key_rotation_period_too_short"


def test_a_key_is_kept_for_the_longest_token_whatever_is_configured() -> None:
    """The default covers tokens of an hour, since older settings may have allowed them."""
    times = RotationSchedule(
        publish_lead=timedelta(seconds=LEAD),
        jwks_max_age=timedelta(seconds=MAX_AGE),
        refresh_interval=timedelta(seconds=REFRESH),
        rotation_period=None,
    )
    assert times.token_lifetime == timedelta(hours=1)

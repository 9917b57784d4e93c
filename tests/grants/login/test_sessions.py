"""Browser sessions, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import pytest

from broker.grants.login.browser import Browser
from broker.grants.login.sessions import Sessions
from broker.grants.person_tokens import Principal
from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.state.memory import MemoryState

IDLE, LIFETIME = 600, 3600
BROWSER = Browser(secret="0" * 64, address="192.0.2.1", agent="Firefox")
MAPPING = Uidp("0" * 40 + "/" + "1" * 16)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return made(clock)


def made(clock: Callable[[], float], state: MemoryState | None = None) -> Sessions:
    return Sessions(
        state or MemoryState(clock=clock),
        idle=IDLE,
        lifetime=LIFETIME,
        clock=clock,
        random=secrets.token_bytes,
    )


def login(subject: str = "ann") -> Login:
    claims = VerifiedClaims(
        issuer="https://id.example",
        subject=subject,
        audience=("broker",),
        expires_at=0,
        claims={"sub": subject},
    )
    return Login(provider="google", claims=claims, email="ann@acme.example", email_verified=True)


async def test_a_cookie_brings_back_its_session(sessions: Sessions) -> None:
    """All that was known at the login is known again, by the cookie."""
    session, cookie = await sessions.begin(login(), (MAPPING,), BROWSER)
    found = await sessions.of_cookie(cookie)
    assert found == session
    assert (session.identity, session.mappings) == (login().identity, (MAPPING,))
    assert (session.address, session.agent) == ("192.0.2.1", "Firefox")


async def test_a_session_ends_when_it_is_not_used(sessions: Sessions, clock: Clock) -> None:
    """`idle` seconds after its last use it is over."""
    _, cookie = await sessions.begin(login(), (), BROWSER)
    for _ in range(3):
        clock.now += IDLE - 1
        assert await sessions.of_cookie(cookie) is not None
    clock.now += IDLE + 1
    assert await sessions.of_cookie(cookie) is None


async def test_a_session_ends_however_it_is_used(sessions: Sessions, clock: Clock) -> None:
    """`lifetime` seconds after the login it is over."""
    _, cookie = await sessions.begin(login(), (), BROWSER)
    for _ in range(LIFETIME // 300 - 1):
        clock.now += 300
        assert await sessions.of_cookie(cookie) is not None
    clock.now += 300
    assert await sessions.of_cookie(cookie) is None


async def test_a_session_that_was_ended_does_not_come_back(clock: Clock) -> None:
    """A use that is under way while it is ended writes nothing that would bring it back."""
    state = MemoryState(clock=clock)
    sessions = made(clock, state)
    session, cookie = await sessions.begin(login(), (), BROWSER)
    clock.now += 120
    await asyncio.gather(sessions.of_cookie(cookie), sessions.end(session))
    assert await sessions.of_cookie(cookie) is None
    assert await sessions.of_identity(session.identity) == []


async def test_all_sessions_of_a_person_are_ended(sessions: Sessions) -> None:
    """Of that person and of nobody else."""
    cookies = [(await sessions.begin(login(), (), BROWSER))[1] for _ in range(3)]
    _, other = await sessions.begin(login("bob"), (), BROWSER)
    assert await sessions.end_all(login().identity) == 3
    assert [await sessions.of_cookie(cookie) for cookie in cookies] == [None] * 3
    assert await sessions.of_cookie(other) is not None


async def test_the_secret_of_a_session_is_not_kept(clock: Clock) -> None:
    """What is kept, in memory or in Redis, is a hash: it logs nobody in."""
    state = MemoryState(clock=clock)
    session, cookie = await made(clock, state).begin(login(), (), BROWSER)
    kept = await state.get("session", session.id)
    assert kept is not None
    assert cookie.partition(".")[2].encode() not in kept
    assert "secret" not in repr(session)


async def test_a_session_with_roles_of_groups_lasts_an_hour(clock: Clock) -> None:
    """And so do the tokens of it; without such roles it lasts as long as is set."""
    state = MemoryState(clock=clock)
    sessions = Sessions(
        state, idle=90_000, lifetime=90_000, clock=clock, random=secrets.token_bytes
    )
    mapped, cookie = await sessions.begin(login(), (MAPPING,), BROWSER)
    other, _ = await sessions.begin(login(), (), BROWSER)
    assert mapped.ends_at == clock.now + 3600
    assert other.ends_at == clock.now + 90_000
    assert Principal.of_session(mapped).mappings_end_at == mapped.ends_at
    assert Principal.of_session(other).mappings_end_at is None
    clock.now += 3600
    assert await sessions.of_cookie(cookie) is None

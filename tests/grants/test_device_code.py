"""Device codes, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from broker.errors import Denied, Exhausted, NotFound
from broker.grants.device_code import DeviceCodes, DeviceRequest
from broker.grants.login.browser import Browser
from tests.grants.logins import BROWSER, Grounds

ASKED = DeviceRequest(client_id="cli", user_code="", address="192.0.2.7", expires_at=0)


@pytest.fixture
def codes(grounds: Grounds) -> DeviceCodes:
    return DeviceCodes(
        grounds.state, grounds.sessions, clock=grounds.clock, random=secrets.token_bytes
    )


async def polled(codes: DeviceCodes, code: str) -> str:
    with pytest.raises(Denied) as refused:
        await codes.redeem(code, client_id="cli")
    return refused.value.code


async def test_a_device_keeps_to_its_interval(grounds: Grounds, codes: DeviceCodes) -> None:
    """RFC 8628 §3.5: five seconds, and five more each time that it does not."""
    code, waiting = await codes.begin(ASKED)
    assert waiting.interval == 5
    for wait, said in (
        (0, "device_pending"),
        (5, "device_pending"),
        (4.9, "device_polls_too_often"),
        (9.9, "device_polls_too_often"),
        (15, "device_pending"),
        (15, "device_pending"),
    ):
        grounds.clock.now += wait
        assert await polled(codes, code) == said, wait


async def test_the_interval_does_not_grow_for_ever(grounds: Grounds, codes: DeviceCodes) -> None:
    """A minute at most."""
    code, _ = await codes.begin(ASKED)
    for _ in range(30):
        await polled(codes, code)
    grounds.clock.now += 60
    assert await polled(codes, code) == "device_pending"


async def test_a_code_expires(grounds: Grounds, codes: DeviceCodes) -> None:
    """After 15 minutes for both sides; the device is told so for a while, then it is unknown."""
    code, waiting = await codes.begin(ASKED)
    grounds.clock.now += 899
    assert (await codes.find(waiting.user_code)).client_id == "cli"
    grounds.clock.now += 1
    with pytest.raises(NotFound):
        await codes.find(waiting.user_code)
    with pytest.raises(NotFound):
        await codes.decide(waiting.user_code, await grounds.session(), allow=True)
    assert await polled(codes, code) == "device_code_expired"
    grounds.clock.now += 300
    assert await polled(codes, code) == "device_code_invalid"


async def test_one_decision_counts(grounds: Grounds, codes: DeviceCodes) -> None:
    """Of those made at once, and none after."""
    _, waiting = await codes.begin(ASKED)
    session = await grounds.session()
    answers = await asyncio.gather(
        *(codes.decide(waiting.user_code, session, allow=allow) for allow in (True, False, True)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, DeviceRequest) for each in answers) == 1
    with pytest.raises(NotFound):
        await codes.decide(waiting.user_code, session, allow=True)


async def test_a_device_gets_in_while_its_session_lasts(
    grounds: Grounds, codes: DeviceCodes
) -> None:
    """Once; who signed out before the device asked has let nobody in."""
    for ends, said in ((False, ""), (True, "login_ended")):
        code, waiting = await codes.begin(ASKED)
        session = await grounds.session()
        await codes.decide(waiting.user_code, session, allow=True)
        if ends:
            await grounds.sessions.end(session)
            assert await polled(codes, code) == said
        else:
            asked, found = await codes.redeem(code, client_id="cli")
            assert (asked.client_id, found.id) == ("cli", session.id)
        assert await polled(codes, code) == "device_code_invalid"


async def test_guesses_are_counted_by_address_too(grounds: Grounds, codes: DeviceCodes) -> None:
    """A new cookie for each try helps nobody; nor does another address of the same network."""
    _, waiting = await codes.begin(ASKED)

    def browser(number: int) -> Browser:
        return Browser(secret=secrets.token_hex(32), address=f"2001:db8::{number:x}")

    for number in range(300):
        with pytest.raises(NotFound):
            await codes.try_code("BCDFGHJK", browser(number + 1))
    with pytest.raises(Exhausted) as refused:
        await codes.try_code(waiting.user_code, browser(999))
    assert refused.value.retry_after == 600
    assert (await codes.try_code(waiting.user_code, BROWSER)).client_id == "cli"
    grounds.clock.now += 600
    assert (await codes.try_code(waiting.user_code, browser(999))).client_id == "cli"


async def test_a_device_code_does_not_stand_in_the_state(
    grounds: Grounds, codes: DeviceCodes
) -> None:
    """Whoever reads the state cannot redeem what waits there: it has the hash."""
    code, _ = await codes.begin(ASKED)
    assert await grounds.state.get("device", code) is None

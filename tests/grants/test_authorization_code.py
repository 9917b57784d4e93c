"""Authorization codes, with a clock that the test moves."""

from __future__ import annotations

import secrets

import pytest

from broker.errors import Denied
from broker.grants.authorization_code import AuthorizationCodes, family_of
from broker.grants.login.intents import Authorization
from broker.grants.request import Call
from broker.oauth.pkce import challenge_of
from tests.grants.logins import CALL, Grounds

VERIFIER = secrets.token_urlsafe(32)
WANTED = Authorization(
    client_id="console",
    redirect_uri="https://console.example/callback",
    code_challenge=challenge_of(VERIFIER),
)
ASKED = {
    "client_id": WANTED.client_id,
    "redirect_uri": WANTED.redirect_uri,
    "verifier": VERIFIER,
}


class Ended(list[bytes]):
    """The families that were ended."""

    async def end(self, family: bytes, call: Call) -> None:
        self.append(family)


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
def codes(grounds: Grounds, ended: Ended) -> AuthorizationCodes:
    return AuthorizationCodes(
        grounds.state, grounds.sessions, end_family=ended.end, random=secrets.token_bytes
    )


async def refusal(codes: AuthorizationCodes, code: str) -> str:
    with pytest.raises(Denied) as refused:
        await codes.redeem(code, **ASKED, call=CALL)
    return refused.value.code


async def test_a_code_lasts_a_minute(grounds: Grounds, codes: AuthorizationCodes) -> None:
    """RFC 6749 §4.1.2: it is short-lived."""
    session = await grounds.session()
    one, other = [await codes.give(WANTED, session=session, login=None) for _ in range(2)]
    grounds.clock.now += 59
    assert (await codes.redeem(one, **ASKED, call=CALL)).authorization == WANTED
    grounds.clock.now += 1
    assert await refusal(codes, other) == "code_invalid"


async def test_a_replay_is_noticed_for_ten_minutes(
    grounds: Grounds, codes: AuthorizationCodes, ended: Ended
) -> None:
    """What came of the code ends each time; what was never a code ends nothing."""
    code = await codes.give(WANTED, session=await grounds.session(), login=None)
    family = (await codes.redeem(code, **ASKED, call=CALL)).family
    assert family == family_of(code)
    grounds.clock.now += 599
    assert await refusal(codes, code) == "code_invalid"
    assert await refusal(codes, "nonsense") == "code_invalid"
    assert ended == [family]


async def test_a_replay_while_the_first_is_answered_is_noticed(
    grounds: Grounds, codes: AuthorizationCodes, ended: Ended
) -> None:
    """It comes when nothing is written down yet that could be ended: the first is told."""
    code = await codes.give(WANTED, session=await grounds.session(), login=None)
    first = await codes.redeem(code, **ASKED, call=CALL)
    await codes.expect_once(code, CALL)
    await refusal(codes, code)
    with pytest.raises(Denied):
        await codes.expect_once(code, CALL)
    assert ended == [first.family] * 2


async def test_a_code_does_not_stand_in_the_state(
    grounds: Grounds, codes: AuthorizationCodes
) -> None:
    """Whoever reads the state cannot redeem what is there: it has the hash."""
    code = await codes.give(WANTED, session=await grounds.session(), login=None)
    assert await grounds.state.get("code", code) is None

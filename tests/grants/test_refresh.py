"""When refresh tokens end, with a clock that the test moves."""

from __future__ import annotations

import base64
import json

import pytest

from broker.errors import Denied, NotFound
from broker.grants.person_tokens import Principal
from broker.grants.refresh import RefreshGrants
from broker.iam.model import Identity
from broker.iam.uidp import Uidp
from tests.grants.logins import ANN, CALL, IDLE, LIFETIME, Grounds

AUDIENCE = ("https://broker.example",)


def principal(identity: Uidp = ANN, mappings: tuple[Uidp, ...] = ()) -> Principal:
    return Principal(
        identity=identity, provider="google", session="0" * 32, actor={}, mappings=mappings
    )


async def issued(grounds: Grounds, grants: RefreshGrants, who: Principal | None = None) -> str:
    return await grants.issue(
        who or principal(),
        "console",
        authenticated_at=int(grounds.clock.now),
        audience=AUDIENCE,
        call=CALL,
    )


async def used(grants: RefreshGrants, token: str) -> str:
    return await grants.renew(await grants.examine(token, client_id="console", call=CALL), CALL)


def exp(token: str) -> int:
    return int(json.loads(base64.b64decode(token))["exp"])


async def test_a_token_ends_when_it_is_not_used(grounds: Grounds) -> None:
    """It says so itself, to the second, and each one that follows has its own end."""
    grants = grounds.grants()
    token = await issued(grounds, grants)
    assert exp(token) == grounds.clock.now + IDLE
    grounds.clock.now += IDLE - 1
    token = await used(grants, token)
    assert exp(token) == grounds.clock.now + IDLE
    grounds.clock.now += IDLE
    with pytest.raises(Denied) as refused:
        await grants.examine(token, client_id="console", call=CALL)
    assert refused.value.code == "refresh_token_invalid"


async def test_a_login_ends_however_often_it_is_used(grounds: Grounds) -> None:
    """Counted from the moment when the person proved who they are."""
    grants = grounds.grants()
    began = grounds.clock.now
    token = await issued(grounds, grants)
    while grounds.clock.now + IDLE - 1 < began + LIFETIME:
        grounds.clock.now += IDLE - 1
        token = await used(grants, token)
    assert exp(token) == began + LIFETIME
    grounds.clock.now = began + LIFETIME
    with pytest.raises(Denied):
        await grants.examine(token, client_id="console", call=CALL)


async def test_what_has_ended_is_swept(grounds: Grounds) -> None:
    """And what has not is left; any number of processes may sweep."""
    grants = grounds.grants()
    await issued(grounds, grants)
    grounds.clock.now += IDLE - 1
    kept = await issued(grounds, grants)
    grounds.clock.now += 1
    assert len(await grants.of_identity(ANN)) == 1
    assert [await grants.sweep(), await grants.sweep()] == [1, 0]
    await used(grants, kept)


async def test_whoever_uses_a_token_second_ends_it_for_both(grounds: Grounds) -> None:
    """Both were found good; one was renewed before the other."""
    grants = grounds.grants()
    token = await issued(grounds, grants)
    one = await grants.examine(token, client_id="console", call=CALL)
    other = await grants.examine(token, client_id="console", call=CALL)
    newer = await grants.renew(one, CALL)
    with pytest.raises(Denied) as refused:
        await grants.renew(other, CALL)
    assert refused.value.code == "refresh_token_reused"
    with pytest.raises(Denied):
        await grants.examine(newer, client_id="console", call=CALL)


async def test_there_is_none_for_roles_that_groups_brought(grounds: Grounds) -> None:
    """They end with the login that brought them."""
    grants = grounds.grants()
    mapping = Uidp("0" * 40 + "/" + "1" * 16)
    assert await issued(grounds, grants, principal(mappings=(mapping,))) == ""
    assert await grants.of_identity(ANN) == []


async def test_there_is_none_for_who_is_not_registered(grounds: Grounds) -> None:
    """A grant is a record of somebody."""
    grants = grounds.grants()
    with pytest.raises(NotFound):
        await issued(grounds, grants, principal(Uidp("12" * 20)))


async def test_who_provisions_people_is_asked_each_time(grounds: Grounds) -> None:
    """Whom the organization's directory has deactivated goes on no more, and is told why."""

    class Deactivated:
        async def check(self, person: Identity, provider: str) -> None:
            assert (person.id, provider) == (ANN, "google")
            raise Denied("person_deactivated", "no")

    token = await issued(grounds, grounds.grants())
    with pytest.raises(Denied) as refused:
        await grounds.grants(Deactivated()).examine(token, client_id="console", call=CALL)
    assert refused.value.code == "person_deactivated"
    await used(grounds.grants(), token)


async def test_all_of_a_person_end_at_once(grounds: Grounds) -> None:
    """As when they are deactivated."""
    grants = grounds.grants()
    tokens = [await issued(grounds, grants) for _ in range(3)]
    assert await grants.end_all(ANN) == 3
    for token in tokens:
        with pytest.raises(Denied):
            await used(grants, token)


async def test_a_token_does_not_show(grounds: Grounds) -> None:
    """Not in what is examined, wherever that is written."""
    grants = grounds.grants()
    token = await issued(grounds, grants)
    shown = repr(await grants.examine(token, client_id="console", call=CALL))
    secret = base64.b64decode(json.loads(base64.b64decode(token))["s"])
    assert repr(secret[:32])[2:-1] not in shown
    assert repr(secret[32:])[2:-1] not in shown
    assert secret.hex() not in shown

"""Why somebody logs in, remembered while they are away."""

from __future__ import annotations

import json

import pytest

from broker.grants.login.intents import (
    Authorization,
    DeviceApproval,
    HeadlessLogin,
    Intent,
    Joining,
    PlatformLogin,
    Visit,
    intent_as_json,
    intent_from_json,
)
from broker.grants.login.pending import Interaction, PendingLogin
from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login
from broker.upstream.login.keeping import login_as_json, login_from_json

INTENTS: list[Intent] = [
    PlatformLogin(redirect="http://localhost/", audience=("a", "b"), scopes=("0" * 40,)),
    HeadlessLogin(code="x"),
    Authorization(
        client_id="c", redirect_uri="https://c.example/", code_challenge="y", scope=("openid",)
    ),
    DeviceApproval(user_code="BCDF-GHJK"),
    Joining(invite="i", organization="acme.example"),
    Visit(),
]


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: type(intent).__name__)
def test_why_somebody_came_is_known_when_they_are_back(intent: Intent) -> None:
    """Every intent comes back as it was, through the page and through the provider."""
    assert intent_from_json(json.loads(json.dumps(intent_as_json(intent)))) == intent
    interaction = Interaction(mark="m", intent=intent, choices=("google",), login_hint="ann")
    assert Interaction.from_json(interaction.as_json()) == interaction
    pending = PendingLogin(mark="m", intent=intent, provider="google", nonce="n", code_verifier="v")
    assert PendingLogin.from_json(pending.as_json()) == pending


def test_what_an_older_version_wrote_is_read() -> None:
    """A member that this version does not know is left out, one that it alone knows has its
    default.
    """
    assert intent_from_json({"kind": "joining", "invite": "i", "colour": "red"}) == Joining(
        invite="i"
    )


def test_a_login_comes_back_as_it_was() -> None:
    """Claims of any JSON, integers of any size among them, survive the question to register."""
    login = Login(
        provider="google",
        claims=VerifiedClaims(
            issuer="https://id.example",
            subject="ann",
            audience=("a", "b"),
            expires_at=1,
            claims={"n": 2**80, "nested": {"list": [1, None, "ü"]}},
        ),
        email="ann@acme.example",
        groups=("x", "y"),
    )
    assert login_from_json(login_as_json(login)) == login

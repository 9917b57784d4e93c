"""The other grant types of `/token` refuse what the exchange refuses, in the words of their RFCs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from broker.audit.record import Outcome
from broker.iam.uidp import Uidp
from broker.oauth import assertions, token_exchange
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import Answer, client_credentials, granted, jwt_bearer, oauth, record_of
from tests.kit.organizations import Organization, github

Grant = Callable[..., Awaitable[Answer]]
GRANTS = pytest.mark.parametrize(
    ("grant", "error"),
    [
        (oauth, "invalid_request"),
        (jwt_bearer, "invalid_grant"),
        (client_credentials, "invalid_client"),
    ],
)
AWS = "UE9TVCAvIEhUVFAvMS4xDQo"
"""How a signed AWS request begins, as a token."""


@GRANTS
@pytest.mark.parametrize(
    ("change", "reason", "stage"),
    [
        ("garbage", "token_malformed", "token"),
        ("another ref", "identity_refused", "identity"),
        ("another identity", "identity_refused", "identity"),
        ("forged", "token_signature_invalid", "signature"),
        ("expired", "token_expired", "times"),
    ],
)
async def test_a_token_that_is_not_acceptable(
    broker: RunningBroker,
    issuer: LocalIssuer,
    ci: Uidp,
    grant: Grant,
    error: str,
    change: str,
    reason: str,
    stage: str,
) -> None:
    """RFC 8693 §2.2.2, RFC 7521 §4.1.1, §4.2.1: another `error`; reason, stage, record the same."""
    token = issuer.token(issuer.github_claims())
    identity: str = ci
    if change == "garbage":
        token = "not.a.token"
    elif change == "another ref":
        token = issuer.token(issuer.github_claims(ref="refs/heads/other"))
    elif change == "another identity":
        identity = f"{ci.parent}/{'0' * 16}"
    elif change == "forged":
        head, payload, signature = token.split(".")
        other = issuer.token(issuer.github_claims(ref="refs/heads/other")).split(".")[2]
        assert other != signature
        token = f"{head}.{payload}.{other}"
    else:
        token = issuer.token({**issuer.github_claims(), "exp": int(time.time()) - 3600})
    answer = await grant(broker, token, identity)
    assert (answer.status, answer.body["error"]) == (400, error), answer.body
    assert (answer.reason, answer.stage) == (reason, stage)
    assert answer.body["request_id"] == answer.request_id
    assert "WWW-Authenticate" not in answer.headers
    record = await record_of(broker, answer)
    assert (record.outcome, record.code, record.stage) == (Outcome.REFUSED, reason, stage)


@GRANTS
async def test_an_issuer_that_is_away(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, grant: Grant, error: str
) -> None:
    """Is not the token's fault: 503 in every grant type, so that clients try again."""
    token = issuer.token(issuer.github_claims())
    await issuer.stop()
    answer = await grant(broker, token, ci)
    assert (answer.status, answer.body["error"]) == (503, "temporarily_unavailable")
    assert answer.stage == "issuer"


@GRANTS
@pytest.mark.parametrize(
    ("parameters", "error_here", "field"),
    [
        ({"surprise": "x"}, "invalid_request", "surprise"),
        ({"actor_token": "x"}, "invalid_request", "actor_token"),
        ({"scope": ["a", "b"]}, "invalid_request", "scope"),
        ({"scope": "openid"}, "invalid_request", "scope"),
        ({"scope": "/.default"}, "invalid_request", "scope"),
        ({"client_secret": "hunter2"}, "invalid_client", "client_secret"),
        ({"identity": "b" * 40}, "invalid_request", "identity"),
        ({"resource": "relative/path"}, "invalid_target", "resource"),
        ({"audience": "customer"}, "invalid_target", "audience"),
        ({"capabilities": "groups.create"}, "invalid_scope", "capabilit"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_parameters_are_as_strict(
    broker: RunningBroker,
    issuer: LocalIssuer,
    ci: Uidp,
    grant: Grant,
    error: str,
    parameters: dict[str, Any],
    error_here: str,
    field: str,
) -> None:
    """[CVE-2026-9704] whichever grant type; a defect of the request is not one of the token."""
    answer = await grant(broker, issuer.token(issuer.github_claims()), ci, **parameters)
    assert answer.body["error"] == error_here, answer.body
    assert field in answer.body["error_description"]
    assert answer.status == (401 if error_here == "invalid_client" else 400)
    assert (await record_of(broker, answer)).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "parameter_missing"),
        ({"grant_type": "password"}, "grant_type_unsupported"),
        ({"grant_type": [assertions.JWT_BEARER, "client_credentials"]}, "parameter_repeated"),
        ({"grant_type": assertions.JWT_BEARER}, "parameter_missing"),
        ({"grant_type": assertions.JWT_BEARER, "assertion": ["a", "b"]}, "parameter_repeated"),
        ({"grant_type": assertions.JWT_BEARER, "assertion": AWS}, "token_type_mismatch"),
        ({"grant_type": assertions.JWT_BEARER, "subject_token": "a.b.c"}, "parameter_unknown"),
        (
            {"grant_type": assertions.JWT_BEARER, "assertion": "a", "client_assertion": "a"},
            "parameter_unknown",
        ),
        (
            {"grant_type": token_exchange.GRANT_TYPE, "client_assertion": "a.b.c"},
            "parameter_unknown",
        ),
        ({"grant_type": "client_credentials"}, "parameter_missing"),
        (
            {"grant_type": "client_credentials", "client_assertion": "a.b.c"},
            "parameter_missing",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_assertion": "a.b.c",
                "client_assertion_type": token_exchange.JWT,
            },
            "token_type_unsupported",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_assertion": AWS,
                "client_assertion_type": assertions.JWT_CLIENT_ASSERTION,
            },
            "token_type_mismatch",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_assertion": "a.b.c",
                "client_assertion_type": assertions.JWT_CLIENT_ASSERTION,
                "claims": "{}",
            },
            "parameter_unsupported",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_assertion": "a.b.c",
                "client_assertion_type": assertions.JWT_CLIENT_ASSERTION,
            },
            "parameter_missing",
        ),
    ],
    ids=lambda value: str(value)[:90],
)
async def test_parameters_of_one_grant_type_are_no_others(
    broker: RunningBroker, form: dict[str, Any], reason: str
) -> None:
    """Each has its own; a client that is nobody and a token of another kind are refused."""
    answer = await granted(broker, form)
    assert (answer.status, answer.reason, answer.stage) == (400, reason, "request"), answer.body
    assert (await record_of(broker, answer)).outcome is Outcome.REFUSED


async def test_a_client_that_has_a_secret_is_told(broker: RunningBroker, ci: Uidp) -> None:
    """What most clients send with `client_credentials` is no credential here."""
    form = {"grant_type": "client_credentials", "client_id": ci, "client_secret": "hunter2"}
    answer = await granted(broker, form)
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert answer.reason == "client_secret_unexpected"
    assert "hunter2" not in str(answer.body)


@GRANTS
async def test_a_token_that_was_used_before(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, grant: Grant, error: str
) -> None:
    """By whichever grant type: a token of a single-use identity has one use in all of them."""
    once = await acme.identity(github(issuer.url), single_use=True)
    token = issuer.token(issuer.github_claims())
    assert (await oauth(broker, token, once)).status == 200
    answer = await grant(broker, token, once)
    assert (answer.status, answer.body["error"]) == (400, error), answer.body
    assert (answer.reason, answer.stage) == ("token_already_used", "use")

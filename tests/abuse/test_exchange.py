"""What an exchange must refuse, on a running broker: each is audited and told alike to all."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from broker.audit.record import Outcome
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import Answer, call, exchange, oauth, record_of
from tests.kit.issuers import MisbehavingIssuer, answers, answers_text, hangs, redirects, sends
from tests.kit.organizations import Organization, github, organization

DUPLICATE = b'{"iss":"a","iss":"b","sub":"s","aud":"x"}'


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def refused(
    broker: RunningBroker, answer: Answer, status: int, reason: str, stage: str | None
) -> dict[str, Any]:
    """Check the answer and its one audit record; the record's detail."""
    assert (answer.status, answer.reason, answer.stage) == (status, reason, stage), answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    record = await record_of(broker, answer)
    assert record.outcome is not Outcome.OK
    assert (record.code, record.stage) == (reason, stage or "")
    detail: dict[str, Any] = json.loads(record.detail)
    assert failed_steps(detail)
    return detail


def failed_steps(detail: dict[str, Any]) -> list[dict[str, Any]]:
    """What did not hold; a step that was not reached is neither that nor its opposite."""
    return [step for step in detail["steps"] if step["passed"] is False]


async def test_no_token(broker: RunningBroker, ci: Uidp) -> None:
    """401, not 500 and not 403."""
    answer = await call("POST", f"{broker.url}/sts/exchange", data={"identity": ci})
    await refused(broker, answer, 401, "token_missing", "request")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="broker"'
    answer = await oauth(broker, "", ci, subject_token=None)
    await refused(broker, answer, 400, "parameter_missing", "request")
    assert answer.body["error"] == "invalid_request"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic abc", "token abc", "bearer:abc"],
)
async def test_an_authorization_header_that_is_no_bearer_token(
    broker: RunningBroker, header: str
) -> None:
    """RFC 6750 §2.1."""
    answer = await call("GET", f"{broker.url}/sts/exchange", headers={"Authorization": header})
    await refused(broker, answer, 401, "token_missing", "request")


async def test_two_authorization_headers(broker: RunningBroker, issuer: LocalIssuer) -> None:
    """Which one a proxy looked at is not known, so neither counts."""
    token = issuer.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    answer = await call("GET", f"{broker.url}/sts/exchange", headers=headers)
    await refused(broker, answer, 401, "token_missing", "request")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("a." + "x" * 17_000 + ".c", "token_too_large"),
        ("aaaa.bbbb", "token_malformed"),
        ("aaaa.bbbb.cccc.dddd", "token_malformed"),
        ("!!!!.????.####", "token_malformed"),
        (f"{b64({'alg': 'RS256'})}=.{b64({})}.c2ln", "token_malformed"),
        (f"{b64(b'{')}.{b64({})}.c2ln", "token_malformed"),
        (
            f"{b64({'alg': 'RS256'})}.{b64(DUPLICATE)}.c2ln",
            "token_malformed",
        ),
        (f"{b64({'alg': 'RS256'})}.{b64({'iss': 'i', 'sub': 's'})}.c2ln", "token_claim_invalid"),
        (
            f"{b64({'alg': 'RS256'})}.{b64({'iss': 'i', 'sub': 's', 'aud': 'a', 'exp': '9'})}.c2ln",
            "token_claim_invalid",
        ),
    ],
    ids=lambda value: value[:24],
)
async def test_a_token_that_is_none(
    broker: RunningBroker, ci: Uidp, token: str, reason: str
) -> None:
    """Refused before anything is looked up, in both dialects."""
    await refused(broker, await exchange(broker, token, ci), 401, reason, "token")
    answer = await oauth(broker, token, ci)
    await refused(broker, answer, 400, reason, "token")
    assert answer.body["error"] == "invalid_request"  # RFC 8693 §2.2.2


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "token_algorithm_refused"),
        ({"alg": "HS256"}, "token_algorithm_refused"),
        ({"alg": "ES256"}, "token_key_unknown"),
        ({"kid": "another"}, "token_key_unknown"),
        ({"crit": ["exp"]}, "token_extension_refused"),
    ],
    ids=str,
)
async def test_a_header_that_chooses_for_itself(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, header: dict[str, Any], reason: str
) -> None:
    """Algorithm, key and extensions are the issuer's and ours to choose, never the token's."""
    token = issuer.token(issuer.github_claims(), header=header)
    await refused(broker, await exchange(broker, token, ci), 401, reason, "signature")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": -3600}, "token_expired"),
        ({"nbf": 3600}, "token_not_yet_valid"),
        ({"iat": 3600}, "token_not_yet_valid"),
        ({"exp": 7 * 86400}, "token_lifetime_too_long"),
    ],
    ids=str,
)
async def test_a_token_at_the_wrong_time(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, claims: dict[str, int], reason: str
) -> None:
    """The record says what the time was and what it should have been."""
    times = {name: int(time.time()) + offset for name, offset in claims.items()}
    token = issuer.token({**issuer.github_claims(), **times})
    detail = await refused(broker, await exchange(broker, token, ci), 401, reason, "times")
    (step,) = failed_steps(detail)
    assert step["name"] in claims
    assert step["got"].endswith("Z")


async def test_unknown_identity_and_failed_rule_look_the_same(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """To the caller; the owner sees the difference."""
    wrong_branch = issuer.token(issuer.github_claims(ref="refs/heads/other"))
    unknown = Uidp("f" * 40 + "/" + "0" * 16)
    for ask in (exchange, oauth):
        known_answer = await ask(broker, wrong_branch, ci)
        unknown_answer = await ask(broker, wrong_branch, unknown)
        for answer in (known_answer, unknown_answer):
            assert answer.headers.pop("X-Request-Id")  # type: ignore[attr-defined]
            answer.headers.pop("Date")  # type: ignore[attr-defined]
            text = json.dumps(answer.body)
            for value in (ci, unknown, issuer.url, "refs/heads"):
                assert value not in text
        known_body, unknown_body = (
            json.dumps(answer.body).replace(request_id(answer), "")
            for answer in (known_answer, unknown_answer)
        )
        assert known_answer.status == unknown_answer.status == (403 if ask is exchange else 400)
        assert known_body == unknown_body
        assert known_answer.headers == unknown_answer.headers


async def test_a_bad_token_is_told_whether_or_not_the_identity_exists(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """What is wrong with the token alone is found before the identity is looked up."""
    unknown = Uidp("f" * 40 + "/" + "0" * 16)
    expired = issuer.token(issuer.github_claims(), lifetime=-3600)
    unsigned = issuer.token(issuer.github_claims(), header={"alg": "none"})
    for token, reason in ((expired, "token_expired"), (unsigned, "token_algorithm_refused")):
        for identity in (ci, unknown):
            answer = await exchange(broker, token, identity)
            assert (answer.status, answer.reason) == (401, reason)


async def test_a_forged_token_does_not_tell_who_is_registered(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """A person's UIDP can be worked out by anybody; the owner of the log sees the difference."""
    alice = await acme.person(issuer.url, "alice")
    assert (await exchange(broker, issuer.token({"sub": "alice"}))).status == 200
    forger = LocalIssuer(issuer=issuer.url, audience=broker.url)
    for identity, subject in (("", "alice"), ("", "bob"), (alice, "alice")):
        answer = await exchange(broker, forger.token({"sub": subject}), identity)
        detail = await refused(broker, answer, 403, "identity_refused", "identity")
        if subject == "alice":
            assert any(step["name"] == "kid" for step in detail["steps"])


async def test_parameters_without_a_value_are_left_out(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """RFC 6749 §3.2."""
    token = issuer.token(issuer.github_claims())
    answer = await exchange(broker, token, ci, aud="", scopes="", cap="")
    assert answer.claims["aud"] == broker.url
    answer = await oauth(broker, token, ci, audience="", scope="", client_secret="")
    assert answer.status == 200


def request_id(answer: Answer) -> str:
    """Of the body."""
    if "details" in answer.body:
        return str(answer.body["details"][0]["metadata"]["request_id"])
    return str(answer.body["request_id"])


async def test_the_owner_sees_why(broker: RunningBroker, issuer: LocalIssuer, ci: Uidp) -> None:
    """Every rule, what was expected, what the token had, and what to change."""
    token = issuer.token(issuer.github_claims(ref="refs/heads/other"), aud=f"{broker.url}/")
    answer = await exchange(broker, token, ci)
    detail = await refused(broker, answer, 403, "identity_refused", "identity")
    steps = {step["name"]: step for step in detail["steps"]}
    assert steps["issuer"]["passed"]
    assert not steps["subject"]["passed"]
    assert steps["subject"]["expected"] == "repo:acme/shop:ref:refs/heads/main"
    assert steps["subject"]["got"] == "repo:acme/shop:ref:refs/heads/other"
    assert "trailing slash" in steps["audience"]["hint"]
    assert detail["unverified"]["iss"] == issuer.url
    assert (await record_of(broker, answer)).group == ci.parent


async def test_an_issuer_that_differs_by_a_slash_is_not_fetched(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """A near miss is a hint, never a match, and reaches no network."""
    identity = await acme.identity(github(f"{issuer.url}/"))
    answer = await exchange(broker, issuer.token(issuer.github_claims()), identity)
    detail = await refused(broker, answer, 403, "identity_refused", "identity")
    (step,) = failed_steps(detail)
    assert "trailing slash" in step["hint"]
    assert not issuer.requests


@pytest.mark.parametrize("audience", ["https://elsewhere.example", ["https://elsewhere.example"]])
async def test_a_token_for_somebody_else(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, audience: Any
) -> None:
    """[Dex#4397] a token meant for another service is not ours to take."""
    token = issuer.token(issuer.github_claims(), aud=audience)
    await refused(broker, await exchange(broker, token, ci), 403, "identity_refused", "identity")


async def test_a_token_for_us_and_somebody_else(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """[Vault CVE-2024-5798] every value of the list has to be accepted."""
    token = issuer.token(issuer.github_claims(), aud=[broker.url, "https://elsewhere.example"])
    await refused(broker, await exchange(broker, token, ci), 403, "identity_refused", "identity")


async def test_an_identity_of_another_organization(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Matching is only inside the identity that the caller named."""
    other = await organization(broker.store, "other")
    theirs = await other.identity(github(issuer.url, subject="repo:other/shop:ref:refs/heads/main"))
    token = issuer.token(issuer.github_claims())
    assert (await exchange(broker, token, ci)).status == 200
    answer = await exchange(broker, token, theirs)
    await refused(broker, answer, 403, "identity_refused", "identity")


async def test_nobody_is_registered(broker: RunningBroker, issuer: LocalIssuer) -> None:
    """And the issuer is not fetched: no record allows it."""
    answer = await exchange(broker, issuer.token())
    await refused(broker, answer, 403, "identity_refused", "identity")
    assert not issuer.requests


async def test_our_own_token_is_no_upstream_token(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """Even for an identity whose rules name us as issuer."""
    ours = (await exchange(broker, issuer.token(issuer.github_claims()), ci)).body["token"]
    loop = await acme.identity(github(broker.url, subject=ci))
    answer = await exchange(broker, ours, loop)
    await refused(broker, answer, 401, "token_is_access_token", "token")


@pytest.mark.parametrize(
    "identity", ["ci", "A" * 40, "a" * 40 + "/", "../" * 5, "a" * 40 + "\x00", "a" * 2000]
)
async def test_a_malformed_uidp(broker: RunningBroker, issuer: LocalIssuer, identity: str) -> None:
    """400, naming the parameter."""
    token = issuer.token()
    answer = await exchange(broker, token, identity)
    await refused(broker, answer, 400, "uidp_malformed", "request")
    assert "identity" in answer.body["message"]
    answer = await oauth(broker, token, identity)
    assert answer.body["error"] == "invalid_request"
    assert "client_id" in answer.body["error_description"]


async def test_a_scope_outside(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """The organization above, and another one."""
    token = issuer.token(issuer.github_claims())
    for scope in (acme.id, Uidp("e" * 40)):
        answer = await exchange(broker, token, ci, scopes=[acme.folder, scope])
        await refused(broker, answer, 403, "scope_not_held", "scope")
        answer = await oauth(broker, token, ci, scope=f"{acme.folder} {scope}")
        await refused(broker, answer, 400, "scope_not_held", "scope")
        assert answer.body["error"] == "invalid_scope"


async def test_a_capability_that_is_not_held(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Refused rather than dropped; an unknown name is another matter."""
    token = issuer.token(issuer.github_claims())
    answer = await exchange(broker, token, ci, cap=["groups.list", "groups.delete"])
    await refused(broker, answer, 403, "capability_not_held", "scope")
    answer = await exchange(broker, token, ci, cap="groups.rule")
    await refused(broker, answer, 400, "capability_unknown", "request")


@pytest.mark.parametrize("audience", ["customer", "a b\n", "ü", "x" * 513, ["x", "y\t"]])
async def test_an_audience_that_cannot_be_minted(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, audience: Any
) -> None:
    """`customer` is the audience of webhook tokens."""
    answer = await exchange(broker, issuer.token(issuer.github_claims()), ci, aud=audience)
    assert answer.status == 400
    assert answer.reason in {"audience_invalid", "audience_not_allowed"}


@pytest.mark.parametrize(
    ("parameters", "error", "field"),
    [
        ({"grant_type": None}, "invalid_request", "grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"subject_token_type": None}, "invalid_request", "subject_token_type"),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
            "invalid_request",
            "subject_token_type",
        ),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
            "requested_token_type",
        ),
        ({"actor_token": "x"}, "invalid_request", "actor_token"),
        ({"subject_token": ["a", "b"]}, "invalid_request", "subject_token"),
        ({"scope": ["a", "b"]}, "invalid_request", "scope"),
        ({"surprise": "x"}, "invalid_request", "surprise"),
        ({"client_secret": "hunter2"}, "invalid_client", "client_secret"),
        ({"identity": "b" * 40}, "invalid_request", "identity"),
        ({"resource": "relative/path"}, "invalid_target", "resource"),
        ({"resource": "https://a.example/#x"}, "invalid_target", "resource"),
        ({"audience": "customer"}, "invalid_target", "audience"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_rfc_8693_parameters_are_strict(
    broker: RunningBroker,
    issuer: LocalIssuer,
    ci: Uidp,
    parameters: dict[str, Any],
    error: str,
    field: str,
) -> None:
    """[CVE-2026-9704] unknown, unsupported and repeated ones are refused, not ignored."""
    answer = await oauth(broker, issuer.token(issuer.github_claims()), ci, **parameters)
    assert answer.body["error"] == error, answer.body
    assert field in answer.body["error_description"]
    assert answer.status == (401 if error == "invalid_client" else 400)
    assert (await record_of(broker, answer)).outcome is Outcome.REFUSED
    assert "hunter2" not in json.dumps(answer.body)


async def test_parameters_of_sts_exchange_are_strict(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Unknown, repeated, unsupported, split between query and body, neither form nor JSON."""
    token = issuer.token(issuer.github_claims())
    url = f"{broker.url}/sts/exchange"
    headers = {"Authorization": f"Bearer {token}"}
    for form, reason in (
        ([("identity", ci), ("identity", ci)], "parameter_repeated"),
        ([("identity", ci), ("scpoe", ci)], "parameter_unknown"),
        ([("identity_provider", "acme")], "uidp_malformed"),
        ([("identity", "\udcff")], None),
    ):
        if reason is not None:
            answer = await call("POST", url, data=form, headers=headers)
            await refused(broker, answer, 400, reason, "request")
    answer = await call("POST", url, data=b"identity=%ff", headers={**headers, **FORM})
    await refused(broker, answer, 400, "parameters_malformed", "request")
    answer = await call("POST", url, data={"aud": "x"}, params={"identity": ci}, headers=headers)
    await refused(broker, answer, 400, "parameters_split", "request")
    text = {**headers, "Content-Type": "text/plain"}
    answer = await call("POST", url, data=b'{"identity": "x"}', headers=text)
    await refused(broker, answer, 400, "content_type_unsupported", "request")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"identity": "x", "identity": "x"}', "body_malformed"),
        (b'{"identity": "x"', "body_malformed"),
        (b"\xff", "body_malformed"),
        (b"[]", "field_invalid"),
        (b'{"identity": ["x"]}', "field_invalid"),
        (b'{"identityProvider": "x", "identity_provider": "x"}', "field_invalid"),
        (b'{"scpoe": "x"}', "field_unknown"),
        (b'{"identityProvider": "x"}', "uidp_malformed"),
        (b'{"identity": "x"}', "uidp_malformed"),
    ],
)
async def test_json_of_sts_exchange_is_as_strict(
    broker: RunningBroker, issuer: LocalIssuer, body: bytes, reason: str
) -> None:
    """Duplicate and unknown members, wrong types, what is not supported."""
    headers = {"Authorization": f"Bearer {issuer.token()}", "Content-Type": "application/json"}
    answer = await call("POST", f"{broker.url}/sts/exchange", data=body, headers=headers)
    await refused(broker, answer, 400, reason, "request")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_body_over_the_limit(broker: RunningBroker) -> None:
    """64 KiB, whatever it holds."""
    answer = await call("POST", f"{broker.url}/token", data=b"x=" + b"y" * 70_000, headers=FORM)
    assert (answer.status, answer.reason) == (400, "body_too_large")


async def test_credentials_in_the_url_of_the_token_endpoint(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Logs keep URLs."""
    answer = await call(
        "POST", f"{broker.url}/token", params={"subject_token": issuer.token()}, data={"a": "b"}
    )
    await refused(broker, answer, 400, "parameters_in_query", "request")


async def test_a_basic_password(broker: RunningBroker, issuer: LocalIssuer, ci: Uidp) -> None:
    """Nobody has a secret here, so one that is sent was meant for somebody else."""
    headers = {"Authorization": "Basic " + base64.b64encode(f"{ci}:hunter2".encode()).decode()}
    answer = await oauth(broker, issuer.token(), headers=headers)
    await refused(broker, answer, 401, "client_secret_unexpected", "request")
    assert answer.body["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="broker"'


def misbehaving(misdeed: str, audience: str) -> MisbehavingIssuer:
    """An issuer whose discovery or keys are not what they should be."""
    issuer = MisbehavingIssuer(audience=audience)
    keys = issuer.jwks()["keys"]
    issuer.on_discovery, issuer.on_jwks = {
        "down": (None, None),
        "slow": (hangs, None),
        "redirecting": (redirects("http://127.0.0.1:1/"), None),
        "html": (answers_text("<html>secret of the upstream</html>"), None),
        "oversized": (None, sends(b" " * 10_000_000)),
        "wrong issuer": (answers({"issuer": "https://evil.example", "jwks_uri": "x"}), None),
        "duplicate kids": (None, answers({"keys": keys * 2})),
    }[misdeed]
    return issuer


@pytest.mark.parametrize(
    "misdeed",
    ["down", "slow", "redirecting", "html", "oversized", "wrong issuer", "duplicate kids"],
)
async def test_an_issuer_that_misbehaves(tmp_path: Path, misdeed: str) -> None:
    """503 within the time limit; the caller learns nothing of what the issuer answered."""
    async with (
        running_broker(tmp_path, BROKER_UPSTREAM_TIMEOUT="0.5") as broker,
        misbehaving(misdeed, broker.url) as issuer,
    ):
        acme = await organization(broker.store)
        identity = await acme.identity(github(issuer.url))
        token = issuer.token(issuer.github_claims())
        if misdeed == "down":
            await issuer.stop()
        answer = await asyncio.wait_for(exchange(broker, token, identity), 10)
        detail = await refused(broker, answer, 503, "issuer_unavailable", "issuer")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "secret" not in json.dumps(answer.body)
        assert "evil" not in json.dumps(answer.body)
        assert failed_steps(detail)[0]["got"]
        assert (await record_of(broker, answer)).outcome is Outcome.FAILED
        answer = await oauth(broker, token, identity)
        assert (answer.status, answer.body["error"]) == (503, "temporarily_unavailable")


async def test_a_thousand_unknown_kids_cause_one_refetch(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """[key id flooding] whoever can send tokens cannot make us hammer an issuer."""
    assert (await exchange(broker, issuer.token(issuer.github_claims()), ci)).status == 200
    before = sum(issuer.requests.values())
    tokens = [issuer.token(issuer.github_claims(), header={"kid": f"kid-{n}"}) for n in range(1000)]
    gate = asyncio.Semaphore(50)

    async def one(token: str) -> int:
        async with gate:
            return (await exchange(broker, token, ci)).status

    statuses = await asyncio.gather(*(one(token) for token in tokens))
    assert set(statuses) == {401}
    assert sum(issuer.requests.values()) - before <= 2  # discovery and keys, once


async def test_the_log_holds_no_token(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor does the audit log, of good and of bad exchanges."""
    good = issuer.token(issuer.github_claims())
    bad = issuer.token(issuer.github_claims(ref="refs/heads/other"))
    minted = (await exchange(broker, good, ci)).body["token"]
    await exchange(broker, bad, ci)
    captured = capfd.readouterr()
    async with broker.store.read() as records:
        written = json.dumps([str(record) for record in await records.audit.find(limit=10)])
    for secret in (good, bad, minted):
        for text in (captured.out, captured.err, written):
            assert secret not in text
            assert secret.rsplit(".", 1)[1] not in text

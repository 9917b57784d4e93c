"""Tokens that are used again, and callers who do not stop, on a running broker of each state."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from broker.audit.record import Outcome
from broker.contract.proto.oidc.v1 import security_token_service_pb2 as pb
from broker.iam.model import AwsIdentity, StaticKeys
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit import grpc_calls
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import Answer, call, exchange, oauth, record_of
from tests.kit.organizations import Organization, github, organization
from tests.kit.redis import RedisServer, running_redis
from tests.kit.sts import ACCOUNT, StandInSts, role

EXCHANGE = grpc_calls.CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A server that a test may stop."""
    with running_redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def state(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of each kind of state."""
    if request.param == "memory":
        return {}
    return {"BROKER_REDIS_URL": request.getfixturevalue("redis").url}


class World:
    """A broker with its organization, and an issuer that it can fetch."""

    def __init__(self, broker: RunningBroker, issuer: LocalIssuer, acme: Organization) -> None:
        self.broker = broker
        self.issuer = issuer
        self.acme = acme

    async def identity(self, **more: Any) -> Uidp:
        """One for the main branch of acme/shop."""
        return await self.acme.identity(github(self.issuer.url), **more)

    def token(self, **claims: Any) -> str:
        """A token that it accepts; None leaves a claim out."""
        without = [name for name, value in claims.items() if value is None]
        return self.issuer.token(self.issuer.github_claims(), without=without, **claims)


@asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    async with (
        running_broker(folder, **settings) as broker,
        LocalIssuer(audience=broker.url) as issuer,
    ):
        yield World(broker, issuer, await organization(broker.store))


async def refused_use(broker: RunningBroker, answer: Answer, status: int, reason: str) -> None:
    """Check the answer and its one record, whose last step says why."""
    assert (answer.status, answer.reason, answer.stage) == (status, reason, "use"), answer.body
    record = await record_of(broker, answer)
    assert record.outcome is not Outcome.OK
    assert (record.code, record.stage) == (reason, "use")
    failed = [step for step in json.loads(record.detail)["steps"] if step["passed"] is False]
    assert [step["stage"] for step in failed] == ["use"]


@pytest.mark.parametrize("claims", [{"jti": "one"}, {"jti": None}, {"jti": ""}, {"jti": 7}])
async def test_a_token_is_used_once(
    tmp_path: Path, state: dict[str, Any], claims: dict[str, Any]
) -> None:
    """The second time it is refused, in every dialect; with `jti` or without."""
    async with world(tmp_path, **state) as here:
        identity = await here.identity(single_use=True)
        token = here.token(**claims)
        assert (await exchange(here.broker, token, identity)).status == 200
        await refused_use(
            here.broker, await exchange(here.broker, token, identity), 401, "token_already_used"
        )
        again = await oauth(here.broker, token, identity)
        await refused_use(here.broker, again, 400, "token_already_used")
        assert again.body["error"] == "invalid_request"
        over_grpc = await exchange_over_grpc(here.broker, token, identity)
        assert over_grpc.code is grpc.StatusCode.UNAUTHENTICATED
        assert over_grpc.info.reason == "token_already_used"
        other = here.token(**claims | ({"jti": "two"} if claims["jti"] == "one" else {"run": 2}))
        assert (await exchange(here.broker, other, identity)).status == 200


async def test_the_refusal_names_the_first_use(tmp_path: Path) -> None:
    """The owner finds it by the token's hash."""
    async with world(tmp_path) as here:
        identity = await here.identity(single_use=True)
        token = here.token()
        first = await record_of(here.broker, await exchange(here.broker, token, identity))
        again = await record_of(here.broker, await exchange(here.broker, token, identity))
        assert first.token_sha256 == again.token_sha256
        assert first.token_sha256[:16] in again.detail


async def test_another_signature_is_not_another_token(tmp_path: Path) -> None:
    """What counts is what was signed: an ECDSA signature has a twin that verifies as well."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    async with (
        running_broker(tmp_path) as broker,
        LocalIssuer(audience=broker.url, algorithm="ES256") as issuer,
    ):
        here = World(broker, issuer, await organization(broker.store))
        identity = await here.identity(single_use=True)
        token = here.token(jti=None)
        signed, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
        respelt = f"{signed}.{base64.urlsafe_b64encode(twin).rstrip(b'=').decode()}"
        assert (await exchange(broker, respelt, identity)).status == 200
        assert (await exchange(broker, token, identity)).reason == "token_already_used"


async def test_of_many_uses_at_once_one_succeeds(tmp_path: Path, state: dict[str, Any]) -> None:
    """A race is no way in."""
    async with world(tmp_path, **state) as here:
        identity = await here.identity(single_use=True)
        token = here.token()
        answers = await asyncio.gather(*(exchange(here.broker, token, identity) for _ in range(20)))
        assert sorted(answer.status for answer in answers) == [200, *[401] * 19]


async def test_what_was_refused_was_not_used(tmp_path: Path) -> None:
    """Neither a failed rule nor a scope that is not held uses a token up."""
    async with world(tmp_path) as here:
        identity = await here.identity(single_use=True)
        other = await here.acme.identity(
            github(here.issuer.url, claims={"ref": "refs/heads/other"}), single_use=True
        )
        token = here.token()
        assert (await exchange(here.broker, token, other)).reason == "identity_refused"
        scoped = await exchange(here.broker, token, identity, scope=here.acme.id)
        assert scoped.reason == "scope_not_held"
        assert (await exchange(here.broker, token, identity)).status == 200


async def test_identities_that_did_not_ask_take_tokens_again(tmp_path: Path) -> None:
    """And such a use is none for one that did."""
    async with world(tmp_path) as here:
        usual, once = await here.identity(), await here.identity(single_use=True)
        token = here.token()
        for _ in range(3):
            assert (await exchange(here.broker, token, usual)).status == 200
        assert (await exchange(here.broker, token, once)).status == 200
        assert (await exchange(here.broker, token, usual)).status == 200


async def test_keys_on_record_use_up_nobody_elses_tokens(tmp_path: Path) -> None:
    """Who writes down keys of their own under an issuer's name can sign any `jti`."""
    async with world(tmp_path) as here, LocalIssuer(audience=here.broker.url) as forger:
        identity = await here.identity(single_use=True)
        claims = here.issuer.github_claims() | {"jti": "guessed", "iss": here.issuer.url}
        pretended = await here.acme.identity(
            StaticKeys(
                issuer=here.issuer.url,
                subject=claims["sub"],
                issuer_keys=json.dumps(forger.jwks()),
                expiration=datetime.now(UTC) + timedelta(days=1),
            ),
            single_use=True,
        )
        forged = forger.token(claims)
        assert (await exchange(here.broker, forged, pretended)).status == 200
        assert (await exchange(here.broker, forged, pretended)).reason == "token_already_used"
        assert (await exchange(here.broker, here.token(jti="guessed"), identity)).status == 200


async def test_a_signed_aws_request_is_used_once(tmp_path: Path, state: dict[str, Any]) -> None:
    """However it is spelt: what counts is what AWS was asked to believe."""
    who = role()
    async with (
        StandInSts(tmp_path, who) as sts,
        running_broker(tmp_path, addresses=sts.addresses, **sts.settings, **state) as broker,
    ):
        acme = await organization(broker.store)
        rules = AwsIdentity(account=ACCOUNT, arn=who.arn, user_id=who.user_id)
        identity = await acme.identity(rules, single_use=True)
        token = who.token(broker.url, identity)
        head = base64.b64decode(token).decode()
        respelt = base64.b64encode(head.replace("\r\nHost:", "\r\nhost:").encode()).decode()
        assert respelt != token
        assert (await exchange(broker, respelt, identity)).status == 200
        await refused_use(
            broker, await exchange(broker, token, identity), 401, "token_already_used"
        )


async def test_brokers_that_share_a_redis_share_what_was_used(
    tmp_path: Path, redis: RedisServer
) -> None:
    """A token that one has taken, the other refuses."""
    async with world(tmp_path, BROKER_REDIS_URL=redis.url) as here:
        issuer = here.broker.url
        settings: dict[str, Any] = {"BROKER_REDIS_URL": redis.url, "BROKER_ISSUER": issuer}
        async with running_broker(tmp_path, **settings) as beside:
            other = dataclasses.replace(beside, url=f"http://127.0.0.1:{beside.settings.port}")
            identity = await here.identity(single_use=True)
            token = here.token()
            assert (await exchange(here.broker, token, identity)).status == 200
            assert (await exchange(other, token, identity)).reason == "token_already_used"


async def test_without_redis_nothing_is_taken_for_fresh(tmp_path: Path, redis: RedisServer) -> None:
    """503 for who needs it, nothing for the others; all is well when it is back, without restart."""
    async with world(tmp_path, BROKER_REDIS_URL=redis.url) as here:
        usual, once = await here.identity(), await here.identity(single_use=True)
        used, token = here.token(), here.token()
        assert (await exchange(here.broker, used, once)).status == 200
        redis.stop()
        async with asyncio.timeout(30):
            down = await exchange(here.broker, token, once)
        await refused_use(here.broker, down, 503, "state_unavailable")
        assert down.headers["Retry-After"] == "5"
        spoken = await oauth(here.broker, token, once)
        assert (spoken.status, spoken.body["error"]) == (503, "temporarily_unavailable")
        over_grpc = await exchange_over_grpc(here.broker, token, once)
        assert (over_grpc.code, over_grpc.retry_after) == (grpc.StatusCode.UNAVAILABLE, 5)
        assert (await exchange(here.broker, token, usual)).status == 200
        assert (await call("GET", f"{here.broker.url}/readyz")).status == 200
        redis.start()
        assert (await exchange(here.broker, token, once)).status == 200
        assert (await exchange(here.broker, token, once)).reason == "token_already_used"


async def test_a_broker_starts_without_its_redis(tmp_path: Path, redis: RedisServer) -> None:
    """And finds it later."""
    redis.stop()
    async with world(tmp_path, BROKER_REDIS_URL=redis.url) as here:
        usual, once = await here.identity(), await here.identity(single_use=True)
        assert (await exchange(here.broker, here.token(), usual)).status == 200
        assert (await exchange(here.broker, here.token(), once)).status == 503
        redis.start()
        assert (await exchange(here.broker, here.token(), once)).status == 200


async def test_an_address_that_is_refused_too_often_has_to_wait(
    tmp_path: Path, state: dict[str, Any]
) -> None:
    """On every wire; successes are not counted, and what is turned away is not written down."""
    async with world(tmp_path, BROKER_RATE_LIMIT_ADDRESS="5/day", **state) as here:
        identity = await here.identity()
        for _ in range(7):
            assert (await exchange(here.broker, here.token(), identity)).status == 200
        for number in range(5):
            malformed = {"identity": "nobody"} if number % 2 else {"identity": identity}
            answer = await call("POST", f"{here.broker.url}/sts/exchange", data=malformed)
            assert answer.status in {400, 401}
        stopped = await exchange(here.broker, here.token(), identity)
        assert (stopped.status, stopped.reason, stopped.stage) == (429, "rate_limited", "request")
        assert 17_000 <= int(stopped.headers["Retry-After"]) <= 17_280
        assert stopped.headers["RateLimit-Policy"] == '"address";q=5;w=86400'
        wait = stopped.headers["Retry-After"]
        assert stopped.headers["RateLimit"] == f'"address";r=0;t={wait}'
        assert stopped.body["code"] == 8
        async with here.broker.store.read() as records:
            assert not await records.audit.find(request_id=stopped.request_id)
        bad = await call("POST", f"{here.broker.url}/sts/exchange", data={"identity": "nobody"})
        assert bad.status == 429
        spoken = await oauth(here.broker, here.token(), identity)
        assert (spoken.status, spoken.body["error"]) == (429, "temporarily_unavailable")
        over_grpc = await exchange_over_grpc(here.broker, here.token(), identity)
        assert over_grpc.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert over_grpc.retry_after == pytest.approx(int(wait), abs=60)
        assert (await call("GET", f"{here.broker.url}/healthz")).status == 200


async def test_brokers_that_share_a_redis_stop_an_address_together(
    tmp_path: Path, redis: RedisServer
) -> None:
    """What one refused counts at the other, as soon as the other has refused something too."""
    settings: dict[str, Any] = {
        "BROKER_RATE_LIMIT_ADDRESS": "5/day",
        "BROKER_REDIS_URL": redis.url,
    }
    async with world(tmp_path, **settings) as here:
        settings["BROKER_ISSUER"] = here.broker.url
        async with running_broker(tmp_path, **settings) as beside:
            other = dataclasses.replace(beside, url=f"http://127.0.0.1:{beside.settings.port}")
            identity = await here.identity()
            for _ in range(5):
                assert (await exchange(here.broker, "no token", identity)).status == 401
            # four of its own are not enough for the limit; each makes it ask what others counted,
            # which may be before these have told it
            answer = await exchange(other, "no token", identity)
            for _ in range(3):
                for _ in range(30):
                    if answer.status == 429:
                        break
                    await asyncio.sleep(0.1)
                    answer = await exchange(other, here.token(), identity)
                if answer.status == 429:
                    break
                answer = await exchange(other, "no token", identity)
            assert answer.reason == "rate_limited"


async def test_an_outage_is_not_the_callers_fault(tmp_path: Path, redis: RedisServer) -> None:
    """What the broker could not do is not counted against the address."""
    settings = {"BROKER_RATE_LIMIT_ADDRESS": "2/day", "BROKER_REDIS_URL": redis.url}
    async with world(tmp_path, **settings) as here:
        once = await here.identity(single_use=True)
        redis.stop()
        for _ in range(4):
            assert (await exchange(here.broker, here.token(), once)).status == 503
        redis.start()
        assert (await exchange(here.broker, here.token(), once)).status == 200


@pytest.mark.parametrize("name", ["identity", "issuer"])
async def test_an_identity_and_an_issuer_have_rates(
    tmp_path: Path, state: dict[str, Any], name: str
) -> None:
    """What was accepted counts; the others go on; the token that came too early is not used up."""
    settings = {f"BROKER_RATE_LIMIT_{name.upper()}": "3/day", **state}
    async with world(tmp_path, **settings) as here, LocalIssuer(audience=here.broker.url) as other:
        identity = await here.identity(single_use=True)
        beside = await here.acme.identity(github(other.url))
        for _ in range(5):  # refusals of strangers
            assert (await exchange(here.broker, here.token(sub="x"), identity)).status == 403
        for _ in range(3):
            assert (await exchange(here.broker, here.token(), identity)).status == 200
        for _ in range(2):
            stopped = await exchange(here.broker, here.token(jti="kept"), identity)
            await refused_use(here.broker, stopped, 429, "rate_limited")
            assert stopped.headers["RateLimit-Policy"] == f'"{name}";q=3;w=86400'
        token = other.token(other.github_claims())
        assert (await exchange(here.broker, token, beside)).status == 200
        second = await here.identity()
        answer = await exchange(here.broker, here.token(), second)
        assert answer.status == (200 if name == "identity" else 429)


async def test_nobody_speaks_for_others_but_trusted_proxies(tmp_path: Path) -> None:
    """Without any, `X-Forwarded-For` neither frees a caller nor blames another."""
    async with world(tmp_path, BROKER_RATE_LIMIT_ADDRESS="2/day") as here:
        for number in range(2):
            answer = await forwarded(here.broker, f"192.0.2.{number}")
            assert answer.status == 401
            assert await address_of(here.broker, answer) == "127.0.0.1"
        assert (await forwarded(here.broker, "192.0.2.9")).status == 429


async def test_behind_a_trusted_proxy_each_client_has_its_own_count(tmp_path: Path) -> None:
    """The last address that no trusted proxy has counts: what is before it anybody can write."""
    settings = {
        "BROKER_RATE_LIMIT_ADDRESS": "2/day",
        "BROKER_TRUSTED_PROXIES": '["127.0.0.0/8", "10.0.0.0/8"]',
    }
    async with world(tmp_path, **settings) as here:
        for value in ("192.0.2.1", "198.51.100.7, 192.0.2.1, 10.1.2.3"):
            answer = await forwarded(here.broker, value)
            assert answer.status == 401
            assert await address_of(here.broker, answer) == "192.0.2.1"
        assert (await forwarded(here.broker, "203.0.113.5, 192.0.2.1")).status == 429
        assert (await forwarded(here.broker, "192.0.2.2")).status == 401
        for last in ("1", "2"):
            assert (await forwarded(here.broker, f"2001:db8::{last}")).status == 401
        assert (await forwarded(here.broker, "2001:db8::3")).status == 429
        assert (await forwarded(here.broker, "2001:db8:0:1::3")).status == 401
        over_grpc = [("x-forwarded-for", "192.0.2.1")]
        outcome = await exchange_over_grpc(here.broker, here.token(), None, over_grpc)
        assert outcome.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        outcome = await exchange_over_grpc(
            here.broker, here.token(), None, [("x-forwarded-for", "192.0.2.3")]
        )
        assert outcome.code is grpc.StatusCode.PERMISSION_DENIED


async def forwarded(broker: RunningBroker, value: str) -> Answer:
    """A request without a token, by way of a proxy."""
    return await call("GET", f"{broker.url}/sts/exchange", headers={"X-Forwarded-For": value})


async def address_of(broker: RunningBroker, answer: Answer) -> str:
    """Whom the record names."""
    address: str = json.loads((await record_of(broker, answer)).detail)["address"]
    return address


async def exchange_over_grpc(
    broker: RunningBroker,
    token: str,
    identity: Uidp | None,
    more: list[tuple[str, str]] | None = None,
) -> grpc_calls.Outcome:
    """On the port that it shares with HTTP."""
    async with grpc_calls.channel(broker.settings.port) as channel:
        return await grpc_calls.call(
            channel,
            EXCHANGE,
            pb.ExchangeRequest(identity=identity or ""),
            metadata=[*grpc_calls.bearer(token), *(more or [])],
        )

"""security.md, "The outbound client": each test fails when its check is taken out."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from broker.errors import Stage, Unauthenticated, Unavailable
from broker.sdk.testing import LocalIssuer
from broker.sdk.testing.issuer import DISCOVERY, JWKS
from broker.upstream.outbound import OutboundClient, Unanswered
from tests.kit.issuers import (
    Answer,
    Gate,
    MisbehavingIssuer,
    answers,
    answers_text,
    hangs,
    redirects,
    relying_party,
    sends,
    trickles,
)
from tests.kit.login_provider import DrivenProvider

SECRET = "what the upstream said"
LIMIT = 262_144


async def refused_keys(issuer: MisbehavingIssuer, **outbound: Any) -> Unavailable:
    """Start the issuer, present its own token, and give the refusal."""
    async with issuer, relying_party(outbound=outbound) as party:
        with pytest.raises(Unavailable) as refused:
            await party.verify(issuer.token(), issuer=issuer.url)
    error = refused.value
    assert (error.code, error.stage) == ("issuer_unavailable", Stage.ISSUER)
    # the caller reads one text whatever happened; the owner reads what did
    assert error.message == "the keys of the token's issuer cannot be fetched at present"
    assert error.detail is not None
    return error


def got(error: Unavailable) -> str:
    assert error.detail is not None
    return str(error.detail.got)


def misbehaving(**settings: Any) -> MisbehavingIssuer:
    return MisbehavingIssuer(algorithm="ES256", **settings)


async def test_down() -> None:
    """An issuer that does not listen is unavailable, and the caller is not told more."""
    issuer = misbehaving()
    await issuer.start()
    await issuer.stop()
    async with relying_party() as party:
        with pytest.raises(Unavailable) as refused:
            await party.verify(issuer.token(), issuer=issuer.url)
    assert refused.value.retry_after == 10
    assert "connection" in got(refused.value)


@pytest.mark.parametrize("answer", [hangs, trickles])
@pytest.mark.parametrize("where", ["on_discovery", "on_jwks"])
async def test_slow(answer: Answer, where: str) -> None:
    """An answer that is not complete in time is given up, also when bytes keep coming."""
    async with asyncio.timeout(30):  # so that a client without a limit fails here
        error = await refused_keys(misbehaving(**{where: answer}), timeout=0.2)
    assert got(error) == "no complete answer within 0.2 s"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["on_discovery", "on_jwks"])
async def test_redirects(status: int, where: str) -> None:
    """No redirect is followed, not even to a good answer of the same issuer."""
    async with LocalIssuer(algorithm="ES256") as target:
        path = DISCOVERY if where == "on_discovery" else JWKS
        issuer = misbehaving(**{where: redirects(target.address + path, status)})
        error = await refused_keys(issuer)
        assert not target.requests
    assert f"redirect (HTTP {status})" in got(error)


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 500, 503])
async def test_status(status: int) -> None:
    """Whatever is not 200 is no document, however well it reads."""
    issuer = misbehaving()
    body = json.dumps(issuer.jwks())
    issuer.on_jwks = answers_text(body, status=status, content_type="application/json")
    assert got(await refused_keys(issuer)) == f"HTTP {status}"


@pytest.mark.parametrize("where", ["on_discovery", "on_jwks"])
async def test_html(where: str) -> None:
    """A page in place of a document is refused, and nothing of it is passed on."""
    error = await refused_keys(misbehaving(**{where: answers_text(f"<html>{SECRET}</html>")}))
    assert "is not JSON" in got(error)
    assert SECRET not in repr(error.detail) + str(error)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("where", ["on_discovery", "on_jwks"])
async def test_large(where: str, chunked: bool, compressed: bool) -> None:
    """Ten megabytes are not read, however they are sent."""
    body = sends(b" " * 10_000_000, chunked=chunked, compressed=compressed)
    error = await refused_keys(misbehaving(**{where: body}))
    assert got(error) == f"an answer of more than {LIMIT} bytes"


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("over", [0, 1])
async def test_the_limit_itself(compressed: bool, over: int) -> None:
    """A document of 256 KiB is read, one byte more is not."""
    issuer = misbehaving()
    document = json.dumps(issuer.jwks()).encode()
    padded = document + b" " * (LIMIT + over - len(document))
    issuer.on_jwks = sends(padded, chunked=True, compressed=compressed)
    if over:
        assert "more than" in got(await refused_keys(issuer))
        return
    async with issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)


@pytest.mark.parametrize("other", ["{url}/", "{url}#", "https://issuer.example", "", None, 1])
async def test_wrong_issuer(other: object) -> None:
    """A discovery document that names another issuer, by one character or more, is refused."""
    issuer = misbehaving()
    await issuer.start()
    named = other.format(url=issuer.url) if isinstance(other, str) else other
    issuer.on_discovery = answers(issuer.discovery() | {"issuer": named})
    await issuer.stop()
    error = await refused_keys(issuer)
    assert error.detail is not None
    assert error.detail.name == "discovery"
    assert not issuer.requests[JWKS]


@pytest.mark.parametrize(
    "jwks_uri",
    [
        None,
        1,
        "",
        "/keys",
        "file:///etc/passwd",
        "http://issuer.example/keys",
        "https://user@issuer.example/keys",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/keys",
        "https://[::ffff:127.0.0.1]/keys",
        "https://[64:ff9b::7f00:1]/keys",
        "gopher://127.0.0.1:6379/_FLUSHALL",
    ],
)
async def test_jwks_uri(jwks_uri: object) -> None:
    """jwks_uri obeys the rules of issuers: https, no credentials, no private address."""
    issuer = misbehaving()
    await issuer.start()
    issuer.on_discovery = answers(issuer.discovery() | {"jwks_uri": jwks_uri})
    await issuer.stop()
    assert not issuer.requests[JWKS]
    error = await refused_keys(issuer, lookup=_never)
    assert error.detail is not None


def _never(host: str) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")


PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
]


@pytest.mark.parametrize("by", ["literal", "name"])
@pytest.mark.parametrize(
    ("address", "opened"),
    [(address, False) for address in PRIVATE + NEVER] + [(address, True) for address in NEVER],
)
async def test_addresses(address: str, opened: bool, by: str) -> None:
    """A target that is not public is not connected to, be it a literal or what a name resolves to.

    A setting opens private networks and loopback for an issuer, and nothing beyond these.
    """
    literal = f"[{address}]" if ":" in address else address
    issuer = f"https://{literal if by == 'literal' else 'issuer.example'}:9"
    opened_for = {issuer} if opened else set[str]()
    async with OutboundClient(
        timeout=0.3, lookup=lambda _: [address], private_issuers=opened_for
    ) as client:
        with pytest.raises(Unavailable) as refused:
            await client.fetch(f"{issuer}/keys", issuer=issuer, name="jwks_uri")
    assert got(refused.value) == "an address that is not public"


@pytest.mark.parametrize("host", ["127.0.0.1", "shared.example"])
async def test_opened_for_one_issuer_alone(host: str) -> None:
    """What is open for one issuer is closed for the next, on the same client and host."""
    async with misbehaving() as issuer:
        opened = f"http://{host}:{issuer.port}"
        async with OutboundClient(
            private_issuers={opened}, lookup=lambda _: ["127.0.0.1"]
        ) as client:
            url = opened + DISCOVERY
            assert await client.fetch(url, issuer=opened, name="discovery")
            with pytest.raises(Unavailable) as refused:
                await client.fetch(url, issuer="https://other.example", name="discovery")
    assert got(refused.value) == "an address that is not public"
    assert issuer.requests[DISCOVERY] == 1


async def test_development_opens_loopback_for_loopback() -> None:
    """In development an issuer elsewhere still cannot send us to this machine."""
    async with misbehaving() as issuer, OutboundClient(allow_http_loopback=True) as client:
        with pytest.raises(Unavailable) as refused:
            await client.fetch(
                issuer.url + DISCOVERY, issuer="https://other.example", name="jwks_uri"
            )
    assert got(refused.value) == "an address that is not public"
    assert not issuer.requests


async def test_a_name_with_a_private_address() -> None:
    """The system's own lookup is checked too: localhost is loopback under any name."""
    async with OutboundClient() as client:
        with pytest.raises(Unavailable) as refused:
            await client.fetch("https://localhost:9/", issuer="https://localhost", name="discovery")
    assert got(refused.value) == "an address that is not public"


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """A name that changes its address after the check gains nothing: it is looked up once."""
    lookups: list[str] = []

    def rebinding(host: str) -> Sequence[str]:
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["169.254.169.254"]

    async with misbehaving() as issuer:
        named = f"http://rebinding.example:{issuer.port}"
        async with OutboundClient(lookup=rebinding, private_issuers={named}) as client:
            assert await client.fetch(named + DISCOVERY, issuer=named, name="discovery")
    assert lookups == ["rebinding.example"]
    assert issuer.requests[DISCOVERY] == 1


async def test_only_the_public_addresses_of_a_name_are_used() -> None:
    """Of a name with private addresses among others, the private ones are never connected to."""
    # 2000::1 is of the global unicast range and allocated to nobody
    mixed = ["127.0.0.1", "2000::1"]
    async with misbehaving() as issuer:
        url = f"http://mixed.example:{issuer.port}{DISCOVERY}"
        async with OutboundClient(timeout=0.3, lookup=lambda _: mixed) as client:
            with pytest.raises(Unavailable):
                await client.fetch(url, issuer="https://mixed.example", name="discovery")
    assert not issuer.requests


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment would resolve names by itself, so it is not used."""
    async with misbehaving() as proxy, misbehaving() as issuer:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        async with relying_party() as party:
            await party.verify(issuer.token(), issuer=issuer.url)
        assert not proxy.requests


async def test_cookies_are_not_kept() -> None:
    """A cookie that an issuer sets never comes back to it."""
    seen: list[str | None] = []
    issuer = misbehaving()

    async def sets_cookie(request: Any) -> Any:
        seen.append(request.headers.get("Cookie"))
        response = await LocalIssuer.answer_discovery(issuer, request)
        response.set_cookie("session", "1")
        return response

    issuer.on_discovery = sets_cookie
    async with issuer, OutboundClient(allow_http_loopback=True) as client:
        for _ in range(2):
            await client.fetch(issuer.url + DISCOVERY, issuer=issuer.url, name="discovery")
    assert seen == [None, None]


def tls_issuer(authority: trustme.CA, host: str, port: int = 0) -> MisbehavingIssuer:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return misbehaving(tls=context, port=port)


async def test_tls(tmp_path: Path) -> None:
    """TLS is verified by the issuer's own bundle where it has one, for that issuer alone."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with tls_issuer(authority, "127.0.0.1") as trusted:
        settings: dict[str, Any] = {
            "private_issuers": {trusted.url, "https://other.example"},
            "ca_bundles": {trusted.url: tmp_path / "ca.pem"},
        }
        async with relying_party(outbound=settings) as party:
            await party.verify(trusted.token(), issuer=trusted.url)
            with pytest.raises(Unavailable) as refused:
                await party.outbound.fetch(
                    trusted.url + DISCOVERY, issuer="https://other.example", name="discovery"
                )
    assert "certificate that is not trusted" in got(refused.value)


@pytest.mark.parametrize("fault", ["unknown authority", "another host", "public authorities"])
async def test_tls_refused(tmp_path: Path, fault: str) -> None:
    """A certificate of an unknown authority or of another host is refused."""
    authority = trustme.CA()
    bundle = trustme.CA() if fault == "unknown authority" else authority
    bundle.cert_pem.write_to_path(tmp_path / "ca.pem")
    host = "issuer.example" if fault == "another host" else "127.0.0.1"
    async with tls_issuer(authority, host) as issuer:
        settings: dict[str, Any] = {"private_issuers": {issuer.url}}
        if fault != "public authorities":
            settings["ca_bundles"] = {issuer.url: tmp_path / "ca.pem"}
        async with relying_party(outbound=settings) as party:
            with pytest.raises(Unavailable) as refused:
                await party.verify(issuer.token(), issuer=issuer.url)
    assert "certificate that is not trusted" in got(refused.value)
    assert not issuer.requests


async def test_plain_http_on_a_tls_port() -> None:
    """An issuer that does not speak TLS where it should is unavailable."""
    async with misbehaving() as issuer:
        url = f"https://127.0.0.1:{issuer.port}"
        async with OutboundClient(private_issuers={url}) as client:
            with pytest.raises(Unavailable) as refused:
                await client.fetch(url + DISCOVERY, issuer=url, name="discovery")
    assert got(refused.value) == "a failed TLS handshake"


async def test_duplicate_kids() -> None:
    """A set in which two keys share a kid is refused as a whole."""
    issuer = misbehaving()
    twin = LocalIssuer(algorithm="ES256").jwks()["keys"][0] | {"kid": issuer.kid}
    issuer.on_jwks = answers({"keys": [*issuer.jwks()["keys"], twin]})
    assert "same kid" in got(await refused_keys(issuer))


async def test_duplicate_members() -> None:
    """A document with a member twice is refused: two readers would see two sets of keys."""
    issuer = misbehaving()
    document = json.dumps(issuer.jwks())
    issuer.on_jwks = answers_text(document[:-1] + ', "keys": []}', content_type="application/json")
    assert "member twice" in got(await refused_keys(issuer))


async def test_a_thousand_unknown_kids() -> None:
    """A thousand tokens with unknown kids within a second cause at most one fetch."""
    async with misbehaving() as issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        before = issuer.requests[JWKS]
        tokens = [issuer.token(header={"kid": f"unknown-{n}"}) for n in range(1000)]
        for batch in (tokens[:500], tokens[500:]):
            outcomes = await asyncio.gather(
                *(party.verify(token, issuer=issuer.url) for token in batch),
                return_exceptions=True,
            )
            assert all(isinstance(outcome, Unauthenticated) for outcome in outcomes)
        assert issuer.requests[JWKS] == before + 1
        party.clock.advance(29.9)
        for token in tokens[:10]:
            with pytest.raises(Unauthenticated):
                await party.verify(token, issuer=issuer.url)
        assert issuer.requests[JWKS] == before + 1
        party.clock.advance(0.1)
        for token in tokens[:10]:
            with pytest.raises(Unauthenticated):
                await party.verify(token, issuer=issuer.url)
        assert issuer.requests[JWKS] == before + 2


async def test_unknown_kids_are_counted_by_attempt() -> None:
    """A refetch that fails counts as well: a dead issuer is not asked more often."""
    async with misbehaving() as issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        issuer.on_discovery = answers_text("down", status=503)
        for _ in range(20):
            with pytest.raises(Unauthenticated) as refused:
                await party.verify(issuer.token(header={"kid": "unknown"}), issuer=issuer.url)
            assert refused.value.code == "token_key_unknown"
        assert issuer.requests[DISCOVERY] == 2


async def test_unknown_kids_when_nothing_is_cached() -> None:
    """Keys that were fetched for the very token are not fetched again for its unknown kid."""
    async with misbehaving() as issuer, relying_party() as party:
        with pytest.raises(Unauthenticated):
            await party.verify(issuer.token(header={"kid": "unknown"}), issuer=issuer.url)
        assert issuer.requests[JWKS] == 1


async def test_one_fetch_in_flight() -> None:
    """A hundred tokens at once, with nothing cached, cause one fetch."""
    issuer = misbehaving()
    gate = Gate(answers(issuer.jwks()))
    issuer.on_jwks = gate
    async with issuer, relying_party() as party:
        token = issuer.token()
        waiting = [
            asyncio.ensure_future(party.verify(token, issuer=issuer.url)) for _ in range(100)
        ]
        await gate.waiting.wait()
        gate.opened.set()
        assert len({claims.subject for claims in await asyncio.gather(*waiting)}) == 1
        assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_a_dead_issuer_costs_its_timeout_once() -> None:
    """After a failure callers are answered at once for 10 s, with when to come back."""
    issuer = misbehaving(on_discovery=hangs)
    async with issuer, relying_party(outbound={"timeout": 0.2}) as party:
        for retry_after, attempts in ((10, 1), (7, 1), (4, 1), (1, 1), (10, 2)):
            with pytest.raises(Unavailable) as refused:
                await party.verify(issuer.token(), issuer=issuer.url)
            assert refused.value.retry_after == retry_after
            assert issuer.requests[DISCOVERY] == attempts
            party.clock.advance(3)


async def test_a_slow_issuer_delays_no_other() -> None:
    """While one issuer does not answer, tokens of another are verified."""
    slow = misbehaving()
    gate = Gate(answers(slow.jwks()))
    slow.on_jwks = gate
    async with slow, misbehaving() as quick, relying_party() as party:
        waiting = asyncio.ensure_future(party.verify(slow.token(), issuer=slow.url))
        await gate.waiting.wait()
        assert (await party.verify(quick.token(), issuer=quick.url)).issuer == quick.url
        assert not waiting.done()
        gate.opened.set()
        assert (await waiting).issuer == slow.url


async def test_stale_keys() -> None:
    """Keys are fresh for 10 minutes, serve a failing issuer for 24 h, and no longer."""
    async with misbehaving() as issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        issuer.on_jwks = answers_text("down", status=503)
        party.clock.advance(479)
        await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests[JWKS] == 1
        party.clock.advance(121)
        await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests[JWKS] == 2
        party.clock.advance(86_400 - 600 - 1)
        await party.verify(issuer.token(), issuer=issuer.url)
        party.clock.advance(11)
        with pytest.raises(Unavailable) as refused:
            await party.verify(issuer.token(), issuer=issuer.url)
    assert got(refused.value) == "HTTP 503"


async def test_a_key_withdrawn_stops_serving() -> None:
    """A key that its issuer no longer publishes verifies nothing once 10 minutes are over."""
    async with misbehaving() as issuer, relying_party() as party:
        token = issuer.token(lifetime=3600)
        await party.verify(token, issuer=issuer.url)
        issuer.rotate(keep=False)
        await party.verify(token, issuer=issuer.url)
        party.clock.advance(600)
        with pytest.raises(Unauthenticated) as refused:
            await party.verify(token, issuer=issuer.url)
    assert refused.value.code == "token_key_unknown"


async def test_the_cache_is_bounded() -> None:
    """The least recently used issuer leaves the cache when it is full."""
    two = {"max_issuers": 2}
    async with (
        misbehaving() as a,
        misbehaving() as b,
        misbehaving() as c,
        relying_party(issuers=two) as party,
    ):
        for issuer in (a, b, a, c, a, b):
            await party.verify(issuer.token(), issuer=issuer.url)
    assert [issuer.requests[JWKS] for issuer in (a, b, c)] == [1, 2, 1]


ASKED: dict[str, dict[str, Any]] = {"get": {}, "post": {"body": b"code=1"}}
"""How providers are asked: with a bearer token, and with a form."""


@pytest.mark.parametrize("verb", ASKED)
@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (redirects("https://other.example/", 307), "a redirect (HTTP 307), which is not followed"),
        (sends(b" " * (LIMIT + 1)), f"an answer of more than {LIMIT} bytes"),
        (hangs, "no complete answer within 0.3 s"),
        (trickles, "no complete answer within 0.3 s"),
    ],
    ids=["redirect", "large", "hangs", "trickles"],
)
async def test_what_is_asked_with_a_secret_has_the_same_limits(
    verb: str, answer: Answer, fault: str
) -> None:
    """A request with a body or a bearer token is followed nowhere and waits for nothing long."""
    provider = DrivenProvider(on_token=answer, on_userinfo=answer)
    path = {"get": "/me", "post": "/token"}[verb]
    async with provider, OutboundClient(timeout=0.3, allow_http_loopback=True) as client:
        ask = getattr(client, verb)
        with pytest.raises(Unanswered) as refused:
            await ask(provider.url + path, issuer=provider.url, headers={}, **ASKED[verb])
    assert str(refused.value) == fault


@pytest.mark.parametrize("verb", ASKED)
@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 500])
async def test_what_is_asked_with_a_secret_is_answered(verb: str, status: int) -> None:
    """Whatever the status: an error of an endpoint says what is wrong."""
    seen: list[tuple[str | None, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers.get("Authorization"), await request.text()))
        return web.Response(text="why", status=status)

    provider = DrivenProvider(on_token=answer, on_userinfo=answer)
    path = {"get": "/me", "post": "/token"}[verb]
    headers = {
        "Authorization": "Bearer x",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with provider, OutboundClient(allow_http_loopback=True) as client:
        ask = getattr(client, verb)
        got = await ask(provider.url + path, issuer=provider.url, headers=headers, **ASKED[verb])
    assert (got.status, got.body) == (status, b"why")
    assert seen == [("Bearer x", "code=1" if verb == "post" else "")]
    assert "why" not in repr(got)


@pytest.mark.parametrize("verb", ASKED)
@pytest.mark.parametrize("host", ["10.0.0.1", "inside.example"])
async def test_what_is_asked_with_a_secret_stays_outside(verb: str, host: str) -> None:
    """A secret is sent to no private address, be it a literal or what a name resolves to."""
    async with OutboundClient(lookup=lambda _: ["10.0.0.1"]) as client:
        with pytest.raises(Unanswered) as refused:
            await getattr(client, verb)(
                f"https://{host}/token", issuer="https://id.example", headers={}, **ASKED[verb]
            )
    assert str(refused.value) == "an address that is not public"

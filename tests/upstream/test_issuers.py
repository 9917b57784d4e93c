"""The cache of keys; its limits under attack are in tests/abuse/test_outbound.py."""

from __future__ import annotations

import asyncio

import pytest

from broker.errors import Unauthenticated, Unavailable
from broker.sdk.testing.issuer import DISCOVERY, JWKS
from tests.kit.issuers import (
    Gate,
    MisbehavingIssuer,
    answers,
    answers_text,
    hangs,
    relying_party,
)


def es256() -> MisbehavingIssuer:
    return MisbehavingIssuer(algorithm="ES256")


async def test_fetched_once_while_fresh() -> None:
    """Within ten minutes an issuer's keys are fetched once."""
    async with es256() as issuer, relying_party() as party:
        for _ in range(5):
            await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


async def test_renewed_ahead() -> None:
    """In the last fifth of their time keys are renewed while the old ones serve."""
    async with es256() as issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        gate = Gate(answers(issuer.jwks()))
        issuer.on_jwks = gate
        party.clock.advance(480)
        for _ in range(3):
            await party.verify(issuer.token(), issuer=issuer.url)
        await gate.waiting.wait()
        await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests[JWKS] == 2
        gate.opened.set()


async def test_rotation() -> None:
    """A token by a key published since is verified, at the cost of one fetch."""
    async with es256() as issuer, relying_party() as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        issuer.rotate()
        for _ in range(3):
            await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests[JWKS] == 2


async def test_rotation_without_kid() -> None:
    """An issuer that names no keys can replace its only one."""
    async with es256() as issuer, relying_party() as party:
        await party.verify(issuer.token(without={"kid"}), issuer=issuer.url)
        issuer.rotate(keep=False)
        await party.verify(issuer.token(without={"kid"}), issuer=issuer.url)
        assert issuer.requests[JWKS] == 2


async def test_a_bad_signature_causes_no_fetch() -> None:
    """A token by a known kid with a bad signature is refused without asking the issuer again."""
    async with es256() as issuer, relying_party() as party:
        token = issuer.token()
        await party.verify(token, issuer=issuer.url)
        kid = issuer.kid
        issuer.rotate()
        with pytest.raises(Unauthenticated) as refused:
            await party.verify(issuer.token(header={"kid": kid}), issuer=issuer.url)
        assert refused.value.code == "token_signature_invalid"
        assert issuer.requests[JWKS] == 1


async def test_a_caller_who_leaves() -> None:
    """A caller who goes away takes the fetch from nobody."""
    issuer = es256()
    gate = Gate(answers(issuer.jwks()))
    issuer.on_jwks = gate
    async with issuer, relying_party() as party:
        token = issuer.token()
        first = asyncio.ensure_future(party.verify(token, issuer=issuer.url))
        await gate.waiting.wait()
        second = asyncio.ensure_future(party.verify(token, issuer=issuer.url))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.opened.set()
        assert (await second).issuer == issuer.url
        assert issuer.requests[JWKS] == 1


async def test_nobody_waits_for_a_failing_issuer_with_old_keys() -> None:
    """After one failed renewal old keys serve at once, and further attempts run beside."""
    async with es256() as issuer, relying_party(outbound={"timeout": 0.2}) as party:
        await party.verify(issuer.token(), issuer=issuer.url)
        issuer.on_discovery = answers_text("down", status=503)
        party.clock.advance(601)
        await party.verify(issuer.token(), issuer=issuer.url)
        assert issuer.requests[DISCOVERY] == 2
        gate = Gate(hangs)
        issuer.on_discovery = gate
        party.clock.advance(11)
        await party.verify(issuer.token(), issuer=issuer.url)
        assert not gate.opened.is_set()
        await gate.waiting.wait()
        assert issuer.requests[DISCOVERY] == 3


async def test_recovery() -> None:
    """An issuer that failed is asked again after ten seconds, and serves."""
    async with es256() as issuer, relying_party() as party:
        issuer.on_discovery = answers_text("down", status=503)
        with pytest.raises(Unavailable):
            await party.verify(issuer.token(), issuer=issuer.url)
        issuer.on_discovery = None
        with pytest.raises(Unavailable):
            await party.verify(issuer.token(), issuer=issuer.url)
        party.clock.advance(10)
        assert (await party.verify(issuer.token(), issuer=issuer.url)).issuer == issuer.url


async def test_an_empty_set() -> None:
    """A set without a usable key is an answer: the token is refused, and the owner reads why."""
    issuer = es256()
    issuer.on_jwks = answers({"keys": [issuer.jwks()["keys"][0] | {"use": "enc"}]})
    async with issuer, relying_party() as party:
        with pytest.raises(Unauthenticated) as refused:
            await party.verify(issuer.token(), issuer=issuer.url)
    assert refused.value.detail is not None
    assert "use is not 'sig'" in refused.value.detail.hint


@pytest.mark.parametrize("path", ["", "/", "/tenant", "/tenant/"])
async def test_where_discovery_is(path: str) -> None:
    """The document's path is appended to the issuer, less one slash at its end."""
    issuer = f"https://issuer.example{path}"
    async with relying_party(outbound={"lookup": lambda _: []}) as party:
        with pytest.raises(Unavailable) as refused:
            await party.issuers.keys(issuer)
    assert refused.value.detail is not None
    document = f"https://issuer.example{path.rstrip('/')}/.well-known/openid-configuration"
    assert refused.value.detail.expected == f"a document at {document}"


async def test_google() -> None:
    """Google's bare name is fetched from https://accounts.google.com."""
    looked_up: list[str] = []

    def lookup(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    async with relying_party(outbound={"lookup": lookup}) as party:
        with pytest.raises(Unavailable) as refused:
            await party.issuers.keys("accounts.google.com")
    assert looked_up == ["accounts.google.com"]
    assert refused.value.detail is not None
    assert "https://accounts.google.com/.well-known" in refused.value.detail.expected


async def test_somebody_else_has_refetched() -> None:
    """A caller with an older set gets the newer one without asking the issuer again."""
    async with es256() as issuer, relying_party() as party:
        old = await party.issuers.keys(issuer.url)
        issuer.rotate()
        new = await party.issuers.refetched(issuer.url, seen=old)
        party.clock.advance(31)
        assert await party.issuers.refetched(issuer.url, seen=old) is new
        assert issuer.requests[JWKS] == 2

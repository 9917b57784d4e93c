"""`broker token decode` and `broker token verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.processes import Installation, Result, broker, in_background, ok, refused


@pytest.fixture(scope="module")
def minted(installation: Installation) -> str:
    """A token of the broker's for `service`."""
    return ok(installation.exchange("--audience", "service")).out.strip()


@pytest.fixture(scope="module")
def other() -> Iterator[LocalIssuer]:
    """An issuer that can sign what the broker would not: tokens that are typed as access tokens."""
    with in_background(LocalIssuer(algorithm="ES256")) as issuer:
        yield issuer


def verify(installation: Installation, token: str, *words: str, issuer: str = "") -> Result:
    where = issuer or installation.served.url
    return installation.run("token", "verify", "--issuer", where, *words, given=token)


def test_decode_shows_capabilities_by_name(installation: Installation, minted: str) -> None:
    """And times as times, and bindings by role."""
    out = ok(installation.run("token", "decode", given=minted)).out
    group = installation.identity.rpartition("/")[0]
    assert f"capabilities at {group}\n" in out
    assert "  groups.list\n" in out
    assert f"viewer at {group}\n" in out
    assert f"{installation.identity}\n" in out
    assert out.count("Z)") == 3


def test_decode_as_json(installation: Installation, minted: str) -> None:
    """The claims as they are, and the capabilities beside them."""
    shown = ok(installation.run("token", "decode", "-o", "json", given=minted)).json
    group = installation.identity.rpartition("/")[0]
    assert shown["header"]["typ"] == "at+jwt"
    assert shown["claims"]["aud"] == "service"
    assert "groups.list" in shown["capabilities"][group]


@pytest.mark.parametrize("given", [b"", b"garbage", b"a.b.c", b"\xff", b"x y"], ids=str)
def test_decode_refuses_what_is_no_token(tmp_path: Path, given: bytes) -> None:
    """In a sentence."""
    refused(broker("token", "decode", folder=tmp_path, given=given), "error: ", "token_malformed")


def test_decode_shows_tokens_of_others(tmp_path: Path) -> None:
    """Whatever their claims of these names mean; nothing in them steers the terminal."""
    issuer = LocalIssuer(issuer="https://ci.example")
    odd = {"cap": ["x"], "act": "y", "role_bindings": ["z"], "sub": "\x1b[2Jsub\u202e"}
    out = ok(broker("token", "decode", folder=tmp_path, given=issuer.token(odd))).out
    assert "https://ci.example" in out
    assert r"\x1b[2Jsub\u202e" in out
    assert "\x1b" not in out
    broken = issuer.token({"cap": {"g": "not base64!"}})
    out = ok(broker("token", "decode", folder=tmp_path, given=broken)).out
    assert "(not a capability set: not base64!)" in out


def test_verify_accepts_the_brokers_token(installation: Installation, minted: str) -> None:
    """Through discovery and JWKS; that it is valid goes to standard error, the claims to output."""
    result = ok(verify(installation, minted, "--audience", "service", "-o", "json"))
    assert result.err == f"valid: signed by {installation.served.url}\n"
    assert result.json["claims"]["sub"] == installation.identity


def test_verify_says_that_an_audience_was_not_checked(
    installation: Installation, minted: str
) -> None:
    """Who leaves it out is told what was left out."""
    assert "the audience was not checked" in ok(verify(installation, minted)).err


def test_verify_refuses_another_audience(installation: Installation, minted: str) -> None:
    """With what was expected and what the token has."""
    result = verify(installation, minted, "--audience", "another")
    refused(result, "aud: expected another, the token has 'service'", "token_not_valid")


def test_verify_refuses_a_changed_signature(installation: Installation, minted: str) -> None:
    """One character of it."""
    head, payload, signature = minted.split(".")
    changed = ("A" if signature[9] != "A" else "B").join([signature[:9], signature[10:]])
    result = verify(installation, f"{head}.{payload}.{changed}")
    refused(result, "signature is not valid", "token_signature_invalid")


def test_verify_refuses_an_upstream_token(installation: Installation) -> None:
    """The broker did not sign it; where its issuer is asked, it is no access token."""
    refused(verify(installation, installation.upstream()), "token_key_unknown")
    result = verify(installation, installation.upstream(), issuer=installation.issuer.url)
    refused(result, "typ: expected at+jwt", "token_not_valid")


def test_verify_refuses_a_token_of_another_issuer(
    installation: Installation, minted: str, other: LocalIssuer
) -> None:
    """By its key, and by its name where the key is right."""
    refused(verify(installation, minted, issuer=other.url), "token_key_unknown")
    stolen = other.token(header={"typ": "at+jwt"}, iss=installation.served.url)
    refused(verify(installation, stolen, issuer=other.url), f"iss: expected {other.url}")


def test_verify_refuses_a_token_out_of_its_time(
    installation: Installation, other: LocalIssuer
) -> None:
    """Expired, not yet valid, without an end."""
    typ = {"typ": "at+jwt"}
    for token, says in (
        (other.token(header=typ, lifetime=-3600), "exp: expected a time in the future"),
        (other.token(header=typ, nbf=4_000_000_000), "nbf: expected a time in the past"),
        (other.token(header=typ, without=["exp"]), "has 'absent'"),
    ):
        refused(verify(installation, token, issuer=other.url), says, "token_not_valid")
    ok(verify(installation, other.token(header=typ), issuer=other.url))


def test_verify_of_a_broker_that_is_away(installation: Installation, minted: str) -> None:
    """Is not a verdict on the token."""
    result = verify(installation, minted, issuer="http://127.0.0.1:1")
    refused(result, "issuer_unavailable")
    assert json.dumps("valid") not in result.out

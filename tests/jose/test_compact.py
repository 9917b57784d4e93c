"""The parser of compact tokens; what it refuses is in tests/abuse/test_before_fetch.py."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Unauthenticated
from broker.jose.compact import parse, split
from broker.sdk.testing import LocalIssuer

ISSUER = LocalIssuer(algorithm="ES256", issuer="https://issuer.example")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_parts() -> None:
    """A parsed token gives its header, claims, signed bytes, signature and hash."""
    text = ISSUER.token(sub="me", aud=["a", "b"])
    token = parse(text)
    assert token.unverified_issuer == "https://issuer.example"
    assert token.unverified_subject == "me"
    assert token.unverified_audience == ("a", "b")
    assert token.unverified_algorithm == "ES256"
    assert token.unverified_kid == ISSUER.kid
    assert token.signing_input.decode() == text.rpartition(".")[0]
    assert len(token.signature) == 64
    assert token.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_optional_parts() -> None:
    """A token without kid has none, and a single audience is a list of one."""
    token = parse(ISSUER.token(aud="a", without={"kid"}))
    assert token.unverified_kid is None
    assert token.unverified_audience == ("a",)


def test_frozen() -> None:
    """Nobody changes the claims or the header after they were parsed."""
    token = parse(ISSUER.token())
    with pytest.raises(TypeError):
        token.claims["sub"] = "root"  # type: ignore[index]
    with pytest.raises(TypeError):
        token.header["alg"] = "none"  # type: ignore[index]


@given(st.dictionaries(st.text().filter(lambda name: "\0" not in name), JSON, max_size=4))
def test_claims_come_back_as_they_are(claims: dict[str, object]) -> None:
    """Whatever JSON an issuer writes is read as written, unless it holds a NUL."""
    registered = {"iss": "https://issuer.example", "sub": "me", "aud": "a"}
    payload = {
        name: value for name, value in claims.items() if name not in ("exp", "nbf", "iat")
    } | registered
    text = ISSUER.sign(b'{"alg":"ES256"}', json.dumps(payload).encode())
    if "\\u0000" in json.dumps(payload).replace("\\\\", ""):
        with pytest.raises(Unauthenticated):
            parse(text)
    else:
        assert parse(text).claims == payload


@given(st.text(alphabet="abcdeyJ019-_.=+/ \n", max_size=60))
def test_any_text(text: str) -> None:
    """Any text is parsed or refused as unauthenticated, and nothing else happens."""
    with suppress(Unauthenticated):
        split(text)

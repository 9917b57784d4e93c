"""Whatever comes in the place of a JWT: read, or refused by name, and never worse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sdk.testing import LocalIssuer
from tests.fuzz.jwt import check, one_input

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus" / "jwt"
GOOD = LocalIssuer(issuer="https://issuer.example", algorithm="ES256").token().encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
claims = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat"]) | st.text(max_size=6), json_values
)


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    """As a token, and as what its segments spell."""
    one_input(raw)


@given(claims, claims)
def test_any_claims(header: dict[str, object], payload: dict[str, object]) -> None:
    """Registered names and others, with any values, in header and payload."""
    document = json.dumps({"alg": "ES256"} | header).encode() + b"\0" + json.dumps(payload).encode()
    one_input(document)


@given(st.integers(0, len(GOOD)), st.integers(0, 20), st.binary(max_size=4))
def test_a_good_token_with_a_piece_replaced(start: int, length: int, piece: bytes) -> None:
    """Any part of it."""
    check(GOOD[:start] + piece + GOOD[start + length :])


def test_the_good_one_is_read() -> None:
    """Or the others would show nothing."""
    assert check(GOOD) is not None


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_the_corpus(path: Path) -> None:
    """What the long run starts from, and what it has found, is read or refused by name."""
    assert (check(path.read_bytes()) is not None) == path.name.startswith("good")

"""RFC 7636."""

from __future__ import annotations

import secrets

import pytest

from broker.oauth import pkce


def test_the_example_of_the_rfc() -> None:
    """RFC 7636 appendix B: this verifier has this challenge."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert pkce.challenge_of(verifier) == challenge
    assert pkce.proves(verifier, challenge)


@pytest.mark.parametrize("length", [0, 1, 42, 129, 5000])
def test_a_verifier_of_another_length_proves_nothing(length: int) -> None:
    """RFC 7636 §4.1: 43 to 128 characters, even where the hash would fit."""
    verifier = "a" * length
    assert not pkce.proves(verifier, pkce.challenge_of(verifier))


@pytest.mark.parametrize("character", ["+", "/", "=", " ", "é", "\n", "\0"])
def test_a_verifier_has_unreserved_characters_alone(character: str) -> None:
    """RFC 7636 §4.1."""
    assert not pkce.proves("a" * 42 + character, pkce.challenge_of("a" * 43))


def test_another_verifier_proves_nothing() -> None:
    """RFC 7636 §4.6: and neither does the challenge itself, which is the method `plain`."""
    verifier = secrets.token_urlsafe(32)
    challenge = pkce.challenge_of(verifier)
    assert pkce.proves(verifier, challenge)
    assert not pkce.proves(secrets.token_urlsafe(32), challenge)
    assert not pkce.proves(challenge, challenge)


@pytest.mark.parametrize(
    "text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "a" * 86]
)
def test_what_is_no_challenge(text: str) -> None:
    """RFC 7636 §4.2: SHA-256 in base64url without padding has 43 characters."""
    assert not pkce.is_challenge(text)
    assert pkce.is_challenge("a" * 43)

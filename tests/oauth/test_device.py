"""User codes: RFC 8628 §6.1."""

from __future__ import annotations

import itertools
import secrets

import pytest

from broker.oauth.device import ALPHABET, CODE_LENGTH, new_user_code, read_user_code, shown


def test_a_user_code_has_letters_of_the_alphabet() -> None:
    """Eight of twenty consonants, which are read back however they are typed."""
    code = new_user_code(secrets.token_bytes)
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(ALPHABET)
    assert len(shown(code)) == 9
    for typed in (code, shown(code), shown(code).lower(), f" {code[:4]} {code[4:]} "):
        assert read_user_code(typed) == code


def test_every_letter_is_as_likely_as_any_other() -> None:
    """Bytes that would make some letters likelier are thrown away."""
    given = itertools.cycle([bytes(range(248, 256)), bytes(range(240, 248)), bytes(range(8))])
    code = new_user_code(lambda _: next(given))
    assert code == "BCDFGHJK"  # of 0 to 7: those from 240 on were thrown away


@pytest.mark.parametrize(
    "typed",
    ["", "BCDF", "BCDFGHJKL", "AEIOUAEI", "BCDF-GHJ1", "ВСDFGHJK", "B" * 10_000, "BCDFGHJK\n"],
)
def test_what_can_be_no_code_is_none(typed: str) -> None:
    """Vowels, digits, letters of other alphabets that look alike, another length."""
    assert read_user_code(typed) == ""

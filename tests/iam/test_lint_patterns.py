"""What lint works out about patterns, against RE2 itself."""

from __future__ import annotations

from contextlib import suppress

import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from broker.iam.lint.automaton import Budget, Exhausted, witness
from broker.iam.lint.reasoning import WHOLE, Form, Reasoning, Unknown, matches
from broker.iam.lint.syntax import Unfollowed

CHARACTERS = "abk.-/:@^S_0 \n\u00e9\u017f\u212a"

_CLASSES = [
    *"abkS0/:@-_",
    ".",
    r"\.",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\x41",
    r"\x{212a}",
    r"\n",
    "[ab]",
    "[^a]",
    "[a-k]",
    "[]a]",
    "[^]a]",
    "[a-]",
    r"[\d/]",
    r"[^\w]",
    "[[:alpha:]]",
    "[[:^alpha:]_]",
    r"\Qa.b\E",
    "\u00e9",
    "^",
    "$",
    r"\A",
    r"\z",
    "(?i)",
    "(?s)",
    "(?-s)",
]
_REPEATS = ["", "", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{", "{a}"]


def _combined(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(children, max_size=4).map("".join),
        st.lists(children, min_size=2, max_size=3).map("|".join),
        st.tuples(
            st.sampled_from(["(", "(?:", "(?P<n>", "(?i:", "(?s-i:"]),
            children,
            st.sampled_from(_REPEATS),
        ).map(lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"),
    )


PATTERNS = st.recursive(
    st.tuples(st.sampled_from(_CLASSES), st.sampled_from(_REPEATS)).map("".join),
    _combined,
    max_leaves=8,
)
TEXTS = st.text(alphabet=CHARACTERS, max_size=5)


def _compiled(pattern: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


@settings(max_examples=600, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_pattern_takes_what_re2_says_it_takes(pattern: str, text: str) -> None:
    """The automaton of a pattern and RE2 agree on every text."""
    assume(_compiled(pattern))
    exactly = "".join(f"\\x{{{ord(c):x}}}" for c in text)
    try:
        found = witness([pattern, exactly], budget=Budget())
    except (Unfollowed, Exhausted):
        return
    assert (found == text) is matches(pattern, text)
    assert found in (text, None)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, PATTERNS)
def test_a_witness_is_one(taken: str, refused: str) -> None:
    """What is found matches the one pattern and not the other, as RE2 sees it."""
    assume(_compiled(taken) and _compiled(refused))
    try:
        found = witness([taken], [refused], budget=Budget())
    except (Unfollowed, Exhausted):
        return
    if found is not None:
        assert matches(taken, found)
        assert not matches(refused, found)


@settings(deadline=None)
@given(PATTERNS)
def test_no_pattern_takes_what_it_does_not_take(pattern: str) -> None:
    """There is no text between a pattern and itself."""
    assume(_compiled(pattern))
    try:
        assert witness([pattern], [pattern], budget=Budget()) is None
    except (Unfollowed, Exhausted):
        return


@pytest.mark.parametrize(
    "pattern", [r"\bmain\b", r"\pL+", "(?m)^a$", "(?i)\u00e9", r"\C", r"\101", "[[:x:]]"]
)
def test_what_is_not_followed_is_said(pattern: str) -> None:
    """There is no guess about syntax that is not read."""
    with pytest.raises(Unfollowed):
        witness([pattern], budget=Budget())


@pytest.mark.parametrize(
    "pattern",
    [
        ".*a.{20}b.*",
        "(a|aa)+" * 20 + ".*a.{30}",
        "((a{0,30}){0,30}){0,2}",
        "(" * 200 + "a" + ")" * 200,
        "[a-z]*[0-9]*" * 80,
        "(.*a){40}",
    ],
)
def test_the_work_is_bounded(pattern: str) -> None:
    """A pattern that is made to take long takes no more steps than there are."""
    budget = Budget(20_000)
    with suppress(Unfollowed, Exhausted):
        witness([pattern, ".*b.{19}"], budget=budget)
    assert budget.left > -20_000


def test_parts_of_a_form() -> None:
    """Few values are listed; of many, there is a text with another one."""
    owner = Form("repo:", "[a-z]+", "/.+")
    few = Reasoning().parts("repo:(acme|globex)/shop", owner)
    assert sorted(few.values) == ["acme", "globex"]
    assert few.are_few
    many = Reasoning().parts("repo:acme.*", owner)
    assert not many.are_few
    assert many.beyond is not None
    assert matches("repo:acme.*", many.beyond)
    assert owner.split(many.beyond)[1] not in many.values
    none = Reasoning().parts("x", owner)
    assert not none.are_few
    assert none.beyond is None


def test_case_makes_no_other_part() -> None:
    """Owners that differ in upper and lower case alone are one."""
    assert Reasoning().parts("(?i:acme)", WHOLE).are_few


def test_a_text_of_another_form_has_no_part() -> None:
    """Splitting it is refused."""
    with pytest.raises(ValueError, match="not of the form"):
        Form("repo:", "[a-z]+", "/.+").split("x")


def test_what_is_unknown_is_remembered_with_its_reason() -> None:
    """So that it can be told."""
    reasoning = Reasoning()
    with pytest.raises(Unknown):
        reasoning.example(r"a\b")
    assert "does not follow" in reasoning.gaps[r"a\b"]
    reasoning = Reasoning(Budget(10))
    with pytest.raises(Unknown):
        reasoning.example("[a-z]*x{20}")
    assert "too long" in reasoning.gaps["[a-z]*x{20}"]

"""Filters of SCIM (RFC 7644 §3.4.2.2), and what they are held to."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.scim.filters import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    MAX_LENGTH,
    All,
    Either,
    Equal,
    Filter,
    parse_filter,
)
from broker.iam.scim.schema import FILTERABLE

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "userName": TEXT,
    "externalId": TEXT,
    "id": TEXT,
    "active": st.booleans(),
}
NAMES = st.sampled_from(sorted(VALUES))
USERS = st.fixed_dictionaries(VALUES)


def comparisons() -> st.SearchStrategy[Filter]:
    return NAMES.flatmap(
        lambda name: VALUES[name].map(lambda value: Equal(FILTERABLE[name.lower()], value))
    )


def joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return several.map(All) | several.map(Either)


FILTERS = st.recursive(comparisons(), joined, max_leaves=8)


def written(wanted: Filter, draw: Any = lambda word: word) -> str:
    """Every inner one in parentheses."""
    match wanted:
        case Equal(attribute, value):
            return f"{draw(attribute.name)} {draw('eq')} {json.dumps(value)}"
        case All(parts):
            return f" {draw('and')} ".join(f"({written(part, draw)})" for part in parts)
        case Either(parts):
            return f" {draw('or')} ".join(f"({written(part, draw)})" for part in parts)


@given(FILTERS, st.sampled_from([str, str.upper, str.lower]))
def test_what_is_written_is_read(wanted: Filter, case: Any) -> None:
    """Whatever the case of names and operators."""
    assert parse_filter(written(wanted, case), FILTERABLE) == wanted


@given(FILTERS, USERS)
def test_a_filter_means_what_it_says(wanted: Filter, user: dict[str, Any]) -> None:
    """As evaluated by hand: externalId and id to the letter, userName whatever its case."""

    def holds(each: Filter) -> bool:
        match each:
            case Equal(attribute, value):
                found = user[attribute.name]
                if attribute.name == "userName":
                    return bool(found.casefold() == value.casefold())  # type: ignore[union-attr]  # a string
                return bool(found == value)
            case All(parts):
                return all(holds(part) for part in parts)
            case Either(parts):
                return any(holds(part) for part in parts)

    assert wanted.holds(user) == holds(wanted)


def test_and_binds_stronger_than_or() -> None:
    """RFC 7644 §3.4.2.2, precedence."""
    a, b, c = (Equal(FILTERABLE["id"], each) for each in "abc")
    assert parse_filter('id eq "a" or id eq "b" and id eq "c"', FILTERABLE) == Either(
        (a, All((b, c)))
    )
    assert parse_filter('(id eq "a" or id eq "b") and id eq "c"', FILTERABLE) == All(
        (Either((a, b)), c)
    )


@given(st.text(max_size=80) | st.text('()"\\ andorqe idactivTrul19', max_size=80))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    """And is never a defect."""
    with suppress(Invalid):
        assert written(parse_filter(text, FILTERABLE))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        "userName eq ann",
        "userName eq 'ann'",
        'userName eq "ann',
        'userName eq "ann" and',
        'userName eq "ann" userName eq "bob"',
        'and userName eq "ann"',
        'userName ne "ann"',
        'userName co "ann"',
        "userName pr",
        'not (userName eq "ann")',
        'userName eq "ann")',
        '(userName eq "ann"',
        "()",
        "active eq 1",
        'active eq "yes"',
        "active eq null",
        "userName eq true",
        'emails.value eq "a"',
        'emails[type eq "work"]',
        'password eq "a"',
        r'userName eq "\ud800"',
        r'userName eq "\u0000"',
        'userName eq "a\nb"',
        'urn:other:userName eq "a"',
        'userName eq "ann"; drop table',
    ],
)
def test_what_is_no_filter(text: str) -> None:
    """Is refused as such."""
    with pytest.raises(Invalid) as refused:
        parse_filter(text, FILTERABLE)
    assert refused.value.code == "scim_filter_invalid"


def test_how_much_a_filter_may_be() -> None:
    """Length, comparisons and parentheses have limits, which are enough."""

    def of(comparisons: int) -> str:
        return " or ".join(['id eq "a"'] * comparisons)

    def within(depth: int) -> str:
        return "(" * depth + 'id eq "a"' + ")" * depth

    def long(length: int) -> str:
        return f'id eq "{"a" * (length - 8)}"'

    for form, most in ((of, MAX_COMPARISONS), (within, MAX_DEPTH), (long, MAX_LENGTH)):
        assert written(parse_filter(form(most), FILTERABLE))
        with pytest.raises(Invalid, match=r"more than|longer than"):
            parse_filter(form(most + 1), FILTERABLE)

"""JSON that means one thing to every reader: the two ways of parsing agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.jose import strict_json
from broker.jose.strict_json import AmbiguousJson, parse_object, parse_value

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def outcome(parse: Any, raw: bytes) -> object:
    """What the parser gives: a value with its types, or the refusal."""
    try:
        return repr(parse(raw))
    except AmbiguousJson:
        return AmbiguousJson


@given(values, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_the_fast_way_gives_what_the_slow_way_gives(
    document: object, separators: tuple[str, str]
) -> None:
    """For every value, however it is spaced and escaped."""
    for ascii_only in (True, False):
        text = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
        raw = text.encode("utf-8", "surrogatepass")
        slowly = outcome(strict_json._parse_slowly, raw)
        assert outcome(parse_value, raw) == slowly
        assert outcome(parse_object, raw) == (slowly if type(document) is dict else AmbiguousJson)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[{"b":1,"b":1}]}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":18446744073709551616}',
        b'{"a":-9223372036854775809}',
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"{}{}",
        b"",
    ],
)
def test_what_is_ambiguous_is_refused_both_ways(raw: bytes) -> None:
    """No shortcut lets through what the thorough way refuses."""
    with pytest.raises(AmbiguousJson):
        parse_object(raw)
    with pytest.raises(AmbiguousJson):
        parse_value(raw)
    with pytest.raises(AmbiguousJson):
        strict_json._parse_slowly(raw)

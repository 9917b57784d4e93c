"""JSON that means one thing to every reader.

The standard parser and most JOSE libraries keep the last of two members with the same name; a
verifier and the code behind it may then each see another value. What is ambiguous is refused.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

import orjson

MAX_DEPTH: Final = 32
"""Levels of nested objects and arrays."""


class AmbiguousJson(ValueError):
    """The text is not a JSON object, or not one that every parser reads alike."""


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw` (RFC 8259, UTF-8).

    Refuses, at any depth, duplicate members, NUL and lone surrogates in strings, NaN, infinities,
    integers beyond 64 bits and more than 32 levels. Raises `AmbiguousJson`, whose text names the
    fault and quotes nothing.
    """
    canonical = _canonical(raw)
    if type(canonical) is dict:
        return canonical
    document = _parse_slowly(raw)
    if not isinstance(document, dict):
        raise AmbiguousJson("is not a JSON object")
    return document


def parse_value(raw: bytes) -> Any:
    """Any JSON value, as strictly as `parse_object`."""
    canonical = _canonical(raw)
    return _parse_slowly(raw) if canonical is None else canonical


def _canonical(raw: bytes) -> Any:
    """The value, if `raw` is just how it is written: compact, in order, nothing dropped.

    That is how most issuers write, and it costs a third of the other way. What comes back to the
    same bytes had no member twice, no number out of range, nothing that is read in two ways; what
    does not may still be sound. None then, and for null.
    """
    if b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return None
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if orjson.dumps(document) == raw else None


def _parse_slowly(raw: bytes) -> Any:
    try:
        document = _DECODER.decode(raw.decode("utf-8"))
    except AmbiguousJson:
        raise
    except UnicodeDecodeError:
        raise AmbiguousJson("is not UTF-8") from None
    except RecursionError:
        raise AmbiguousJson(f"is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError:  # JSONDecodeError, and CPython's limit on the digits of an integer
        raise AmbiguousJson("is not JSON") from None
    # both are rare: most tokens hold neither escapes nor as many brackets as levels are allowed
    if b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_tree(document, depth=1)
    return document


def _check_tree(value: object, *, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise AmbiguousJson(f"is nested more than {MAX_DEPTH} levels deep")
        for member in value:
            _check_tree(member, depth=depth + 1)
        if isinstance(value, dict):
            for member in value.values():
                _check_tree(member, depth=depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise AmbiguousJson("holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise AmbiguousJson("holds half of a surrogate pair") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AmbiguousJson("has a member twice")
    return members


def _integer(digits: str) -> int:
    number = int(digits)
    if not -(1 << 63) <= number < 1 << 64:
        raise AmbiguousJson("holds an integer beyond 64 bits")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise AmbiguousJson("holds a number beyond the range of a double")
    return number


def _constant(name: str) -> NoReturn:
    raise AmbiguousJson(f"holds {name}, which JSON does not have")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)

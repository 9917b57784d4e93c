"""Filters (RFC 7644 §3.4.2.2), as far as directories need them: `eq`, `and`, `or`, parentheses.

`userName eq "ann@acme.example" and (active eq true or externalId eq "00u1")`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from broker.iam.scim.refusals import filter_invalid
from broker.iam.scim.schema import USER_URN, Attribute

MAX_LENGTH: Final = 2048
"""Characters."""
MAX_COMPARISONS: Final = 20
MAX_DEPTH: Final = 8
"""Parentheses within each other."""

_TOKEN: Final = re.compile(
    r'\s*(?:(?P<sign>[()])|(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<word>[A-Za-z0-9$_:.\-]+))'
)


@dataclass(frozen=True, slots=True)
class Equal:
    """The attribute has this value."""

    attribute: Attribute
    value: str | bool

    def holds(self, values: Mapping[str, Any]) -> bool:
        """For JSON values by the attribute's name."""
        found = values.get(self.attribute.name)
        if isinstance(found, str) and isinstance(self.value, str) and not self.attribute.case_exact:
            return found.casefold() == self.value.casefold()
        # a value that is not there is no True, and no False either
        return type(found) is type(self.value) and found == self.value


@dataclass(frozen=True, slots=True)
class All:
    """Each of them holds."""

    parts: tuple[Filter, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """As `Equal.holds`."""
        return all(part.holds(values) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """One of them holds, or more."""

    parts: tuple[Filter, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """As `Equal.holds`."""
        return any(part.holds(values) for part in self.parts)


Filter = Equal | All | Either


def parse_filter(text: str, attributes: Mapping[str, Attribute]) -> Filter:
    """`attributes`: those that may be compared, by name in lower case.

    Raises `Invalid` (`scim_filter_invalid`), which says what was expected.
    """
    if len(text) > MAX_LENGTH:
        raise filter_invalid(f"longer than {MAX_LENGTH} characters")
    parser = _Parser(list(_tokens(text)), attributes)
    found = parser.either(0)
    parser.expect_end()
    return found


class _Token(NamedTuple):
    kind: str
    """`sign`, `text`, `word`, `end`."""
    text: str


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise filter_invalid(f"character {at + 1} cannot be there")
        yield _Token(found.lastgroup, found[found.lastgroup])
        at = found.end()
    yield _Token("end", "")


class _Parser:
    """Recursive descent; `or` binds weaker than `and`."""

    def __init__(self, tokens: list[_Token], attributes: Mapping[str, Attribute]) -> None:
        self._tokens = tokens
        self._attributes = attributes
        self._at = 0
        self._comparisons = 0

    def either(self, depth: int) -> Filter:
        parts = [self._all(depth)]
        while self._is_word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise filter_invalid("expected 'and', 'or' or the end after a comparison")

    def _all(self, depth: int) -> Filter:
        parts = [self._part(depth)]
        while self._is_word("and"):
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self, depth: int) -> Filter:
        if self._next == ("sign", "("):
            return self._group(depth + 1)
        return self._comparison()

    def _group(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise filter_invalid(f"more than {MAX_DEPTH} parentheses within each other")
        self._at += 1
        found = self.either(depth)
        if self._next != ("sign", ")"):
            raise filter_invalid("a parenthesis is not closed")
        self._at += 1
        return found

    def _comparison(self) -> Filter:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise filter_invalid(f"more than {MAX_COMPARISONS} comparisons")
        attribute = self._attribute()
        if not self._is_word("eq"):
            raise filter_invalid("of the operators, 'eq' is supported")
        return Equal(attribute, self._value(attribute))

    def _attribute(self) -> Attribute:
        kind, text = self._take()
        name = text.lower().removeprefix(f"{USER_URN.lower()}:")
        attribute = self._attributes.get(name) if kind == "word" else None
        if attribute is None:
            names = ", ".join(sorted(each.name for each in self._attributes.values()))
            raise filter_invalid(f"expected an attribute to compare, one of {names}")
        return attribute

    def _value(self, attribute: Attribute) -> str | bool:
        kind, text = self._take()
        if attribute.type == "boolean":
            # Entra ID compares with "True"
            found = {"true": True, "false": False}.get(text.strip('"').lower())
            if found is None:
                raise filter_invalid(f"{attribute.name} is compared with true or false")
            return found
        value = _string(text) if kind == "text" else None
        if value is None:
            raise filter_invalid(f"{attribute.name} is compared with a string in double quotes")
        return value

    def _is_word(self, word: str) -> bool:
        """Whether it comes next; it is taken then."""
        if self._next.kind != "word" or self._next.text.lower() != word:
            return False
        self._at += 1
        return True

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token


def _string(text: str) -> str | None:
    """A JSON string; None for one that is malformed, or that no record can have."""
    try:
        value = str(json.loads(text))
        value.encode()
    except ValueError:  # UnicodeEncodeError, of a lone surrogate, is one
        return None
    return None if "\0" in value else value

"""RE2 patterns as trees, as far as lint can reason about them.

Reads RE2's own syntax (github.com/google/re2/wiki/Syntax) for patterns that RE2 has compiled
already, so nothing here is about errors. Properties of Unicode, word boundaries and multi-line mode
are not followed: `Unfollowed` says so, and lint falls back on trying examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Range = tuple[int, int]
"""Code points from, to; both included."""

LAST: Final = 0x10FFFF
ANYTHING: Final[tuple[Range, ...]] = ((0, LAST),)

_DIGITS: Final[tuple[Range, ...]] = ((0x30, 0x39),)
_SPACES: Final[tuple[Range, ...]] = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))
_WORDS: Final[tuple[Range, ...]] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_CLASSES: Final = {"d": _DIGITS, "s": _SPACES, "w": _WORDS}
_POSIX: Final[dict[str, tuple[Range, ...]]] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGITS,
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "word": _WORDS,
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
_CONTROLS: Final = {"a": 0x07, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
_FOLDED_BEYOND_ASCII: Final = {0x6B: 0x212A, 0x73: 0x017F}
"""Letters that match `k` and `s` when case does not count (Unicode, CaseFolding.txt)."""

_COUNTED: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_GROUP: Final = re.compile(r"\(\?(?:P?<\w+>|(?P<flags>[imsU-]*)(?P<end>[:)]))")
_MAX_DEPTH: Final = 100
"""RE2 takes up to 1,000 groups within each other; nobody who means well writes more than a few."""


class Unfollowed(Exception):
    """The pattern has something that is not followed here."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of these."""

    ranges: tuple[Range, ...]
    source: str
    """As the pattern has it: `a`, `\\.`, `[a-z]`, `.`."""
    at: int
    """Where that begins in the pattern."""

    @property
    def is_dot(self) -> bool:
        """Whether it is the bare dot."""
        return self.source == "."

    @property
    def literal(self) -> str:
        """The one character that it stands for; empty when there are several."""
        if len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]:
            return chr(self.ranges[0][0])
        return ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; without items: nothing."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again; without a `most`, as often as one likes."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning of the text, or its end."""

    is_end: bool
    source: str


Node = Chars | Sequence | Choice | Repeat | Edge


def parse(pattern: str) -> Node:
    """The tree of a pattern that RE2 takes. Raises `Unfollowed`."""
    return _Reader(pattern).read()


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    dot_takes_newline: bool = False


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0
        self._flags = _Flags()

    def read(self) -> Node:
        node = self._choice()
        if self._at < len(self._text):
            raise Unfollowed("a parenthesis that closes nothing")
        return node

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            atoms = self._atoms()
            if not atoms:  # flags for what follows
                if self._at < len(self._text) and self._bounds() is not None:
                    raise Unfollowed("a repetition behind flags")
                continue
            items += atoms[:-1]
            items.append(self._repeated(atoms[-1]))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _repeated(self, item: Node) -> Node:
        while self._at < len(self._text):
            if (bounds := self._bounds()) is None:
                break
            self._take("?")  # as few as possible: the same texts
            item = Repeat(item, *bounds)
        return item

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (bounds := simple.get(self._text[self._at])) is not None:
            self._at += 1
            return bounds
        counted = _COUNTED.match(self._text, self._at)
        if counted is None:
            return None
        self._at = counted.end()
        least, comma, most = int(counted[1]), counted[2], counted[3]
        return least, (int(most) if most else None) if comma else least

    def _atoms(self) -> list[Node]:
        r"""What the next repetition is of, last; several after `\Q`."""
        start, character = self._at, self._text[self._at]
        self._at += 1
        match character:
            case "(":
                return self._group(start)
            case "[":
                return [self._bracket(start)]
            case ".":
                return [self._dot(start)]
            case "^" | "$":
                return [Edge(character == "$", character)]
            case "\\":
                return self._escape(start)
            case _:
                return [self._chars([(ord(character),) * 2], start)]

    def _group(self, start: int) -> list[Node]:
        before = self._flags
        if self._text.startswith("(?", start):
            found = _GROUP.match(self._text, start)
            if found is None:
                raise Unfollowed(f"the group {self._text[start : start + 4]!r}")
            self._at = found.end()
            if found["flags"]:
                self._set(found["flags"])
            if found["end"] == ")":
                return []  # the flags hold until the group around them ends
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unfollowed("many groups within each other")
        node = self._choice()
        self._depth -= 1
        if not self._take(")"):
            raise Unfollowed("a parenthesis that is not closed")
        self._flags = before
        return [node]

    def _set(self, flags: str) -> None:
        on, _, off = flags.partition("-")
        if "m" in on:
            raise Unfollowed("the flag m")
        ignore_case = ("i" in on or self._flags.ignore_case) and "i" not in off
        newline = ("s" in on or self._flags.dot_takes_newline) and "s" not in off
        self._flags = _Flags(ignore_case, newline)

    def _dot(self, start: int) -> Chars:
        ranges = ANYTHING if self._flags.dot_takes_newline else complement([(0x0A, 0x0A)])
        return Chars(tuple(ranges), ".", start)

    def _escape(self, start: int) -> list[Node]:
        character = self._next()
        match character:
            case "A" | "z":
                return [Edge(character == "z", self._text[start : self._at])]
            case "Q":
                end = self._text.find("\\E", self._at)
                quoted = self._text[self._at : end if end >= 0 else None]
                first, self._at = self._at, self._at + len(quoted) + (2 if end >= 0 else 0)
                return [
                    Chars(self._folded([(ord(c), ord(c))]), f"\\Q{c}", first + index)
                    for index, c in enumerate(quoted)
                ]
            case "E":
                return []
            case _:
                self._at = start + 1
                return [self._chars(self._escaped(), start)]

    def _escaped(self) -> list[Range]:
        """What stands behind a backslash, within brackets or outside."""
        character = self._next()
        if (known := _CLASSES.get(character.lower())) is not None:
            return list(known if character.islower() else complement(known))
        if (control := _CONTROLS.get(character)) is not None:
            return [(control, control)]
        if character == "x":
            return [(self._hexadecimal(),) * 2]
        if not character.isascii() or character.isalnum():
            raise Unfollowed(f"'\\{character}'")
        return [(ord(character),) * 2]

    def _hexadecimal(self) -> int:
        found = re.compile(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})").match(self._text, self._at)
        if found is None:
            raise Unfollowed("'\\x'")
        self._at = found.end()
        return int(found[1] or found[2], 16)

    def _bracket(self, start: int) -> Chars:
        negated = self._take("^")
        ranges: list[Range] = []
        first = True
        while first or self._text[self._at] != "]":
            first = False
            ranges += self._bracketed()
        self._at += 1
        folded = self._folded(ranges)
        source = self._text[start : self._at]
        return Chars(complement(folded) if negated else folded, source, start)

    def _bracketed(self) -> list[Range]:
        """One member of a bracket: a character, a range, or a class."""
        if named := re.compile(r"\[:(\^?)([a-z]+):\]").match(self._text, self._at):
            self._at = named.end()
            known = _POSIX.get(named[2])
            if known is None:
                raise Unfollowed(f"the class {named[2]!r}")
            return list(complement(known) if named[1] else known)
        low = self._member()
        is_range = self._text[self._at] == "-" and self._text[self._at + 1] != "]"
        if len(low) != 1 or low[0][0] != low[0][1] or not is_range:
            return low
        self._at += 1
        ((_, high),) = self._member()
        return [(low[0][0], high)]

    def _member(self) -> list[Range]:
        character = self._next()
        return self._escaped() if character == "\\" else [(ord(character),) * 2]

    def _chars(self, ranges: Iterable[Range], start: int) -> Chars:
        return Chars(self._folded(ranges), self._text[start : self._at], start)

    def _folded(self, ranges: Iterable[Range]) -> tuple[Range, ...]:
        if not self._flags.ignore_case:
            return merged(ranges)
        return merged(each for low, high in ranges for each in _both_cases(low, high))

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise Unfollowed("an end in the middle")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, character: str) -> bool:
        if self._text.startswith(character, self._at):
            self._at += len(character)
            return True
        return False


def _both_cases(low: int, high: int) -> Iterator[Range]:
    if high > 0x7F:
        raise Unfollowed("characters beyond ASCII without regard to case")
    yield low, high
    for first, last, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
        start, end = max(low, first), min(high, last)
        if start <= end:
            yield start + shift, end + shift
    for letter, other in _FOLDED_BEYOND_ASCII.items():
        if low <= letter <= high or low <= letter - 32 <= high:
            yield other, other


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """In order, without overlaps."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Every other character."""
    found: list[Range] = []
    start = 0
    for low, high in merged(ranges):
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)

"""Comments in a declaration that let one finding of lint be: `# broker-lint: ignore RULE — why`.

Such a comment stands at the end of the line that the finding is on, or alone above it. What looks
like one inside a text is none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

_COMMENT: Final = re.compile(
    r"(?:^|(?<=[ \t]))#[ \t]*broker-lint\b:?[ \t]*([^\r\n]*)", re.MULTILINE
)
_IGNORE: Final = re.compile(
    r"ignore[ \t]+(?P<rule>[a-z-]*[a-z])(?:[ \t]+(?:—|–|--?|:)[ \t]*(?P<why>.*))?"
)


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment."""

    line: int
    column: int
    covers: int
    """The line whose finding it lets be."""
    rule: str
    """Empty when the comment cannot be read."""
    reason: str
    """Empty when there is none, which a comment needs to count."""


def ignores(source: bytes) -> tuple[Ignore, ...]:
    """Of a declaration that could be read as YAML."""
    text = source.decode("utf-8-sig")
    inside = list(_texts(text))
    starts = [start for start, _ in inside]
    lines = text.splitlines()
    found = []
    for comment in _COMMENT.finditer(text):
        before = bisect_right(starts, comment.start()) - 1
        if before >= 0 and comment.start() < inside[before][1]:
            continue
        line = text.count("\n", 0, comment.start()) + 1
        column = comment.start() - text.rfind("\n", 0, comment.start())
        read = _IGNORE.fullmatch(comment[1].rstrip())
        rule, why = (read["rule"], (read["why"] or "").strip()) if read else ("", "")
        found.append(Ignore(line, column, _covered(lines, line), rule, why))
    return tuple(found)


def _texts(text: str) -> Iterator[tuple[int, int]]:
    """Where each scalar begins and ends."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.ScalarEvent) and event.start_mark and event.end_mark:
            yield event.start_mark.index, event.end_mark.index


def _covered(lines: list[str], line: int) -> int:
    if not lines[line - 1].lstrip().startswith("#"):
        return line
    for number, content in enumerate(lines[line:], line + 1):
        if content.strip() and not content.lstrip().startswith("#"):
            return number
    return line

"""Findings with where they are, whether in a file or in a broker, and how they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
import orjson

from broker.cli.options import printable
from broker.iam.lint import Finding, Level

_COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "blue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A finding and its place."""

    finding: Finding
    file: str = ""
    """Empty for what a broker has."""
    line: int = 0
    column: int = 0
    field: str = ""
    """Path of the field in the file."""
    identity: str = ""
    """Path of names."""
    uid: str = ""
    """Of an identity of a broker."""

    @property
    def place(self) -> str:
        """As compilers write it: `acme.yaml:14:30`, or whose rules they are."""
        return f"{self.file}:{self.line}:{self.column}" if self.file else self.uid

    def as_json(self) -> dict[str, Any]:
        """Members that do not apply are null."""
        finding = self.finding
        return {
            "rule": finding.rule.id,
            "level": finding.level.word,
            "file": self.file or None,
            "line": self.line or None,
            "column": self.column or None,
            "identity": self.identity or None,
            "uid": self.uid or None,
            "field": self.field or finding.field or None,
            "message": finding.message,
            "advice": finding.advice or None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and in how many identities it was looked for."""

    found: Sequence[Located]
    identities: int

    @property
    def worst(self) -> Level | None:
        """The level of the worst; None without any."""
        return max((each.finding.level for each in self.found), default=None)

    def count(self, level: Level) -> int:
        """Of one level."""
        return sum(each.finding.level is level for each in self.found)

    def as_json(self) -> bytes:
        """One object, with the findings and how many there are."""
        levels = {f"{level.word}s": self.count(level) for level in reversed(Level)}
        document = {
            "identities": self.identities,
            **levels,
            "findings": [each.as_json() for each in self.found],
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    def lines(self) -> Iterator[str]:
        """For people: two lines a finding, and what there is in all."""
        for each in self.found:
            finding = each.finding
            level = click.style(finding.level.word, fg=_COLORS[finding.level])
            identity = f" {each.identity}" if each.identity else ""
            yield printable(each.place) + f": {level} {finding.rule.id}{printable(identity)}"
            field = f"{finding.field}: " if finding.field else ""
            yield f"    {printable(f'{field}{finding.message} {finding.advice}'.rstrip())}"
        counts = ", ".join(_counted(self.count(level), level.word) for level in reversed(Level))
        of = "1 identity" if self.identities == 1 else f"{self.identities} identities"
        yield f"{counts} in {of}."


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

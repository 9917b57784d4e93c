"""What is wrong with a declaration, all of it at once, each with its place in the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import Invalid

MAX_LISTED: Final = 50
"""Problems that the message spells out; the exception holds all of them."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to change in the file."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    field: str
    """Path of the field, such as `organizations[0].identities[1].claim_patterns.ref`."""
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}"
        return (
            f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"
        )


class DeclarationProblems(Invalid):
    """The declaration cannot be carried out. Nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        lines = [str(problem) for problem in self.problems[:MAX_LISTED]]
        if count > MAX_LISTED:
            lines.append(f"and {count - MAX_LISTED} more")
        heading = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(
            "declaration_invalid",
            "\n".join([f"the declaration has {heading}:", *lines]),
            field=self.problems[0].field if self.problems else None,
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Where:
    """The place of one record in the file, and of each of its fields."""

    path: str
    at: Mark
    marks: Mapping[str, Mark]
    """By field path within the record: `subject`, `claims.ref`, `capabilities[2]`."""

    def problem(self, field: str, message: str) -> Problem:
        """A problem of that field: at its value, or at the nearest thing above that is there."""
        near = field
        while near and near not in self.marks:
            near = _above(near)
        mark = self.marks.get(near, self.at)
        whole = f"{self.path}.{field}" if self.path and field else self.path or field
        return Problem(mark.line, mark.column, whole, message)


def _above(field: str) -> str:
    cut = max(field.rfind("."), field.rfind("["))
    return field[:cut] if cut > 0 else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when nothing known is near."""
    candidates: Sequence[str] = sorted(known)
    near = difflib.get_close_matches(word[:100], candidates, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""

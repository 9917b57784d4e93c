"""Records as rows: which columns a noun has, and rows as text."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.cli.options import printable
from broker.sdk.api import Record

_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})\.[0-9]+Z", re.ASCII)
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and the member that it shows or how to work it out."""

    heading: str
    shows: str | Callable[[Record], Any]
    is_wide: bool = False
    """Only where there is room: in `wide`, `csv` and `markdown`."""

    def text(self, record: Record) -> str:
        """The cell of a record."""
        if callable(self.shows):
            return shown(self.shows(record))
        return shown(member(record, self.shows))


@dataclass(frozen=True, slots=True)
class View:
    """How the records of a noun are shown."""

    noun: str
    plural: str
    columns: Sequence[Column]
    key: str = "uid"
    """The member that names a record."""
    label: str = "name"
    """The member that people know it by."""


def member(record: Mapping[str, Any], path: str) -> Any:
    """A member at a dotted path; None where there is none."""
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def shown(value: Any) -> str:
    """A JSON value in a cell: nothing for what is absent, whole seconds for times."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(shown, value))
        case dict():
            return ", ".join(f"{name}={shown(inner)}" for name, inner in value.items())
        case _:
            return printable(_TIME.sub(r"\1Z", str(value)))


def flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every member that says something, by its dotted path."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif value not in ("", None, [], False) and not _says_nothing(value):
            yield printable(f"{prefix}{name}"), shown(value)


def listed(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same for people: each element of a list in a row of its own."""
    for name, text in flat(record):
        value = member(record, name)
        if isinstance(value, list):
            yield from zip([name, *[""] * (len(value) - 1)], map(shown, value), strict=True)
        else:
            yield name, text


def _says_nothing(value: object) -> bool:
    """Whether it is the zero of an enum: protobuf's style has each end so."""
    return isinstance(value, str) and value.endswith("_UNSPECIFIED")


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with every column as wide as its widest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def comma_separated(rows: Sequence[Sequence[str]]) -> str:
    """RFC 4180, but for its line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of GitHub's Markdown."""
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    for row in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(row)} |"


def assignments(noun: str, record: Record) -> Iterator[str]:
    """Lines for `eval` in a shell: IDENTITY_UID=…, quoted."""
    for path, text in flat(record):
        name = _WORD.sub("_", f"{noun}_{path}").upper()
        yield f"{name}={shlex.quote(text)}"

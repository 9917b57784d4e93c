"""What a command prints, in the form that was asked for. Standard output has nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import click
import orjson

from broker.cli.client.tables import (
    View,
    aligned,
    assignments,
    comma_separated,
    listed,
    markdown,
    shown,
)
from broker.sdk.api import Record

LIST_FORMATS: Final = (
    "table", "wide", "json", "yaml", "id", "terse", "csv", "markdown", "none",
)  # fmt: skip
TREE_FORMATS: Final = (*LIST_FORMATS, "tree")
RECORD_FORMATS: Final = (*LIST_FORMATS, "env")

PADDING: Final = 2
"""Columns that rich puts around a cell, more than we do."""


class Printer:
    """Prints records in one format. On a terminal, tables are drawn by rich."""

    def __init__(self, form: str, *, is_terminal: bool) -> None:
        self.form = form
        self._is_terminal = is_terminal

    def records(self, view: View, records: Sequence[Record]) -> None:
        """Those of a list. That there are none is said on standard error."""
        match self.form:
            case "json" | "yaml":
                self._document(records)
            case "id" | "terse":
                self._keys(view, records)
            case "table" | "wide" | "csv" | "markdown":
                if not records:
                    click.echo(f"no {view.plural}", err=True)
                if records or self.form == "csv":
                    self._rows(view, records)

    def record(self, view: View, record: Record) -> None:
        """One, with everything that is known of it."""
        match self.form:
            case "json" | "yaml":
                self._document(record)
            case "id" | "terse":
                self._keys(view, [record])
            case "csv" | "markdown":
                self._rows(view, [record])
            case "env":
                for line in assignments(view.noun, record):
                    click.echo(line)
            case "table" | "wide":
                for line in aligned(list(listed(record))):
                    click.echo(line)

    def deleted(self, view: View, records: Sequence[Record]) -> None:
        """That these are gone."""
        match self.form:
            case "json" | "yaml":
                self._document([{view.key: record[view.key]} for record in records])
            case "id" | "terse":
                self._keys(view, records)
            case "csv" | "markdown":
                self._rows(view, records)
            case "table" | "wide":
                for record in records:
                    label = shown(record.get(view.label))
                    words = ["deleted", view.noun, *([label] if label else []), record[view.key]]
                    click.echo(" ".join(words))

    def tree(self, view: View, groups: Sequence[Record]) -> None:
        """Groups under their parents; those whose parent is not among them stand at the top."""
        if not groups:
            click.echo(f"no {view.plural}", err=True)
        for line in _tree(groups):
            click.echo(line)

    def document(self, content: Record, lines: Iterable[str]) -> None:
        """What is no record: whole in JSON and YAML, else these lines."""
        if self.form in {"json", "yaml"}:
            self._document(content)
            return
        for line in lines:
            click.echo(line)

    def _document(self, content: Any) -> None:
        if self.form == "json":
            click.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2))
            return
        import yaml

        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), nl=False)

    def _keys(self, view: View, records: Sequence[Record]) -> None:
        for record in records:
            label = f"\t{shown(record.get(view.label))}" if self.form == "terse" else ""
            click.echo(f"{record[view.key]}{label}")

    def _rows(self, view: View, records: Sequence[Record]) -> None:
        columns = [c for c in view.columns if self.form != "table" or not c.is_wide]
        headings = [column.heading for column in columns]
        rows = [[column.text(record) for column in columns] for record in records]
        if self.form == "csv":
            click.echo(comma_separated([headings, *rows]), nl=False)
        elif self.form == "markdown":
            click.echo("\n".join(markdown([headings, *rows])))
        else:
            self._table(headings, rows)

    def _table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = list(aligned([[heading.upper() for heading in headings], *rows]))
        # what is wider is left to the terminal: a UIDP that was cut or folded cannot be copied
        widest = max(map(len, lines)) + PADDING * len(headings)
        if self._is_terminal and widest <= shutil.get_terminal_size().columns:
            _draw(headings, rows)
        else:
            click.echo("\n".join(lines))


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # text of others is no markup of rich's
    Console().print(table)


def _tree(groups: Sequence[Record]) -> Iterator[str]:
    present = {group["uid"] for group in groups}
    below: dict[str, list[Record]] = {}
    for group in sorted(groups, key=lambda group: (group["name"], group["uid"])):
        parent = group["uid"].rpartition("/")[0]
        below.setdefault(parent if parent in present else "", []).append(group)

    def lines(parent: str, indent: str) -> Iterator[str]:
        inner = below.get(parent, [])
        for group in inner:
            is_last = group is inner[-1]
            branch, further = ("└── ", "    ") if is_last else ("├── ", "│   ")
            if not parent:
                branch = further = ""
            yield f"{indent}{branch}{shown(group['name'])}  {group['uid']}"
            yield from lines(group["uid"], indent + further)

    yield from lines("", "")

"""The command lines in the documents."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest

from broker.cli import cli
from tests.docs.documents import ROOT, blocks, documents, spans

SHELL: Final = frozenset({"", "bash", "console", "sh", "yaml"})
PROGRAMS: Final = frozenset({"broker", ".venv/bin/broker"})
ENDS: Final = frozenset({"|", "||", "&&", ";", "&", ">", ">>", "<", "2>"})


class Line(NamedTuple):
    """A command line in a fenced block."""

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: {shlex.join(self.words)}"


def _lines() -> list[Line]:
    generated = ROOT / "docs" / "cli.md"
    return [
        Line(str(block), words)
        for block in blocks(*SHELL, among=[path for path in documents() if path != generated])
        for text in block.text.replace("\\\n", " ").splitlines()
        for words in _commands(text)
    ]


def _commands(text: str) -> Iterator[tuple[str, ...]]:
    """What a line of a shell runs of ours."""
    text = re.sub(r"^\s*\$ ", "", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # output, or a part of a longer program
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if word in ENDS:
            if command and command[0] in PROGRAMS:
                yield tuple(command[1:])
            command = []
        else:
            command.append(word)


def _parse(words: list[str]) -> None:
    """As the command line does, up to where the work would begin. Raises `click.UsageError`."""
    command: click.Command = cli
    name: str | None = "broker"
    context: click.Context | None = None
    while True:
        context = command.make_context(name, words, parent=context)
        try:
            if not isinstance(command, click.Group):
                return
            # `make_context` leaves the name of the command within and what follows
            rest = [*context._protected_args, *context.args]
            name, found, words = command.resolve_command(context, rest)
        finally:
            context.close()
        assert found is not None
        command = found


def test_there_are_command_lines() -> None:
    """The documents show the commands in use, each at least once."""
    shown = {line.words[0] for line in _lines()}
    assert shown >= {"apply", "audit", "bootstrap", "exchange", "keys", "serve", "token"}


@pytest.mark.parametrize("line", _lines(), ids=str)
def test_command_lines_of_documents_are_understood(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands, options and arguments are those that there are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    for word in line.words:  # files that a reader of the document has
        if re.fullmatch(r"[\w/-]+\.(yaml|jwt|toml|txt)", word):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    _parse(list(line.words))


@pytest.mark.parametrize(
    "words", ["aply", "apply", "exchange --isuer x", "keys rotat", "audit list x"]
)
def test_a_wrong_command_line_is_noticed(words: str) -> None:
    """The test above can fail: unknown commands and options, missing and surplus ones."""
    with pytest.raises(click.UsageError):
        _parse(words.split())


def _mentions() -> list[Line]:
    found = {
        Line(path.relative_to(ROOT).as_posix(), tuple(span.split()[1:]))
        for path in documents()
        for span in spans(path)
        if re.fullmatch(r"broker [a-z].*", span)
    }
    return sorted(found)


@pytest.mark.parametrize("line", _mentions(), ids=str)
def test_commands_named_in_the_text_exist(line: Line) -> None:
    """With their subcommands and options; arguments may be left out."""
    command: click.Command = cli
    context = click.Context(cli, info_name="broker")
    for word in line.words:
        if word.startswith("-"):
            assert any(word in parameter.opts for parameter in command.params), word
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            assert found is not None, word
            command, context = found, click.Context(found, info_name=word, parent=context)

"""Questions: what a command needs and was not given, and whether it should go on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

MAX_CHOICES: Final = 50
"""More are not listed; their name is typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of several."""

    value: str
    shown: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks on a terminal; elsewhere what is missing is an error that names the flag.

    Questions go to standard error: standard output may be a file.
    """

    is_terminal: bool
    yes: bool = False
    """Whether everything that could be confirmed is."""

    def text(self, flag: str, question: str) -> str:
        """A line that is not empty."""
        self._expect_terminal(flag)
        with _interruptible():
            answer: str = click.prompt(question, err=True)
        return answer.strip()

    def optional(self, question: str) -> str:
        """A line that may be empty; elsewhere than on a terminal it is, and nothing is asked."""
        if self.yes or not self.is_terminal:
            return ""
        with _interruptible():
            answer: str = click.prompt(question, default="", show_default=False, err=True)
        return answer.strip()

    def remark(self, text: str) -> None:
        """Tells what helps with the question that follows, on a terminal."""
        if self.is_terminal and not self.yes:
            click.echo(text, err=True)

    def choice(self, flag: str, question: str, choices: Sequence[Choice]) -> str:
        """The value of one of them; or other text, which a caller may understand as well."""
        self._expect_terminal(flag)
        if not choices or len(choices) > MAX_CHOICES:
            return self.text(flag, question)
        for number, each in enumerate(choices, 1):
            click.echo(f"{number:4}  {each.shown}", err=True)
        answer = self.text(flag, f"{question} (number or name)")
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1].value
        return answer

    def confirm(self, question: str) -> None:
        """Goes on, or raises `click.Abort`. Off a terminal only `--yes` goes on."""
        if self.yes:
            return
        if not self.is_terminal:
            raise click.UsageError(f"{question} Not a terminal to ask on: give --yes.")
        with _interruptible():
            click.confirm(question, err=True, abort=True)

    def _expect_terminal(self, flag: str) -> None:
        if self.yes or not self.is_terminal:
            raise click.UsageError(f"Missing option or argument: {flag}.")


def on_terminal() -> bool:
    """Whether questions can be seen and answered."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a question. asyncio's own handler would cancel the task, which waits for the
    answer and hears of it too late.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

"""One check of a token as people read it: in the audit log, and in the answer to a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from broker.cli.options import printable
from broker.sdk.api import Record

_MARKS: Final = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("–   ", "yellow")}
_OUTCOMES: Final = {"PASSED": True, "FAILED": False}


def step_lines(step: Mapping[str, Any], *, indent: int = 0) -> str:
    """One line, and another one with what to change where that is known.

    `step`: `stage`, `name`, `expected`, `got` (None: absent), `passed` (None: not reached), and
    perhaps `hint` and `unverified`.
    """
    text, colour = _MARKS[step["passed"]]
    mark = click.style(text, fg=colour)
    check = printable(f"{step['stage']}/{step['name']}: expected {step['expected']}")
    lines = [f"{' ' * indent}{mark} {check}; {_got(step)}"]
    if step.get("hint"):
        lines.append(f"{' ' * (indent + 5)}{printable(step['hint'])}")
    return "\n".join(lines)


def explanation_lines(explanation: Record) -> Iterator[str]:
    """The answer to a dry run: its steps, and then its summary."""
    for step in explanation["steps"]:
        yield step_lines(_recorded(step))
    yield printable(explanation["summary"])


def _recorded(step: Record) -> dict[str, Any]:
    """A step of the API as the audit log has it."""
    got = None if step["absent"] else step["got"]
    return {**step, "got": got, "passed": _OUTCOMES.get(step["outcome"])}


def _got(step: Mapping[str, Any]) -> str:
    if step["passed"] is None:
        return "not reached"
    got = "absent" if step["got"] is None else repr(step["got"])
    return f"got {got} (unverified)" if step.get("unverified") else f"got {got}"

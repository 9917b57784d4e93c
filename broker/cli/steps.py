"""One check of a token as people read it: in the audit log, and in the answer to a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from broker.cli.options import printable

_MARKS: Final = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("–   ", "yellow")}


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


def _got(step: Mapping[str, Any]) -> str:
    if step["passed"] is None:
        return "not reached"
    got = "absent" if step["got"] is None else repr(step["got"])
    return f"got {got} (unverified)" if step.get("unverified") else f"got {got}"

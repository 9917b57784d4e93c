"""Steps of GitHub Actions, run as a runner runs them: inputs and files in, commands out."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.kit.node import NODE, ROOT

ACTION: Final = ROOT / "deploy" / "github-action"
PATIENCE: Final = 60
"""Seconds until a step that never ends fails the test."""

_OPENING: Final = re.compile(r"(?P<name>[^=<\n]+)<<(?P<delimiter>.+)")
_COMMAND: Final = re.compile(r"::(?P<name>[\w-]+)(?: (?P<properties>[^:]*))?::(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Step:
    """How a step ended."""

    code: int
    out: str
    err: str
    outputs: Mapping[str, str]
    variables: Mapping[str, str]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Name and value of each, in order."""
        found = (_COMMAND.fullmatch(line) for line in self.out.splitlines())
        return [(match["name"], match["value"].replace("%25", "%")) for match in found if match]

    @property
    def masked(self) -> list[str]:
        """What the runner hides from then on."""
        return [value for name, value in self.commands if name == "add-mask"]

    @property
    def error(self) -> str:
        """The one error of a step that failed."""
        assert self.code == 1, self.out + self.err
        assert self.err == ""
        (message,) = [value for name, value in self.commands if name == "error"]
        return message


async def step(folder: Path, variables: Mapping[str, str], **inputs: str) -> Step:
    """Run our action in a job with these variables. An `_` in an input's name is a hyphen."""
    files = {"GITHUB_OUTPUT": folder / "output", "GITHUB_ENV": folder / "env"}
    for file in files.values():
        file.write_text("")
    environ = {
        **variables,
        **{name: str(file) for name, file in files.items()},
        **{f"INPUT_{name.replace('_', '-').upper()}": value for name, value in inputs.items()},
    }
    process = await asyncio.create_subprocess_exec(
        NODE, ACTION / "exchange.mjs", cwd=folder, env=environ, stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return Step(
        process.returncode or 0,
        out.decode(),
        err.decode(),
        assignments(files["GITHUB_OUTPUT"].read_text()),
        assignments(files["GITHUB_ENV"].read_text()),
    )


def assignments(text: str) -> dict[str, str]:
    """A file of the runner: NAME<<DELIMITER, lines, DELIMITER; or NAME=VALUE."""
    found = {}
    lines = iter(text.splitlines())
    for line in lines:
        if opening := _OPENING.fullmatch(line):
            value = []
            while (inner := next(lines)) != opening["delimiter"]:
                value.append(inner)
            found[opening["name"]] = "\n".join(value)
        else:
            name, _, value_of_line = line.partition("=")
            found[name] = value_of_line
    return found

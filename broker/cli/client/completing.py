"""Names for the shell to complete. What cannot be had at once is not completed."""

from __future__ import annotations

import asyncio
import json
import os
from importlib.resources import files
from typing import Final

import click

from broker.cli.client.connection import connection
from broker.cli.client.credentials import at_hand
from broker.errors import BrokerError
from broker.sdk.refusal import Refused

PATIENCE: Final = 2.0
"""Seconds for which somebody waits after a key was hit."""


def complete_groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Paths of the groups that the caller may list: one call, with a token that is at hand."""
    del param
    try:
        with ctx.scope(cleanup=False):
            broker = connection()
        if not (token := at_hand(os.environ, broker)):
            return []
        paths = asyncio.run(asyncio.wait_for(_paths(broker.api, token), PATIENCE))
    except (BrokerError, Refused, click.ClickException, TimeoutError):
        return []
    return [path for path in sorted(paths) if path.startswith(incomplete)]


def complete_roles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Built-in roles; an organization's own would take a call, and the group that is meant."""
    del ctx, param
    before, comma, last = incomplete.rpartition(",")
    roles = json.loads(files("broker.iam").joinpath("data/builtin_roles.json").read_text())
    return [f"{before}{comma}{name}" for name in sorted(roles) if name.startswith(last)]


async def _paths(url: str, token: str) -> list[str]:
    from broker.cli.client.names import group_paths
    from broker.sdk.api import GROUPS, connected

    async with connected(url, token) as api:
        return list(group_paths(await api.records(GROUPS)).values())

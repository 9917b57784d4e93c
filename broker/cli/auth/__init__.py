"""`broker auth`: who somebody is at the command line, from one command to the next."""

from __future__ import annotations

from typing import Final

import click

from broker.cli.groups import CommandGroup

COMMANDS: Final = {
    "delete-account": "broker.cli.auth.delete_account:delete_account",
    "login": "broker.cli.auth.login:login",
    "logout": "broker.cli.auth.logout:logout",
    "sessions": "broker.cli.auth.sessions:sessions",
    "status": "broker.cli.auth.status:status",
    "token": "broker.cli.auth.token:token",
}


@click.group(cls=CommandGroup, modules=COMMANDS)
def auth() -> None:
    """Log in and out, and see as whom."""

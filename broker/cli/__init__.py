"""The command line. One module a command or a noun; each imports what it needs when it runs.

Exit codes: 0 done, 1 refused or failed, 2 the command was called wrongly.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from broker import __version__
from broker.cli.groups import CommandGroup
from broker.errors import BrokerError

COMMANDS: Final = {
    "apply": "broker.cli.apply:apply",
    "audit": "broker.cli.audit:audit",
    "auth": "broker.cli.auth:auth",
    "backup": "broker.cli.backup:backup",
    "bootstrap": "broker.cli.bootstrap:bootstrap",
    "completion": "broker.cli.completion:completion",
    "config": "broker.cli.configuration:configuration",
    "events": "broker.cli.events:events",
    "exchange": "broker.cli.exchange:exchange",
    "iam": "broker.cli.iam:iam",
    "keys": "broker.cli.keys:keys",
    "lint": "broker.cli.lint.command:lint",
    "migrate": "broker.cli.migrate:migrate",
    "restore": "broker.cli.backup:restore",
    "serve": "broker.cli.serve:serve",
    "settings": "broker.cli.settings:settings",
    "token": "broker.cli.token:token",
}


@click.group(
    cls=CommandGroup,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are BROKER_… variables; see docs/configuration.md.",
)
@click.version_option(__version__, prog_name="broker")
def cli() -> None:
    """Exchange tokens that others issued for short-lived ones of your own."""


def main() -> None:
    """The `broker` command."""
    try:
        cli()
    except BrokerError as error:
        click.echo(f"error: {error.message}", err=True)
        # whoever runs a command owns the machine: they may know what the system said
        if reason := str(error.__cause__ or "").partition("\n")[0]:
            click.echo(f"  because: {reason}", err=True)
        click.echo(f"  ({error.code}; docs/errors.md says more)", err=True)
        sys.exit(1)

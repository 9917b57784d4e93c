"""`broker settings`."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from broker.cli.options import config_option, output_option, settings_of
from broker.config import shown


@click.command()
@config_option
@output_option
def settings(config: Path | None, output: str) -> None:
    """Print the effective settings, secrets masked."""
    rows = shown(settings_of(config))
    if output == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for variable, value in rows.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        click.echo(f"{variable}={text}")

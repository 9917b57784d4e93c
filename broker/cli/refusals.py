"""A broker's no on a terminal, or for a program."""

from __future__ import annotations

import click
import orjson

from broker.cli.options import printable
from broker.sdk.refusal import Refused


def explain(refusal: Refused, *, as_json: bool) -> None:
    """Print it to standard error: message, stage of an exchange, reason code, request id."""
    if as_json:
        row = {
            "error": refusal.error.code,
            "message": refusal.error.message,
            "stage": refusal.stage,
            "request_id": refusal.request_id,
        }
        click.echo(orjson.dumps(row), err=True)
        return
    click.echo(f"refused: {printable(refusal.error.message)}", err=True)
    if refusal.stage:
        click.echo(f"  stage       {printable(refusal.stage)}", err=True)
    click.echo(f"  reason      {printable(refusal.error.code)}", err=True)
    click.echo(f"  request id  {printable(refusal.request_id) or '-'}", err=True)

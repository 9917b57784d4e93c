"""`broker exchange`."""

from __future__ import annotations

import sys
from typing import IO

import click
import orjson

from broker.cli.options import output_option, run, token_in
from broker.cli.refusals import explain
from broker.sdk.exchange import exchange as exchange_token
from broker.sdk.refusal import Refused


@click.command()
@click.option("--issuer", required=True, help="URL of the broker.")
@click.option("--identity", default="", help="UIDP to assume; none for a registered person.")
@click.option(
    "--token",
    "source",
    type=click.File("rb"),
    default="-",
    help="File with the upstream token; '-' (the default) is standard input.",
)
@click.option("--audience", multiple=True, help="Audience of the new token; repeats.")
@click.option("--scope", multiple=True, help="Group UIDP to narrow the token to; repeats.")
@click.option("--capability", multiple=True, help="Capability to narrow the token to; repeats.")
@output_option
def exchange(
    issuer: str,
    identity: str,
    source: IO[bytes],
    audience: tuple[str, ...],
    scope: tuple[str, ...],
    capability: tuple[str, ...],
    output: str,
) -> None:
    """Exchange an upstream token for one of the broker's and print it."""
    token = token_in(source)
    try:
        exchanged = run(
            lambda: exchange_token(
                issuer,
                token,
                identity=identity,
                audience=audience,
                scopes=scope,
                capabilities=capability,
            )
        )
    except Refused as refusal:
        explain(refusal, as_json=output == "json")
        sys.exit(1)
    if output == "json":
        click.echo(orjson.dumps({"token": exchanged.token, "expiry": exchanged.expiry}))
    else:
        click.echo(exchanged.token)

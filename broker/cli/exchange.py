"""`broker exchange`."""

from __future__ import annotations

import os
import sys
from typing import IO, Final

import click
import orjson

from broker.cli.client.connection import ConfiguredOption, config_file_option
from broker.cli.explaining import Explaining
from broker.cli.options import MAX_TOKEN_FILE, output_option, run, token_in, token_of
from broker.cli.refusals import explain
from broker.errors import Precondition
from broker.sdk.ambient import Platform
from broker.sdk.ambient import token as ambient_token
from broker.sdk.exchange import exchange as exchange_token
from broker.sdk.refusal import Refused

PLATFORMS: Final = [platform.value for platform in Platform]


@click.command()
@click.option(
    "--issuer",
    cls=ConfiguredOption,
    keys=("issuer", "api"),
    envvar="BROKER_API",
    required=True,
    help="URL of the broker. [env: BROKER_API]",
)
@config_file_option
@click.option(
    "--identity",
    envvar="BROKER_IDENTITY",
    default="",
    help="UIDP to assume; none for a registered person. [env: BROKER_IDENTITY]",
)
@click.option(
    "--token",
    "source",
    type=click.File("rb"),
    help="File with the upstream token; '-' is standard input.",
)
@click.option(
    "--credential",
    type=click.Choice(PLATFORMS),
    help="Where else the upstream token is from. Without this and --token: from the first of "
    "these that there is a sign of, or from standard input.",
)
@click.option(
    "--credential-audience",
    metavar="AUDIENCE",
    help="Audience to ask --credential for. Default: the issuer.",
)
@click.option("--audience", multiple=True, help="Audience of the new token; repeats.")
@click.option("--scope", multiple=True, help="Group UIDP to narrow the token to; repeats.")
@click.option("--capability", multiple=True, help="Capability to narrow the token to; repeats.")
@click.option("--explain", "is_explained", is_flag=True, help="When refused, tell why.")
@click.option(
    "--api-token",
    type=click.File("rb"),
    metavar="FILE",
    help="For --explain: file with an access token that may list the identity. [env: "
    "BROKER_TOKEN_FILE; the token itself: BROKER_TOKEN]",
)
@output_option
def exchange(
    issuer: str,
    identity: str,
    source: IO[bytes] | None,
    credential: str | None,
    credential_audience: str | None,
    audience: tuple[str, ...],
    scope: tuple[str, ...],
    capability: tuple[str, ...],
    is_explained: bool,
    api_token: IO[bytes] | None,
    output: str,
) -> None:
    """Exchange an upstream token for one of the broker's and print it."""
    if source is not None:
        if credential or credential_audience:
            raise click.UsageError("--token is given: there is no --credential to ask for one.")
        token = token_in(source)
    else:
        platform = Platform(credential) if credential else None
        token = _found(credential_audience or issuer.rstrip("/"), identity, platform)
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
        if is_explained:
            Explaining(
                issuer=issuer,
                identity=identity,
                upstream=token,
                api_token=api_token,
                environ=os.environ,
            ).tell(refusal, as_json=output == "json")
        sys.exit(1)
    if output == "json":
        click.echo(orjson.dumps({"token": exchanged.token, "expiry": exchanged.expiry}))
    else:
        click.echo(exchanged.token)


def _found(audience: str, identity: str, platform: Platform | None) -> str:
    try:
        return ambient_token(audience, identity=identity, platform=platform)
    except Precondition as error:
        if error.code != "credential_not_found" or sys.stdin.isatty():
            raise
        if not (given := sys.stdin.buffer.read(MAX_TOKEN_FILE)).strip():
            raise Precondition(
                "credential_not_found", f"{error.message}; standard input is empty"
            ) from None
        return token_of(given, "<stdin>")

"""`broker iam identities explain`."""

from __future__ import annotations

from typing import IO

import click

from broker.cli.client import records
from broker.cli.client.flags import parent_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.options import token_in
from broker.cli.steps import explanation_lines
from broker.sdk.api import IDENTITIES


@click.command()
@click.argument("identity", metavar="[IDENTITY]", required=False)
@click.option(
    "--upstream-token",
    "source",
    type=click.File("rb"),
    required=True,
    metavar="FILE",
    help="File with the token to try, as a workload has it; - is stdin.",
)
@parent_option
@api_command("table", "json", "yaml")
async def explain(
    run: Invocation, *, identity: str | None, source: IO[bytes], parent: str | None
) -> None:
    """Tell why a token is accepted for an identity, or not.

    Every check of an exchange, and what to change; nothing is exchanged. Exits with 0 when the
    token is accepted, with 1 when it is not.
    """
    upstream = token_in(source)
    given = [identity] if identity else []
    (found,) = await records.named(run, IDENTITIES, given, flag="IDENTITY", parent=parent)
    explanation = await run.api.explain(found["uid"], upstream)
    run.out.document(explanation, explanation_lines(explanation))
    if not explanation["accepted"]:
        raise click.exceptions.Exit(1)

"""`broker lint`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Final

import click

from broker.cli.client.asking import Asking
from broker.cli.client.connection import connection
from broker.cli.client.credentials import access_token
from broker.cli.client.invocation import Invocation, connection_options
from broker.cli.client.names import Names
from broker.cli.client.output import Printer
from broker.cli.lint.report import Report
from broker.cli.refusals import explain
from broker.iam.lint import Level
from broker.sdk.api import connected
from broker.sdk.refusal import Refused

LEVELS: Final = {level.word: level for level in reversed(Level)}


@click.command()
@click.argument(
    "files",
    metavar="[FILE]...",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    nargs=-1,
)
@click.option("--live", is_flag=True, help="The identities that a broker has, instead of files.")
@click.option("--parent", help="With --live: only those of this group and below, by name or UIDP.")
@click.option(
    "--fail-on",
    type=click.Choice(list(LEVELS)),
    default="error",
    show_default=True,
    help="The least level that makes the exit code 1.",
)
@connection_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
@click.pass_context
def lint(
    ctx: click.Context,
    files: tuple[str, ...],
    *,
    live: bool,
    parent: str | None,
    fail_on: str,
    token: IO[bytes] | None,
    output: str,
) -> None:
    """Find what is risky in the rules of identities (see docs/lint.md).

    FILE is a declaration, as `broker apply` takes it; - is stdin. Exit code: 0 when nothing is as
    bad as --fail-on says, 1 when something is, 2 when the command was called wrongly.
    """
    if live == bool(files):
        raise click.UsageError("Give files, or --live for what a broker has.")
    if parent and not live:
        raise click.UsageError("--parent goes with --live.")
    report = _live(token, parent, as_json=output != "text") if live else _files(files)
    _print(report, output)
    if report.worst is not None and report.worst >= LEVELS[fail_on]:
        ctx.exit(1)


def _files(names: tuple[str, ...]) -> Report:
    from broker.cli.lint.files import lint_files
    from broker.directory.declaration.document import MAX_BYTES

    def contents() -> Iterator[tuple[str, bytes]]:
        for name in names:
            with click.open_file(name, "rb") as file:
                # one byte more than is taken, so that a file that is too big is known as such
                yield name, file.read(MAX_BYTES + 1)

    try:
        return lint_files(contents(), datetime.now(UTC))
    except OSError as error:
        raise click.UsageError(f"cannot read {error.filename}: {error.strerror}") from None


def _live(token: IO[bytes] | None, parent: str | None, *, as_json: bool) -> Report:
    from broker.cli.lint.live import lint_live

    broker = connection()

    async def work(bearer: str) -> Report:
        async with connected(broker.api, bearer) as api:
            run = Invocation(
                api,
                Printer("none", is_terminal=False),
                Asking(is_terminal=False, yes=False),
                Names(api),
                datetime.now(UTC),
                broker,
            )
            return await lint_live(run, parent)

    try:
        return asyncio.run(work(access_token(token, os.environ, broker)))
    except Refused as refusal:
        explain(refusal, as_json=as_json)
        sys.exit(1)


def _print(report: Report, output: str) -> None:
    match output:
        case "json":
            click.echo(report.as_json())
        case "sarif":
            from broker.cli.lint.sarif import sarif

            click.echo(sarif(report))
        case _:
            for line in report.lines():
                click.echo(line)

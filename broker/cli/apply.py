"""`broker apply`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import click
import orjson

from broker.cli.options import config_option, opened, output_option, printable, run, settings_of
from broker.directory.declaration import Action, Change, PlacedFinding, Plan, apply_declaration
from broker.directory.declaration.document import MAX_BYTES
from broker.directory.installation import LintMode
from broker.iam.capabilities import CapabilityTable
from broker.iam.issuer_policy import policy_of
from broker.iam.lint import Level
from broker.iam.roles import BuiltinRoles

_SIGNS: Final = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.DELETE: ("-", "red"),
}


@click.command()
@click.option(
    "-f", "--filename", "file", type=click.File("rb"), required=True, help="YAML file, - is stdin."
)
@click.option("--dry-run", is_flag=True, help="Print what would change; write nothing.")
@click.option("--prune", is_flag=True, help="Delete what the file no longer has.")
@config_option
@output_option
def apply(file: IO[bytes], *, dry_run: bool, prune: bool, config: Path | None, output: str) -> None:
    """Bring organizations to what a declaration says (see docs/apply.md)."""
    settings = settings_of(config)
    # one byte more than is read, so that a file that is too big is known as such
    source = file.read(MAX_BYTES + 1)
    capabilities = CapabilityTable.load(settings.capabilities)

    async def work() -> Plan:
        async with opened(settings) as store:
            return await apply_declaration(
                store,
                source,
                builtin_roles=BuiltinRoles(capabilities),
                capabilities=capabilities,
                clock=time.time,
                random=secrets.token_bytes,
                allow_http_loopback=settings.development,
                lint=LintMode(settings.lint),
                issuer_policy=policy_of(settings.issuer_policy),
                prune=prune,
                dry_run=dry_run,
            )

    plan = run(work)
    if output == "json":
        result = {"dry_run": dry_run, **plan.as_json()}
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2))
        return
    for change in plan.changes:
        for line in _lines(change):
            click.echo(line)
    for placed in plan.findings:
        click.echo(_finding(placed))
    click.echo(_summary(plan, dry_run=dry_run))


def _finding(placed: PlacedFinding) -> str:
    finding = placed.finding
    color = "red" if finding.level is Level.ERROR else "yellow"
    head = click.style(f"! {finding.level.word} {finding.rule.id}", fg=color)
    where = f"line {placed.line}" + (f", {placed.identity}" if placed.identity else "")
    field = f"{finding.field}: " if finding.field else ""
    return f"{head}  {where}: {field}{printable(finding.message)} {printable(finding.advice)}"


def _lines(change: Change) -> Iterator[str]:
    sign, color = _SIGNS[change.action]
    head = click.style(f"{sign} {change.kind.value} {change.path}", fg=color)
    yield f"{head}  {change.id or '(new)'}"
    if change.action is Action.UPDATE:
        for name, (before, after) in change.fields.items():
            yield f"    {name}: {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    return "(none)" if value is None else orjson.dumps(value).decode()


def _summary(plan: Plan, *, dry_run: bool) -> str:
    counts = [_count(plan, action, dry_run=dry_run) for action in Action]
    end = "; nothing was written (--dry-run)." if dry_run else "."
    return ", ".join([*counts, f"{plan.unchanged} unchanged"]) + end


def _count(plan: Plan, action: Action, *, dry_run: bool) -> str:
    word = f"to {action.value}" if dry_run else f"{action.value}d"
    return f"{plan.count(action)} {word}"

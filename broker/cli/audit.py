"""`broker audit`."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import orjson

from broker.audit.identifiers import first_id, record_id
from broker.audit.record import AuditRecord, Outcome
from broker.cli.options import (
    config_option,
    opened,
    output_option,
    printable,
    run,
    settings_of,
)
from broker.cli.steps import step_lines
from broker.iam.uidp import Uidp
from broker.store import Store

LOOK_BACK: Final = timedelta(seconds=5)
PAGE: Final = 1_000
COLOURS: Final = {Outcome.OK: "green", Outcome.REFUSED: "red", Outcome.FAILED: "yellow"}

identity_option = click.option("--identity", help="Only records about this identity (UIDP).")
group_option = click.option("--group", help="Only records at this group (UIDP) or below.")
failed_option = click.option("--failed", is_flag=True, help="Only what was refused or failed.")


@click.group()
def audit() -> None:
    """What happened: every exchange and every change, with the reason of each refusal."""


@audit.command(name="list")
@identity_option
@group_option
@failed_option
@click.option("--request-id", help="Only the record of this request.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@config_option
@output_option
def list_records(
    identity: str | None,
    group: str | None,
    failed: bool,
    request_id: str | None,
    limit: int,
    config: Path | None,
    output: str,
) -> None:
    """List records, the newest last."""
    settings = settings_of(config)

    async def work() -> Sequence[AuditRecord]:
        async with opened(settings) as store, store.read() as records:
            return await records.audit.find(
                identity=_uidp(identity, "--identity"),
                group=_uidp(group, "--group"),
                failed=True if failed else None,
                request_id=request_id,
                limit=limit,
            )

    found = run(work)
    if not found and output == "text":
        click.echo("no such records", err=True)
    for record in reversed(found):
        _print(record, output)


@audit.command()
@identity_option
@group_option
@failed_option
@config_option
@output_option
def tail(
    identity: str | None, group: str | None, failed: bool, config: Path | None, output: str
) -> None:
    """Print records as they come, until interrupted."""
    settings = settings_of(config)

    async def work() -> None:
        async with opened(settings) as store:
            await _follow(
                store,
                _uidp(identity, "--identity"),
                _uidp(group, "--group"),
                failed=True if failed else None,
                output=output,
            )

    try:
        run(work)
    except KeyboardInterrupt:
        return


def _moment(context: click.Context, option: click.Parameter, value: str) -> datetime:
    """A day, a moment, or so many days ago; in UTC."""
    del context
    if match := re.fullmatch(r"(\d{1,5})d", value):
        return datetime.now(UTC) - timedelta(days=int(match[1]))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        reason = f"{value!r}: expected 2026-01-31, 2026-01-31T12:00:00Z or 90d"
        raise click.BadParameter(reason, param=option) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@audit.command()
@click.option(
    "--before",
    callback=_moment,
    metavar="TIME",
    required=True,
    help="Records made earlier go: a day (2026-01-31), a moment, or an age in days (90d).",
)
@config_option
def prune(before: datetime, config: Path | None) -> None:
    """Delete old records, a thousand at a time, beside a running broker.

    That it was done is a record itself.
    """
    from broker.directory.retention import prune_audit_records

    settings = settings_of(config)
    now = datetime.now(UTC)

    async def work() -> int:
        async with opened(settings) as store:
            return await prune_audit_records(
                store,
                before,
                now=now,
                random=secrets.token_bytes,
                request_id=record_id(now, secrets.token_bytes),
            )

    click.echo(f"{run(work)} records deleted, all from before {before:%Y-%m-%dT%H:%M:%SZ}.")


async def _follow(
    store: Store,
    identity: Uidp | None,
    group: Uidp | None,
    *,
    failed: bool | None,
    output: str,
) -> None:
    # Records become durable in groups, so one can appear behind a newer one: look back a little.
    seen: dict[str, None] = {}
    started = since = datetime.now(UTC)
    while True:
        after = first_id(since - LOOK_BACK)
        found: Sequence[AuditRecord] = ()
        # page by page: a busy broker writes more in the span looked back on than one page holds
        while not found or len(found) == PAGE:
            async with store.read() as records:
                found = await records.audit.find(
                    identity=identity, group=group, failed=failed, after_id=after, limit=PAGE
                )
            for record in found:
                if record.id not in seen and record.at >= started:
                    _print(record, output)
                seen[record.id] = None
                since = max(since, record.at)
            if not found:
                break
            after = found[-1].id
        for old in [key for key in seen if key < first_id(since - 2 * LOOK_BACK)]:
            del seen[old]
        await asyncio.sleep(0.5)


def _uidp(text: str | None, field: str) -> Uidp | None:
    return Uidp.parse(text, field=field) if text else None


def _print(record: AuditRecord, output: str) -> None:
    detail = orjson.loads(record.detail)
    if output == "json":
        click.echo(orjson.dumps(_row(record, detail)))
        return
    at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    outcome = click.style(f"{record.outcome.value:8}", fg=COLOURS[record.outcome])
    click.echo(f"{at}  {outcome} {record.action}  {record.subject or '-'}")
    actor = printable(record.actor) or "unknown"
    click.echo(f"    request {record.request_id or '-'}  by {actor}")
    if record.outcome is not Outcome.OK:
        click.echo(f"    {record.stage or '-'}: {record.code}")
    for step in detail.get("steps", ()):
        click.echo(step_lines(step, indent=4))


def _row(record: AuditRecord, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record.id,
        "at": record.at,
        "action": record.action,
        "outcome": record.outcome.value,
        "actor": record.actor,
        "subject": record.subject,
        "group": record.group,
        "request_id": record.request_id,
        "stage": record.stage,
        "code": record.code,
        "token_sha256": record.token_sha256,
        "detail": detail,
    }

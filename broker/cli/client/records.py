"""What commands of every noun do with records: select, find, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from broker.cli.client.invocation import Invocation
from broker.cli.client.tables import View, shown
from broker.errors import Invalid
from broker.iam.uidp import Uidp
from broker.sdk.api import Collection, Record


async def placed(run: Invocation, parent: str | None, *, recursive: bool) -> dict[str, Any]:
    """The filter for what lies in a group; without a group, everything that the caller sees."""
    if not parent:
        if not recursive:
            raise click.UsageError("--recursive=false needs --parent.")
        return {}
    group = await run.names.group(parent, flag="--parent")
    return {"uidp.descendantsOf" if recursive else "uidp.childrenOf": str(group)}


async def by_uidp(
    run: Invocation, collection: Collection, uids: Sequence[str], *, flag: str
) -> list[Record]:
    """Records of a noun that has no names, by their UIDPs."""
    parsed = [parsed_uidp(uid, flag=flag) for uid in uids]
    return [await run.api.get(collection, uid) for uid in parsed]


def parsed_uidp(text: str, *, flag: str) -> Uidp:
    """Raises `click.BadParameter` naming the flag."""
    try:
        return Uidp.parse(text)
    except Invalid as error:
        raise click.BadParameter(error.message.removeprefix("id: "), param_hint=flag) from None


async def named(
    run: Invocation,
    collection: Collection,
    given: Sequence[str],
    *,
    flag: str,
    parent: str | None = None,
) -> list[Record]:
    """Records by name or UIDP; one, that is asked for, where none is given."""
    group = await run.group(parent) if parent else None
    return [await run.record(collection, text, flag=flag, parent=group) for text in given or [""]]


async def delete(
    run: Invocation,
    collection: Collection,
    view: View,
    records: Sequence[Record],
    *,
    consequence: str = "",
) -> None:
    """Ask once, delete each, and tell which are gone, also when the next could not be deleted."""
    if records:
        run.ask.confirm(f"Delete {_told(view, records)}?{consequence}")
    gone: list[Record] = []
    try:
        for record in records:
            await run.api.delete(collection, record[view.key])
            gone.append(record)
    finally:
        run.out.deleted(view, gone)


def _told(view: View, records: Sequence[Record]) -> str:
    if len(records) > 3:
        return f"{len(records)} {view.plural}"
    names = (f"{shown(record.get(view.label))} ({record[view.key]})" for record in records)
    return f"{view.noun if len(records) == 1 else view.plural} {', '.join(names)}"

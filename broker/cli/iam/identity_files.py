"""Identities from a file: YAML or JSON with the API's member names, in either spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

import click

from broker.cli.client.invocation import Invocation
from broker.cli.client.values import separated
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import made
from broker.sdk.api import Record

MAX_FILE: Final = 4 * 1024 * 1024

_ANSWERED: Final = frozenset(
    {"uid", "createTime", "create_time", "updateTime", "update_time", "lastSeenTime",
     "last_seen_time", "email", "emailUnverified", "email_unverified", "company"}
)  # fmt: skip
"""Members that the broker fills in: what `describe -o yaml` printed can be given back."""


async def make_from(run: Invocation, file: IO[bytes], parent: str | None, roles: list[str]) -> None:
    """Create each, in order, and print those that were."""
    wanted = list(_identities(file))
    created: list[Record] = []
    try:
        for identity in wanted:
            place = _text(identity.pop("parent", parent or ""), "parent")
            bound = [_text(role, "roles") for role in _listed(identity.pop("roles", roles))]
            group = await run.group(place)
            created.append(await made(run, group, identity, separated(bound)))
    finally:
        if len(wanted) == 1 and created:
            run.out.record(VIEW, created[0])
        elif created:
            run.out.records(VIEW, created)


def _identities(file: IO[bytes]) -> Iterator[Record]:
    import yaml

    text = file.read(MAX_FILE + 1)
    if len(text) > MAX_FILE:
        raise click.BadParameter(f"larger than {MAX_FILE} bytes", param_hint="--filename")
    try:
        # JSON is YAML; of what only YAML has, times are text in the API
        documents = [_plain(document) for document in yaml.safe_load_all(text)]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        fault = str(error).partition("\n")[0]
        raise click.BadParameter(
            f"neither YAML nor JSON: {fault}", param_hint="--filename"
        ) from None
    for document in documents:
        yield from _in(document)


def _in(document: Any) -> Iterator[Record]:
    """One identity, a list of them, or `identities:` with a list."""
    match document:
        case {"identities": list(several)} if len(document) == 1:
            yield from _in(several)
        case list():
            for each in document:
                yield from _in(each)
        case Mapping() if document.get("name"):
            yield {name: value for name, value in document.items() if name not in _ANSWERED}
        case None:
            return
        case _:
            raise click.BadParameter(
                "expected an identity (an object with a name), or a list of them",
                param_hint="--filename",
            )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case datetime():
            in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            return in_utc.isoformat().replace("+00:00", "Z")
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise click.BadParameter(
                f"{value!r}: expected text, written in quotes", param_hint="--filename"
            )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise click.BadParameter(f"{name}: expected text", param_hint="--filename")
    return value

"""The UIDP at which a call needs its capabilities, read from the request."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

from broker.errors import Invalid, NotFound
from broker.iam.uidp import Uidp
from broker.iam.validation import is_domain
from broker.store import Records, Store


async def resolve_scope(store: Store, request: Message, path: Sequence[str]) -> Uidp:
    """The UIDP in the field at `path`. The name of a verified organization is replaced by its
    UIDP, in the request too.

    Raises `Invalid` (`uidp_malformed`) and `NotFound` (`group_not_found`) naming the field.
    """
    holder = request
    for name in path[:-1]:
        holder = getattr(holder, name)
    text: str = getattr(holder, path[-1])
    field = ".".join(path)
    if not is_domain(text):
        return Uidp.parse(text, field=field)
    async with store.read() as records:
        uidp = await resolve_group(records, text, field=field)
    setattr(holder, path[-1], uidp)
    return uidp


async def resolve_group(records: Records, text: str, *, field: str) -> Uidp:
    """A UIDP, or the name of a verified organization. Raises as `resolve_scope`."""
    if not is_domain(text):
        return Uidp.parse(text, field=field)
    group = await records.groups.by_name(None, text)
    if group is None or not group.verified:
        raise NotFound(
            "group_not_found", f"{field}: no verified organization has this name", field=field
        )
    return group.id


def expect_text(text: str, field: str) -> str:
    """Raises `Invalid` for a string that is left out."""
    if not text:
        raise Invalid("field_invalid", f"{field}: is required", field=field)
    return text

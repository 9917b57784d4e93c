"""Lists: filters, order and pages of requests → selections, and pages → responses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from google.protobuf.message import Message

from broker.api.scopes import resolve_group
from broker.contract.proto.common.v1.uidp_pb2 import UIDPFilter
from broker.directory.work import Work
from broker.errors import field_invalid
from broker.iam.listing import DEFAULT_PAGE, MAX_PAGE, Order, Page, Selection, UidpFilter
from broker.iam.uidp import Uidp

ROOT: Final = "/"
"""Stands for the parent of what has none."""

BY_NAME_OR_TIME: Final = {
    "uid": "id",
    "name": "name",
    "create_time": "created_at",
    "update_time": "updated_at",
}
"""What lists of most nouns can be ordered by: the wire's name of a field → the record's."""

MAX_IDS: Final = 1000
MAX_ORDER: Final = 5

_ORDER: Final = re.compile(r"\s*([a-z_]+)(?:\s+(asc|desc))?\s*", re.ASCII)
_OWN: Final = frozenset({"page_size", "page_token", "skip"})


@dataclass(frozen=True, slots=True)
class Paged:
    """A selection, and what of the request a token of the next page has to repeat."""

    selection: Selection
    digest: str
    total: int | None
    """As counted for the first page."""


async def whole(
    work: Work,
    uidp: UIDPFilter,
    *,
    ids: Iterable[str] = (),
    equal: Mapping[str, str] | None = None,
) -> Selection:
    """For a list of version 1, which has no pages. `ids`: more UIDPs, empty ones left out."""
    return Selection(
        within=work.within,
        uidp=await _filter(work, uidp, [one for one in ids if one]),
        equal={name: value for name, value in (equal or {}).items() if value},
    )


async def paged(
    work: Work,
    request: Any,
    order: Mapping[str, str],
    *,
    equal: Mapping[str, str] | None = None,
    uidp: UIDPFilter | None = None,
    within: tuple[Uidp, ...] | None = None,
) -> Paged:
    """For a list of version 2 (AIP-132, AIP-158). `order`: what it can be ordered by, by the
    wire's name. Raises `Invalid` naming the field.
    """
    if request.page_size < 0:
        raise field_invalid("page_size", "expected 0 (for the default) or more")
    if request.skip < 0:
        raise field_invalid("skip", "expected 0 or more")
    digest = _digest(request)
    after, total = _read_token(request.page_token, digest) if request.page_token else ((), None)
    selection = Selection(
        within=work.within if within is None else within,
        uidp=await _filter(work, request.uidp if uidp is None else uidp, ()),
        equal={name: value for name, value in (equal or {}).items() if value},
        order=_order(request.order_by, order),
        after=after,
        skip=request.skip,
        limit=min(request.page_size or DEFAULT_PAGE, MAX_PAGE),
        count=total is None,
    )
    return Paged(selection, digest, total)


def fill(
    response: Any, field: str, messages: Iterable[Message], page: Page[Any], asked: Paged
) -> None:
    """Put a page into a response of version 2."""
    getattr(response, field).extend(messages)
    total = asked.total if page.total is None else page.total
    response.total_count = total or 0
    response.skipped = asked.selection.skip
    if page.next is not None:
        response.next_page_token = _token(page.next, total, asked.digest)


async def _filter(work: Work, wire: UIDPFilter, more_ids: Collection[str]) -> UidpFilter:
    ids = [*wire.ids, *more_ids]
    if len(ids) > MAX_IDS:
        raise field_invalid("uidp.ids", f"more than {MAX_IDS}")

    async def group(name: str) -> Uidp | None:
        text = getattr(wire, name)
        if not text or text == ROOT:
            return None
        return await resolve_group(work.records, text, field=f"uidp.{name}")

    return UidpFilter(
        ancestors_of=await group("ancestors_of"),
        descendants_of=await group("descendants_of"),
        children_of=await group("children_of"),
        in_root=wire.in_root or wire.children_of == ROOT,
        ids=tuple(
            [await resolve_group(work.records, one, field="uidp.ids") for one in dict.fromkeys(ids)]
        ),
    )


def _order(text: str, orderable: Mapping[str, str]) -> tuple[Order, ...]:
    if not text.strip():
        return ()
    orders: dict[str, Order] = {}
    for part in text.split(","):
        found = _ORDER.fullmatch(part)
        if found is None or found.group(1) not in orderable or len(orders) >= MAX_ORDER:
            raise field_invalid(
                "order_by",
                f"expected at most {MAX_ORDER} of {', '.join(sorted(orderable))}, each with 'desc' "
                "behind it or not, and commas between",
            )
        name = found.group(1)
        by = Order(field=orderable[name], descending=found.group(2) == "desc")
        orders.setdefault(name, by)
    return tuple(orders.values())


def _digest(request: Message) -> str:
    """Of the filters and the order: a token is of use for the list that it was made for."""
    same = type(request)()
    same.CopyFrom(request)
    for name in _OWN:
        same.ClearField(name)
    return hashlib.sha256(same.SerializeToString(deterministic=True)).hexdigest()[:16]


def _token(after: tuple[str | int, ...], total: int | None, digest: str) -> str:
    text = orjson.dumps([digest, total, *after])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _read_token(text: str, digest: str) -> tuple[tuple[str | int, ...], int | None]:
    try:
        members = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        made_for, total, *after = members
    except (binascii.Error, ValueError, TypeError):
        raise field_invalid(
            "page_token", "expected what next_page_token was in the page before"
        ) from None
    if made_for != digest:
        raise field_invalid("page_token", "belongs to a list with other filters or another order")
    is_sound = all(isinstance(value, str | int) for value in after) and after
    if not is_sound or not (total is None or (type(total) is int and 0 <= total < 1 << 63)):
        raise field_invalid("page_token", "expected what next_page_token was in the page before")
    return tuple(after), total

"""Built-in roles in the pages of stored ones: they have no rows, and lists show both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any, Final

from broker.iam.listing import Order, Page, Selection
from broker.iam.model import Role

Position = tuple[str | int, ...]
"""A role's place in an order: its values, then its UIDP."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS: Final[Mapping[str, Callable[[Role], str | int]]] = {
    "id": lambda role: str(role.id),
    "name": lambda role: role.name,
    "created_at": lambda role: _microseconds(role.created_at),
    "updated_at": lambda role: _microseconds(role.updated_at),
}


def stored_part(selection: Selection) -> Selection:
    """What to ask the store for, so that `merged` can make the page."""
    if selection.limit is None:
        return replace(selection, skip=0)
    return replace(selection, skip=0, limit=selection.limit + selection.skip)


def merged(selection: Selection, stored: Page[Role], builtin: Iterable[Role]) -> Page[Role]:
    """The page of `selection` over both. `stored` is the page of `stored_part(selection)`."""
    shown = [role for role in builtin if _selected(role, selection)]

    def follows(one: Role, other: Role) -> int:
        order = selection.order
        return _compare(_position(one, order), _position(other, order), order)

    in_order: Callable[[Role], Any] = cmp_to_key(follows)
    ahead = [role for role in shown if _is_ahead(role, selection)]
    roles = sorted([*stored.records, *ahead], key=in_order)
    end = len(roles) if selection.limit is None else selection.skip + selection.limit
    page = tuple(roles[selection.skip : end])
    is_last = len(roles) <= end and stored.next is None
    return Page(
        records=page,
        next=None if is_last or not page else _position(page[-1], selection.order),
        total=None if stored.total is None else stored.total + len(shown),
    )


def _selected(role: Role, selection: Selection) -> bool:
    place = selection.uidp
    if place.ancestors_of or place.descendants_of or place.children_of:
        return False  # a root of its own lies above and below nothing
    if place.ids and role.id not in place.ids:
        return False
    return all(value == role.name for name, value in selection.equal.items() if name == "name")


def _is_ahead(role: Role, selection: Selection) -> bool:
    position = _position(role, selection.order)
    return not selection.after or _compare(position, selection.after, selection.order) > 0


def _position(role: Role, order: tuple[Order, ...]) -> Position:
    return (*(_FIELDS[each.field](role) for each in order), str(role.id))


def _compare(one: Position, other: Position, order: tuple[Order, ...]) -> int:
    directions = [*(each.descending for each in order), False]
    for left, right, descending in zip(one, other, directions, strict=True):
        if left != right:
            return (1 if _is_greater(left, right) else -1) * (-1 if descending else 1)
    return 0


def _is_greater(left: str | int, right: str | int) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left > right
    return str(left).encode() > str(right).encode()  # text sorts by its bytes, as in the store


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

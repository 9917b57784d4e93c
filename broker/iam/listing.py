"""What a list asks for: which records, in which order, from where on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from broker.iam.uidp import Uidp

Record = TypeVar("Record")

MAX_PAGE: Final = 1000
DEFAULT_PAGE: Final = 100

EVERYWHERE: Final = None
"""`Selection.within` of who may see every record."""


def _no_conditions() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class UidpFilter:
    """Where records lie; every given condition has to hold.

    For groups the UIDP compared is the record's own; other records are placed by their own UIDP
    too, which begins with their group's.
    """

    ancestors_of: Uidp | None = None
    """On the path above: a group that lies above this UIDP. Of other records what holds there by
    inheritance: those of the groups on the path, its own included, but not the record itself."""
    descendants_of: Uidp | None = None
    """Strictly below, at any depth."""
    children_of: Uidp | None = None
    """Exactly one level below."""
    in_root: bool = False
    """With a root UIDP of its own."""
    ids: tuple[Uidp, ...] = ()
    """One of these."""


NO_FILTER: Final = UidpFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By one field."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records of a noun, and which page of them.

    Order is total: records alike in every field of `order` follow by their UIDP, ascending.
    """

    within: tuple[Uidp, ...] | None = EVERYWHERE
    """Records at or below one of these UIDPs, none of which lies below another; None: no limit.
    An empty tuple selects nothing."""
    uidp: UidpFilter = NO_FILTER
    equal: Mapping[str, str] = field(default_factory=_no_conditions)
    """Field → the value that it has to have: `name`, and what else the noun allows."""
    order: tuple[Order, ...] = ()
    """Empty: by UIDP."""
    after: tuple[str | int, ...] = ()
    """The last record of the page before: its values of `order`, then its UIDP."""
    skip: int = 0
    limit: int | None = None
    """None: all of them."""
    count: bool = False
    """Whether the total is asked for too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Record]):
    """A page of records."""

    records: tuple[Record, ...]
    next: tuple[str | int, ...] | None
    """`Selection.after` of the next page; None when this is the last."""
    total: int | None
    """How many there are on all pages, where asked for."""

"""Where the records of a selection lie: what a `UidpFilter` and the reader's reach come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, and_, or_, select

from broker.errors import Invalid
from broker.iam.listing import EVERYWHERE, Selection, UidpFilter
from broker.iam.uidp import Uidp
from broker.store.intervals import Interval, common, strictly_below, subtrees
from broker.store.tables import groups

MAX_IDS: Final = 1000
"""How many UIDPs a filter may name."""

_MAX_BRANCHES: Final = 50
"""Subtrees that are read each by itself; of more, several share a branch. SQLite limits the
members of a union (500) and the depth of an expression (1,000)."""

Branch = list[ColumnElement[bool]]
"""Conditions that all hold. No row meets those of two branches."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How the records of a noun are placed.

    `uidp` is a record's UIDP. `group` is that of the group in which it lies, of a group its
    parent; None where records have their group's UIDP for their own.

    `ancestors_of` a UIDP selects groups strictly above it, and so it does records that have
    their group's UIDP. Of other records it selects those of the groups on the path, the UIDP's
    own included, but never the record of that UIDP: what holds there by inheritance.
    """

    uidp: Column[str]
    group: Column[str] | None

    def branches(self, selection: Selection, rest: Interval) -> list[Branch]:
        """Where the selection's records lie whose UIDP is in `rest`. No branch: nowhere.

        Raises `Invalid` for more than 1,000 `ids`.
        """
        places = self._places(selection.uidp, _reach(selection, rest))
        relatives = self._relatives(selection.uidp)
        return [[*place, *relatives] for place in _few(places)]

    def _places(self, wanted: UidpFilter, reach: list[Interval]) -> list[Branch]:
        named = self._named(wanted)
        path = self._path(wanted)
        if named is not None:
            held = [uidp for uidp in named if any(each.holds(uidp) for each in reach)]
            if path is not None:
                held = [uidp for uidp in held if uidp.parent in path]
            return [[self.uidp.in_(sorted(held))]] if held else []
        if path is None:
            parent = None if self.group is None else wanted.children_of
            return [self._range(interval, parent) for interval in reach]
        return [
            [group_is, *self._range(interval, group)]
            for group, group_is in path.items()
            for interval in common(reach, strictly_below(group))
        ]

    def _named(self, wanted: UidpFilter) -> set[Uidp] | None:
        """The only UIDPs that can be meant, where that can be told; None: any."""
        if len(wanted.ids) > MAX_IDS:
            raise Invalid(
                "too_many_ids", f"uidp.ids: more than {MAX_IDS:,} (ask in parts)", field="uidp.ids"
            )
        named = set(wanted.ids) if wanted.ids else None
        if wanted.ancestors_of is None or self._in_group is not None:
            return named
        lineage = set(wanted.ancestors_of.lineage()) - {wanted.ancestors_of}
        return lineage if named is None else named & lineage

    def _path(self, wanted: UidpFilter) -> dict[Uidp, ColumnElement[bool]] | None:
        """The groups in which `ancestors_of` wants records to lie; None: in any."""
        if wanted.ancestors_of is None or self._in_group is None:
            return None
        return {uidp: self._in_group == uidp for uidp in wanted.ancestors_of.lineage()}

    def _relatives(self, wanted: UidpFilter) -> Branch:
        found: Branch = []
        if wanted.children_of is not None:
            found.append(self._lies_right_below(wanted.children_of))
        if wanted.in_root:
            found.append(self._lies_right_below(None))
        if wanted.ancestors_of is not None and self._in_group is not None:
            found.append(self.uidp != wanted.ancestors_of)
        return found

    def _lies_right_below(self, uidp: Uidp | None) -> ColumnElement[bool]:
        if self.group is not None:
            return self.group == uidp
        return self.uidp.in_(select(groups.c.id).where(groups.c.parent == uidp))

    def _range(self, interval: Interval, group: Uidp | None) -> Branch:
        """`group`: where the rows lie by another condition. A range that only repeats it is left
        out, since SQLite would prefer the index that has it to the one that has the order.
        """
        found: Branch = []
        if group is not None and interval == strictly_below(group):
            return found
        if interval.low:
            found.append(self.uidp >= interval.low)
        if interval.high is not None:
            found.append(self.uidp < interval.high)
        return found

    @property
    def _in_group(self) -> Column[str] | None:
        """The column of the group, of records that are no groups and lie in one."""
        return None if self.uidp.table is groups else self.group


def _reach(selection: Selection, rest: Interval) -> list[Interval]:
    reach = [rest]
    if selection.within is not EVERYWHERE:
        reach = common(subtrees(selection.within), rest)
    for above in (selection.uidp.descendants_of, selection.uidp.children_of):
        if above is not None:
            reach = common(reach, strictly_below(above))
    return reach


def _few(branches: Sequence[Branch]) -> list[Branch]:
    if len(branches) <= _MAX_BRANCHES:
        return list(branches)
    size = -(-len(branches) // _MAX_BRANCHES)
    shared = [branches[start : start + size] for start in range(0, len(branches), size)]
    return [[or_(*(and_(*branch) for branch in several))] for several in shared]

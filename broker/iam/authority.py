"""What a caller of the API may do, and where. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.iam.uidp import Uidp


@dataclass(frozen=True, slots=True)
class Authority:
    """The capabilities of a caller: those of the token that are still those of the identity.

    A token tells what its identity held when it was minted, up to an hour ago, narrowed to what
    was asked for. Services that check it offline go by that. Here the identity's present state
    is at hand, and counts too: who lost a role cannot use what is left of a token to get it back.
    Both map groups to bitsets; what is held at a group is held at everything below.
    """

    token: Mapping[Uidp, int]
    present: Mapping[Uidp, int]

    def held(self, group: Uidp) -> int:
        """The bitset of what the caller may do at this group (or record)."""
        token = present = 0
        for at in group.lineage():
            token |= self.token.get(at, 0)
            present |= self.present.get(at, 0)
        return token & present

    def allows(self, bits: int, group: Uidp) -> bool:
        """Whether all of `bits` are held there."""
        return not bits & ~self.held(group)

    def more(self, bits: int, group: Uidp) -> Authority:
        """With `bits` at a group besides."""
        return Authority(
            {**self.token, group: self.token.get(group, 0) | bits},
            {**self.present, group: self.present.get(group, 0) | bits},
        )

    def reach(self, bits: int) -> tuple[Uidp, ...]:
        """The topmost groups where all of `bits` are held; together they are everywhere where
        they are. None of them lies below another.
        """
        # what is held changes only at groups where something is given
        return topmost(group for group in {*self.token, *self.present} if self.allows(bits, group))


def topmost(groups: Iterable[Uidp]) -> tuple[Uidp, ...]:
    """Those that do not lie below another of them, sorted."""
    kept: list[Uidp] = []
    for group in sorted(set(groups)):  # a group sorts right before what lies below it
        if not kept or not kept[-1].covers(group):
            kept.append(group)
    return tuple(kept)

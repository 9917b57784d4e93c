"""Where UIDPs lie, as intervals of their bytewise order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from broker.iam.uidp import Uidp


class Interval(NamedTuple):
    """The UIDPs from `low` on and before `high`; without an end when that is None.

    Both bounds may be text that is no UIDP. A UIDP is only ever continued by '/', and '0' is the
    character after that; '!' sorts before every character of a UIDP.
    """

    low: str
    high: str | None

    def holds(self, uidp: Uidp) -> bool:
        """Whether the UIDP lies within."""
        return self.low <= uidp and not self.ends_at_or_before(uidp)

    def ends_at_or_before(self, text: str) -> bool:
        """Whether nothing of it lies at `text` or beyond."""
        return self.high is not None and self.high <= text


EVERYTHING: Final = Interval("", None)


def at_or_below(uidp: Uidp) -> Interval:
    """The UIDP and all that begin with it."""
    return Interval(uidp, f"{uidp}0")


def strictly_below(uidp: Uidp) -> Interval:
    """All that begin with the UIDP, without itself."""
    return Interval(f"{uidp}/", f"{uidp}0")


def following(position: str, *, descending: bool, inclusive: bool) -> Interval:
    """What a list in the order of UIDPs has after `position`, which may be any text."""
    just_after = f"{position}!"
    if descending:
        return Interval("", just_after if inclusive else position)
    return Interval(position if inclusive else just_after, None)


def subtrees(roots: Iterable[Uidp]) -> list[Interval]:
    """At or below one of the roots: ascending, and no two have a UIDP in common."""
    found: list[Interval] = []
    for root in sorted(roots):
        # sorted, what lies below a root follows it without another root between
        if not (found and found[-1].holds(root)):
            found.append(at_or_below(root))
    return found


def common(intervals: Iterable[Interval], other: Interval) -> list[Interval]:
    """What each of them has in common with `other`; those that have nothing are left out."""
    return [both for each in intervals if (both := _intersection(each, other))]


def _intersection(one: Interval, other: Interval) -> Interval | None:
    low = max(one.low, other.low)
    highs = [high for high in (one.high, other.high) if high is not None]
    both = Interval(low, min(highs, default=None))
    return None if both.ends_at_or_before(low) else both

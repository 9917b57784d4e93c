"""Group role mappings as both versions of the API name them."""

from __future__ import annotations

from collections.abc import Iterable

from broker.errors import Invalid
from broker.iam.uidp import Uidp


def expect_below(parent: Uidp, uidps: Iterable[str], *, field: str) -> list[Uidp]:
    """The UIDPs of a batch, which lie below its parent: that is where the caller's right was
    checked. Raises `Invalid`.
    """
    parsed = [Uidp.parse(uidp, field=field) for uidp in uidps]
    for uidp in parsed:
        if uidp == parent or not parent.covers(uidp):
            raise Invalid(
                "field_invalid", f"{field}: expected UIDPs below the parent, {parent}", field=field
            )
    return parsed

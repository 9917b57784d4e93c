"""Organizations and folders."""

from __future__ import annotations

import pytest

from tests.api.world import Acme
from tests.kit.api import Wire

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_creates_an_organization_owns_it(acme: Acme, wire: Wire) -> None:
    """The caller is bound to `owner`; the next token has it."""
    stranger = await acme.stranger()
    made = await stranger.on(wire)("Groups/Create", group={"name": f"mine-{acme.world.number()}"})
    assert made["status"] == "ORG_STATUS_READY"

"""One broker for the tests of a module; an organization of its own for each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.api.world import Acme, World, world
from tests.kit.api import Wire


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The broker of the module: anybody else's records may be there too."""
    async with world(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def acme(everything: World) -> Acme:
    """An organization of this test's own."""
    return await everything.organization()


@pytest.fixture(params=["http", "grpc"])
def wire(request: pytest.FixtureRequest, everything: World) -> Wire:
    """Each of the two ways to the broker."""
    way: Wire = getattr(everything, request.param)
    return way

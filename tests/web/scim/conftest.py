from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.people import Installation, installation
from tests.kit.scim import Directory, connected


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of its own for each test."""
    async with installation(tmp_path) as running:
        yield running


@pytest.fixture
async def directory(here: Installation) -> AsyncIterator[Directory]:
    """Acme's, for its provider."""
    async with connected(here) as opened:
        yield opened

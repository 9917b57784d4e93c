from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.grants.logins import Grounds, grounds_at


@pytest.fixture
async def grounds(tmp_path: Path) -> AsyncIterator[Grounds]:
    """Of its own for each test."""
    made = await grounds_at(tmp_path)
    yield made
    await made.audit.close()
    await made.store.close()

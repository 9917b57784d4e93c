"""One installation for all tests that leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.processes import Installation
from tests.cli.processes import installation as running_installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A broker with one identity. Shared: look, exchange, and change nothing else."""
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running

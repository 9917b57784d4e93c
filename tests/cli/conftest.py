"""Installations for all tests that leave them, or what others see of them, as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.management import Caller, Organization, management, new_organization
from tests.cli.processes import Installation
from tests.cli.processes import installation as running_installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A broker with one identity. Shared: look, exchange, and change nothing else."""
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture(scope="session")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Somebody who may create organizations, at a broker that tests share."""
    with management(tmp_path_factory.mktemp("management")) as caller:
        yield caller


@pytest.fixture
def acme(alice: Caller) -> Organization:
    """An organization of this test alone."""
    return new_organization(alice)


@pytest.fixture
def owner(acme: Organization) -> Caller:
    """Its owner."""
    return acme.owner

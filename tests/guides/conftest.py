"""A broker that the tests of this folder share, an organization each, an issuer for each platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.management import Caller, Organization, management, new_organization
from tests.cli.processes import in_background


@pytest.fixture(scope="session")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Somebody who may create organizations."""
    with management(tmp_path_factory.mktemp("guides")) as caller:
        yield caller


@pytest.fixture
def acme(alice: Caller) -> Organization:
    """An organization of this test alone."""
    return new_organization(alice)


@pytest.fixture(scope="session")
def platform() -> Iterator[LocalIssuer]:
    """An issuer that signs with RS256, as nearly every platform does."""
    with in_background(LocalIssuer(algorithm="RS256")) as running:
        yield running

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.clients import CONSOLE_CALLBACK, Client
from tests.kit.people import Installation, installation

CLIENTS = json.dumps(
    {
        "console": {
            "name": "Acme Console",
            "redirect_uris": [CONSOLE_CALLBACK],
            "post_logout_redirect_uris": ["https://console.example/bye"],
        },
        "other": {"name": "Other", "redirect_uris": ["https://other.example/callback"]},
    }
)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of its own for each test, with two clients on the web."""
    async with installation(tmp_path, BROKER_CLIENTS=CLIENTS) as running:
        yield running


@pytest.fixture
def cli(here: Installation) -> Client:
    """The client on people's machines."""
    return Client(here.url, "broker-cli", "http://127.0.0.1:4711/callback")


@pytest.fixture
def console(here: Installation) -> Client:
    """A client on the web."""
    return Client(here.url, "console", CONSOLE_CALLBACK)

"""Certified clients of other people's making log somebody in."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit import node
from tests.kit.people import Installation, installation, person

CALLBACK = "http://127.0.0.1:4711/callback"
At = Callable[[dict[str, Any]], Awaitable[str]]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as running:
        yield running


async def logged_in(here: Installation, flow: str, at_browser: At) -> dict[str, Any]:
    """What the program has in the end; `at_browser` is the person, and says where they end up."""
    folder = await asyncio.to_thread(node.packages)
    asked = {"issuer": here.url, "clientId": "broker-cli", "redirectUri": CALLBACK, "flow": flow}
    process = await asyncio.create_subprocess_exec(
        node.NODE, "login.mjs", json.dumps(asked), cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        while True:
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            told: dict[str, Any] = json.loads(line or b"{}")
            if "url" not in told:
                break
            callback = await at_browser(told)
            process.stdin.write(json.dumps({"callback": callback}).encode() + b"\n")
            await process.stdin.drain()
    finally:
        if process.returncode is None and "url" in told:
            process.kill()
        _, complaints = await process.communicate()
    assert "done" in told, (told, complaints.decode())
    done: dict[str, Any] = told["done"]
    return done


@pytest.mark.parametrize("library", ["openid-client", "oauth4webapi"])
async def test_a_certified_client_logs_somebody_in(here: Installation, library: str) -> None:
    """By discovery, PKCE, state, nonce and `iss`; userinfo is about the same person."""

    async def at_browser(told: dict[str, Any]) -> str:
        browser = await here.browser()
        page = await browser.open(told["url"])
        page = await browser.submit(page, "organization", organization="acme.example")
        return (await browser.log_in(page, here.acme)).onward

    done = await logged_in(here, f"{library} code", at_browser)
    assert done["claims"]["sub"] == done["info"]["sub"] == person(here.acme)
    assert done["claims"]["email"] == done["info"]["email"] == "ann@acme.example"
    if library == "openid-client":
        assert done["renewed"] == person(here.acme)
        assert done["revoked"] == "invalid_grant"
        assert done["bye"].startswith(f"{here.url}/logout?")


async def test_a_certified_client_is_let_in_as_a_device(here: Installation) -> None:
    """RFC 8628: it polls until the person has allowed it."""

    async def at_browser(told: dict[str, Any]) -> str:
        browser = await here.signed_in()
        page = await browser.open(told["url"])
        page = await browser.submit(page, "user_code")
        await browser.submit(page, "decision", "allow")
        return ""

    done = await logged_in(here, "openid-client device", at_browser)
    assert done["claims"]["sub"] == person(here.acme)

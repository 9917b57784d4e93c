"""What clients ask of people at a real browser: to let a device in, and to sign out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import opened, register
from tests.kit.brokers import RunningBroker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_device_is_let_in_and_thrown_out(chromium: Browser, running: RunningBroker) -> None:
    """Its code is typed in, misspelled first; it gets its tokens, and loses them with a click."""
    async with (
        aiohttp.ClientSession(running.url) as device,
        opened(chromium, f"{running.url}/device") as page,
    ):
        asked = {"client_id": "broker-cli", "scope": "openid offline_access"}
        begun = await _sent(device, "/device_authorization", asked)
        await page.get_by_label("Code").fill("BBBB-BBBB")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
        await page.get_by_label("Code").fill(begun["user_code"].lower())
        await page.keyboard.press("Enter")
        await register(page)
        await expect(page.locator("p.code")).to_have_text(begun["user_code"])
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_role("heading", name="Your device is signed in")).to_be_visible()
        grant = {
            "client_id": "broker-cli",
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": begun["device_code"],
        }
        tokens = await _sent(device, "/token", grant)
        await page.goto(f"{running.url}/account")
        await page.get_by_role("button", name="Revoke").click()
        await expect(page.get_by_text("No application has access.")).to_be_visible()
        renewal = {
            "client_id": "broker-cli",
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
        }
        refused = await _sent(device, "/token", renewal, status=400)
        assert refused["error"] == "invalid_grant"


async def test_a_link_alone_lets_no_device_in(chromium: Browser, running: RunningBroker) -> None:
    """The address with the code fills in the field; two clicks of who is signed in are needed, and
    who denies lets nobody in.
    """
    async with (
        aiohttp.ClientSession(running.url) as device,
        opened(chromium, f"{running.url}/account") as page,
    ):
        await register(page)
        begun = await _sent(device, "/device_authorization", {"client_id": "broker-cli"})
        await page.goto(begun["verification_uri_complete"])
        await expect(page.get_by_label("Code")).to_have_value(begun["user_code"])
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_role("button", name="Deny").click()
        await expect(page.get_by_role("heading", name="Request denied")).to_be_visible()
        grant = {
            "client_id": "broker-cli",
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": begun["device_code"],
        }
        refused = await _sent(device, "/token", grant, status=400)
        assert refused["error"] == "access_denied"


async def test_a_client_asks_to_sign_out(chromium: Browser, running: RunningBroker) -> None:
    """The person decides: staying leads to the account, signing out ends the session."""
    async with opened(chromium, f"{running.url}/account") as page:
        await register(page)
        await page.goto(f"{running.url}/logout")
        await page.get_by_role("button", name="Stay signed in").click()
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        await page.goto(f"{running.url}/logout")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        await page.goto(f"{running.url}/account")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def _sent(
    session: aiohttp.ClientSession, path: str, form: Mapping[str, str], *, status: int = 200
) -> dict[str, Any]:
    async with session.post(path, data=form) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == status, answer.get("error")
        return answer

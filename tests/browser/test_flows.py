"""People at a real browser: from a page of a running broker to a provider, and back.

The provider is at 127.0.0.1 and the broker at localhost: two sites, so that cookies go between them
as they do between any two.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from playwright.async_api import Browser, Page, expect

from broker.iam.model import IdentityProvider
from tests.browser.conftest import opened, register
from tests.kit.api import Caller, Http
from tests.kit.brokers import RunningBroker, free_port
from tests.kit.oidc_provider import OidcProvider
from tests.kit.organizations import organization

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def terminal() -> AsyncIterator[tuple[str, asyncio.Queue[Mapping[str, str]]]]:
    """A command that waits for its token on this machine: its redirect, and what comes there."""
    came: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()

    async def callback(request: web.BaseRequest) -> web.Response:
        await came.put(dict(request.query))
        html = "<!doctype html><title>Done</title><link rel=icon href=data:,>"
        return web.Response(text=html, content_type="text/html")

    runner = web.ServerRunner(web.Server(callback))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/callback?token=true&error=true", came
    finally:
        await runner.cleanup()


async def token_of(running: RunningBroker, page: Page, click: str = "") -> str:
    """What a command gets that sends its user to the browser."""
    async with terminal() as (redirect, came):
        query = urlencode({"exit": "redirect", "redirect": redirect})
        await page.goto(f"{running.url}/oauth?{query}")
        if click:
            await page.get_by_role("button", name=click).click()
        else:
            await register(page)
        await page.wait_for_url(f"{redirect.partition('?')[0]}?*")
        return (await asyncio.wait_for(came.get(), 30))["token"]


async def call(running: RunningBroker, token: str, name: str, /, **request: Any) -> dict[str, Any]:
    """Over the API."""
    async with aiohttp.ClientSession() as session:
        return await Caller(Http(running.url, session), token)(name, **request)


async def test_somebody_new_registers_and_signs_out(
    chromium: Browser, running: RunningBroker
) -> None:
    """From the account page through the provider and a question to the account, and out again."""
    async with opened(chromium, f"{running.url}/account") as page:
        await register(page)
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("ada@acme.example")
        assert page.url == f"{running.url}/account"
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        await page.goto(f"{running.url}/account")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_who_cancels_is_not_registered(chromium: Browser, running: RunningBroker) -> None:
    """Asked again at the next login."""
    async with opened(chromium, f"{running.url}/account") as page:
        for button in ("Cancel", "Create account"):
            await page.goto(f"{running.url}/account")
            await page.get_by_role("button", name="Continue with Google").click()
            await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()


async def test_a_command_gets_a_token(chromium: Browser, running: RunningBroker) -> None:
    """The first time by way of the provider, the second by a click on who is signed in."""
    async with opened(chromium, f"{running.url}/account") as page:
        first = await token_of(running, page)
        second = await token_of(running, page, "Continue as")
        assert first != second
        for token in (first, second):
            answer = await call(running, token, "Auth/Validate")
            assert answer["subject"] == await _identity(page, running)


async def test_cookies_are_no_scripts_business(chromium: Browser, running: RunningBroker) -> None:
    """Both are HttpOnly and SameSite=Lax; a script that got into a page would read none."""
    async with opened(chromium, f"{running.url}/account") as page:
        await register(page)
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        cookies = await page.context.cookies(running.url)
        assert len(cookies) == 2
        for cookie in cookies:
            assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert await page.evaluate("document.cookie") == ""


async def test_an_organization_that_nobody_knows(chromium: Browser, running: RunningBroker) -> None:
    """It is said at the field, which holds what was typed, and has the keyboard."""
    said: list[str] = []
    context = await chromium.new_context()
    page = await context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(f"{running.url}/account")
    await page.get_by_label("Organization or work e-mail").fill("nobody.example")
    await page.keyboard.press("Enter")
    field = page.get_by_label("Organization or work e-mail")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("nobody.example")
    assert said == []
    await context.close()


async def test_an_organization_has_its_own_way_in(
    chromium: Browser, running: RunningBroker, provider: OidcProvider
) -> None:
    """Its name leads to its provider, and its people need not register."""
    callback = f"{running.url}/oauth/callback"
    await provider.add_client("acme", redirect_uris=[callback])
    acme = await organization(running.store, "acme.example")
    now = datetime.now(UTC)
    async with running.store.write() as records:
        group = await records.groups.get(acme.id)
        assert group is not None
        await records.groups.update(replace(group, verified=True))
        await records.identity_providers.add(
            IdentityProvider(
                id=acme.id.child(secrets.token_bytes),
                name="Acme login",
                issuer=provider.issuer,
                client_id="acme",
                created_at=now,
                updated_at=now,
                pkce_enabled=True,
            )
        )
    async with opened(chromium, f"{running.url}/account") as page:
        await page.get_by_label("Organization or work e-mail").fill("acme.example")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("Acme login")


async def test_an_invite_is_accepted(
    chromium: Browser, running: RunningBroker, provider: OidcProvider
) -> None:
    """An owner invites somebody who has never been here; with a click they are in."""
    acme = await organization(running.store)
    async with opened(chromium, f"{running.url}/account") as page:
        await register(page)
        await acme.bind(await _identity(page, running), "owner", acme.id)
        owner = await token_of(running, page, "Continue as")
    roles = await call(running, owner, "iam.Roles/List", name="viewer")
    invite = await call(
        running,
        owner,
        "iam.GroupInvites/Create",
        group=acme.id,
        role=roles["items"][0]["id"],
        ttl="3600s",
    )
    await provider.choose("grace")
    link = f"{running.url}/auth/join?invite={quote(invite['code'])}"
    async with opened(chromium, link) as page:
        await expect(page.get_by_role("heading", name="Join acme?")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("viewer")
        await page.get_by_role("button", name="Accept and sign in").click()
        await page.get_by_role("button", name="Continue with Google").click()
        button = page.get_by_role("button", name="Create account")
        done = page.get_by_role("heading", name="You have joined")
        await expect(button.or_(done)).to_be_visible()
        if await button.is_visible():
            await button.click()
        await expect(done).to_be_visible()
        grace = await token_of(running, page, "Continue as")
    groups = await call(running, grace, "iam.Groups/List")
    assert acme.id in [group["id"] for group in groups["items"]]


async def test_another_browser_is_signed_out_from_the_account_page(
    chromium: Browser, running: RunningBroker
) -> None:
    """It is listed, and ends with a click; this one goes on."""
    async with (
        opened(chromium, f"{running.url}/account") as here,
        opened(chromium, f"{running.url}/account") as there,
    ):
        await register(here)
        await there.get_by_role("button", name="Continue with Google").click()
        await expect(there.get_by_role("heading", name="Your account")).to_be_visible()
        await here.goto(f"{running.url}/account")
        await here.get_by_role("button", name="End session").click()
        await expect(here.get_by_role("heading", name="Your account")).to_be_visible()
        await expect(here.get_by_role("button", name="End session")).to_have_count(0)
        await there.goto(f"{running.url}/account")
        await expect(there.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_terminal_elsewhere_is_signed_in(chromium: Browser, running: RunningBroker) -> None:
    """The page shows what the terminal shows; allowed, the terminal's next question is answered."""
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    code = base64.urlsafe_b64encode(public).decode().rstrip("=")
    url = f"{running.url}/sts/headless_sessions?code={code}"
    async with (
        aiohttp.ClientSession() as session,
        opened(chromium, f"{running.url}/oauth?headless_code={code}") as page,
    ):
        await register(page)
        mark = hashlib.sha256(code.encode()).hexdigest()[:4].upper()
        await expect(page.locator("p.code")).to_contain_text(mark)
        async with session.get(url) as response:
            assert response.status == 404
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_role("heading", name="Your terminal is signed in")).to_be_visible()
        async with session.get(url) as response:
            assert response.status == 200


async def _identity(page: Page, running: RunningBroker) -> Any:
    """The UIDP that the account page shows."""
    await page.goto(f"{running.url}/account")
    return await page.locator("dd code").inner_text()

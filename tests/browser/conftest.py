"""Debian's Chromium, driven by Playwright, and the pages on a real socket.

Run with `make test-browser`, which installs Chromium where it is missing.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from broker.web.front_door import FrontDoor, Handler, Route
from broker.web.pages import Done, Leaving, Pages, page_response
from tests.kit.brokers import RunningBroker, free_port, running_broker
from tests.kit.oidc_provider import OidcProvider, running_provider
from tests.kit.pages import drawn

SCREENSHOTS: Final = Path(__file__).parent.parent.parent / "var" / "tests" / "screenshots"
CHROMIUM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",  # as root, in a container, it does not start otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Site:
    """The pages at one origin, and what stands for somebody else at another."""

    url: str
    elsewhere: str
    posted: list[dict[str, str]]
    """What forms have sent, last one last."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each opens contexts, which share nothing."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(
    chromium: Browser, url: str, *, width: int = 1280, **context: Any
) -> AsyncIterator[Page]:
    """A page in a context of its own, which has said nothing on the console at its end.

    That a page itself came with an error's status is no fault.
    """
    said: list[str] = []
    inside = await chromium.new_context(viewport={"width": width, "height": 800}, **context)
    page = await inside.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.location["url"] != page.url or "status of" not in message.text:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        await page.goto(url)
        yield page
        assert said == []
    finally:
        await inside.close()


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    """Ada is at the browser, until a test says that it is Grace."""
    async with running_provider() as running:
        await running.account(
            "ada", name="Ada Lovelace", email="ada@acme.example", email_verified=True
        )
        await running.account(
            "grace", name="Grace Hopper", email="grace@acme.example", email_verified=True
        )
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def running(tmp_path: Path, provider: OidcProvider) -> AsyncIterator[RunningBroker]:
    """A broker, for which the provider is Google."""
    port, secret = free_port(), secrets.token_hex(16)
    url = f"http://localhost:{port}"
    await provider.add_client("broker", secret=secret, redirect_uris=[f"{url}/oauth/callback"])
    async with running_broker(
        tmp_path,
        BROKER_PORT=str(port),
        BROKER_ISSUER=url,
        BROKER_GOOGLE_ISSUER=provider.issuer,
        BROKER_GOOGLE_CLIENT_ID="broker",
        BROKER_GOOGLE_CLIENT_SECRET=secret,
    ) as broker:
        yield broker


async def register(page: Page) -> None:
    """From the sign-in page to an account."""
    await page.get_by_role("button", name="Continue with Google").click()
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("button", name="Create account")).to_have_count(0)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """Every sample at `/NAME`; forms lead to `/posted`."""
    here, there = free_port(), free_port()
    site = Site(f"http://127.0.0.1:{here}", f"http://localhost:{there}", [])
    runners = [await _serve(_pages(site), here), await _serve(_strangers(), there)]
    yield site
    for runner in runners:
        await runner.cleanup()


def _pages(site: Site) -> Mapping[str, Route]:
    pages = Pages(site.url)

    def shown(name: str) -> Handler:
        async def handler(request: web.BaseRequest, request_id: str) -> web.Response:
            del request, request_id
            return page_response(drawn(pages)[name]())

        return handler

    async def posted(request: web.BaseRequest, request_id: str) -> web.Response:
        del request_id
        form = {name: str(value) for name, value in (await request.post()).items()}
        site.posted.append({"origin": request.headers.get("Origin", ""), **form})
        return page_response(pages.done(Done(title="Posted", text="It has arrived.")))

    async def redirected(request: web.BaseRequest, request_id: str) -> web.Response:
        del request, request_id
        return page_response(b"", 303, {"Location": f"{site.elsewhere}/arrived?by=redirect"})

    async def leaving(request: web.BaseRequest, request_id: str) -> web.Response:
        del request, request_id
        url = f"{site.elsewhere}/onward?to={site.url}/back"
        return page_response(pages.leaving(Leaving(url=url)))

    async def back(request: web.BaseRequest, request_id: str) -> web.Response:
        del request, request_id
        return page_response(b"", 303, {"Location": f"{site.elsewhere}/arrived?by=page"})

    routes = {f"/{name}": Route({"GET": shown(name)}) for name in drawn(pages)}
    routes |= {path: Route({"GET": asset}) for path, asset in pages.assets.items()}
    return routes | {
        "/posted": Route({"POST": posted}, errors=pages.page_error),
        "/redirected": Route({"POST": redirected}),
        "/left": Route({"POST": leaving}),
        "/back": Route({"GET": back}),
    }


def _strangers() -> Mapping[str, Route]:
    """With no header of ours."""

    async def onward(request: web.BaseRequest, request_id: str) -> web.Response:
        del request_id
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def arrived(request: web.BaseRequest, request_id: str) -> web.Response:
        del request_id
        referrer = request.headers.get("Referer", "none")
        html = f"<!doctype html><title>Arrived</title><link rel=icon href=data:,><p>{referrer}"
        return web.Response(text=html, content_type="text/html")

    return {"/onward": Route({"GET": onward}), "/arrived": Route({"GET": arrived})}


async def _serve(routes: Mapping[str, Route], port: int) -> web.ServerRunner:
    front_door = FrontDoor(routes, lambda _: None, request_id=lambda: "r-1")
    runner = web.ServerRunner(web.Server(front_door))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need the browser, which runs in one event loop."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)

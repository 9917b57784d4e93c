"""`broker auth` and a whole broker: Ann of acme logs in at her browser."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
import pytest

from broker.sdk.token_cache import Kind, TokenCache, claims_of
from tests.cli.processes import BROKER
from tests.kit.people import DOMAIN, Browser, Installation, Page, installation, person

REGISTRY: Final = "https://registry.example"
PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Terminal:
    """Ann's, at an installation."""

    home: Path
    here: Installation

    @property
    def cache(self) -> TokenCache:
        return TokenCache(self.home / ".cache" / "chainguard")

    def token(self, kind: Kind = Kind.ACCESS, audience: str = "") -> str:
        token = self.cache.load(kind, audience or self.here.url)
        assert token is not None
        return token

    async def start(self, *words: str) -> Process:
        environ = {"HOME": str(self.home), "BROKER_API": self.here.url, "BROWSER": "true"}
        return await asyncio.create_subprocess_exec(
            BROKER, *words, env=environ, cwd=self.home, stdout=PIPE, stderr=PIPE
        )

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        return await ended(await self.start(*words))

    async def ok(self, *words: str) -> str:
        code, out, err = await self.run(*words)
        assert code == 0, err
        return out

    async def log_in(self, *words: str) -> dict[str, Any]:
        """In the browser, which was never there before."""
        process = await self.start("auth", "login", "-o", "json", *words)
        browser = await self.here.browser()
        page = await browser.open(await told(process, r"http://\S+/authorize\S+"))
        if not page.onward:  # who brings an invite is shown first what it is
            assert "You are invited to" in page.text
            page = await browser.submit(page, "organization", organization=DOMAIN)
        await back(await browser.go(await browser.log_in(page, self.here.acme)))
        code, out, err = await ended(process)
        assert code == 0, err
        who: dict[str, Any] = orjson.loads(out)
        return who


async def told(process: Process, pattern: str) -> str:
    """What a command has told on standard error."""
    assert process.stderr is not None
    text = ""
    async with asyncio.timeout(PATIENCE):
        while not (found := re.search(rf"{pattern}(?=\s)", text)):
            line = await process.stderr.readline()
            assert line, text
            text += line.decode()
    return found.group()


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


async def back(page: Page) -> str:
    """The browser goes on to the command; what it is shown there."""
    assert page.onward.startswith("http://127.0.0.1:"), page.text
    async with aiohttp.ClientSession() as session, session.get(page.onward) as answer:
        return await answer.text()


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    """With a broker of its own."""
    home = tmp_path / "home"
    home.mkdir()
    async with installation(tmp_path) as here:
        yield Terminal(home, here)


async def test_a_login_from_its_begin_to_its_end(terminal: Terminal) -> None:
    """In, used, renewed, narrowed, looked at, out: and then nothing is good any more."""
    who = await terminal.log_in("--org-name", DOMAIN)
    assert who["identity"] == person(terminal.here.acme)
    assert who["email"] == "ann@acme.example"
    shown = orjson.loads(await terminal.ok("iam", "whoami", "-o", "json"))
    assert shown["subject"] == who["identity"]
    status = orjson.loads(await terminal.ok("auth", "status", "-o", "json"))
    assert status["valid"] is True
    assert status["renewable_until"] > status["expiry"]

    before = terminal.token(Kind.REFRESH)
    first = terminal.token()
    await terminal.ok("auth", "login", "--refresh-only")
    assert terminal.token() != first
    assert terminal.token(Kind.REFRESH) != before

    sessions = orjson.loads(await terminal.ok("auth", "sessions", "list", "-o", "json"))
    assert {each["kind"] for each in sessions} == {"BROWSER", "APPLICATION"}
    refresh_token = terminal.token(Kind.REFRESH)
    await terminal.ok("auth", "logout")
    assert not list(terminal.cache.folder.glob("*/*"))
    form = {"grant_type": "refresh_token", "client_id": "broker-cli"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{terminal.here.url}/token", data=form | {"refresh_token": refresh_token}
        ) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")


async def test_by_the_providers_uidp_and_for_several_audiences(terminal: Terminal) -> None:
    """One login; each audience has a token for it alone, and each is renewed."""
    audiences = ("--audience", REGISTRY, "--audience", terminal.here.url)
    await terminal.log_in("--identity-provider", terminal.here.provider.id, *audiences)
    for audience in (REGISTRY, terminal.here.url):
        assert claims_of(terminal.token(audience=audience))["aud"] == audience
    await terminal.ok("auth", "login", "--refresh-all")
    for audience in (REGISTRY, terminal.here.url):
        assert claims_of(terminal.token(audience=audience))["aud"] == audience
    code, _, err = await terminal.run("auth", "token", "--audience", "https://other.example")
    assert code == 1
    assert "not_logged_in" in err
    assert (await terminal.run("auth", "token", "--audience", REGISTRY))[0] == 0


async def test_the_token_that_is_there_is_renewed_without_naming_an_audience(
    terminal: Terminal,
) -> None:
    """A login for the broker itself is renewed for the broker itself."""
    await terminal.log_in("--org-name", DOMAIN)
    await terminal.ok("auth", "login", "--refresh-only")
    assert claims_of(terminal.token())["aud"] == terminal.here.url


async def test_an_invite(terminal: Terminal) -> None:
    """Is accepted by the login, and its role is in the token."""
    code, _ = await terminal.here.invite("viewer")
    await terminal.log_in("--org-name", DOMAIN, "--invite-code", code)
    held = await terminal.here.roles_of(person(terminal.here.acme))
    assert ("viewer", terminal.here.organization.id) in held
    assert "viewer" in await terminal.ok("auth", "token", "capabilities")


async def test_a_token_that_allows_less(terminal: Terminal) -> None:
    """Has the capabilities that were named, and is not kept."""
    code, _ = await terminal.here.invite("viewer")
    await terminal.log_in("--org-name", DOMAIN, "--invite-code", code)
    kept = terminal.token()
    words = ("--capabilities", "groups.list", "--scope", DOMAIN)
    narrowed = (await terminal.ok("auth", "token", *words)).strip()
    headers = {"Authorization": f"Bearer {narrowed}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{terminal.here.url}/auth/v1/ok", headers=headers) as answer,
    ):
        (held,) = (await answer.json())["capabilities"]
    assert held["capabilities"] == ["groups.list"]
    assert terminal.token() == kept


async def test_a_code_on_another_device(terminal: Terminal) -> None:
    """Ann enters it, compares and allows; the command goes on by itself."""
    process = await terminal.start("auth", "login", "--headless", "-o", "id")
    code = await told(process, r"\b[A-Z]{4}-[A-Z]{4}\b")
    browser = await terminal.here.signed_in()
    await allowed(browser, code)
    status, out, err = await ended(process)
    assert status == 0, err
    assert out.strip() == person(terminal.here.acme)
    assert terminal.token(Kind.REFRESH)


async def allowed(browser: Browser, code: str) -> None:
    """The person lets the device in."""
    page = await browser.submit(await browser.open("/device"), "user_code", user_code=code)
    page = await browser.submit(await browser.go(page), "decision", "allow")
    assert "signed in" in page.text


async def test_an_organization_that_is_not_known(terminal: Terminal) -> None:
    """Is told in the browser, and by the command when the browser comes back with it."""
    process = await terminal.start("auth", "login", "--org-name", "nobody.example")
    browser = await terminal.here.browser()
    page = await browser.open(await told(process, r"http://\S+/authorize\S+"))
    assert "Not logged in" in await back(page)
    status, _, err = await ended(process)
    assert status == 1
    assert "refused" in err


async def test_the_account_is_deleted(terminal: Terminal) -> None:
    """With its tokens; a token that is left is of nobody."""
    await terminal.log_in("--org-name", DOMAIN)
    await terminal.ok("auth", "delete-account", "--yes")
    assert not list(terminal.cache.folder.glob("*/*"))
    async with terminal.here.broker.store.read() as records:
        assert await records.identities.get(person(terminal.here.acme)) is None


async def test_where_only_some_audiences_are_allowed(tmp_path: Path) -> None:
    """The broker itself always is: a login without an audience works, and is renewed."""
    home = tmp_path / "home"
    home.mkdir()
    allowed_ones = orjson.dumps([REGISTRY]).decode()
    async with installation(tmp_path, BROKER_TOKEN_AUDIENCES=allowed_ones) as here:
        terminal = Terminal(home, here)
        await terminal.log_in("--org-name", DOMAIN)
        await terminal.ok("auth", "login", "--refresh-only")
    assert claims_of(terminal.token())["aud"] == here.url

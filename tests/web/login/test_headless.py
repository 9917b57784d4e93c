"""Headless logins, with a client made from the facts: X25519 and AES-256-GCM."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.grants.headless import fingerprint
from tests.kit.people import DOMAIN, Browser, Installation, Page, claims_of, person


def encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Terminal:
    """Makes a key pair, and polls."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._key = X25519PrivateKey.generate()
        self.code = encode(self._key.public_key().public_bytes_raw())

    async def poll(self, code: str = "") -> tuple[int, dict[str, Any]]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"{self._url}/sts/headless_sessions", params={"code": code or self.code}
            ) as answer,
        ):
            return answer.status, await answer.json()

    def opened(self, session: dict[str, Any]) -> str:
        theirs = decode(base64.b64decode(session["ecdhPublicKey"]).decode())
        shared = self._key.exchange(X25519PublicKey.from_public_bytes(theirs))
        sealed = base64.b64decode(session["encryptedIdtoken"])
        return AESGCM(shared).decrypt(sealed[:12], sealed[12:], None).decode()


async def arrived(here: Installation, browser: Browser, code: str) -> Page:
    page = await browser.get("/oauth", headless_code=code, idp_id=DOMAIN)
    return await browser.log_in(page, here.acme)


async def test_a_terminal_gets_the_token_of_who_logs_in_elsewhere(here: Installation) -> None:
    """It is sealed for the terminal's key, pending until the person has said yes, and fetched
    once.
    """
    terminal, browser = Terminal(here.url), await here.browser()
    assert (await terminal.poll())[0] == 404
    page = await arrived(here, browser, terminal.code)
    assert fingerprint(terminal.code) in page.text
    assert "ann@acme.example" in page.text
    assert (await terminal.poll())[0] == 404
    page = await browser.submit(page, "decision", "allow")
    assert page.status == 200, page.text
    status, session = await terminal.poll()
    assert status == 200
    claims = claims_of(terminal.opened(session))
    assert (claims["sub"], claims["aud"]) == (person(here.acme), here.url)
    assert (await terminal.poll())[0] == 404


async def test_who_says_no_gives_nothing(here: Installation) -> None:
    """After a no there is nothing to fetch, and the page cannot be answered again."""
    terminal, browser = Terminal(here.url), await here.browser()
    page = await arrived(here, browser, terminal.code)
    assert "denied" in (await browser.submit(page, "decision", "deny")).text
    assert (await browser.submit(page, "decision", "allow")).status == 401
    assert (await terminal.poll())[0] == 404


async def test_who_is_logged_in_is_asked_all_the_same(here: Installation) -> None:
    """A link to a headless login does nothing by itself, in a browser that has a session."""
    terminal, browser = Terminal(here.url), await here.signed_in()
    page = await browser.open("/oauth", headless_code=terminal.code)
    assert "a terminal on another machine" in page.text
    page = await browser.submit(page, "continue")
    page = await browser.submit(page, "decision", "allow")
    status, session = await terminal.poll()
    assert status == 200
    assert claims_of(terminal.opened(session))["sub"] == person(here.acme)


async def test_what_is_no_code_is_refused_on_both_ends(here: Installation) -> None:
    """A page says so in the browser, and the API names the parameter."""
    browser = await here.browser()
    page = await browser.get("/oauth", headless_code="yolo")
    assert (page.status, page.onward) == (400, "")
    status, answer = await Terminal(here.url).poll("yolo")
    assert status == 400
    assert "headless_code" in answer["message"]

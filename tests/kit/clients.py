"""A client of the standard endpoints, which says what it is told to and keeps what it is answered."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from broker.oauth.device import GRANT_TYPE as DEVICE_CODE
from broker.oauth.pkce import challenge_of
from tests.kit.people import Browser, Installation, Page

CONSOLE_CALLBACK: Final = "https://console.example/callback"


@dataclass(frozen=True, slots=True)
class Answer:
    """Of an endpoint that answers JSON, or nothing."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def error(self) -> str:
        """The code of OAuth, and ours."""
        return f"{self.body.get('error')} {self.body.get('reason')}"


@dataclass(slots=True)
class Client:
    """A public client. `verifier` is new for each object."""

    issuer: str
    id: str
    redirect_uri: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def url(self, **more: str | list[str] | None) -> str:
        """Where it sends a browser; None leaves a parameter out."""
        parameters: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid email profile offline_access",
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        } | more
        sent = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.issuer}/authorize?{urlencode(sent, doseq=True)}"

    async def code(self, here: Installation, browser: Browser, **more: Any) -> str:
        """That of Ann of acme, who logs in or says that she goes on."""
        page = await self.let_in(here, browser, **more)
        assert "code" in page.answer, dict(page.answer) or page.text
        return page.answer["code"]

    async def let_in(self, here: Installation, browser: Browser, **more: Any) -> Page:
        """Where the browser ends up."""
        page = await browser.open(self.url(**more))
        if page.onward.startswith(here.acme.address):
            return await browser.go(await browser.log_in(page, here.acme))
        if page.onward:
            return page
        if any(("continue" in dict(form.buttons)) for form in page.forms):
            return await browser.submit(page, "continue")
        page = await browser.submit(page, "organization", organization="acme.example")
        return await browser.go(await browser.log_in(page, here.acme))

    async def redeem(self, code: str, **more: Any) -> Answer:
        """The authorization code grant."""
        return await self.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
            **more,
        )

    async def tokens(self, here: Installation, browser: Browser, **more: Any) -> dict[str, Any]:
        """What comes of a login."""
        answer = await self.redeem(await self.code(here, browser, **more))
        assert answer.status == 200, answer.body
        return answer.body

    async def refresh(self, token: str, **more: Any) -> Answer:
        """The refresh token grant."""
        return await self.token(grant_type="refresh_token", refresh_token=token, **more)

    async def begin_device(self, **more: Any) -> Answer:
        """RFC 8628 §3.1."""
        asked = {"client_id": self.id, "scope": "openid email"} | more
        return await self.post("/device_authorization", **asked)

    async def poll(self, device_code: str, **more: Any) -> Answer:
        """RFC 8628 §3.4."""
        return await self.token(grant_type=DEVICE_CODE, device_code=device_code, **more)

    async def token(self, **parameters: Any) -> Answer:
        """`/token`; None leaves a parameter out."""
        return await self.post("/token", **({"client_id": self.id} | parameters))

    async def post(self, path: str, *, bearer: str = "", **parameters: Any) -> Answer:
        """A form."""
        sent = {name: value for name, value in parameters.items() if value is not None}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.issuer}{path}", data=urlencode(sent, doseq=True), headers=headers
            ) as response,
        ):
            return await _answer(response)

    async def userinfo(self, token: str) -> Answer:
        """OpenID Connect Core §5.3.1."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.issuer}/userinfo", headers=headers) as response,
        ):
            return await _answer(response)


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    body = await response.json() if await response.read() else {}
    return Answer(response.status, body, response.headers.copy())

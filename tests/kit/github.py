"""GitHub's logins on this machine: its paths, its answers, its errors with status 200.

GitHub, "Authorizing OAuth apps", "Troubleshooting OAuth app access token request errors", "REST API
endpoints for users" and "… for emails".
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from yarl import URL

API: Final = "/api/v3"


@dataclass(frozen=True)
class _Code:
    account: str
    redirect_uri: str
    challenge: str


@dataclass
class _Account:
    user: dict[str, Any]
    emails: Sequence[dict[str, Any]] = field(default_factory=list)


class LocalGitHub:
    """A GitHub with one OAuth app, where everybody is logged in already.

        async with LocalGitHub(client_id=…, client_secret=…) as github:
            github.account("octocat", 583231, email="octocat@github.example")
            callback = await github.authorize(url)

    `url` is GitHub's own, `api_url` that of its API.
    """

    def __init__(self, *, client_id: str, client_secret: str, port: int = 0) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.url = ""
        self.api_url = ""
        self._port = port
        self._accounts: dict[str, _Account] = {}
        self._chosen = ""
        self._codes: dict[str, _Code] = {}
        self._tokens: dict[str, str] = {}
        self._denies = False
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/login/oauth/authorize", self._authorize)
        app.router.add_post("/login/oauth/access_token", self._access_token)
        app.router.add_get(f"{API}/user", self._user)
        app.router.add_get(f"{API}/user/emails", self._emails)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.api_url = self.url + API
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def account(
        self,
        login: str,
        number: int,
        *,
        email: str = "",
        verified: bool = True,
        emails: Sequence[dict[str, Any]] = (),
        **user: Any,
    ) -> None:
        """Somebody, or what is known of them from now on. The first is at the browser.

        `email`: their primary address; `emails`: more entries of `/user/emails`.
        """
        primary = {"email": email, "primary": True, "verified": verified, "visibility": "private"}
        whole = {
            "login": login,
            "id": number,
            "node_id": "MDQ6VXNlcjE=",
            "avatar_url": f"https://avatars.example/u/{number}",
            "type": "User",
            "site_admin": False,
            "name": None,
            "email": None,
        }
        self._accounts[login] = _Account(whole | user, [*emails, *([primary] if email else [])])
        self._chosen = self._chosen or login

    def choose(self, login: str) -> None:
        """Who is at the browser from now on."""
        self._chosen = login

    def deny(self, denies: bool = True) -> None:
        """Whether people press "Cancel" from now on."""
        self._denies = denies

    async def authorize(self, url: str) -> str:
        """Where a browser that is sent to `url` is sent back to."""
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(URL(url, encoded=True), allow_redirects=False) as response,
        ):
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if query.get("client_id") != self.client_id:
            raise web.HTTPNotFound
        back = URL(query["redirect_uri"])
        if self._denies:
            error = {
                "error": "access_denied",
                "error_description": "The user has denied your application access.",
                "state": query["state"],
            }
            raise web.HTTPFound(back.update_query(error))
        assert query["code_challenge_method"] == "S256"
        assert set(query["scope"].split()) == {"read:user", "user:email"}
        code = secrets.token_hex(10)
        self._codes[code] = _Code(self._chosen, query["redirect_uri"], query["code_challenge"])
        raise web.HTTPFound(back.update_query(code=code, state=query["state"]))

    async def _access_token(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept"] == "application/json"  # else GitHub answers a form
        form = await request.post()
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (self.client_id, self.client_secret):
            return _error("incorrect_client_credentials")
        code = self._codes.pop(str(form.get("code")), None)
        if code is None or code.challenge != _challenge(str(form.get("code_verifier"))):
            return _error("bad_verification_code")
        if code.redirect_uri != form.get("redirect_uri"):
            return _error("redirect_uri_mismatch")
        token = "gho_" + secrets.token_hex(18)
        self._tokens[token] = code.account
        return web.json_response(
            {"access_token": token, "scope": "read:user,user:email", "token_type": "bearer"}
        )

    async def _user(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._account_of(request).user)

    async def _emails(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(list(self._account_of(request).emails))

    def _account_of(self, request: web.Request) -> _Account:
        assert request.headers.get("User-Agent")  # GitHub refuses a request without
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._tokens:
            raise web.HTTPUnauthorized(
                text='{"message": "Bad credentials"}', content_type="application/json"
            )
        return self._accounts[self._tokens[token]]


def _error(code: str) -> web.Response:
    """GitHub's errors have status 200."""
    return web.json_response({"error": code, "error_description": f"The {code} of the request."})


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

"""An authorization server in which somebody is always logged in, and which can be told to misbehave.

It checks what a client sends as strictly as the RFCs have it; a client that is wrong gets no token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from broker.sdk.login.device import GRANT_TYPE as DEVICE_CODE
from broker.sdk.testing.issuer import Handler, LocalIssuer

SCOPE = "openid email profile offline_access"


@dataclass
class Login:
    """A login that tokens come from."""

    audiences: list[str]
    subject: str
    refresh_token: str = ""
    used: set[str] = field(default_factory=set)
    ended: bool = False


class LoginServer(LocalIssuer):
    """Serves the endpoints of both flows. `asked` has every form and query, by path."""

    def __init__(self) -> None:
        super().__init__(algorithm="ES256")
        self.subject = "a" * 40
        self.lifetime = 300
        self.iss: str | None = "self"
        """What its answers in the browser carry (RFC 9207): `self`, another issuer, or None."""
        self.error = ""
        self.gives_refresh_tokens = True
        self.interval = 5
        self.device_answers: list[str] = []
        """Errors that polls are told, before they get tokens."""
        self.changes: dict[str, Any] = {}
        """Of the discovery document."""
        self.asked: dict[str, list[dict[str, list[str]]]] = {}
        self.logins: list[Login] = []
        self._codes: dict[str, dict[str, list[str]]] = {}

    def discovery(self) -> dict[str, Any]:
        """With its endpoints."""
        document = super().discovery() | {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device_authorization",
            "revocation_endpoint": f"{self.url}/revoke",
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: value for name, value in (document | self.changes).items() if value != ""}

    def routes(self) -> dict[str, Handler]:
        """The browser's."""
        return super().routes() | {"/authorize": self._authorize}

    def forms(self) -> dict[str, Handler]:
        """The client's."""
        answers = {
            "/token": self._token,
            "/device_authorization": self._device,
            "/revoke": self._revoke,
        }
        return {path: self._form(answer) for path, answer in answers.items()}

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = self._note(request.path, request.query)
        redirect = asked["redirect_uri"][0]
        assert urlsplit(redirect).hostname == "127.0.0.1"
        assert urlsplit(redirect).path == "/callback"
        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["client_id"] == ["broker-cli"]
        assert asked["scope"] == [SCOPE]
        code = secrets.token_hex(16)
        self._codes[code] = asked
        answer = {"error": self.error} if self.error else {"code": code}
        answer["state"] = asked["state"][0]
        if self.iss is not None:
            answer["iss"] = self.url if self.iss == "self" else self.iss
        return web.Response(status=302, headers={"Location": f"{redirect}?{urlencode(answer)}"})

    async def _device(self, asked: dict[str, list[str]]) -> web.Response:
        assert asked["client_id"] == ["broker-cli"]
        code = secrets.token_hex(16)
        self._codes[code] = asked
        return web.json_response(
            {
                "device_code": code,
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.url}/device",
                "verification_uri_complete": f"{self.url}/device?user_code=WDJB-MJHT",
                "expires_in": 900,
                "interval": self.interval,
            }
        )

    async def _token(self, asked: dict[str, list[str]]) -> web.Response:
        assert asked["client_id"] == ["broker-cli"]
        match asked["grant_type"][0]:
            case "authorization_code":
                authorized = self._codes.pop(asked["code"][0], None)
                if authorized is None or not _proves(asked, authorized):
                    return _error("invalid_grant")
                return self._begin(authorized, asked)
            case "refresh_token":
                login = self._login(asked["refresh_token"][0])
                if login is None:
                    return _error("invalid_grant")
                return self._answer(login, asked.get("resource") or login.audiences, asked)
            case kind if kind == DEVICE_CODE:
                if self.device_answers:
                    return _error(self.device_answers.pop(0))
                authorized = self._codes.pop(asked["device_code"][0], None)
                return self._begin(authorized, asked) if authorized else _error("invalid_grant")
            case other:
                raise AssertionError(other)

    async def _revoke(self, asked: dict[str, list[str]]) -> web.Response:
        assert asked["client_id"] == ["broker-cli"]
        for login in self.logins:
            if asked["token"][0] in (login.refresh_token, *login.used):
                login.ended = True
        return web.Response()

    def _begin(self, authorized: dict[str, list[str]], asked: dict[str, list[str]]) -> web.Response:
        audiences = authorized.get("resource", [self.url])
        assert set(asked.get("resource", [])) <= set(audiences)
        login = Login(audiences, self.subject)
        self.logins.append(login)
        return self._answer(login, asked.get("resource") or audiences)

    def _answer(
        self, login: Login, audience: list[str], asked: dict[str, list[str]] | None = None
    ) -> web.Response:
        if not set(audience) <= set(login.audiences):
            return _error("invalid_target")
        now = int(self._clock())
        if self.gives_refresh_tokens:
            login.used.add(login.refresh_token)
            members = {"exp": now + 86_400, "s": secrets.token_hex(16)}
            login.refresh_token = base64.b64encode(json.dumps(members).encode()).decode()
        narrowed = {name: (asked or {}).get(name, []) for name in ("scope", "capabilities")}
        answer = {
            "access_token": self.token(
                {"sub": login.subject, "email": "ann@acme.example", **narrowed},
                aud=audience[0] if len(audience) == 1 else audience,
                lifetime=self.lifetime,
            ),
            "token_type": "Bearer",
            "refresh_token": login.refresh_token,
        }
        return web.json_response({name: value for name, value in answer.items() if value})

    def _login(self, refresh_token: str) -> Login | None:
        """Whose it is, if it is the newest; one that was used ends its login."""
        for login in self.logins:
            if refresh_token in login.used:
                login.ended = True
            if refresh_token == login.refresh_token and not login.ended:
                return login
        return None

    def _form(self, answer: Callable[[dict[str, list[str]]], Awaitable[web.Response]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            asked = self._note(request.path, await request.post())
            if bearer := request.headers.get("Authorization"):
                asked["bearer"] = [bearer.removeprefix("Bearer ")]
            return await answer(asked)

        return handle

    def _note(self, path: str, parameters: Any) -> dict[str, list[str]]:
        asked = {name: list(map(str, parameters.getall(name))) for name in parameters}
        self.asked.setdefault(path, []).append(asked)
        return asked


def _proves(asked: dict[str, list[str]], authorized: dict[str, list[str]]) -> bool:
    digest = hashlib.sha256(asked["code_verifier"][0].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return [challenge] == authorized["code_challenge"] and (
        asked["redirect_uri"] == authorized["redirect_uri"]
    )


def _error(code: str) -> web.Response:
    return web.json_response({"error": code, "error_description": f"because: {code}"}, status=400)

"""An OpenID provider that answers as a test drives it, on a real socket; and Google's and GitLab's
paths and claims."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection
from typing import Any, Final

from aiohttp import web
from yarl import URL

from broker.sdk.testing.issuer import Handler
from tests.kit.issuers import Answer, MisbehavingIssuer

ACCESS_TOKEN: Final = "opaque-access-token"
CODE: Final = "one-code"


class DrivenProvider(MisbehavingIssuer):
    """Everything of a login is right unless the test says otherwise.

    `claims` and `header` go into its ID tokens, which lack what is in `without`; `metadata` go into
    its discovery document, where None takes a member out; `answer` into the token endpoint's;
    `on_token` and `on_userinfo` answer in their place. `paths`: endpoint → path.
    """

    def __init__(
        self,
        *,
        client_id: str = "broker",
        paths: dict[str, str] | None = None,
        jwks_path: str = "",
        claims: dict[str, Any] | None = None,
        userinfo: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        on_token: Answer | None = None,
        on_userinfo: Answer | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**({"algorithm": "ES256", "audience": client_id} | settings))
        self.claims: dict[str, Any] = {"sub": "ann"} | (claims or {})
        self.header: dict[str, Any] = {}
        self.without: Collection[str] = ()
        self.metadata = dict(metadata or {})
        self.answer: dict[str, Any] = {}
        self.userinfo = userinfo
        self.on_token = on_token
        self.on_userinfo = on_userinfo
        self.iss: str | None = None
        """What it calls itself to browsers, where that is not its issuer."""
        self.asked: list[dict[str, str]] = []
        """Forms that the token endpoint was sent."""
        self.authorized: list[str | None] = []
        """Their Authorization headers."""
        self._nonce = ""
        self._jwks_path = jwks_path
        self._paths = {"authorization": "/auth", "token": "/token", "userinfo": "/me"} | (
            paths or {}
        )

    def routes(self) -> dict[str, Handler]:
        more: dict[str, Handler] = {self._paths["userinfo"]: self.answer_userinfo}
        if self._jwks_path:
            more[self._jwks_path] = self.answer_jwks
        return super().routes() | more

    def forms(self) -> dict[str, Handler]:
        return {self._paths["token"]: self.answer_token}

    def discovery(self) -> dict[str, Any]:
        endpoints = {
            f"{name}_endpoint": self.url + path
            for name, path in self._paths.items()
            if name != "userinfo" or self.userinfo is not None or self.on_userinfo is not None
        }
        if self._jwks_path:
            endpoints["jwks_uri"] = self.url + self._jwks_path
        document = super().discovery() | endpoints
        document |= {
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in document.items() if value is not None}

    def authorize(self, url: str) -> str:
        """Where a browser that is sent to `url` comes back, as if somebody had logged in."""
        query = URL(url, encoded=True).query
        self._nonce = query["nonce"]
        sender = {"iss": self.url if self.iss is None else self.iss}
        return str(
            URL(query["redirect_uri"]).update_query(
                code=CODE, state=query["state"], **{k: v for k, v in sender.items() if v}
            )
        )

    def id_token(self) -> str:
        """For the login that came last."""
        claims = {"nonce": self._nonce} | self.claims
        return self.token(claims, header=self.header, without=self.without)

    async def answer_token(self, request: web.Request) -> web.StreamResponse:
        """The token endpoint: any code is good."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        self.authorized.append(request.headers.get("Authorization"))
        if self.on_token is not None:
            return await self.on_token(request)
        answer = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 60}
        answer |= {"id_token": self.id_token()} | self.answer
        return web.json_response({k: v for k, v in answer.items() if v is not None})

    async def answer_userinfo(self, request: web.Request) -> web.StreamResponse:
        """The userinfo endpoint, for its access token."""
        if self.on_userinfo is not None:
            return await self.on_userinfo(request)
        if request.headers.get("Authorization") != f"Bearer {ACCESS_TOKEN}":
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sub": self.claims["sub"]} | (self.userinfo or {}))


def at_hash(access_token: str = ACCESS_TOKEN) -> str:
    """OpenID Connect Core §3.1.3.6, for an algorithm with SHA-256."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


GOOGLE_PATHS: Final = {"authorization": "/o/oauth2/v2/auth", "userinfo": "/v1/userinfo"}
"""Google's document: its endpoints are on three hosts."""


def google(**settings: Any) -> DrivenProvider:
    """Google, in the shapes of "OpenID Connect" in Google's own documentation."""
    provider = DrivenProvider(
        issuer="https://accounts.google.com",
        algorithm="RS256",
        paths=GOOGLE_PATHS,
        jwks_path="/oauth2/v3/certs",
        metadata={
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
            "code_challenge_methods_supported": ["plain", "S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "authorization_response_iss_parameter_supported": None,
        },
        claims={
            "sub": "10769150350006150715113082367",
            "azp": "broker",
            "hd": "acme.example",
            "email": "ann@acme.example",
            "email_verified": True,
            "at_hash": at_hash(),
            "name": "Ann Example",
            "picture": "https://lh3.googleusercontent.com/a/x",
            "given_name": "Ann",
            "family_name": "Example",
        },
        **settings,
    )
    provider.iss = ""
    return provider


def gitlab(**settings: Any) -> DrivenProvider:
    """GitLab, in the shapes of "GitLab as OpenID Connect identity provider"."""
    return DrivenProvider(
        algorithm="RS256",
        paths={
            "authorization": "/oauth/authorize",
            "token": "/oauth/token",
            "userinfo": "/oauth/userinfo",
        },
        jwks_path="/oauth/discovery/keys",
        metadata={
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": None,
        },
        claims={
            "sub": "1234567",
            "sub_legacy": "0" * 64,
            "name": "Ann Example",
            "nickname": "ann",
            "preferred_username": "ann",
            "email": "ann@acme.example",
            "email_verified": True,
            "profile": "https://gitlab.example/ann",
            "picture": "https://gitlab.example/uploads/ann.png",
            "groups_direct": ["acme/platform"],
        },
        **settings,
    )

"""Platforms that give jobs tokens: their issuer, and the endpoint that a job asks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from broker.sdk.testing.issuer import Handler, LocalIssuer

ID_TOKEN: Final = "/idtoken/a1b2/c3d4"
METADATA: Final = "/computeMetadata/v1/instance/service-accounts/default/identity"


class GithubRunner(LocalIssuer):
    """GitHub's issuer and the token endpoint of a job.

    A job gets the address, which has a query already, and a bearer token for it in variables, and
    adds the audience (GitHub, "OpenID Connect reference"). `failures` are answered first, one a
    request; `value` is then given instead of a token, where it is set.
    """

    def __init__(self, **claims: str) -> None:
        super().__init__()
        self.claims = claims
        self.bearer = secrets.token_urlsafe(32)
        self.failures: list[web.Response] = []
        self.value: Any = None
        self.given: list[str] = []
        """The tokens that jobs got."""

    @property
    def variables(self) -> dict[str, str]:
        """What a job finds in its environment."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}{ID_TOKEN}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.bearer,
        }

    def routes(self) -> dict[str, Handler]:
        return {**super().routes(), ID_TOKEN: self.answer_job}

    async def answer_job(self, request: web.Request) -> web.StreamResponse:
        """Refuses what the real one would refuse."""
        if self.failures:
            return self.failures.pop(0)
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or bearer != self.bearer:
            return web.json_response({"message": "not this job"}, status=401)
        if request.query.get("api-version") != "2.0":
            return web.json_response({"message": "no api-version"}, status=400)
        audience = request.query.get("audience", "https://github.com/acme")
        token = self.token(self.github_claims(**self.claims), aud=audience)
        self.given.append(token)
        return web.json_response({"count": 1, "value": token if self.value is None else self.value})


class GoogleMetadata(LocalIssuer):
    """Google's issuer and the metadata server of an instance (Google Cloud, "Verify VM identity")."""

    def __init__(self, claims: Mapping[str, str]) -> None:
        super().__init__()
        self.claims = claims

    def routes(self) -> dict[str, Handler]:
        return {**super().routes(), METADATA: self.answer_instance}

    async def answer_instance(self, request: web.Request) -> web.StreamResponse:
        """Refuses a request without the header that browsers cannot be made to send."""
        if request.headers.get("Metadata-Flavor") != "Google":
            return web.Response(status=403)
        if request.query.get("format") != "full":
            return web.Response(status=400)
        return web.Response(text=self.token(self.claims, aud=request.query["audience"]))

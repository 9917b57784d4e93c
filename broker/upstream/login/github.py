"""Logins with GitHub: OAuth 2 and its API, since it has no OpenID for people.

GitHub, "Authorizing OAuth apps" and "REST API endpoints for users"; a GitHub Enterprise server has
the same at its own addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login
from broker.jose.strict_json import AmbiguousJson, parse_value
from broker.upstream.login.connector import Redirection, Returned
from broker.upstream.login.openid import S256, challenge_of, with_query
from broker.upstream.login.profile import email_of, picture_of, text_of
from broker.upstream.login.refusals import mixed_up, not_verified, unavailable
from broker.upstream.login.token_request import access_token_of, ask_json, redeem
from broker.upstream.outbound import OutboundClient

SCOPE: Final = "read:user user:email"

_LIFETIME: Final = 3600
"""Seconds for which what the API said is taken to hold; its answers have no end of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubClient:
    """An OAuth app at GitHub, or at a GitHub Enterprise server."""

    url: str
    """Without a slash at its end."""
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    key: str = "github"
    label: str = "GitHub"


class GitHubConnector:
    """GitHub's people. Their subject is the numeric id, since names change hands."""

    def __init__(self, client: GitHubClient, *, outbound: OutboundClient) -> None:
        self._client = client
        self._outbound = outbound

    @property
    def key(self) -> str:
        """As `Connector` has it."""
        return self._client.key

    @property
    def label(self) -> str:
        """As `Connector` has it."""
        return self._client.label

    @property
    def issuer(self) -> str:
        """As `Connector` has it."""
        return f"{self._client.url}/login/oauth"

    async def authorization_url(self, to: Redirection) -> str:
        """As `Connector` has it. GitHub has no nonce, and calls the hint `login`."""
        parameters = {
            "client_id": self._client.client_id,
            "redirect_uri": to.redirect_uri,
            "scope": SCOPE,
            "state": to.state,
            "code_challenge": challenge_of(to.code_verifier),
            "code_challenge_method": S256,
        }
        if to.login_hint:
            parameters["login"] = to.login_hint
        if to.prompt:
            parameters["prompt"] = "select_account"  # the only one that there is
        return with_query(f"{self.issuer}/authorize", parameters)

    async def presented(self, token: str, *, audiences: Collection[str] = (), now: float) -> Login:
        """As `Connector` has it: GitHub has no such tokens."""
        del token, audiences, now
        raise not_verified("iss", "an OpenID provider", self.issuer)

    async def login(self, returned: Returned, *, now: float) -> Login:
        """As `Connector` has it."""
        if returned.iss not in (None, self.issuer):
            raise mixed_up(self.issuer, returned.iss)
        access_token = await self._redeem(returned)
        user = await self._ask("/user", access_token)
        if not isinstance(user, dict):
            raise unavailable("user", "a JSON object of GitHub's API", "another value")
        number = user.get("id")
        if type(number) is not int or number <= 0:
            raise not_verified("id", "the account's number", None)
        email, verified = email_of(await self._email(access_token))
        subject, name = str(number), text_of(user, "name")
        claims = {
            "iss": self.issuer,
            "sub": subject,
            "login": text_of(user, "login"),
            "name": name,
            "email": email,
            "email_verified": verified,
        }
        return Login(
            provider=self.key,
            claims=VerifiedClaims(
                issuer=self.issuer,
                subject=subject,
                audience=(self._client.client_id,),
                expires_at=int(now) + _LIFETIME,
                claims=claims,
            ),
            email=email,
            email_verified=verified,
            name=name,
            picture=picture_of(user, "avatar_url"),
        )

    async def _redeem(self, returned: Returned) -> str:
        client = self._client
        answer = await redeem(
            self._outbound,
            f"{self.issuer}/access_token",
            issuer=client.url,
            form={
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "code": returned.code,
                "redirect_uri": returned.redirect_uri,
                "code_verifier": returned.code_verifier,
            },
            secrets=(returned.code, returned.code_verifier, client.client_secret),
        )
        access_token = access_token_of(answer)
        if not access_token:
            raise not_verified("access_token", "an access token of GitHub", None)
        return access_token

    async def _email(self, access_token: str) -> Mapping[str, Any]:
        """The primary address as claims, if it is verified; that of the profile is unverified."""
        emails = await self._ask("/user/emails", access_token)
        for entry in emails if isinstance(emails, list) else ():
            if isinstance(entry, dict) and entry.get("primary") is True:
                verified = entry.get("verified") is True
                return {"email": entry.get("email"), "email_verified": verified}
        return {}

    async def _ask(self, path: str, access_token: str) -> object:
        url = self._client.api_url + path
        answer = await ask_json(
            self._outbound,
            url,
            issuer=self._client.url,
            name=path,
            access_token=access_token,
        )
        if answer.status != 200:
            raise unavailable(path, f"an answer of {url}", f"HTTP {answer.status}")
        try:
            return parse_value(answer.body)
        except AmbiguousJson as error:
            raise unavailable(path, f"JSON of {url}", f"an answer that {error}") from error

"""Logins through an OpenID provider, by the authorization code flow (OpenID Connect Core §3.1)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from broker.iam.claims import VerifiedClaims
from broker.iam.people import Login
from broker.jose.strict_json import AmbiguousJson, parse_object
from broker.upstream.login.connector import Redirection, Returned
from broker.upstream.login.id_token import verify_id_token, verify_presented
from broker.upstream.login.metadata import ProviderMetadata, ProviderMetadataCache
from broker.upstream.login.profile import (
    email_of,
    groups_of,
    has_overage,
    picture_of,
    text_of,
)
from broker.upstream.login.refusals import mixed_up, not_verified, unavailable, unsuitable
from broker.upstream.login.token_request import access_token_of, ask_json, basic, redeem
from broker.upstream.oidc import OidcVerifier
from broker.upstream.outbound import OutboundClient

SCOPES: Final = ("openid", "email", "profile")
S256: Final = "S256"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdClient:
    """What an OpenID provider knows of this service as its client."""

    key: str
    """UIDP of the organization's provider, or a connector's name."""
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty for a public client."""
    scopes: tuple[str, ...] = ()
    """Besides `openid email profile`."""
    pkce: bool = False
    """Whether PKCE is a must; it is used in any case where the provider says that it can."""
    groups_claim: str = ""
    """The claim's name, or a JSON pointer; empty: groups are not asked for."""


def challenge_of(verifier: str) -> str:
    """`code_challenge` by S256 (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """`url` with more parameters; those it has stay (RFC 6749 §3.1)."""
    query = urlencode(parameters, quote_via=quote)
    return f"{url}{'&' if '?' in url else '?'}{query}"


class OpenIdConnector:
    """One client of one provider. Cheap to make: what is kept is in the cache."""

    def __init__(
        self,
        client: OpenIdClient,
        *,
        outbound: OutboundClient,
        metadata: ProviderMetadataCache,
        verifier: OidcVerifier,
    ) -> None:
        self._client = client
        self._outbound = outbound
        self._metadata = metadata
        self._verifier = verifier

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
        return self._client.issuer

    async def authorization_url(self, to: Redirection) -> str:
        """As `Connector` has it (Core §3.1.2.1)."""
        metadata = await self._metadata.of(self.issuer)
        parameters = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": to.redirect_uri,
            "scope": " ".join(dict.fromkeys((*SCOPES, *self._client.scopes))),
            "state": to.state,
            "nonce": to.nonce,
        }
        if self._uses_pkce(metadata):
            challenge = challenge_of(to.code_verifier)
            parameters |= {"code_challenge": challenge, "code_challenge_method": S256}
        for name, value in (("login_hint", to.login_hint), ("prompt", to.prompt)):
            if value:
                parameters[name] = value
        return with_query(metadata.authorization_endpoint, parameters)

    async def login(self, returned: Returned, *, now: float) -> Login:
        """As `Connector` has it."""
        metadata = await self._metadata.of(self.issuer)
        self._check_sender(returned.iss, metadata)
        answer = await self._redeem(returned, metadata)
        verified = await verify_id_token(
            self._verifier,
            answer.get("id_token"),
            issuer=self.issuer,
            client_id=self._client.client_id,
            nonce=returned.nonce,
            access_token=answer.get("access_token"),
            now=now,
        )
        more = await self._userinfo(verified, metadata, access_token_of(answer))
        return self._login(verified, more)

    async def presented(self, token: str, *, audiences: Collection[str] = (), now: float) -> Login:
        """As `Connector` has it."""
        verified = await verify_presented(
            self._verifier,
            token,
            issuer=self.issuer,
            client_id=self._client.client_id,
            audiences=audiences,
            now=now,
        )
        return self._login(verified, {})

    def _uses_pkce(self, metadata: ProviderMetadata) -> bool:
        """Raises `Precondition` where it is a must and the provider says that it cannot."""
        methods = metadata.pkce_methods
        can = methods is not None and S256 in methods
        if not self._client.pkce and self._client.client_secret:
            return can
        if methods is not None and not can:
            raise unsuitable("code_challenge_methods_supported", S256, " ".join(methods))
        return True  # many can and do not say so

    def _check_sender(self, iss: str | None, metadata: ProviderMetadata) -> None:
        # before the code goes anywhere: it may be another provider's (RFC 9207 §2.4)
        absent = iss is None and not metadata.names_itself
        if not absent and iss != self.issuer:
            raise mixed_up(self.issuer, iss)

    async def _redeem(self, returned: Returned, metadata: ProviderMetadata) -> dict[str, Any]:
        client = self._client
        form = {
            "grant_type": "authorization_code",
            "code": returned.code,
            "redirect_uri": returned.redirect_uri,
        }
        if self._uses_pkce(metadata):
            form["code_verifier"] = returned.code_verifier
        authorization = ""
        if not client.client_secret:
            form["client_id"] = client.client_id  # RFC 6749 §3.2.1
        elif auth_method(metadata.auth_methods) == "client_secret_basic":
            authorization = basic(client.client_id, client.client_secret)
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        return await redeem(
            self._outbound,
            metadata.token_endpoint,
            issuer=self.issuer,
            form=form,
            authorization=authorization,
            secrets=tuple(
                filter(None, (returned.code, returned.code_verifier, client.client_secret))
            ),
        )

    async def _userinfo(
        self, verified: VerifiedClaims, metadata: ProviderMetadata, access_token: str
    ) -> Mapping[str, Any]:
        """Claims of the userinfo endpoint, where the ID token lacks some that count (Core §5.3)."""
        if not metadata.userinfo_endpoint or not access_token or self._is_complete(verified.claims):
            return {}
        answer = await ask_json(
            self._outbound,
            metadata.userinfo_endpoint,
            issuer=self.issuer,
            name="userinfo_endpoint",
            access_token=access_token,
        )
        expected = f"a JSON object of {metadata.userinfo_endpoint}"
        if answer.status != 200:
            raise unavailable("userinfo_endpoint", expected, f"HTTP {answer.status}")
        try:
            claims = parse_object(answer.body)
        except AmbiguousJson as error:
            raise unavailable("userinfo_endpoint", expected, f"an answer that {error}") from error
        # Core §5.3.2: else it may be said of somebody else, by a token that was swapped
        if claims.get("sub") != verified.subject:
            raise not_verified("userinfo sub", "the sub of the ID token", "another")
        return claims

    def _is_complete(self, claims: Mapping[str, Any]) -> bool:
        name = self._client.groups_claim
        has_groups = not name or has_overage(claims, name) or groups_of(claims, name) is not None
        return has_groups and "email" in claims

    def _login(self, verified: VerifiedClaims, more: Mapping[str, Any]) -> Login:
        claims, name = verified.claims, self._client.groups_claim
        # address and vouching come from one place: neither stands for the other's
        email, email_verified = email_of(claims if "email" in claims else more)
        overage = bool(name) and (has_overage(claims, name) or has_overage(more, name))
        groups: tuple[str, ...] | None = None
        if name:
            groups = groups_of(claims, name)
            groups = groups_of(more, name) if groups is None else groups
        profile = {**more, **claims}
        return Login(
            provider=self.key,
            claims=verified,
            email=email,
            email_verified=email_verified,
            name=text_of(profile, "name"),
            given_name=text_of(profile, "given_name"),
            family_name=text_of(profile, "family_name"),
            picture=picture_of(profile),
            groups=groups or (),
            groups_overage=overage,
        )


def auth_method(supported: tuple[str, ...]) -> str:
    """How a client with a secret authenticates. Raises `Precondition` where it cannot."""
    for method in ("client_secret_basic", "client_secret_post"):
        if method in supported:
            return method
    raise unsuitable(
        "token_endpoint_auth_methods_supported",
        "client_secret_basic or client_secret_post",
        " ".join(supported),
    )

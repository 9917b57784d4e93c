"""What a client may be told of a person (OpenID Connect Core §5.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from broker.errors import Denied, Unauthenticated
from broker.grants.live_logins import LiveLogins
from broker.issuer.access_tokens import AccessTokenVerifier
from broker.oauth import openid


class UserInfo:
    """Tells. `verifier` takes tokens for the broker itself; `clock` gives seconds since the
    epoch.
    """

    def __init__(
        self, verifier: AccessTokenVerifier, logins: LiveLogins, *, clock: Callable[[], float]
    ) -> None:
        self._verifier = verifier
        self._logins = logins
        self._clock = clock

    async def of(self, access_token: str) -> dict[str, Any]:
        """The claims that the token's scope allows.

        Raises `Unauthenticated` for a token that is not good, or whose login has ended, and
        `Denied` (`userinfo_scope_missing`).
        """
        token = self._verifier.verify(access_token, now=self._clock())
        if openid.OPENID not in token.scope:
            raise Denied(
                "userinfo_scope_missing", "the access token was not granted the scope openid"
            )
        login = await self._logins.find(token.session, token.subject)
        if login is None:
            raise Unauthenticated("token_session_ended", "the login of the token has ended")
        claims: dict[str, Any] = {"sub": token.subject}
        if openid.EMAIL in token.scope and login.principal.email:
            claims["email"] = login.principal.email
            claims["email_verified"] = login.principal.email_verified
        if openid.PROFILE in token.scope and login.name:
            claims["name"] = login.name
        return claims

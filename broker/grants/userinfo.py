"""Logins that are still alive, found by the `sid` of a token; and what may be told of whose they are
(OpenID Connect Core §5.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from broker.errors import Denied, Unauthenticated
from broker.grants.login.sessions import Sessions
from broker.grants.login_tokens import full_name
from broker.grants.person_tokens import Principal
from broker.grants.refresh import RefreshGrants, principal_of
from broker.iam.model import Identity
from broker.iam.uidp import Uidp
from broker.issuer.access_tokens import AccessTokenVerifier
from broker.oauth import openid
from broker.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLogin:
    """Somebody who is still logged in."""

    principal: Principal
    person: Identity
    name: str


class LiveLogins:
    """Looks for the browser session, or the refresh grant, that a token goes back to."""

    def __init__(self, sessions: Sessions, refresh_grants: RefreshGrants, store: Store) -> None:
        self._sessions = sessions
        self._refresh_grants = refresh_grants
        self._store = store

    async def find(self, sid: str, identity: Uidp) -> LiveLogin | None:
        """The login of this person; None when it has ended, or they are gone."""
        async with self._store.read() as records:
            person = await records.identities.get(identity)
        if person is None or not person.is_person:
            return None
        session = await self._sessions.get(sid)
        if session is not None and session.identity == identity:
            principal = Principal.of_session(session)
            return LiveLogin(principal=principal, person=person, name=session.name)
        grant = await self._refresh_grants.get(sid)
        if grant is None or grant.identity != identity:
            return None
        name = full_name(person.profile)
        return LiveLogin(principal=principal_of(grant, person), person=person, name=name)


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

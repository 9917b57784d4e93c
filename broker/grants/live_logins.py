"""Logins that are alive, found by the `sid` of a token."""

from __future__ import annotations

from dataclasses import dataclass

from broker.grants.login.sessions import Sessions
from broker.grants.person_tokens import Principal
from broker.grants.refresh import RefreshGrants, full_name, principal_of
from broker.iam.model import Identity
from broker.iam.uidp import Uidp
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

"""Where somebody is logged in, for themself to see and to end: browsers and applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.audit.writer import AuditWriter
from broker.errors import NotFound
from broker.grants.login.sessions import Session, Sessions
from broker.grants.login.ways import Ways
from broker.grants.refresh import RefreshGrants
from broker.grants.request import Call
from broker.iam.model import RefreshGrant
from broker.iam.uidp import Uidp


class OwnLogins:
    """Of one person each. `clock` gives seconds since the epoch, `record_id` a fresh id for a
    moment.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        grants: RefreshGrants,
        ways: Ways,
        audit: AuditWriter,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
    ) -> None:
        self._sessions = sessions
        self._grants = grants
        self._ways = ways
        self._audit = audit
        self._clock = clock
        self._record_id = record_id

    async def sessions(self, identity: Uidp) -> list[Session]:
        """In browsers, the one used last first."""
        return await self._sessions.of_identity(identity)

    async def applications(self, identity: Uidp) -> list[RefreshGrant]:
        """What renews its tokens, the one used last first."""
        return await self._grants.of_identity(identity)

    async def provider_label(self, key: str) -> str:
        """The name of the provider; what it was called by where it is gone."""
        try:
            return (await self._ways.of_key(key)).label
        except NotFound:
            return key

    async def end(self, identity: Uidp, name: str, call: Call) -> None:
        """A browser's session or an application. Raises `NotFound` (`session_not_found`)."""
        try:
            await self.end_session(identity, name, call)
        except NotFound:
            await self.end_application(identity, name, call)

    async def end_session(self, identity: Uidp, session_id: str, call: Call) -> None:
        """Of theirs. Raises `NotFound` (`session_not_found`) for another's as for none."""
        session = await self._sessions.get(session_id) if len(session_id) == 32 else None
        if session is None or session.identity != identity:
            raise _not_found()
        await self._sessions.end(session)
        at = datetime.fromtimestamp(self._clock(), UTC)
        await self._audit.write(
            AuditRecord(
                id=self._record_id(at),
                at=at,
                action="session.ended",
                outcome=Outcome.OK,
                actor=identity,
                subject=identity,
                group=None,
                request_id=call.request_id,
                detail=orjson.dumps({"session": session.id, "address": call.address}).decode(),
            )
        )

    async def end_application(self, identity: Uidp, grant_id: str, call: Call) -> None:
        """Of theirs. Raises `NotFound` (`session_not_found`) for another's as for none."""
        grant = await self._grants.get(grant_id) if len(grant_id) == 32 else None
        if grant is None or grant.identity != identity:
            raise _not_found()
        await self._grants.end(grant, call)


def _not_found() -> NotFound:
    return NotFound("session_not_found", "you have no such session or application")

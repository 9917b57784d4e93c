"""What is written down of logins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from broker.audit.record import AuditRecord, Outcome
from broker.audit.writer import AuditWriter
from broker.errors import BrokerError
from broker.grants.request import Call
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.measures import Tally

log = structlog.get_logger()


class Journal:
    """Of each login, good or refused, a record: who, through whom, from where; no e-mail address.

    `clock` gives seconds since the epoch, `record_id` a fresh id for a moment.
    """

    def __init__(
        self,
        audit: AuditWriter,
        *,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
    ) -> None:
        self._audit = audit
        self._clock = clock
        self._record_id = record_id
        self.logins = Tally("provider", "outcome")
        """By the name of a connector, or `organization`."""

    async def logged_in(
        self,
        call: Call,
        login: Login,
        *,
        session: str,
        registered: bool = False,
        joined: tuple[Uidp, ...] = (),
    ) -> None:
        """Return when it is durable. Raises `Unavailable`: no record, no session."""
        detail: dict[str, Any] = {"session": session} if session else {}
        if registered:
            detail["registered"] = True
        if joined:
            detail["joined"] = joined
        await self._audit.write(self._record(call, login.provider, login, detail))
        self._count(login.provider, Outcome.OK)
        log.info("login", outcome="ok", provider=login.provider, identity=login.identity)

    async def refused(
        self,
        call: Call,
        refusal: BrokerError,
        *,
        provider: str = "",
        login: Login | None = None,
    ) -> None:
        """A refusal stands even when it cannot be written down."""
        detail = {}
        if refusal.detail is not None:
            said = refusal.detail
            detail = {"name": said.name, "expected": said.expected, "got": said.got}
            detail |= {"hint": said.hint} if said.hint else {}
        self._count(provider, Outcome.of(refusal))
        log.info("login", outcome="refused", provider=provider, code=refusal.code)
        try:
            await self._audit.write(self._record(call, provider, login, detail, refusal))
        except BrokerError as error:
            log.error("refusal_not_recorded", code=error.code)

    def _count(self, provider: str, outcome: Outcome) -> None:
        self.logins.add("organization" if "/" in provider else provider, outcome.value)

    def _record(
        self,
        call: Call,
        provider: str,
        login: Login | None,
        detail: Mapping[str, Any],
        refusal: BrokerError | None = None,
    ) -> AuditRecord:
        at = datetime.fromtimestamp(self._clock(), UTC)
        organization = Uidp(provider).parent if "/" in provider else None
        return AuditRecord(
            id=self._record_id(at),
            at=at,
            action="login",
            outcome=Outcome.of(refusal),
            actor=f"{login.claims.issuer} {login.claims.subject}" if login else "",
            subject=login.identity if login else "",
            group=organization,
            request_id=call.request_id,
            stage=refusal.stage.value if refusal and refusal.stage else "",
            code=refusal.code if refusal else "",
            detail=orjson.dumps({"provider": provider, "address": call.address, **detail}).decode(),
        )

"""A store, state and sessions for grants of people, with a clock that tests move."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from broker.audit.identifiers import record_id
from broker.audit.writer import AuditWriter
from broker.grants.login.browser import Browser
from broker.grants.login.sessions import Session, Sessions
from broker.grants.login_records import LoginRecords
from broker.grants.refresh import RefreshGrants
from broker.grants.request import Call
from broker.grants.standing import Standing
from broker.iam.claims import VerifiedClaims
from broker.iam.model import Identity, Person
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.state.memory import MemoryState
from broker.store import Store

ISSUER = "https://id.example"
CALL = Call(request_id="0" * 32, dialect="test", address="192.0.2.1")
BROWSER = Browser(secret="0" * 64, address="192.0.2.1", agent="Firefox")
ANN = Uidp.of_person(ISSUER, "ann")
IDLE, LIFETIME = 600, 3600


class Unquestioned:
    """Where nobody provisions people."""

    async def check(self, person: Identity, provider: str) -> None:
        """They may go on."""


@dataclass
class Clock:
    """Seconds since the epoch."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Grounds:
    """Everything real."""

    store: Store
    audit: AuditWriter
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.state = MemoryState(clock=self.clock)
        self.sessions = Sessions(
            self.state, idle=86_400, lifetime=86_400, clock=self.clock, random=secrets.token_bytes
        )

    def grants(self, standing: Standing | None = None) -> RefreshGrants:
        return RefreshGrants(
            self.store,
            standing=standing or Unquestioned(),
            records=LoginRecords(
                self.audit,
                clock=self.clock,
                record_id=lambda at: record_id(at, secrets.token_bytes),
            ),
            idle=IDLE,
            lifetime=LIFETIME,
            clock=self.clock,
            random=secrets.token_bytes,
        )

    async def session(self) -> Session:
        """Of Ann's."""
        claims = VerifiedClaims(
            issuer=ISSUER, subject="ann", audience=("broker",), expires_at=0, claims={}
        )
        return (await self.sessions.begin(Login(provider="google", claims=claims), (), BROWSER))[0]


async def grounds_at(folder: Path) -> Grounds:
    """Where Ann is registered."""
    store = Store.open(f"sqlite:///{folder}/broker.sqlite3")
    await store.migrate()
    now = datetime.now(UTC)
    async with store.write() as records:
        await records.identities.add(
            Identity(
                id=ANN,
                name="ann",
                relationship=Person(issuer=ISSUER, subject="ann"),
                created_at=now,
                updated_at=now,
            )
        )
    return Grounds(store, AuditWriter(store))

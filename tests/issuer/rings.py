"""Key rings for tests: a clock to turn, a schedule, a ring over a log."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from broker.issuer.keyring import KeyLog, KeyRing
from broker.issuer.schedule import RotationSchedule
from broker.issuer.signer import Algorithm
from broker.issuer.wrapping import KeyFile, KeyWrapper

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LEAD, MAX_AGE, REFRESH = 900, 300, 30
PERIOD = 30 * 86_400


@dataclass
class Clock:
    """Shows what it was set to; `seconds` from START."""

    seconds: float = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def now(self) -> float:
        return self().timestamp()


def schedule(
    *,
    lead: float = LEAD,
    max_age: float = MAX_AGE,
    refresh: float = REFRESH,
    period: float | None = PERIOD,
) -> RotationSchedule:
    return RotationSchedule(
        publish_lead=timedelta(seconds=lead),
        jwks_max_age=timedelta(seconds=max_age),
        refresh_interval=timedelta(seconds=refresh),
        rotation_period=None if period is None else timedelta(seconds=period),
    )


def key_file() -> KeyFile:
    return KeyFile(secrets.token_bytes(32), secrets.token_bytes)


def key_ring(
    log: KeyLog,
    wrapper: KeyWrapper,
    clock: Clock,
    *,
    algorithm: Algorithm = "ES256",
    times: RotationSchedule | None = None,
) -> KeyRing:
    return KeyRing(log, wrapper, algorithm=algorithm, schedule=times or schedule(), clock=clock)


def kids(ring: KeyRing, now: float) -> list[str]:
    """The kids of the ring's JWKS, in its order."""
    return [key["kid"] for key in orjson.loads(ring.jwks(now))["keys"]]

"""A token of the broker's that is kept, and replaced before it expires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from broker.errors import Exhausted, Unavailable
from broker.sdk.exchange import Credential, exchange
from broker.sdk.refusal import Refused

PAUSE: Final = timedelta(seconds=30)
"""After a renewal that failed, while the token that is there is still good."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    expiry: datetime
    renew: datetime


class TokenSource:
    """Tokens for programs that outlive one. Safe to share between threads.

    `credential` gets a new upstream token each time, by `broker.sdk.ambient.token` for example.
    `identity` and what follows it are as for `broker.sdk.exchange.exchange`.
    """

    def __init__(
        self,
        issuer: str,
        credential: Credential,
        *,
        identity: str = "",
        audience: Sequence[str] = (),
        scopes: Sequence[str] = (),
        capabilities: Sequence[str] = (),
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._issuer = issuer
        self._credential = credential
        self._identity = identity
        self._audience = audience
        self._scopes = scopes
        self._capabilities = capabilities
        self._clock = clock
        self._lock = Lock()
        self._kept: _Kept | None = None

    def token(self) -> str:
        """The token that is kept; a new one when three quarters of its life are over.

        Blocks while a new one is made; call it in a thread where an event loop runs. A broker that
        cannot be reached, or is busy, is no error while the old token is good. Raises what
        `broker.sdk.exchange.exchange` raises.
        """
        with self._lock:
            now = self._clock()
            if self._kept is None or now >= self._kept.renew:
                self._kept = self._renewed(now, self._kept)
            return self._kept.token

    def _renewed(self, now: datetime, old: _Kept | None) -> _Kept:
        try:
            return self._exchanged(now)
        except (Unavailable, Refused) as error:
            if old is None or now >= old.expiry or not _may_pass(error):
                raise
            return _Kept(old.token, old.expiry, min(now + PAUSE, old.expiry))

    def _exchanged(self, now: datetime) -> _Kept:
        exchanged = asyncio.run(
            exchange(
                self._issuer,
                self._credential,
                identity=self._identity,
                audience=self._audience,
                scopes=self._scopes,
                capabilities=self._capabilities,
            )
        )
        expiry = datetime.fromisoformat(exchanged.expiry)
        return _Kept(exchanged.token, expiry, now + (expiry - now) * 3 / 4)


def _may_pass(error: Unavailable | Refused) -> bool:
    reason = error.error if isinstance(error, Refused) else error
    return isinstance(reason, Unavailable | Exhausted)

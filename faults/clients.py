"""Clients that exchange tokens at a steady rate, and try again as the contract says.

The load is open: a request leaves when it is due, whether or not earlier ones were answered, so
that a stall shows in every request that it delays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.sdk.testing.issuer import LocalIssuer
from faults.report import Outcomes

PATIENCE: Final = 10.0
"""Seconds for which a client tries again."""
PAUSE: Final = 0.2
"""Seconds between two attempts where the server says nothing of it."""
LONGEST_PAUSE: Final = 1.0
CONNECTIONS: Final = 256

Judge = Callable[[int, bytes], str]
"""Status and body → what is wrong with the answer; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who exchanges what."""

    identity: str
    token: Callable[[], str]
    """A new token of the issuer for each attempt, as a CI gives it."""


class Tokens:
    """Judges answers of the exchange: a token that verifies, for whom it was asked."""

    def __init__(self, issuer: str, *, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: KeySet | None = None
        self.minted: set[str] = set()

    async def learn(self, session: aiohttp.ClientSession) -> None:
        """Fetch the keys that tokens are verified with."""
        async with session.get(f"{self._issuer}/.well-known/jwks.json") as answer:
            self._keys = KeySet.import_key_set(orjson.loads(await answer.read()))

    def judge(self, identity: str, body: bytes) -> str:
        """What is wrong with the answer 200; empty for nothing."""
        assert self._keys is not None, "keys were fetched first"
        try:
            claims = jwt.decode(orjson.loads(body)["token"], self._keys).claims
        except (JoseError, ValueError, KeyError) as error:
            return f"200 with what is no token ({type(error).__name__})"
        if (claims["iss"], claims["sub"]) != (self._issuer, identity):
            return "a token of another issuer or for somebody else"
        if claims["exp"] <= self._clock():
            return "a token that has expired"
        if claims["jti"] in self.minted:
            return "a jti that was there before"
        self.minted.add(claims["jti"])
        return ""


class Load:
    """Requests at `rate` per second; `asks` are taken in turn.

    `expected`: the status that every request has to get in the end, where it is not 200.
    `retried`: statuses after which a client tries again.
    """

    def __init__(
        self,
        url: str,
        asks: list[Ask],
        *,
        rate: float,
        tokens: Tokens | None = None,
        expected: int = 200,
        retried: frozenset[int] = frozenset({503}),
    ) -> None:
        self._url = url
        self._asks = asks
        self._rate = rate
        self._expected = expected
        self._retried = retried - {expected}
        self._tokens = tokens or Tokens(url)
        self._stop = asyncio.Event()
        self.outcomes = Outcomes(minted=self._tokens.minted)

    def stop(self) -> None:
        """Send no more; `run` returns when all are answered."""
        self._stop.set()

    async def run(self, seconds: float) -> Outcomes:
        """Send for so long, and wait for the answers."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            await self._tokens.learn(session)
            start = time.perf_counter()
            for n in range(int(self._rate * seconds)):
                due = start + n / self._rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                if self._stop.is_set():
                    break
                group.create_task(self._one(session, due, self._asks[n % len(self._asks)]))
        return self.outcomes

    async def _one(self, session: aiohttp.ClientSession, due: float, ask: Ask) -> None:
        outcomes = self.outcomes
        outcomes.requests += 1
        while True:
            status, body, pause = await self._attempt(session, ask)
            outcomes.statuses[status] += 1
            now = time.perf_counter()
            if status and status not in self._retried:
                break
            outcomes.failed_at.append(now)
            if now + pause > due + PATIENCE:
                outcomes.lost += 1
                return
            await asyncio.sleep(pause)
        outcomes.answered += 1
        outcomes.latencies.append(now - due)
        if status != self._expected:
            outcomes.note_wrong(f"{status} {_code(body)}")
        elif status == 200 and (fault := self._tokens.judge(ask.identity, body)):
            outcomes.note_wrong(fault)

    async def _attempt(self, session: aiohttp.ClientSession, ask: Ask) -> tuple[int, bytes, float]:
        """Status, body, and seconds after which to try again; status 0: no answer came."""
        headers = {"Authorization": f"Bearer {ask.token()}"}
        url = f"{self._url}/sts/exchange?identity={ask.identity}"
        try:
            async with session.get(url, headers=headers) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return 0, b"", PAUSE
        pause = float(answer.headers.get("Retry-After", PAUSE))
        return answer.status, body, min(pause, LONGEST_PAUSE)


def asks(identities: Sequence[str], issuer: LocalIssuer) -> list[Ask]:
    """Workloads of the issuer, one an identity."""
    claims = issuer.github_claims(repository_owner_id="9919")
    return [Ask(identity, lambda: issuer.token(claims)) for identity in identities]


def _code(body: bytes) -> str:
    """The error's code in the gateway's JSON."""
    try:
        return str(orjson.loads(body)["details"][0]["reason"])
    except (ValueError, LookupError, TypeError):
        return "without a code"

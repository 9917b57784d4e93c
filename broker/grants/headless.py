"""Headless logins: somebody logs in in a browser elsewhere, and a terminal polls for the token.

| namespace  | key      | value                                  | lifetime |
|------------|----------|----------------------------------------|----------|
| `headless` | the code | the token, sealed for the code's key   | 15 min   |
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import orjson

from broker.errors import NotFound
from broker.iam.uidp import RandomBytes
from broker.issuer.sealing import Sealed, check_recipient, seal
from broker.state.state import State

TTL: Final = 900
"""Seconds."""


class HeadlessSessions:
    """Keeps each until it is asked for, once."""

    def __init__(self, state: State, *, random: RandomBytes) -> None:
        self._state = state
        self._random = random

    async def put(self, code: str, token: str) -> None:
        """For the holder of the key that is the code. Raises `Invalid`, `Unavailable`."""
        sealed = seal(token, code, random=self._random)
        ciphertext = base64.b64encode(sealed.ciphertext).decode()
        await self._state.put("headless", code, orjson.dumps([sealed.public_key, ciphertext]), TTL)

    async def take(self, code: str) -> Sealed:
        """Raises `NotFound` (`headless_session_pending`) until somebody has logged in, and when it
        was taken; `Invalid` for what is no code.
        """
        check_recipient(code)
        kept = await self._state.take("headless", code)
        if kept is None:
            raise NotFound(
                "headless_session_pending",
                "nobody has logged in with this code yet, or its token was fetched already",
            )
        public_key, ciphertext = orjson.loads(kept)
        return Sealed(public_key, base64.b64decode(ciphertext))


def fingerprint(code: str) -> str:
    """What people compare: the first 32 bits of the code's SHA-256, `1A2B-3C4D`."""
    digest = hashlib.sha256(code.encode()).hexdigest()[:8].upper()
    return f"{digest[:4]}-{digest[4:]}"

"""Cached tokens that are renewed before they expire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp

from broker.sdk.login.provider import discovered
from broker.sdk.login.tokens import Tokens, refreshed
from broker.sdk.refusal import Refused
from broker.sdk.token_cache import Kind, TokenCache, claims_of, seconds_left

MARGIN: Final = 60.0
"""Seconds that a token has to be good for, to be used."""


class Renewal:
    """Of one issuer's tokens. `clock` gives seconds since the epoch.

    Its methods block, and raise what `TokenCache` raises.
    """

    def __init__(self, cache: TokenCache, issuer: str, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._issuer = issuer
        self._clock = clock

    def cached(self, audience: str) -> str | None:
        """The access token, if it is good for a while yet."""
        token = self._cache.load(Kind.ACCESS, audience)
        if token is None or claims_of(token).get("iss") != self._issuer:
            return None
        return token if seconds_left(token, self._clock()) >= MARGIN else None

    def current(self, audience: str) -> str | None:
        """The access token, renewed if it has to be. None: somebody has to log in.

        Raises `Refused`, `Unavailable`.
        """
        if token := self.cached(audience):
            return token
        with self._cache.locked():
            # another process may have renewed it while this one waited
            return self.cached(audience) or self._renewed(audience)

    def renewed(self, audience: str) -> str | None:
        """A new access token, however good the one that is there. None: somebody has to log in.

        Raises `Refused`, `Unavailable`.
        """
        with self._cache.locked():
            return self._renewed(audience)

    def _renewed(self, audience: str) -> str | None:
        found = self._cache.refreshable(self._issuer, audience)
        if found is None:
            return None
        path, refresh_token = found
        try:
            tokens = asyncio.run(self._asked(refresh_token, audience))
        except Refused as refusal:
            if refusal.oauth != "invalid_grant":
                raise
            # it has expired, or the login was ended: it will not get better
            self._cache.replace(path, None)
            return None
        # first what nobody can have again
        self._cache.replace(path, tokens.refresh_token or refresh_token)
        self._cache.save(Kind.ACCESS, audience, tokens.access_token)
        return tokens.access_token

    async def _asked(self, refresh_token: str, audience: str) -> Tokens:
        async with aiohttp.ClientSession() as session:
            provider = await discovered(session, self._issuer)
            resource = resource_of(audience, self._issuer)
            return await refreshed(session, provider, refresh_token, audience=resource)


def resource_of(audience: str, issuer: str) -> str:
    """What to ask for to have a token for this audience: nothing for the broker itself."""
    return "" if audience == issuer else audience

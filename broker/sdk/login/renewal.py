"""Cached tokens that are renewed before they expire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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

    def narrowed(
        self, audience: str, *, scopes: Sequence[str], capabilities: Sequence[str]
    ) -> str | None:
        """A token that allows less, which is not kept. None: somebody has to log in.

        `scopes` are UIDPs of groups. Raises `Refused`, `Unavailable`.
        """
        with self._cache.locked():
            return self._used(audience, scopes, capabilities)

    def _renewed(self, audience: str) -> str | None:
        try:
            token = self._used(audience, (), ())
        except Refused as refusal:
            # the login was not for this audience (RFC 8707 §2)
            if refusal.oauth != "invalid_target" and refusal.error.code != "refresh_widens":
                raise
            return None
        if token is not None:
            self._cache.save(Kind.ACCESS, audience, token)
        return token

    def _used(
        self, audience: str, scopes: Sequence[str], capabilities: Sequence[str]
    ) -> str | None:
        """Has a refresh token exchanged, and keeps the next one; the access token."""
        found = self._cache.refreshable(self._issuer, audience)
        if found is None or not found.refresh:
            return None
        try:
            tokens = asyncio.run(self._asked(found.refresh, audience, scopes, capabilities))
        except Refused as refusal:
            if not _is_over(refusal):
                raise
            # it has expired, or the login was ended: it will not get better
            self._cache.replace(found, None)
            return None
        # at once: whoever comes with the old one again loses the login
        self._cache.replace(found, tokens.refresh_token or found.refresh)
        return tokens.access_token

    async def _asked(
        self,
        refresh_token: str,
        audience: str,
        scopes: Sequence[str],
        capabilities: Sequence[str],
    ) -> Tokens:
        async with aiohttp.ClientSession() as session:
            return await refreshed(
                session,
                await discovered(session, self._issuer),
                refresh_token,
                audience=audience,
                scopes=scopes,
                capabilities=capabilities,
            )


def _is_over(refusal: Refused) -> bool:
    """Whether the refresh token itself was refused."""
    return refusal.oauth == "invalid_grant"

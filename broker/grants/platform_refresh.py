"""The platform's dialect of a refresh: the client has no name, and there is no ID token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from broker.errors import BrokerError
from broker.grants.login_tokens import LoginTokens
from broker.grants.person_tokens import Wanted
from broker.grants.refresh import RefreshGrants, narrowed
from broker.grants.refresh_token import ends_at
from broker.grants.request import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """The answer. Times: seconds since the epoch."""

    token: str = field(repr=False)
    expires_at: int
    refresh_token: str = field(repr=False)
    refresh_expires_at: int


class PlatformRefresh:
    """Renews the logins of `/oauth`. `refuse` writes a refusal down."""

    def __init__(
        self,
        refresh_grants: RefreshGrants,
        tokens: LoginTokens,
        *,
        refuse: Callable[[Call, BrokerError], Awaitable[None]],
    ) -> None:
        self._refresh_grants = refresh_grants
        self._tokens = tokens
        self.refuse = refuse

    async def run(self, text: str, wanted: Wanted, call: Call) -> TokenPair:
        """Raises what `RefreshGrants.examine` and `LoginTokens.of_refresh` raise."""
        try:
            used = await self._refresh_grants.examine(text, client_id="", call=call)
            wanted = narrowed(used.grant, wanted)
        except BrokerError as error:
            await self.refuse(call, error)
            raise
        issued = await self._tokens.of_refresh(used, wanted, (), call)
        return TokenPair(
            token=issued.exchanged.token.token,
            expires_at=issued.exchanged.token.expires_at,
            refresh_token=issued.refresh_token,
            refresh_expires_at=ends_at(issued.refresh_token),
        )

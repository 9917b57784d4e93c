"""An ID token of ours in the place of an upstream token: how a device that was let in by the
platform's own clients gets its access token.

It is good for the person themself, while the login lasts, and gives nothing that the login did not
give. An access token of ours is still not exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from broker.errors import Denied, Stage
from broker.grants.live_logins import LiveLogins
from broker.grants.person_tokens import PersonTokens, Principal, Wanted
from broker.grants.request import Exchanged, ExchangeRequest
from broker.issuer.id_tokens import IdTokens


class OwnIdTokens:
    """`clients`: ids of the registered ones. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        id_tokens: IdTokens,
        logins: LiveLogins,
        person_tokens: PersonTokens,
        *,
        clients: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._id_tokens = id_tokens
        self._logins = logins
        self._person_tokens = person_tokens
        self._clients = clients
        self._clock = clock

    def may_be(self, token: str) -> bool:
        """Whether it says that it is one."""
        return self._id_tokens.may_be(token)

    async def check(self, request: ExchangeRequest) -> Principal:
        """Whose it is.

        Raises `Unauthenticated`, and `Denied` (`login_ended`, `id_token_for_another`).
        """
        token = self._id_tokens.verify(request.token, clients=self._clients, now=self._clock())
        if request.identity is not None and request.identity != token.subject:
            raise _not_another()
        login = await self._logins.find(token.session, token.subject)
        if login is None:
            raise Denied("login_ended", "the login has ended; log in again", stage=Stage.TOKEN)
        return login.principal

    async def mint(self, principal: Principal, request: ExchangeRequest) -> Exchanged:
        """An access token for the person. Raises what `PersonTokens.mint` raises."""
        wanted = Wanted(
            audience=request.audience,
            scopes=request.scopes,
            capabilities=request.capabilities,
        )
        return await self._person_tokens.mint(principal, wanted, request.call)


def _not_another() -> Denied:
    return Denied(
        "id_token_for_another",
        "an ID token of this broker is good for the person whom it is about, and for no identity; "
        "log in with the identity instead",
        stage=Stage.IDENTITY,
    )

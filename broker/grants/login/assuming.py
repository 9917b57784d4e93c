"""To become an assumable identity by a login: an exchange of what a provider has just vouched for.

It goes the way of every exchange, with its limits, its single use and its record; only the reading
and verifying of a token is done already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from broker.errors import BrokerError, Detail, Stage
from broker.grants.credentials import Check, not_accepted
from broker.grants.exchange import Exchange
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.claims import UnverifiedClaims, VerifiedClaims
from broker.iam.model import ClaimMatch, Identity
from broker.iam.people import Login
from broker.iam.uidp import Uidp


class LoginCredential:
    """A login in the place of a token. It was verified, and that once: by its connector."""

    def __init__(self, login: Login, login_id: str) -> None:
        """`login_id`: of this login and no other."""
        self._login = login
        self._id = login_id

    @property
    def sha256(self) -> str:
        """Of the login's name; there is no token."""
        return hashlib.sha256(self.use_id.encode()).hexdigest()

    @property
    def form(self) -> str:
        """With where it was."""
        return f"a login through {self._login.provider}"

    @property
    def unverified_issuer(self) -> str:
        """The provider's, verified as it is."""
        return self._login.claims.issuer

    @property
    def unverified_subject(self) -> str:
        """Verified as well."""
        return self._login.claims.subject

    @property
    def unverified_claims(self) -> UnverifiedClaims:
        """The same claims, for the account of a refusal."""
        claims = self._login.claims
        return UnverifiedClaims(
            issuer=claims.issuer,
            subject=claims.subject,
            audience=claims.audience,
            claims=claims.claims,
        )

    @property
    def use_id(self) -> str:
        """A login is one use."""
        return f"login {self._id}"

    def check(self, now: float) -> None:
        """Nothing: it has just been made."""

    def faults(self, now: float) -> Iterable[BrokerError]:
        """None."""
        del now
        return ()

    async def verify(self, identity: Identity, now: float) -> VerifiedClaims:
        """The claims, for an identity whose rules are about an OpenID provider's."""
        del now
        if not isinstance(identity.relationship, ClaimMatch):
            expected = "the kind of credential that the identity's rules are for"
            raise not_accepted(detail=Detail("credential", expected, "a login"))
        return self._login.claims

    def checks(self, identity: Identity | None) -> tuple[Check, ...]:
        """One, made by the connector."""
        del identity
        return (Check(Stage.SIGNATURE, "login", "a login at the provider", "verified"),)


class Assuming:
    """Exchanges logins."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def run(
        self,
        login: Login,
        identity: Uidp,
        *,
        audience: tuple[str, ...],
        scopes: tuple[Uidp, ...],
        call: Call,
    ) -> Exchanged:
        """A token of the identity's. Raises what `Exchange.run` raises."""
        return await self._exchange.run(
            ExchangeRequest(
                call=call,
                token="",
                presented=LoginCredential(login, call.request_id),
                identity=identity,
                audience=audience,
                scopes=scopes,
            )
        )

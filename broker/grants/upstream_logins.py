"""Logins that the broker did not see: their ID tokens, sent by who got them.

By these people register over the API, and exchange as somebody who logged in through an
organization's identity provider. An organization's provider is believed for its own client alone:
whoever has an account at the same issuer can get tokens for other audiences.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from broker.errors import BrokerError, Invalid, NotFound, Stage
from broker.grants.limits import ExchangeLimits
from broker.grants.login.journal import Journal
from broker.grants.login.people import (
    Entered,
    Providers,
    Provisioning,
    Registration,
    SessionRoles,
)
from broker.grants.login.ways import Connectors, unknown_provider
from broker.grants.person_tokens import PersonTokens, Principal, Wanted
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.jose.compact import parse
from broker.upstream.login.connector import Connector
from broker.upstream.login.refusals import not_verified


class UpstreamLogins:
    """`own_audiences`: of tokens that are meant for this broker; the connectors that everybody may
    use are believed for them too. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        *,
        connectors: Connectors,
        providers: Providers,
        provisioning: Provisioning,
        registration: Registration,
        roles: SessionRoles,
        tokens: PersonTokens,
        journal: Journal,
        limits: ExchangeLimits,
        own_audiences: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._connectors = connectors
        self._providers = providers
        self._provisioning = provisioning
        self._registration = registration
        self._roles = roles
        self._tokens = tokens
        self._journal = journal
        self._limits = limits
        self._own_audiences = tuple(own_audiences)
        self._clock = clock

    async def register(
        self, token: str, call: Call, *, invite: str = "", person: Uidp | None = None
    ) -> Entered:
        """Make the person known; `invite` is accepted on the way. `person`: whom the caller takes
        themself for.

        Raises `Unauthenticated`, `Invalid`, `Exhausted` for an address that was refused too often,
        and what `Registration.enter` raises; a refusal has been written down then.
        """
        self._limits.admit(call.address)
        login: Login | None = None
        try:
            login = await self._whose(token)
            _expect_same(person, login, field="identity_id")
            entered = await self._registration.enter(
                login,
                invite=invite,
                may_register=True,
                request_id=call.request_id,
                now=self._clock(),
            )
        except BrokerError as refusal:
            self._limits.note_refusal(call.address, refusal)
            provider = login.provider if login else ""
            await self._journal.refused(call, refusal, provider=provider, login=login)
            raise
        return entered

    async def check(self, request: ExchangeRequest) -> Principal:
        """Who logged in through the provider that the request names, with what their groups bring.

        Raises `Unauthenticated`, `Denied` (`person_deactivated`), `NotFound`
        (`login_provider_unknown`), `Invalid` for another identity than theirs.
        """
        assert request.identity_provider is not None, "else it is a token of no login"
        now = self._clock()
        connector = await self._of_organization(request.identity_provider)
        login = await connector.presented(request.token, now=now)
        _expect_same(request.identity, login, field="identity")
        await self._provisioning.check(login)
        mappings = await self._roles.of(login, request_id=request.call.request_id, now=now)
        claims, audience = login.claims, login.claims.audience
        return Principal(
            identity=login.identity,
            provider=login.provider,
            session="",
            actor={
                "iss": claims.issuer,
                "sub": claims.subject,
                "aud": audience[0] if len(audience) == 1 else list(audience),
            },
            mappings=mappings,
            mappings_end_at=claims.expires_at if mappings else None,
            email=login.email,
            email_verified=login.email_verified,
        )

    async def mint(self, principal: Principal, request: ExchangeRequest) -> Exchanged:
        """A token for them. Raises what `PersonTokens.mint` raises."""
        wanted = Wanted(
            audience=request.audience,
            scopes=request.scopes,
            capabilities=request.capabilities,
        )
        return await self._tokens.mint(principal, wanted, request.call)

    async def _whose(self, token: str) -> Login:
        """By whoever of those that are known issued it."""
        now, unverified = self._clock(), parse(token)
        issuer, audience = unverified.unverified_issuer, unverified.unverified_audience
        found = await self._providers.of_issuer(issuer)
        # two may have the same client, of which one says so only: the first who did is believed
        for provider in sorted(found, key=lambda each: each.created_at):
            if provider.client_id in audience:
                login = await self._connectors.of(provider, "").presented(token, now=now)
                await self._provisioning.check(login)
                return login
        for connector in self._connectors.builtin.values():
            if connector.issuer == issuer:
                return await connector.presented(token, audiences=self._own_audiences, now=now)
        raise not_verified("iss", "an identity provider by which people log in here", issuer)

    async def _of_organization(self, uidp: Uidp) -> Connector:
        try:
            return self._connectors.of(await self._providers.record(uidp), "")
        except NotFound:
            raise unknown_provider() from None


def _expect_same(person: Uidp | None, login: Login, *, field: str) -> None:
    if person is not None and person != login.identity:
        raise Invalid(
            "field_invalid",
            f"{field}: the token is about another person; leave it out",
            stage=Stage.REQUEST,
            field=field,
        )

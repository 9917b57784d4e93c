"""What a client gets for a login: an access token, an ID token, a refresh token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from broker.errors import Invalid, Stage
from broker.grants.audiences import Audiences
from broker.grants.authorization_code import AuthorizationCodes, Authorized
from broker.grants.device_code import DeviceRequest
from broker.grants.login.assuming import Assuming
from broker.grants.login.intents import Authorization
from broker.grants.login.sessions import Session
from broker.grants.person_tokens import PersonTokens, Principal, Wanted
from broker.grants.refresh import RefreshGrants, Usable, full_name
from broker.grants.request import Call, Exchanged
from broker.iam.uidp import Uidp
from broker.issuer.id_tokens import IdTokenClaims, IdTokens
from broker.oauth import openid


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The answer of the token endpoint."""

    exchanged: Exchanged
    scope: tuple[str, ...] = ()
    """Words of OpenID Connect that were granted."""
    id_token: str = field(default="", repr=False)
    """Empty: none, as `refresh_token`."""
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    """Whose, and what it allows."""

    principal: Principal
    name: str
    authenticated_at: int
    client_id: str
    scope: tuple[str, ...]
    wanted: Wanted
    nonce: str = ""


class LoginTokens:
    """Puts the answer together. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        person_tokens: PersonTokens,
        id_tokens: IdTokens,
        refresh_grants: RefreshGrants,
        codes: AuthorizationCodes,
        assuming: Assuming,
        audiences: Audiences,
        clock: Callable[[], float],
    ) -> None:
        self._person_tokens = person_tokens
        self._id_tokens = id_tokens
        self._refresh_grants = refresh_grants
        self._codes = codes
        self._assuming = assuming
        self._audiences = audiences
        self._clock = clock

    def wanted_of_code(self, authorized: Authorized, audience: tuple[str, ...]) -> Wanted:
        """What the first token of a code is to be good for. Raises `Invalid`
        (`audience_not_allowed`) for more than was authorized.
        """
        granted = self._granted(authorized.authorization)
        return replace(granted, audience=_part(audience, granted.audience))

    async def of_code(
        self, authorized: Authorized, code: str, wanted: Wanted, call: Call
    ) -> Issued:
        """For an authorization code that was redeemed.

        Raises `Denied` when the code came again meanwhile, and what `PersonTokens.mint` and
        `Exchange.run` raise.
        """
        asked = authorized.authorization
        if authorized.login is not None:
            exchanged = await self._assuming.run(
                authorized.login,
                Uidp(asked.identity),
                audience=wanted.audience,
                scopes=wanted.scopes,
                call=call,
            )
            return Issued(exchanged=exchanged)
        assert authorized.session is not None, "a code is for one of the two"
        login = _of_session(
            authorized.session, asked.client_id, asked.scope, wanted, nonce=asked.nonce
        )
        granted = self._granted(asked)
        issued = await self._issue(login, granted, call, family=authorized.family)
        await self._codes.expect_once(code, call)
        return issued

    async def of_device(self, request: DeviceRequest, session: Session, call: Call) -> Issued:
        """For a device that somebody let in. Raises what `PersonTokens.mint` raises."""
        wanted = self._granted(request)
        login = _of_session(session, request.client_id, request.scope, wanted)
        return await self._issue(login, wanted, call)

    async def of_refresh(
        self, used: Usable, wanted: Wanted, scope: tuple[str, ...], call: Call
    ) -> Issued:
        """For a refresh token that is good: it is renewed once all else is done. `wanted` and
        `scope` are within what was granted.

        Raises what `PersonTokens.mint` and `RefreshGrants.renew` raise.
        """
        grant = used.grant
        login = _Login(
            principal=used.principal,
            name=full_name(used.person.profile),
            authenticated_at=int(grant.authenticated_at.timestamp()),
            client_id=grant.client_id,
            scope=scope,
            wanted=wanted,
        )
        exchanged = await self._mint(login, call)
        renewed = await self._refresh_grants.renew(used, call)
        return Issued(
            exchanged=exchanged,
            scope=login.scope,
            id_token=self._id_token(login, exchanged),
            refresh_token=renewed,
        )

    def _granted(self, asked: Authorization | DeviceRequest) -> Wanted:
        return Wanted(
            audience=self._audiences.of(asked.audience),
            scopes=tuple(map(Uidp, asked.groups)),
        )

    async def _issue(
        self, login: _Login, granted: Wanted, call: Call, *, family: bytes = b""
    ) -> Issued:
        if login.principal.mappings:  # nothing of what groups brought goes on
            login = replace(login, scope=_without(login.scope, openid.OFFLINE_ACCESS))
        exchanged = await self._mint(login, call)
        refresh_token = ""
        if openid.OFFLINE_ACCESS in login.scope:
            refresh_token = await self._refresh_grants.issue(
                login.principal,
                login.client_id,
                authenticated_at=login.authenticated_at,
                audience=granted.audience,
                scopes=granted.scopes,
                openid_scope=login.scope,
                family=family,
                call=call,
            )
        return Issued(
            exchanged=exchanged,
            scope=login.scope,
            id_token=self._id_token(login, exchanged),
            refresh_token=refresh_token,
        )

    async def _mint(self, login: _Login, call: Call) -> Exchanged:
        wanted = replace(login.wanted, openid_scope=login.scope)
        return await self._person_tokens.mint(login.principal, wanted, call)

    def _id_token(self, login: _Login, exchanged: Exchanged) -> str:
        if openid.OPENID not in login.scope:
            return ""
        principal = login.principal
        return self._id_tokens.mint(
            IdTokenClaims(
                subject=principal.identity,
                client_id=login.client_id,
                session=principal.session,
                authenticated_at=login.authenticated_at,
                nonce=login.nonce,
                access_token=exchanged.token.token,
                email=principal.email if openid.EMAIL in login.scope else "",
                email_verified=principal.email_verified,
                name=login.name if openid.PROFILE in login.scope else "",
            ),
            now=self._clock(),
        )


def _of_session(
    session: Session, client_id: str, scope: tuple[str, ...], wanted: Wanted, *, nonce: str = ""
) -> _Login:
    return _Login(
        principal=Principal.of_session(session),
        name=session.name,
        authenticated_at=session.authenticated_at,
        client_id=client_id,
        scope=scope,
        wanted=wanted,
        nonce=nonce,
    )


def _part(asked: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
    """RFC 8707 §2.2: a token may be for fewer resources than were authorized, not for others."""
    for value in asked:
        if value not in granted:
            raise Invalid(
                "audience_not_allowed",
                f"audience: {value[:128]!r} was not asked for at the authorization endpoint",
                stage=Stage.REQUEST,
                field="resource",
            )
    return asked or granted


def _without(scope: tuple[str, ...], word: str) -> tuple[str, ...]:
    return tuple(each for each in scope if each != word)

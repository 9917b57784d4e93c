"""The standard endpoints for clients of people, put together."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final
from urllib.parse import urlsplit

import structlog

from broker.app.login import People, Surroundings
from broker.errors import BrokerError
from broker.grants.authorization_code import AuthorizationCodes
from broker.grants.device_code import DeviceCodes
from broker.grants.live_logins import LiveLogins
from broker.grants.login.intents import Authorization, DeviceApproval
from broker.grants.login_tokens import LoginTokens
from broker.grants.own_id_tokens import OwnIdTokens
from broker.grants.platform_refresh import PlatformRefresh
from broker.grants.userinfo import UserInfo
from broker.issuer.access_tokens import AccessTokenVerifier
from broker.issuer.id_tokens import IdTokens
from broker.issuer.keyring import KeyRing
from broker.web.front_door import Route
from broker.web.oauth.authorize import AuthorizationCompletion, AuthorizationEndpoint
from broker.web.oauth.device import DeviceAuthorization, DeviceCompletion, DevicePage
from broker.web.oauth.logout import LogoutEndpoint
from broker.web.oauth.paths import oauth_routes
from broker.web.oauth.revocation import Revocation
from broker.web.oauth.token_grants import LoginGrants
from broker.web.oauth.userinfo import UserInfoEndpoint
from broker.web.sts_refresh import StsRefresh

SWEEP_EVERY: Final = 3600.0
"""Seconds."""

log = structlog.get_logger()


class OAuth:
    """Everything here is there once. Completes what people log in for at these endpoints, and has
    the exchange take ID tokens that were issued here.
    """

    def __init__(self, people: People, around: Surroundings, keyring: KeyRing) -> None:
        self._people = people
        self._around = around
        self._base = urlsplit(around.settings.issuer).path.rstrip("/")
        issuer = around.settings.issuer
        self._id_tokens = IdTokens(issuer=issuer, keyring=keyring)
        self._codes = AuthorizationCodes(
            around.state,
            people.sessions,
            end_family=people.grants.end_family,
            random=secrets.token_bytes,
        )
        self._devices = DeviceCodes(
            around.state, people.sessions, clock=time.time, random=secrets.token_bytes
        )
        live = LiveLogins(people.sessions, people.grants, around.store)
        tokens = LoginTokens(
            person_tokens=people.tokens,
            id_tokens=self._id_tokens,
            refresh_grants=people.grants,
            codes=self._codes,
            assuming=people.assuming,
            audiences=around.audiences,
            clock=time.time,
        )
        refuse = around.exchange.refuse
        self.grants = LoginGrants(
            clients=people.clients,
            codes=self._codes,
            devices=self._devices,
            refresh_grants=people.grants,
            tokens=tokens,
            refuse=refuse,
        )
        self.refresh = PlatformRefresh(people.grants, tokens, refuse=refuse)
        verifier = AccessTokenVerifier(issuer=issuer, keyring=keyring, audiences={issuer})
        self._userinfo = UserInfo(verifier, live, clock=time.time)
        around.exchange.take_id_tokens(
            OwnIdTokens(
                self._id_tokens,
                live,
                people.tokens,
                clients=people.clients.by_id.keys(),
                clock=time.time,
            )
        )
        self._device_page = DevicePage(
            self._devices,
            people.clients,
            people.visitors,
            people.entrance,
            people.pages,
            base=self._base,
        )
        self._completion = AuthorizationCompletion(
            self._codes, people.clients, people.departures, issuer=issuer, clock=time.time
        )
        people.completions[Authorization] = self._completion
        people.completions[DeviceApproval] = DeviceCompletion(self._devices, self._device_page)

    def routes(self) -> dict[str, Route]:
        """The paths."""
        people, around = self._people, self._around
        return oauth_routes(
            authorize=AuthorizationEndpoint(
                clients=people.clients,
                audiences=around.audiences,
                id_tokens=self._id_tokens,
                visitors=people.visitors,
                entrance=people.entrance,
                completion=self._completion,
                clock=time.time,
            ),
            device_authorization=DeviceAuthorization(
                people.clients,
                around.audiences,
                self._devices,
                page=f"{around.settings.issuer}/device",
            ),
            device=self._device_page,
            userinfo=UserInfoEndpoint(self._userinfo),
            revocation=Revocation(people.clients, people.grants),
            logout=LogoutEndpoint(
                clients=people.clients,
                id_tokens=self._id_tokens,
                own_logins=people.own_logins,
                visitors=people.visitors,
                departures=people.departures,
                pages=people.pages,
                base=self._base,
                clock=time.time,
            ),
            sts_refresh=StsRefresh(self.refresh),
            pages=people.pages,
        )

    async def sweep(self, *, every: float = SWEEP_EVERY) -> None:
        """Forget refresh grants that have ended, for ever; every process may do so."""
        while True:
            await asyncio.sleep(every)
            try:
                await self._people.grants.sweep()
            except BrokerError as error:
                log.warning("refresh_grants_not_swept", code=error.code, reason=error.message)
            except Exception:  # a defect; the next round tries again
                log.exception("refresh_grants_not_swept")

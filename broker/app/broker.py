"""A running broker."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from broker import __version__
from broker.api.client_address import ClientAddresses
from broker.api.dispatch import Api, Service
from broker.api.services import services
from broker.app.keys import key_ring, key_wrapper
from broker.app.login import People, Surroundings
from broker.app.measures import Parts, sources
from broker.app.oauth import OAuth
from broker.app.upstream import NO_ADDRESSES, Upstream
from broker.audit.identifiers import record_id
from broker.audit.writer import AuditWriter
from broker.config import LOOPBACK, Settings, rate
from broker.contract.methods import Contract
from broker.directory.installation import Installation, LintMode
from broker.directory.last_seen import LastSeen
from broker.directory.snapshots import Snapshots
from broker.entropy import Entropy
from broker.errors import BrokerError
from broker.grants.audiences import Audiences
from broker.grants.candidates import Candidates
from broker.grants.credentials import Credentials
from broker.grants.examination import Examination
from broker.grants.exchange import Exchange
from broker.grants.explain import Explain
from broker.grants.limits import ExchangeLimits
from broker.grants.single_use import SingleUse
from broker.iam.capabilities import CapabilityTable
from broker.iam.issuer_policy import policy_of
from broker.iam.matching import own_audiences
from broker.iam.roles import BuiltinRoles
from broker.issuer.access_tokens import AccessTokenVerifier
from broker.issuer.keyring import KeyRing
from broker.issuer.tokens import AccessTokens
from broker.state.channel import Channel, NoChannel
from broker.state.memory import MemoryState
from broker.state.rates import RateLimiter
from broker.state.sharing import RateSharing
from broker.state.state import State
from broker.store import Store
from broker.upstream.login.inspection import ProviderInspection
from broker.upstream.outbound import PinnedAddress
from broker.web.admin import AdminServer
from broker.web.api import ApiPaths
from broker.web.health import Health
from broker.web.metrics import Metrics
from broker.web.reference import Reference
from broker.web.scim.paths import either
from broker.web.server import HttpServer, routes
from broker.web.sts import StsExchange
from broker.web.tls import CertificateFiles
from broker.web.token import TokenEndpoint
from broker.web.well_known import WellKnown

if TYPE_CHECKING:  # grpc takes a while to import, and commands that only need the keys use none
    from broker.rpc.server import RpcServer

log = structlog.get_logger()

RECORDS: Final = "records"
"""The topic of what any snapshot of an identity may be made of."""

MIN_DRAIN: Final = 1
"""Seconds in which a worker that ends answers on the connections that it has."""


class Broker:
    """A running broker: `async with Broker(settings) as broker`.

    `addresses`: host → where it is, for hosts that name servers do not know, as in tests.
    `listener`: a socket that other processes listen on too, instead of one of its own. `number`:
    which of several workers it is, from 0.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        addresses: Mapping[str, PinnedAddress] = NO_ADDRESSES,
        listener: socket.socket | None = None,
        number: int = 0,
    ) -> None:
        self._settings = settings
        self._number = number
        self._addresses = addresses
        self._listener = listener
        self._stack = AsyncExitStack()
        self._entropy = Entropy()
        self._audiences = Audiences(
            default=settings.issuer, allowed=frozenset(settings.token_audiences)
        )
        self.port = 0
        """Where it listens, once it runs."""
        self.grpc_port: int | None = None
        """Where it listens for gRPC alone, if it does."""
        self.admin_port: int | None = None
        """Where it shows its metrics, if it does."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        log.info("stopped")

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        capabilities = CapabilityTable.load(settings.capabilities)
        store = await self._store(stack)
        keyring = key_ring(settings, store)
        await keyring.open()
        audit = AuditWriter(store)
        stack.push_async_callback(audit.close)
        roles = BuiltinRoles(capabilities)
        channel = self._channel(stack)
        snapshots = self._snapshots(store, capabilities, roles, channel)
        channel.listen(RECORDS, lambda _: snapshots.wake())
        last_seen = LastSeen(store, size=settings.cached_identities)
        stack.push_async_callback(last_seen.close)
        limiters = self._limiters()
        state = self._state(stack, limiters)
        upstream = Upstream.start(settings, stack, self._addresses)
        tokens = AccessTokens(
            issuer=settings.issuer, keyring=keyring, make_id=lambda: self._entropy(16).hex()
        )
        limits = ExchangeLimits(**limiters)
        exchange = Exchange(
            examination=Examination(snapshots, Credentials(upstream.oidc, upstream.aws)),
            tokens=tokens,
            audit=audit,
            capabilities=capabilities,
            clock=time.time,
            record_id=self._record_id,
            note_seen=last_seen.note,
            single_use=SingleUse(state),
            limits=limits,
            audiences=self._audiences,
            max_lifetime=settings.token_lifetime,
        )
        installation = self._installation(capabilities, roles)
        wrapper = key_wrapper(settings)
        around = Surroundings(
            settings=settings,
            store=store,
            state=state,
            snapshots=snapshots,
            audit=audit,
            audiences=self._audiences,
            installation=installation,
            tokens=tokens,
            exchange=exchange,
            limits=limits,
            upstream=upstream,
            wrapper=wrapper,
            record_id=self._record_id,
            note_seen=last_seen.note,
        )
        people = People(around)
        stack.push_async_callback(people.aclose)
        oauth = OAuth(people, around, keyring)
        served = services(
            installation,
            exchange,
            self._explain(store, exchange, audit),
            wrapper,
            headless=people.headless,
            own_logins=people.own_logins,
            upstream_logins=people.upstream_logins,
            refresh=oauth.refresh,
            store=store,
            inspection=ProviderInspection(
                upstream.outbound, allow_http_loopback=settings.development
            ),
            api_url=settings.api_url or settings.issuer,
        )
        api = self._api(store, snapshots, keyring, capabilities, served)
        _background(stack, snapshots.watch(), "snapshots")
        _background(stack, channel.watch(), "channel")
        _background(stack, last_seen.watch(), "last-seen")
        _background(stack, oauth.sweep(), "refresh-grants")
        _background(stack, _keep_refreshing(keyring, settings.key_refresh), "keys")
        health = Health(
            {"store": store.check, "keys": lambda: _can_sign(keyring)},
            dispensable={"state": state.check} if settings.redis_url else {},
        )
        server, rpc = await self._listen(
            stack, exchange, people, oauth, api, keyring, capabilities, health
        )
        parts = Parts(
            exchange=exchange,
            issuers=upstream.issuers,
            snapshots=snapshots,
            audit=audit,
            keyring=keyring,
            store=store,
            http_requests=server.front_door.requests,
            http_durations=server.front_door.durations,
            grpc_calls=rpc.calls,
            logins=people.journal.logins,
            state_errors=state.errors,
        )
        await self._administer(stack, parts, health)

    async def _store(self, stack: AsyncExitStack) -> Store:
        store = Store.open(
            self._settings.database_url, connections=self._settings.database_connections
        )
        stack.push_async_callback(store.close)
        if self._settings.database_url.startswith("sqlite"):
            await store.migrate()
        await store.check()
        return store

    def _installation(self, capabilities: CapabilityTable, roles: BuiltinRoles) -> Installation:
        settings = self._settings
        return Installation(
            capabilities=capabilities,
            roles=roles,
            organization_creators=settings.creators,
            allow_http_loopback=settings.development,
            lint=LintMode(settings.lint),
            issuer_policy=policy_of(settings.issuer_policy),
        )

    def _api(
        self,
        store: Store,
        snapshots: Snapshots,
        keyring: KeyRing,
        capabilities: CapabilityTable,
        served: tuple[Service, ...],
    ) -> Api:
        settings = self._settings
        api_url = settings.api_url or settings.issuer
        return Api(
            contract=Contract.load(),
            services=served,
            store=store,
            verifier=AccessTokenVerifier(
                issuer=settings.issuer,
                keyring=keyring,
                audiences={settings.issuer, api_url},
            ),
            snapshots=snapshots,
            capabilities=capabilities,
            operators=settings.operators,
            api_url=api_url,
            clock=time.time,
            random=self._entropy,
        )

    def _snapshots(
        self, store: Store, capabilities: CapabilityTable, roles: BuiltinRoles, channel: Channel
    ) -> Snapshots:
        settings = self._settings
        return Snapshots(
            store,
            capabilities=capabilities,
            roles=roles,
            own_audiences=own_audiences(settings.issuer),
            issuer_policy=policy_of(settings.issuer_policy),
            size=settings.cached_identities,
            ttl=settings.snapshot_ttl,
            clock=time.monotonic,
            announce=lambda: channel.publish(RECORDS, b""),
            operators=settings.operators,
        )

    def _limiters(self) -> dict[str, RateLimiter]:
        """Of the rates that are set, by what they limit."""
        settings = self._settings
        rates = {
            "address": settings.address_rate,
            "identity": rate(settings.rate_limit_identity),
            "issuer": rate(settings.rate_limit_issuer),
        }
        if settings.rate_limit_address and not rates["address"] and not settings.development:
            log.warning("addresses_not_limited", reason="BROKER_TRUSTED_PROXIES names no proxy")
        return {
            name: RateLimiter(each, clock=time.monotonic) for name, each in rates.items() if each
        }

    def _state(self, stack: AsyncExitStack, limiters: dict[str, RateLimiter]) -> State:
        if not self._settings.redis_url:
            return MemoryState(clock=time.monotonic)
        from broker.state.redis import RedisState  # takes a while to import

        state = RedisState.at(self._settings.redis_url)
        stack.push_async_callback(state.close)
        _background(stack, RateSharing(limiters, state).watch(), "rates")
        return state

    def _channel(self, stack: AsyncExitStack) -> Channel:
        if not self._settings.redis_url:
            return NoChannel()
        from broker.state.redis_channel import RedisChannel  # takes a while to import

        channel = RedisChannel.at(self._settings.redis_url, sender=self._entropy(16))
        stack.push_async_callback(channel.close)
        return channel

    def _explain(self, store: Store, exchange: Exchange, audit: AuditWriter) -> Explain:
        return Explain(
            examination=exchange.examination,
            candidates=Candidates(store, own_audiences=own_audiences(self._settings.issuer)),
            audit=audit,
            clock=time.time,
            record_id=self._record_id,
        )

    async def _listen(
        self,
        stack: AsyncExitStack,
        exchange: Exchange,
        people: People,
        oauth: OAuth,
        api: Api,
        keyring: KeyRing,
        capabilities: CapabilityTable,
        health: Health,
    ) -> tuple[HttpServer, RpcServer]:
        settings = self._settings
        well_known = WellKnown(
            issuer=settings.issuer,
            algorithm=settings.signing_algorithm,
            keyring=keyring,
            capabilities=capabilities,
            grant_types=oauth.grants.names,
            max_age=settings.jwks_max_age,
            clock=time.time,
        )
        table = {
            **routes(
                sts=StsExchange(exchange),
                token=TokenEndpoint(exchange, oauth.grants),
                well_known=well_known,
                health=health,
                reference=Reference(api.contract, version=__version__),
            ),
            **people.routes(),
            **oauth.routes(),
        }
        addresses = ClientAddresses(settings.trusted_proxies)
        certificate = _certificate(settings)
        if certificate is not None:
            _background(stack, certificate.watch(), "certificate")
        rpc = self._rpc(api, addresses, certificate)
        stack.push_async_callback(rpc.stop)
        calls = await rpc.start()
        server = HttpServer(
            table,
            either(people.scim.find, ApiPaths(api).find),
            host=settings.host,
            port=settings.port,
            grpc=calls.socket,
            tls=certificate.context if certificate else None,
            grace=settings.shutdown_grace,
            keep_alive=settings.keep_alive,
            request_id=self._request_id,
            addresses=addresses,
            listener=self._listener,
        )

        async def stop() -> None:
            await server.stop_listening()
            await asyncio.gather(server.stop(), rpc.stop())

        stack.push_async_callback(stop)
        self.port = await server.start()
        self.grpc_port = calls.port

        async def drain() -> None:
            health.draining = True
            server.drain()
            await rpc.drain()
            if self._listener is not None:  # others take what comes; let what is here finish
                await server.stop_listening()
            await asyncio.sleep(max(settings.drain, MIN_DRAIN if self._listener else 0))

        stack.push_async_callback(drain)
        log.info(
            "listening",
            host=settings.host,
            port=self.port,
            grpc_port=self.grpc_port,
            issuer=settings.issuer,
        )
        if settings.development and settings.host not in LOOPBACK:
            log.warning("development_issuer_reachable_from_elsewhere", host=settings.host)
        return server, rpc

    async def _administer(self, stack: AsyncExitStack, parts: Parts, health: Health) -> None:
        settings = self._settings
        if settings.admin_port is None:
            return
        admin = AdminServer(
            Metrics(sources(parts)),
            health,
            host=settings.admin_host,
            port=settings.admin_port and settings.admin_port + self._number,
            request_id=self._request_id,
        )
        stack.push_async_callback(admin.stop)
        self.admin_port = await admin.start()

    def _rpc(
        self, api: Api, addresses: ClientAddresses, certificate: CertificateFiles | None
    ) -> RpcServer:
        from broker.rpc.server import RpcServer

        settings = self._settings
        return RpcServer(
            api,
            host=settings.host,
            port=settings.grpc_port,
            certificate=(lambda: certificate.pair) if certificate else None,
            grace=settings.shutdown_grace,
            request_id=self._request_id,
            addresses=addresses,
            shares_port=self._listener is not None,
        )

    def _record_id(self, at: datetime) -> str:
        return record_id(at, self._entropy)

    def _request_id(self) -> str:
        return self._record_id(datetime.now(UTC))


def _certificate(settings: Settings) -> CertificateFiles | None:
    if settings.tls_certificate and settings.tls_key:
        return CertificateFiles(settings.tls_certificate, settings.tls_key)
    return None


async def _can_sign(keyring: KeyRing) -> None:
    keyring.signer(time.time())


async def _keep_refreshing(keyring: KeyRing, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            await keyring.refresh()
        except BrokerError as error:
            log.warning("keys_not_refreshed", code=error.code, reason=error.message)
        except Exception:  # a defect; without this loop the process stops signing, and says nothing
            log.exception("keys_not_refreshed")


def _background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    task = asyncio.create_task(work, name=name)

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(stop)

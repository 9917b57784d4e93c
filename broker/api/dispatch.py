"""One door for both wires: authenticate, authorize, act in one transaction, write it down."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from google.protobuf.message import Message

from broker.api.events import audit_records
from broker.api.scopes import resolve_scope
from broker.contract.methods import Contract, Method
from broker.contract.options import Need
from broker.directory.caller import Caller
from broker.directory.work import Work
from broker.errors import Unauthenticated
from broker.iam.authority import Authority
from broker.iam.capabilities import CapabilityTable
from broker.iam.lint import Finding
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import RandomBytes, Uidp
from broker.issuer.access_tokens import AccessToken, AccessTokenVerifier
from broker.store import Store

Handler = Callable[[Any, Any], Awaitable[Message]]
"""Takes `Work` and the request; of a method that needs no token: the request and `Call`; of one
that is `outside` of a transaction: `Asked` and the request."""

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a wire knows of a call beside its message."""

    request_id: str
    bearer: str | None = field(repr=False)
    """The token of the Authorization header or metadata; None without one."""
    address: str = ""
    """The peer's."""
    findings: list[Finding] = field(default_factory=list)
    """What lint says of what the call saved; filled when it is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, authorized, where the method opens its transactions by itself."""

    caller: Caller
    call: Call


class Service(Protocol):
    """A service of the contract: its full name, and a method in snake case for each of its own.

    `outside`, if it has that: the names of its methods that wait for others than the store, and
    must not keep a transaction open meanwhile. They write their own audit records.

    `ahead`, if it has that: the names of its methods that have to ask others before. For these it
    has `before_<method>`, which takes the request, is awaited before the transaction begins, and
    refuses by what it raises.
    """

    service: str


class Snapshots(Protocol):
    """What identities hold now; `broker.directory.snapshots` has it."""

    async def for_login(
        self, identity: Uidp, *, provider: str, mappings: tuple[Uidp, ...]
    ) -> IdentitySnapshot | None:
        """The identity, or None; a person in a login through this provider, with session roles."""
        ...

    async def changed(self) -> None:
        """Notice changes at once, here and in other processes."""
        ...


class Api:
    """The services of the contract. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        contract: Contract,
        services: Iterable[Service],
        store: Store,
        verifier: AccessTokenVerifier,
        snapshots: Snapshots,
        capabilities: CapabilityTable,
        operators: Collection[str],
        api_url: str,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self.contract = contract
        services = tuple(services)
        self._handlers = _handlers(contract, services)
        self._outside = frozenset(_outside(services))
        self._ahead = dict(_ahead(services))
        self._store = store
        self._verifier = verifier
        self._snapshots = snapshots
        self._capabilities = capabilities
        self._operators = frozenset(operators)
        self._api_url = api_url
        self._clock = clock
        self._random = random

    async def call(self, method: Method, request: Message, call: Call) -> Message:
        """The response. Raises `BrokerError`; `request` may be changed on the way."""
        handler = self._handlers[method.stable_path]
        if method.authorization.kind is Need.NONE:
            return await handler(request, call)
        caller = await self._caller(call)
        within = await self._authorize(method, request, caller)
        if method.stable_path in self._outside:
            return await handler(Asked(caller, call), request)
        if (ahead := self._ahead.get(method.stable_path)) is not None:
            await ahead(request)
        if not is_write(method):
            async with self._store.read() as records:
                return await handler(self._work(records, caller, within), request)
        async with self._store.write() as records:
            work = self._work(records, caller, within)
            response = await handler(work, request)
            for record in audit_records(method, request, response, work, self._api_url):
                await records.audit.add(record)
        call.findings.extend(found for change in work.changes for found in change.findings)
        await self._snapshots.changed()
        return response

    async def _caller(self, call: Call) -> Caller:
        if call.bearer is None:
            raise Unauthenticated(
                "token_missing",
                "authorization: expected 'Bearer' and an access token of this broker",
                field="authorization",
            )
        token = self._verifier.verify(call.bearer, now=self._clock())
        snapshot = await self._snapshots.for_login(
            token.subject, provider=token.provider, mappings=token.group_mappings
        )
        if snapshot is None:
            raise Unauthenticated(
                "token_identity_gone", "the identity of the access token does not exist any more"
            )
        return self._known_caller(token, snapshot, call)

    def _known_caller(self, token: AccessToken, snapshot: IdentitySnapshot, call: Call) -> Caller:
        return Caller(
            identity=token.subject,
            authority=Authority(token.capabilities, snapshot.everything.capabilities),
            table=self._capabilities,
            request_id=call.request_id,
            token=token,
            is_person=snapshot.identity.is_person,
            is_operator=token.subject in self._operators,
        )

    async def _authorize(
        self, method: Method, request: Message, caller: Caller
    ) -> tuple[Uidp, ...]:
        """Raises unless the caller may; where the method is unscoped, the groups where they may."""
        needed = method.authorization
        if needed.kind is Need.TOKEN:
            return ()
        if needed.unscoped:
            return caller.reach(needed.capabilities)
        scope = await resolve_scope(self._store, request, needed.scope_path)
        caller.expect(needed.capabilities, scope)
        return ()

    def _work(self, records: Any, caller: Caller, within: tuple[Uidp, ...]) -> Work:
        return Work(
            records=records,
            caller=caller,
            now=datetime.fromtimestamp(self._clock(), UTC),
            random=self._random,
            within=within,
        )


def is_write(method: Method) -> bool:
    """Whether it may change records: what is not a GET. What only gRPC has is a write too."""
    return not any(rule.verb == "GET" for rule in method.http)


def _handlers(contract: Contract, services: Iterable[Service]) -> Mapping[str, Handler]:
    """By gRPC path. Raises LookupError when a method of the contract has no code."""
    by_name = {service.service: service for service in services}
    handlers: dict[str, Handler] = {}
    for method in contract.methods.values():
        if method.path != method.stable_path:
            continue  # v2beta1 is v2
        handler = getattr(by_name.get(method.service), _snake(method.name), None)
        if handler is None:
            raise LookupError(f"{method.path}: not implemented")
        handlers[method.path] = handler
    return handlers


def _outside(services: Iterable[Service]) -> Iterator[str]:
    for service in services:
        for name in getattr(service, "outside", ()):
            yield f"/{service.service}/{name}"


def _ahead(
    services: Iterable[Service],
) -> Iterator[tuple[str, Callable[[Any], Awaitable[None]]]]:
    for service in services:
        for name in getattr(service, "ahead", ()):
            yield f"/{service.service}/{name}", getattr(service, f"before_{_snake(name)}")


def _snake(name: str) -> str:
    return _WORD.sub("_", name).lower()

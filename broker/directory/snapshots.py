"""The identities that exchanges ask for, kept in memory with their rules and bindings.

| key           | value              | lifetime                          | bound          |
|---------------|--------------------|-----------------------------------|----------------|
| identity UIDP | `IdentitySnapshot` | until any IAM record changes,     | `size`, least  |
|               |                    | which `watch` notices; `ttl` from | recently used  |
|               |                    | when nothing had changed last     |                |

Unknown identities are not kept: a caller could fill the memory with them.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from broker.errors import BrokerError
from broker.iam.capabilities import CapabilityTable
from broker.iam.issuer_policy import policies
from broker.iam.model import NO_POLICY, IssuerPolicy, Role, RoleBinding
from broker.iam.policy import Grant
from broker.iam.roles import BuiltinRoles
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp
from broker.store import Store

log = structlog.get_logger()


class Snapshots:
    """A bounded cache in front of the store. `clock` gives seconds that never go back; `announce`
    has other processes call `wake`.
    """

    def __init__(
        self,
        store: Store,
        *,
        capabilities: CapabilityTable,
        roles: BuiltinRoles,
        own_audiences: Sequence[str],
        issuer_policy: IssuerPolicy = NO_POLICY,
        size: int,
        ttl: float,
        clock: Callable[[], float],
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._capabilities = capabilities
        self._roles = roles
        self._own_audiences = tuple(own_audiences)
        self._issuer_policy = issuer_policy
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._announce = announce
        self._wake = asyncio.Event()
        self._kept: OrderedDict[Uidp, tuple[float, IdentitySnapshot]] = OrderedDict()
        self._loading: dict[Uidp, asyncio.Task[IdentitySnapshot | None]] = {}
        self._generation = 0
        self._checked_at = -math.inf
        self._cleared = 0

    async def get(self, identity: Uidp) -> IdentitySnapshot | None:
        """The identity as it is now, or was at most a second ago; None when there is none."""
        kept = self._kept.get(identity)
        if kept is not None and max(kept[0], self._checked_at) + self._ttl > self._clock():
            self._kept.move_to_end(identity)
            return kept[1]
        loading = self._loading.get(identity)
        if loading is None:
            loading = asyncio.create_task(self._load(identity), name=f"snapshot-{identity}")
            self._loading[identity] = loading
            loading.add_done_callback(lambda task: self._loaded(identity, task))
        # shielded: the others that wait for it do not go with one who is cancelled
        return await asyncio.shield(loading)

    def clear(self) -> None:
        """Forget everything: some record changed."""
        self._kept.clear()
        self._loading.clear()  # they may have read before the change: nobody joins them now
        self._cleared += 1

    async def refresh(self) -> None:
        """Look whether a record changed, here or in another process, and forget if so."""
        asked_at = self._clock()
        generation = await self._store.generation()
        if generation != self._generation:
            self._generation = generation
            self.clear()
        self._checked_at = asked_at

    async def changed(self) -> None:
        """A record was changed here: `refresh`, and let other processes do so."""
        self._announce()
        await self.refresh()

    def wake(self) -> None:
        """Another process says that a record changed: have `watch` look at once."""
        self._wake.set()

    async def watch(self, *, every: float = 1.0) -> None:
        """`refresh` for ever. While the store does not answer, what is kept ends by its `ttl`."""
        while True:
            try:
                await self.refresh()
            except BrokerError as error:
                log.warning("snapshots_not_refreshed", code=error.code, reason=error.message)
            except Exception:  # a defect; without this loop changes are noticed by `ttl` alone
                log.exception("snapshots_not_refreshed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), every)
            self._wake.clear()

    def _loaded(self, identity: Uidp, task: asyncio.Task[IdentitySnapshot | None]) -> None:
        if self._loading.get(identity) is task:
            del self._loading[identity]
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody else has to

    async def _load(self, uidp: Uidp) -> IdentitySnapshot | None:
        cleared = self._cleared
        asked_at = self._clock()
        async with self._store.read() as records:
            identity = await records.identities.get(uidp)
            bindings = await records.bindings.with_roles(uidp) if identity else []
            organization = await records.groups.get(uidp.root) if identity else None
        if identity is None:
            self._kept.pop(uidp, None)
            return None
        snapshot = IdentitySnapshot.of(
            identity,
            self._resolved(bindings),
            self._own_audiences,
            policies(
                self._issuer_policy, organization.issuer_policy if organization else NO_POLICY
            ),
        )
        if cleared == self._cleared:  # else a change came while we read: do not keep what is old
            self._kept[uidp] = (asked_at, snapshot)
            self._kept.move_to_end(uidp)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return snapshot

    def _resolved(self, bindings: Sequence[tuple[RoleBinding, Role | None]]) -> list[Grant]:
        grants = []
        for binding, custom in bindings:
            role = custom or self._roles.by_id(binding.role)
            if role is not None:
                known = role.capabilities & self._capabilities.names
                bits = self._capabilities.to_bits(known)
                grants.append(Grant(binding.id, binding.group, role.name, bits))
        return grants

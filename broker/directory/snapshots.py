"""The identities that exchanges ask for, kept in memory with their rules and bindings.

| key           | value              | lifetime                          | bound          |
|---------------|--------------------|-----------------------------------|----------------|
| identity UIDP | `IdentitySnapshot` | until any IAM record changes,     | `size`, least  |
|               |                    | noticed by `watch`; at most `ttl` | recently used  |

Unknown identities are not kept: a caller could fill the memory with them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from broker.errors import BrokerError
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import Role, RoleBinding
from broker.iam.policy import Grant
from broker.iam.roles import BuiltinRoles
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp
from broker.store import Store

log = structlog.get_logger()


class Snapshots:
    """A bounded cache in front of the store. `clock` gives seconds that never go back."""

    def __init__(
        self,
        store: Store,
        *,
        capabilities: CapabilityTable,
        roles: BuiltinRoles,
        own_audiences: Sequence[str],
        size: int,
        ttl: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._capabilities = capabilities
        self._roles = roles
        self._own_audiences = tuple(own_audiences)
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._kept: OrderedDict[Uidp, tuple[float, IdentitySnapshot]] = OrderedDict()
        self._generation = 0
        self._cleared = 0

    async def get(self, identity: Uidp) -> IdentitySnapshot | None:
        """The identity as it is now, or was at most a second ago; None when there is none."""
        kept = self._kept.get(identity)
        if kept is not None and kept[0] > self._clock():
            self._kept.move_to_end(identity)
            return kept[1]
        return await self._load(identity)

    def clear(self) -> None:
        """Forget everything: some record changed."""
        self._kept.clear()
        self._cleared += 1

    async def refresh(self) -> None:
        """Look whether a record changed, here or in another process, and forget if so."""
        generation = await self._store.generation()
        if generation != self._generation:
            self._generation = generation
            self.clear()

    async def watch(self, *, every: float = 1.0) -> None:
        """`refresh` for ever. While the store does not answer, what is kept ends by its `ttl`."""
        while True:
            try:
                await self.refresh()
            except BrokerError as error:
                log.warning("snapshots_not_refreshed", code=error.code, reason=error.message)
            await asyncio.sleep(every)

    async def _load(self, uidp: Uidp) -> IdentitySnapshot | None:
        cleared = self._cleared
        expires = self._clock() + self._ttl
        async with self._store.read() as records:
            identity = await records.identities.get(uidp)
            bindings = await records.bindings.with_roles(uidp) if identity else []
        if identity is None:
            self._kept.pop(uidp, None)
            return None
        snapshot = IdentitySnapshot.of(identity, self._resolved(bindings), self._own_audiences)
        if cleared == self._cleared:  # else a change came while we read: do not keep what is old
            self._kept[uidp] = (expires, snapshot)
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

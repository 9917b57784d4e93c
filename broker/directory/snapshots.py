"""The identities that exchanges ask for, kept in memory with their rules and what they hold.

| key            | value              | lifetime                          | bound          |
|----------------|--------------------|-----------------------------------|----------------|
| identity UIDP, | `IdentitySnapshot` | until any IAM record changes,     | `size`, least  |
| and of a login |                    | which `watch` notices; `ttl` from | recently used  |
| the provider   |                    | when nothing had changed last     |                |
| and mappings   |                    |                                   |                |

Unknown identities are not kept: a caller could fill the memory with them.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from broker.directory.holdings import Holdings
from broker.errors import BrokerError, Unavailable
from broker.iam.capabilities import CapabilityTable
from broker.iam.issuer_policy import policies
from broker.iam.model import NO_POLICY, IssuerPolicy
from broker.iam.roles import BuiltinRoles
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp
from broker.measures import Tally
from broker.store import Records, Store

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
        operators: Collection[str] = (),
    ) -> None:
        self._store = store
        self._holdings = Holdings(capabilities, roles, operators)
        self._own_audiences = tuple(own_audiences)
        self._issuer_policy = issuer_policy
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._announce = announce
        self._wake = asyncio.Event()
        self._kept: OrderedDict[_Key, tuple[float, IdentitySnapshot]] = OrderedDict()
        self._loading: dict[_Key, asyncio.Task[IdentitySnapshot | None]] = {}
        self._generation = 0
        self._checked_at = -math.inf
        self._cleared = 0
        self.lookups = Tally("result")
        """Of what is kept: `hit`, `miss`."""

    @property
    def size(self) -> int:
        """How many are kept."""
        return len(self._kept)

    async def get(self, identity: Uidp) -> IdentitySnapshot | None:
        """The identity as it is now, or was at most a second ago; None when there is none.

        A person who comes without a login holds nothing where one through an organization's own
        identity provider is required.
        """
        return await self._get(_Key(identity, "", ()))

    async def for_login(
        self, identity: Uidp, *, provider: str, mappings: tuple[Uidp, ...]
    ) -> IdentitySnapshot | None:
        """A person in a login through this provider, with what these group role mappings give as
        long as there are these mappings, and they are the provider's.
        """
        return await self._get(_Key(identity, provider, mappings))

    async def _get(self, key: _Key) -> IdentitySnapshot | None:
        kept = self._kept.get(key)
        if kept is not None and max(kept[0], self._checked_at) + self._ttl > self._clock():
            self.lookups.add("hit")
            self._kept.move_to_end(key)
            return kept[1]
        self.lookups.add("miss")
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.create_task(self._load(key), name=f"snapshot-{key.identity}")
            self._loading[key] = loading
            loading.add_done_callback(lambda task: self._loaded(key, task))
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
                async with asyncio.timeout(every):
                    await self._wake.wait()
            self._wake.clear()

    def _loaded(self, key: _Key, task: asyncio.Task[IdentitySnapshot | None]) -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody else has to

    async def _load(self, key: _Key) -> IdentitySnapshot | None:
        cleared = self._cleared
        asked_at = self._clock()
        try:
            snapshot = await self._read_once(key)
        except Unavailable as error:
            if error.code != "store_unavailable":
                raise
            # a connection that broke on the way: nothing was changed, so it is asked once more
            snapshot = await self._read_once(key)
        if snapshot is None:
            self._kept.pop(key, None)
            return None
        if cleared == self._cleared:  # else a change came while we read: do not keep what is old
            self._kept[key] = (asked_at, snapshot)
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return snapshot

    async def _read_once(self, key: _Key) -> IdentitySnapshot | None:
        async with self._store.read() as records:
            return await self._read(records, key)

    async def _read(self, records: Records, key: _Key) -> IdentitySnapshot | None:
        identity = await records.identities.get(key.identity)
        if identity is None:
            return None
        grants = await self._holdings.bound(records, identity.id)
        if key.mappings and identity.is_person:
            grants += await self._holdings.mapped(records, key.provider, key.mappings)
        roots = {identity.id.root, *(grant.group.root for grant in grants)}
        organizations = await records.groups.many(roots)
        own = organizations.get(identity.id.root)
        return IdentitySnapshot.of(
            identity,
            await self._holdings.counting(records, identity, grants, organizations, key.provider),
            self._own_audiences,
            policies(self._issuer_policy, own.issuer_policy if own else NO_POLICY),
        )


class _Key(NamedTuple):
    identity: Uidp
    provider: str
    mappings: tuple[Uidp, ...]

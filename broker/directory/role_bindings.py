"""Role bindings: an identity holds a role at a group and at everything below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from broker.directory.installation import Installation
from broker.directory.ownership import expect_owners_left, organizations_owned
from broker.directory.roles import Roles
from broker.directory.work import Work, group_of
from broker.errors import NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import RoleBinding
from broker.iam.uidp import Uidp
from broker.store.counts import Countable


class RoleBindings:
    """The use cases."""

    def __init__(self, installation: Installation, roles: Roles) -> None:
        self._installation = installation
        self._roles = roles

    async def get(self, work: Work, uidp: Uidp) -> RoleBinding:
        """Raises `NotFound`."""
        binding = await work.records.bindings.get(uidp)
        if binding is None:
            raise NotFound("binding_not_found", "id: the role binding does not exist", field="id")
        return binding

    async def page(self, work: Work, selection: Selection) -> Page[RoleBinding]:
        """What of a selection there is."""
        return await work.records.bindings.page(selection)

    async def create(self, work: Work, bindings: Sequence[RoleBinding]) -> None:
        """One or several at one group: all of them or none.

        Raises `NotFound` (group, identity, role), `Denied` (`grant_exceeds_own`), `Conflict`
        (`binding_exists`), `Exhausted`.
        """
        group = group_of(bindings[0].id, field="parent")
        await work.group(group, field="parent")
        await work.expect_room(group.root, Countable.ROLE_BINDINGS, len(bindings))
        for binding in bindings:
            await self._expect_sound(work, binding)
            await work.records.bindings.add(binding)
            work.created(binding)

    async def update(self, work: Work, before: RoleBinding, after: RoleBinding) -> RoleBinding:
        """Another identity, another role, or both. Raises as `create`, and `Precondition`
        (`last_owner`).
        """
        await self._expect_sound(work, after)
        await work.records.bindings.update(after)
        await self._expect_owners_left(work, before)
        work.updated(before, after)
        return after

    async def delete(self, work: Work, uidp: Uidp) -> RoleBinding:
        """Raises `NotFound`, `Precondition` (`last_owner`)."""
        binding = await self.get(work, uidp)
        await work.records.bindings.delete(uidp)
        await self._expect_owners_left(work, binding)
        work.deleted(binding)
        return binding

    async def _expect_sound(self, work: Work, binding: RoleBinding) -> None:
        await self._roles.grantable(work, binding.role, binding.group, field="role")
        # a root UIDP may be a person's who has yet to come
        if binding.identity.is_root or await work.records.identities.get(binding.identity):
            return
        raise NotFound("identity_not_found", "identity: does not exist", field="identity")

    async def _expect_owners_left(self, work: Work, removed: RoleBinding) -> None:
        roles = self._installation.roles
        await expect_owners_left(work.records, organizations_owned([removed], roles), roles)


def renewed(binding: RoleBinding, *, identity: Uidp | None, role: Uidp | None) -> RoleBinding:
    """The binding with another identity or role where one is named."""
    return replace(binding, identity=identity or binding.identity, role=role or binding.role)

"""Roles: the built-in ones, which everybody sees and nobody changes, and those of organizations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from broker.directory.installation import Installation
from broker.directory.merging import merged, stored_part
from broker.directory.work import Work, group_of
from broker.errors import Denied, Invalid, NotFound, Precondition
from broker.iam.listing import Page, Selection
from broker.iam.model import Role
from broker.iam.uidp import Uidp
from broker.iam.validation import check_role
from broker.store.counts import Countable


class Roles:
    """The use cases."""

    def __init__(self, installation: Installation) -> None:
        self._roles = installation.roles
        self._capabilities = installation.capabilities

    async def get(self, work: Work, uidp: Uidp) -> Role:
        """A built-in role, or one of a group. Raises `NotFound`."""
        role = self._roles.by_id(uidp) or await work.records.roles.get(uidp)
        if role is None:
            raise NotFound("role_not_found", "id: the role does not exist", field="id")
        return role

    async def many(self, work: Work, uidps: Iterable[Uidp]) -> dict[Uidp, Role]:
        """Those that exist, by UIDP."""
        wanted = set(uidps)
        builtin = {uidp: role for uidp in wanted if (role := self._roles.by_id(uidp))}
        return builtin | await work.records.roles.many(wanted - builtin.keys())

    async def page(self, work: Work, selection: Selection) -> Page[Role]:
        """What of a selection there is; built-in roles are selected as records with root UIDPs,
        whatever `within` says.
        """
        stored = await work.records.roles.page(stored_part(selection))
        return merged(selection, stored, self._roles)

    async def create(self, work: Work, role: Role) -> Role:
        """A custom role, of capabilities that the caller holds there.

        Raises `Invalid`, `NotFound` for the group, `Denied` (`grant_exceeds_own`), `Exhausted`.
        """
        group = group_of(role.id, field="parent_id")
        await work.group(group, field="parent_id")
        self._check(role)
        work.caller.expect_grantable(role, group, field="capabilities")
        await work.expect_room(group.root, Countable.ROLES)
        await work.records.roles.add(role)
        work.created(role)
        return role

    async def update(self, work: Work, before: Role, after: Role) -> Role:
        """Reaches tokens minted from now on. Capabilities that are new to the role must be the
        caller's. Raises as `create`, and `Precondition` (`role_built_in`).
        """
        self._expect_custom(before)
        self._check(after)
        group = group_of(after.id, field="id")
        added = replace(after, capabilities=after.capabilities - before.capabilities)
        work.caller.expect_grantable(added, group, field="capabilities")
        after = replace(after, updated_at=work.now)
        await work.records.roles.update(after)
        work.updated(before, after)
        return after

    async def delete(self, work: Work, uidp: Uidp) -> Role:
        """With every binding, invite and mapping that gives it, wherever.

        Raises `NotFound`, `Precondition` (`role_built_in`).
        """
        role = await self.get(work, uidp)
        self._expect_custom(role)
        await work.records.roles.delete(uidp)
        work.deleted(role)
        return role

    async def grantable(self, work: Work, uidp: Uidp, group: Uidp, *, field: str) -> Role:
        """A role that can be given at a group: built in, or of the group or one above it, and
        nothing in it that the caller does not hold there.

        Raises `NotFound` (`role_not_found`), `Denied` (`grant_exceeds_own`).
        """
        role = self._roles.by_id(uidp)
        if role is None and uidp.parent is not None and uidp.parent.covers(group):
            role = await work.records.roles.get(uidp)
        if role is None:
            raise NotFound(
                "role_not_found",
                f"{field}: expected a built-in role, or one of the group or of a group above it",
                field=field,
            )
        work.caller.expect_grantable(role, group, field=field)
        return role

    def _check(self, role: Role) -> None:
        check_role(role, self._capabilities.names)
        internal = sorted(role.capabilities & self._capabilities.internal)
        if internal:
            raise Denied(
                "capability_internal",
                f"capabilities: {internal[0]!r} is for the installation's own services",
                field="capabilities",
            )
        if self._roles.by_name(role.name) is not None:
            raise Invalid(
                "field_invalid",
                f"name: {role.name!r} is the name of a built-in role",
                field="name",
            )

    def _expect_custom(self, role: Role) -> None:
        if role.id.is_root:
            raise Precondition(
                "role_built_in", "id: built-in roles cannot be changed or deleted", field="id"
            )

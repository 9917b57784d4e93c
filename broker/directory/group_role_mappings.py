"""Group role mappings: members of a provider's group hold a role while they are logged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from broker.directory.roles import Roles
from broker.directory.work import Work, group_of
from broker.errors import NotFound, field_invalid
from broker.iam.listing import Page, Selection
from broker.iam.model import GroupRoleMapping, IdentityProvider
from broker.iam.uidp import Uidp

MAX_EXTERNAL_GROUP = 512
MAX_BATCH = 500


class GroupRoleMappings:
    """The use cases."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    async def get(self, work: Work, uidp: Uidp) -> GroupRoleMapping:
        """Raises `NotFound`."""
        mapping = await work.records.group_role_mappings.get(uidp)
        if mapping is None:
            raise NotFound("mapping_not_found", "id: the mapping does not exist", field="id")
        return mapping

    async def page(self, work: Work, selection: Selection) -> Page[GroupRoleMapping]:
        """What of a selection there is."""
        return await work.records.group_role_mappings.page(selection)

    async def create(self, work: Work, mapping: GroupRoleMapping) -> GroupRoleMapping:
        """The mapping lies in its provider's group, and its scope there or below. One whose
        parent is the provider itself is put into the group.

        Raises `Invalid`, `NotFound` (provider, scope, role), `Denied` (`capability_missing`,
        `grant_exceeds_own`), `Conflict` (`mapping_exists`).
        """
        provider = await self._provider(work, mapping)
        if mapping.id.parent == provider.id:
            mapping = replace(mapping, id=group_of(provider.id, field="parent").child(work.random))
        if not 1 <= len(mapping.external_group) <= MAX_EXTERNAL_GROUP:
            raise field_invalid(
                "external_group_id", f"expected 1 to {MAX_EXTERNAL_GROUP} characters"
            )
        if not mapping.external_group.isprintable():
            raise field_invalid("external_group_id", "holds a control character")
        await work.group(mapping.scope, field="scope")
        work.caller.expect(["role_bindings.create"], mapping.scope)
        await self._roles.grantable(work, mapping.role, mapping.scope, field="role_uid")
        await work.records.group_role_mappings.add(mapping)
        work.created(mapping)
        return mapping

    async def delete(
        self, work: Work, uidps: Sequence[Uidp], *, parent: Uidp | None = None
    ) -> list[GroupRoleMapping]:
        """All of them or none. `parent`: the group, or the provider, that they all have to be of.

        Raises `NotFound`, `Invalid` for another parent and for too many at once.
        """
        if not 1 <= len(uidps) <= MAX_BATCH:
            raise field_invalid("ids", f"expected 1 to {MAX_BATCH} UIDPs")
        deleted = []
        for uidp in dict.fromkeys(uidps):
            mapping = await self.get(work, uidp)
            if parent not in (None, mapping.id.parent, mapping.identity_provider):
                # it was there that the caller's right was asked for
                raise field_invalid("ids", f"{uidp} does not belong to the parent, {parent}")
            await work.records.group_role_mappings.delete(uidp)
            work.deleted(mapping)
            deleted.append(mapping)
        return deleted

    async def _provider(self, work: Work, mapping: GroupRoleMapping) -> IdentityProvider:
        provider = await work.identity_provider(
            mapping.identity_provider, field="identity_provider_uid"
        )
        group, parent = group_of(provider.id, field="parent"), mapping.id.parent
        if parent not in (group, provider.id):
            raise field_invalid("parent", "expected the identity provider's UIDP, or its group's")
        if not group.covers(mapping.scope):
            raise field_invalid("scope", "expected the provider's group, or a group below it")
        return provider

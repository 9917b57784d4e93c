"""Organizations and folders."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from broker.directory.installation import Installation, OrganizationCreators
from broker.directory.ownership import expect_owners_left, organizations_owned
from broker.directory.work import Work
from broker.errors import Denied, Invalid, Precondition
from broker.iam.listing import Page, Selection
from broker.iam.model import (
    NO_LIMITS,
    Group,
    OrganizationKind,
    OrganizationStatus,
    RoleBinding,
)
from broker.iam.uidp import Uidp
from broker.iam.validation import check_group, check_organization
from broker.store.counts import Countable

_RESERVED: Final = ("resource_limits", "verified", "kind", "status")
"""What an operator says of an organization, and it cannot say of itself."""


class Groups:
    """The use cases. What is created or updated comes in as the record that it is to be."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def get(self, work: Work, uidp: Uidp) -> Group:
        """Raises `NotFound`."""
        return await work.group(uidp, field="id")

    async def page(self, work: Work, selection: Selection) -> Page[Group]:
        """What of a selection the caller may list."""
        return await work.records.groups.page(selection)

    async def create(self, work: Work, group: Group) -> Group:
        """A folder in the parent of its UIDP, or an organization, whose owner the caller becomes.

        Raises `Denied` (`capability_missing`, `organization_creation_denied`, `field_reserved`),
        `Invalid`, `NotFound` for the parent, `Conflict` (`name_taken`), `Exhausted`.
        """
        check_group(group)
        blank = replace(
            group,
            resource_limits=NO_LIMITS,
            verified=False,
            kind=OrganizationKind.UNSPECIFIED,
            status=OrganizationStatus.UNSPECIFIED,
        )
        self._expect_reserved_kept(work, blank, group)
        parent = group.id.parent
        if parent is None:
            self._expect_creator(work)
            if group.status is OrganizationStatus.UNSPECIFIED:
                group = replace(group, status=OrganizationStatus.READY)
        else:
            work.caller.expect(["groups.create"], parent)
            await work.expect_room(parent.root, Countable.FOLDERS)
        await work.records.groups.add(group)
        work.created(group)
        if parent is None:
            await self._bind_owner(work, group)
        return group

    async def update(self, work: Work, before: Group, after: Group) -> Group:
        """Raises `Invalid`, `Denied` (`field_reserved`), `Conflict` (`name_taken`),
        `Precondition` (`verified_name_fixed`).
        """
        check_group(after)
        self._expect_reserved_kept(work, before, after)
        if before.verified and after.verified and before.name != after.name:
            raise Precondition(
                "verified_name_fixed",
                "name: the name of a verified organization is the domain that was verified, and "
                "cannot be changed",
                field="name",
            )
        after = replace(after, updated_at=work.now)
        await work.records.groups.update(after)
        work.updated(before, after)
        return after

    async def delete(self, work: Work, uidp: Uidp) -> Group:
        """The group and what it has: identities with their bindings wherever they are, roles,
        providers, invites, subscriptions. Its folders have to be deleted before: nobody removes
        a tree by one call.

        Raises `NotFound`, `Precondition` (`group_has_folders`, and `last_owner` when another
        organization's last owner is among the identities).
        """
        group = await work.group(uidp, field="id")
        if await work.records.groups.children(uidp):
            raise Precondition(
                "group_has_folders", "id: the group has folders; delete them first", field="id"
            )
        bindings = await work.records.bindings.of_identities_below(uidp)
        await work.records.groups.delete(uidp)
        owned = organizations_owned(bindings, self._installation.roles)
        await expect_owners_left(work.records, owned, self._installation.roles)
        work.deleted(group)
        return group

    def _expect_creator(self, work: Work) -> None:
        creators, caller = self._installation.organization_creators, work.caller
        if creators is OrganizationCreators.EVERYBODY or caller.is_operator:
            return
        if creators is OrganizationCreators.PEOPLE and caller.is_person:
            return
        who = (
            "people who have logged in" if creators is OrganizationCreators.PEOPLE else "operators"
        )
        raise Denied(
            "organization_creation_denied",
            f"parent: organizations are created by {who} here; name the group that the folder "
            "belongs to, or ask an operator",
            field="parent",
        )

    def _expect_reserved_kept(self, work: Work, before: Group, after: Group) -> None:
        changed = [name for name in _RESERVED if getattr(before, name) != getattr(after, name)]
        if not changed:
            return
        if not after.id.is_root:
            raise Invalid(
                "field_invalid", f"{changed[0]}: only an organization has it", field=changed[0]
            )
        if not work.caller.is_operator:
            raise Denied(
                "field_reserved",
                f"{changed[0]}: set by the operator of the installation",
                field=changed[0],
            )
        check_organization(after)

    async def _bind_owner(self, work: Work, organization: Group) -> None:
        binding = RoleBinding(
            id=organization.id.child(work.random),
            identity=work.caller.identity,
            role=self._installation.roles.owner.id,
            created_at=work.now,
        )
        await work.records.bindings.add(binding)
        work.created(binding)
        owner = self._installation.capabilities.to_bits(self._installation.roles.owner.capabilities)
        work.caller = work.caller.holding(owner, organization.id)

"""What identities hold where: bindings and session roles, as far as organizations let them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import Group, Identity, OrganizationStatus, Role
from broker.iam.policy import Grant
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Records


class Holdings:
    """Reads it from the records. `operators`: for whom a suspended organization is as any other,
    or nobody could lift the suspension.
    """

    def __init__(
        self, capabilities: CapabilityTable, roles: BuiltinRoles, operators: Collection[str] = ()
    ) -> None:
        self._capabilities = capabilities
        self._roles = roles
        self._operators = frozenset(operators)

    async def bound(self, records: Records, identity: Uidp) -> list[Grant]:
        """By role bindings."""
        return [
            self._grant(binding.id, binding.group, role)
            for binding, custom in await records.bindings.with_roles(identity)
            if (role := custom or self._roles.by_id(binding.role)) is not None
        ]

    async def mapped(
        self, records: Records, provider: str, mappings: Iterable[Uidp]
    ) -> list[Grant]:
        """By those of these group role mappings that there still are, of this provider. The
        mapping stands where a binding would.
        """
        kept = await records.group_role_mappings.many(mappings)
        mine = [each for _, each in sorted(kept.items()) if each.identity_provider == provider]
        custom = await records.roles.many({each.role for each in mine})
        return [
            self._grant(each.id, each.scope, role)
            for each in mine
            if (role := custom.get(each.role) or self._roles.by_id(each.role)) is not None
        ]

    async def counting(
        self,
        records: Records,
        identity: Identity,
        grants: Sequence[Grant],
        organizations: dict[Uidp, Group],
        provider: str,
    ) -> list[Grant]:
        """Without those at organizations that are suspended, and for a person without those at
        organizations that require a login through an identity provider of their own: one that
        lies at the organization itself. `organizations`: those at which the grants are.
        """
        barred = {
            uidp
            for uidp, organization in organizations.items()
            if organization.status is OrganizationStatus.SUSPENDED
            and identity.id not in self._operators
        }
        if identity.is_person:
            barred |= await self._requiring_another(records, identity.id, organizations, provider)
        return [grant for grant in grants if grant.group.root not in barred]

    async def _requiring_another(
        self, records: Records, person: Uidp, organizations: Iterable[Uidp], provider: str
    ) -> set[Uidp]:
        requiring = await records.login_policies.requiring(organizations)
        own = Uidp(provider).parent if "/" in provider else None
        if own in requiring and await records.identity_providers.get(Uidp(provider)) is None:
            own = None  # it was theirs, and they have taken it away
        return {uidp for uidp, exempt in requiring.items() if uidp != own and person not in exempt}

    def _grant(self, source: Uidp, group: Uidp, role: Role) -> Grant:
        known = role.capabilities & self._capabilities.names
        return Grant(source, group, role.name, self._capabilities.to_bits(known))

"""A few records of every noun, with the same names and times here and there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker.iam.model import (
    AccountAssociation,
    ClaimMatch,
    Group,
    GroupInvite,
    GroupRoleMapping,
    Identity,
    IdentityProvider,
    Role,
    RoleBinding,
    Subscription,
    TermsAcceptance,
)
from broker.iam.uidp import Uidp
from tests.api.world import VIEWER, Acme
from tests.kit.api import Json

T0: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Listed:
    """A list of version 2: the field with its records, and what it can be ordered by."""

    method: str
    field: str
    orders: tuple[str, ...]
    old: str = ""
    """The list of version 1."""


_DATED: Final = ("uid", "name", "create_time", "update_time")
LISTS: Final = (
    Listed("v2.GroupsService/ListGroups", "groups", _DATED, "Groups/List"),
    Listed("v2.RolesService/ListRoles", "roles", _DATED, "Roles/List"),
    Listed(
        "v2.IdentitiesService/ListIdentities",
        "identities",
        (*_DATED, "last_seen_time"),
        "Identities/List",
    ),
    Listed(
        "v2.RoleBindingsService/ListRoleBindings",
        "roleBindings",
        ("uid", "identity_uid", "role_uid", "create_time"),
        "RoleBindings/List",
    ),
    Listed(
        "v2.GroupInvitesService/ListGroupInvites",
        "groupInvites",
        ("uid", "role_uid", "email", "key_id", "expiration_time", "create_time"),
        "GroupInvites/List",
    ),
    Listed(
        "v2.IdentityProvidersService/ListIdentityProviders",
        "identityProviders",
        _DATED,
        "IdentityProviders/List",
    ),
    Listed(
        "v2.ExternalGroupRoleMappingsService/ListExternalGroupRoleMappings",
        "externalGroupRoleMappings",
        ("uid", "identity_provider_uid", "external_group_id", "role_uid", "scope", "create_time"),
        "ExternalGroupRoleMappings/List",
    ),
    Listed(
        "v2.AccountAssociationsService/ListAccountAssociations",
        "accountAssociations",
        _DATED,
        "GroupAccountAssociations/List",
    ),
    Listed(
        "v2.SubscriptionsService/ListSubscriptions",
        "subscriptions",
        ("uid", "sink", "create_time"),
        "Subscriptions/List",
    ),
    Listed(
        "v2.TermsService/ListTermsAcceptances",
        "termsAcceptances",
        ("doc_id", "accepted_by", "org_uid", "create_time"),
    ),
)


@dataclass(frozen=True)
class Shelf:
    """An organization with the folders `shop`, `shop/team` and others, full of records."""

    acme: Acme
    groups: tuple[Uidp, ...]
    created: dict[str, datetime] = field(default_factory=dict)
    """Of the records whose messages do not tell, by UIDP."""

    def request(self, listed: Listed) -> Json:
        """What a request for the whole list has to say."""
        return {"group": self.acme.id} if "Terms" in listed.method else {}


def camel(name: str) -> str:
    """As it stands in JSON."""
    head, *rest = name.split("_")
    return head + "".join(map(str.title, rest))


def sort_key(shelf: Shelf, record: Json, name: str) -> Any:
    """What a record is sorted by: text by its bytes, times by themselves, unknown ones first."""
    value = record.get(camel(name))
    if name == "create_time" and value is None:
        return shelf.created[record["uid"]]
    if name.endswith("_time"):
        return datetime.fromisoformat(value) if value else datetime.min.replace(tzinfo=UTC)
    return str(value).encode()


async def fill(acme: Acme, *, seed: int = 1) -> Shelf:
    """Straight into the database, in one transaction."""
    chance = random.Random(seed)
    shelf = Shelf(
        acme,
        (acme.id, acme.shop, *_more(acme, chance)),
    )
    names = ["a", "B", "b", "ä", "owner!", "viewer ", "z" * 40, "editor2", "😀"]
    names = [name.strip() for name in names]
    rules = ClaimMatch(issuer=acme.world.issuer.url, subject="x")
    identities: list[Identity] = []
    providers: list[IdentityProvider] = []
    people = [Uidp(each.identity) for each in (acme.ann, acme.vic, acme.eddy)]

    def dated(uidp: str) -> dict[str, Any]:
        created = T0 + timedelta(hours=chance.randrange(4), microseconds=chance.randrange(2))
        shelf.created[uidp] = created
        return {
            "created_at": created,
            "updated_at": created + timedelta(hours=chance.randrange(3)),
        }

    def new(number: int) -> Uidp:
        return shelf.groups[number % len(shelf.groups)].child(chance.randbytes)

    async with acme.world.broker.store.write() as records:
        for number, uidp in enumerate(shelf.groups[2:]):
            await records.groups.add(Group(id=uidp, name=f"{names[number]}", **dated(uidp)))
        for number in range(9):
            uidp = new(number)
            identity = Identity(
                id=uidp,
                name=names[chance.randrange(9)],
                relationship=rules,
                last_seen=T0 + timedelta(days=number) if number % 3 else None,
                **dated(uidp),
            )
            identities.append(identity)
            await records.identities.add(identity)
            uidp = new(number)
            await records.roles.add(
                Role(
                    id=uidp,
                    name=names[chance.randrange(9)],
                    capabilities=frozenset({"groups.list"}),
                    **dated(uidp),
                )
            )
            uidp = new(number)
            binding = RoleBinding(
                id=uidp,
                identity=identities[number // 2].id,
                role=Uidp(VIEWER),
                created_at=dated(uidp)["created_at"],
            )
            await records.bindings.add(binding)
            uidp = new(number)
            times = dated(uidp)
            await records.invites.add(
                GroupInvite(
                    id=uidp,
                    role=Uidp(VIEWER),
                    expires_at=T0 + timedelta(days=chance.randrange(3)),
                    key_id=chance.randbytes(8).hex(),
                    secret_sha256=chance.randbytes(32).hex(),
                    created_at=times["created_at"],
                    created_by=people[0],
                    email=["", "a@b.example", "b@b.example"][number % 3],
                )
            )
            uidp = new(number)
            provider = IdentityProvider(
                id=uidp,
                name=names[chance.randrange(9)],
                issuer="https://id.example",
                client_id="c",
                pkce_enabled=True,
                **dated(uidp),
            )
            providers.append(provider)
            await records.identity_providers.add(provider)
            provider = providers[number // 2]
            group = provider.id.parent
            assert group is not None
            uidp = group.child(chance.randbytes)
            await records.group_role_mappings.add(
                GroupRoleMapping(
                    id=uidp,
                    identity_provider=provider.id,
                    external_group=f"g{number % 3}{names[number]}",
                    role=Uidp(VIEWER),
                    scope=group,
                    created_at=dated(uidp)["created_at"],
                )
            )
            uidp = new(number)
            await records.subscriptions.add(
                Subscription(
                    id=uidp,
                    sink=f"https://hook.example/{number % 4}",
                    created_at=dated(uidp)["created_at"],
                )
            )
            document = f"doc-{names[number]}"
            await records.terms.accept(
                TermsAcceptance(
                    group=acme.id,
                    document=document,
                    accepted_by=people[number % 3],
                    accepted_at=dated(document)["created_at"],
                )
            )
        for number, group in enumerate(shelf.groups):
            await records.account_associations.add(
                AccountAssociation(group=group, name=names[number % 3], **dated(group))
            )
    return shelf


def _more(acme: Acme, chance: random.Random) -> Iterator[Uidp]:
    team = acme.shop.child(chance.randbytes)
    yield team
    yield team.child(chance.randbytes)
    for _ in range(3):
        yield acme.id.child(chance.randbytes)

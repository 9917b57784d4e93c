"""A store full of records to list, and what a selection of them means, record by record."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from broker.iam.listing import Selection
from broker.iam.model import Person, ServicePrincipal
from broker.iam.uidp import Uidp
from tests.store.samples import (
    NOW,
    OWNER,
    acceptance,
    association,
    binding,
    group,
    identity,
    invite,
    mapping,
    person,
    provider,
    role,
    subscription,
)

# in the order of their bytes, which is no language's
NAMES = ["A", "B", "a", "a-b", "aa", "b", "é", "名"]
FIELDS = {
    "groups": ["id", "name", "created_at", "updated_at"],
    "identities": ["id", "name", "last_seen", "created_at", "updated_at"],
    "roles": ["id", "name", "created_at", "updated_at"],
    "bindings": ["id", "identity", "role", "created_at"],
    "invites": ["id", "role", "email", "key_id", "expires_at", "created_at"],
    "identity_providers": ["id", "name", "created_at", "updated_at"],
    "group_role_mappings": [
        *("id", "identity_provider", "external_group", "role", "scope", "created_at"),
    ],
    "account_associations": ["id", "name", "created_at", "updated_at"],
    "terms": ["group", "document", "accepted_by", "accepted_at"],
    "subscriptions": ["id", "sink", "created_at"],
}
OWN_PLACE = {"groups", "account_associations", "terms"}
"""Nouns whose records stand where a group stands, not in one."""


@dataclass
class World:
    """What the store has, by noun, and every UIDP that a filter can speak of."""

    records: dict[str, list[Any]]

    @property
    def uidps(self) -> list[Uidp]:
        found = {uidp_of(each) for several in self.records.values() for each in several}
        return sorted(found | {Uidp("a" * 40)})


def uidp_of(record: Any) -> Uidp:
    uidp: Uidp = record.id if hasattr(record, "id") else record.group
    return uidp


def value_of(record: Any, field: str) -> Any:
    match field:
        case "kind":
            kinds = {Person: "person", ServicePrincipal: "service_principal"}
            return kinds.get(type(record.relationship), "claim_match")
        case "group" if hasattr(record, "id"):
            return record.id if hasattr(record, "accounts") else record.id.parent
        case _:
            return getattr(record, field)


def world(random: random.Random) -> World:
    """Three organizations of several depths; names and times often alike."""

    def moment() -> datetime:
        return NOW + timedelta(seconds=random.randrange(3))

    found: dict[str, list[Any]] = {noun: [] for noun in FIELDS}

    def put(noun: str, record: Any) -> Any:
        times = {name: moment() for name in ("created_at", "updated_at") if hasattr(record, name)}
        found[noun].append(replace(record, **times))
        return record

    def fill(at: Uidp, depth: int) -> None:
        for _ in range(random.randrange(4)):
            seen = random.choice([None, moment()])
            more = {"relationship": ServicePrincipal(name="X")} if random.random() < 0.3 else {}
            one = put("identities", identity(at, random.choice(NAMES), last_seen=seen, **more))
            custom = put("roles", role(at, random.choice(NAMES)))
            for given_role in random.sample([OWNER, custom.id], random.randrange(3)):
                put("bindings", binding(at, one.id, given_role))
        for _ in range(random.randrange(3)):
            put("invites", invite(at, email=random.choice(["", "b@b", "a@a"])))
            put("subscriptions", subscription(at, random.choice(NAMES)))
            login = put("identity_providers", provider(at, random.choice(NAMES)))
            for name in random.sample(NAMES, 2):
                put("group_role_mappings", mapping(login, external_group=name))
        if random.random() < 0.7:
            put("account_associations", association(at, random.choice(NAMES)))
        for document in random.sample(["x", "y", "z"], random.randrange(4)):
            put("terms", acceptance(at, document))
        if depth < 3:
            for name in random.sample(NAMES, random.randrange(1, 5)):
                fill(put("groups", group(name, at)).id, depth + 1)

    for name in random.sample(NAMES, 3):
        fill(put("groups", group(name)).id, 1)
    for name in "ab":
        put("identities", person(name))
    return World(found)


def selected(world: World, noun: str, selection: Selection) -> list[Any]:
    """What the words of `broker.iam.listing` mean, record by record."""

    def holds(record: Any) -> bool:
        uidp, wanted = uidp_of(record), selection.uidp
        above = wanted.ancestors_of
        if above is None:
            related = True
        elif noun in OWN_PLACE:
            related = uidp.covers(above) and uidp != above
        else:
            related = uidp.parent in set(above.lineage()) and uidp != above
        return (
            related
            and (selection.within is None or any(each.covers(uidp) for each in selection.within))
            and (
                wanted.descendants_of is None
                or (wanted.descendants_of.covers(uidp) and uidp != wanted.descendants_of)
            )
            and (wanted.children_of is None or uidp.parent == wanted.children_of)
            and (not wanted.in_root or uidp.is_root)
            and (not wanted.ids or uidp in wanted.ids)
            and all(value_of(record, name) == value for name, value in selection.equal.items())
        )

    found = [each for each in world.records[noun] if holds(each)]
    found.sort(key=lambda each: (uidp_of(each), getattr(each, "document", "")))
    for order in reversed(selection.order):
        found.sort(key=lambda each: comparable(each, order.field), reverse=order.descending)
    return found


def comparable(record: Any, field: str) -> tuple[bool, Any]:
    value = getattr(record, field)
    return value is not None, value.encode() if isinstance(value, str) else value or 0

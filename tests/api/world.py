"""A running broker, an issuer, and people of several organizations, for tests of the API."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from broker.audit.record import AuditRecord
from broker.iam.model import Group, Identity, Person, Role, RoleBinding
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.api import Caller, Json, Wire, login, wires
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import exchange
from tests.kit.organizations import ROLES, Organization

OPERATOR = "operator"
"""The subject of the person who runs the installation."""

OWNER = ROLES.owner.id
VIEWER = str(next(role.id for role in ROLES if role.name == "viewer"))

EDITOR = (
    "account_associations.create",
    "group_invites.create",
    "groups.create",
    "groups.list",
    "groups.update",
    "identity.create",
    "identity.list",
    "identity.update",
    "identity_providers.create",
    "identity_providers.list",
    "identity_providers.update",
    "role_bindings.create",
    "role_bindings.delete",
    "role_bindings.list",
    "role_bindings.update",
    "roles.create",
    "roles.list",
    "roles.update",
)
"""What somebody holds who may do much, and not everything."""


@dataclass(frozen=True)
class World:
    """The broker, and what reaches it. Records that tests need before their story begins are put
    straight into the database."""

    broker: RunningBroker
    issuer: LocalIssuer
    http: Wire
    grpc: Wire
    operator: Caller
    """Who runs the installation. The token is from before any role; for what they created since,
    `login(OPERATOR, scope=…)`."""
    _numbers: Iterator[int] = field(default_factory=count, repr=False)

    def number(self) -> int:
        """Another one each time, for names."""
        return next(self._numbers)

    async def login(self, subject: str, **parameters: Any) -> Caller:
        """A registered person with a fresh token; `parameters` are the exchange's."""
        return await login(self.broker, self.issuer, self.grpc, subject, **parameters)

    async def assumed(self, identity: str, subject: str, **parameters: Any) -> Caller:
        """An assumable identity with a fresh token."""
        token = self.issuer.token({"sub": subject})
        answer = await exchange(self.broker, token, identity, **parameters)
        assert answer.status == 200, answer.body
        return Caller(self.grpc, answer.body["token"], identity)

    def person_uidp(self, subject: str) -> Uidp:
        """Of a person of the issuer, registered or not."""
        return Uidp.of_person(self.issuer.url, subject)

    async def organization(self, name: str | None = None) -> Acme:
        """A new one with its people."""
        number = self.number()
        return await Acme.of(self, name or f"acme-{number}", number)

    async def audit(self, after: str = "") -> list[AuditRecord]:
        """The changes written down since a record, oldest first."""
        async with self.broker.store.read() as records:
            found = await records.audit.find(after_id=after, limit=10_000)
        return [record for record in found if record.action != "exchange"]

    async def last_record(self) -> str:
        """The id of the newest audit record."""
        async with self.broker.store.read() as records:
            (newest,) = await records.audit.find(limit=1)
        return newest.id


@dataclass(frozen=True)
class Acme:
    """An organization with the folder `shop`, and who has to do with it: `ann`, its owner; `vic`,
    a viewer; `eddy`, who holds `EDITOR` by a custom role; `oda`, the owner of another one."""

    world: World
    records: Organization
    number: int
    ann: Caller
    vic: Caller
    eddy: Caller
    oda: Caller
    other: Uidp
    """The organization of `oda`."""

    @classmethod
    async def of(cls, world: World, name: str, number: int) -> Acme:
        """With its people registered, bound and logged in."""
        new: Final = secrets.token_bytes
        dated: dict[str, Any] = dict.fromkeys(("created_at", "updated_at"), datetime.now(UTC))
        root, other = Uidp.new_root(new), Uidp.new_root(new)
        folder = root.child(new)
        editor = Role(
            id=root.child(new), name="editor of acme", capabilities=frozenset(EDITOR), **dated
        )
        async with world.broker.store.write() as records:
            for uidp, title in ((root, name), (folder, "shop"), (other, f"odas-{number}")):
                await records.groups.add(Group(id=uidp, name=title, **dated))
            await records.roles.add(editor)
            for who, at, role in (
                ("ann", root, OWNER),
                ("vic", root, Uidp(VIEWER)),
                ("eddy", root, editor.id),
                ("oda", other, OWNER),
            ):
                subject = f"{who}-{number}"
                person = Person(issuer=world.issuer.url, subject=subject)
                identity = Identity(
                    id=world.person_uidp(subject), name=subject, relationship=person, **dated
                )
                await records.identities.add(identity)
                await records.bindings.add(
                    RoleBinding(
                        id=at.child(new),
                        identity=identity.id,
                        role=role,
                        created_at=dated["created_at"],
                    )
                )
        people = {
            who: await world.login(f"{who}-{number}") for who in ("ann", "vic", "eddy", "oda")
        }
        place = Organization(world.broker.store, root, folder)
        return cls(world, place, number, other=other, **people)

    @property
    def id(self) -> Uidp:
        """Of the organization."""
        return self.records.id

    @property
    def shop(self) -> Uidp:
        """Of the folder."""
        return self.records.folder

    async def again(self, name: str, **parameters: Any) -> Caller:
        """`ann`, `vic`, `eddy` or `oda` with a new token; `parameters` are the exchange's."""
        return await self.world.login(f"{name}-{self.number}", **parameters)

    async def stranger(self) -> Caller:
        """A registered person without any role."""
        subject = f"stranger-{self.world.number()}"
        await self.records.person(self.world.issuer.url, subject)
        return await self.world.login(subject)

    async def holder(self, *capabilities: str, at: Uidp | None = None) -> Caller:
        """A person with exactly these capabilities, at the organization or elsewhere in it."""
        return await self.holding({at or self.id: capabilities})

    async def holding(self, held: Mapping[Uidp, Iterable[str]]) -> Caller:
        """A person with exactly these capabilities at these groups."""
        number = self.world.number()
        uidp = await self.records.person(self.world.issuer.url, f"holder-{number}")
        for group, capabilities in held.items():
            role = await self.records.role(f"holder {number}", *capabilities)
            await self.records.bind(uidp, role, group)
        return await self.world.login(f"holder-{number}")

    async def folder(self, name: str = "", parent: str = "") -> Uidp:
        """A new one."""
        made = await self.ann(
            "Groups/Create",
            parent=parent or self.id,
            group={"name": name or f"folder-{self.world.number()}"},
        )
        return Uidp(made["id"])

    async def role(self, *capabilities: str, parent: str = "", name: str = "") -> Uidp:
        """A new custom role."""
        role = {"name": name or f"role-{self.world.number()}", "capabilities": list(capabilities)}
        made = await self.ann("Roles/Create", parent_id=parent or self.id, role=role)
        return Uidp(made["id"])

    async def identity(self, subject: str = "", parent: str = "", name: str = "ci") -> Uidp:
        """A new one that matches a subject of the issuer."""
        number = self.world.number()
        rules = {"issuer": self.world.issuer.url, "subject": subject or f"robot-{number}"}
        made = await self.ann(
            "Identities/Create",
            parent_id=parent or self.shop,
            identity={"name": name, "claim_match": rules},
        )
        return Uidp(made["id"])

    async def bind(self, identity: str, role: str, parent: str = "") -> Uidp:
        """A new role binding."""
        made = await self.ann(
            "RoleBindings/Create",
            parent=parent or self.id,
            role_binding={"identity": identity, "role": role},
        )
        return Uidp(made["id"])

    async def binding_of(self, caller: Caller, at: str = "") -> Uidp:
        """The UIDP of somebody's one role binding."""
        found = await self.ann("v2.RoleBindingsService/ListRoleBindings", identity=caller.identity)
        (binding,) = found["roleBindings"]
        return Uidp(binding["uid"])


@asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A broker with an operator. `settings` by variable name."""
    async with LocalIssuer(algorithm="ES256") as issuer:
        operators = json.dumps([Uidp.of_person(issuer.url, OPERATOR)])
        async with running_broker(folder, **{"BROKER_OPERATORS": operators, **settings}) as broker:
            issuer.audience = broker.url
            async with wires(broker) as ways:
                nowhere = Organization(broker.store, Uidp(OWNER), Uidp(OWNER))
                await nowhere.person(issuer.url, OPERATOR)
                operator = await login(broker, issuer, ways["grpc"], OPERATOR)
                yield World(broker, issuer, ways["http"], ways["grpc"], operator)


def names(answer: Json, field: str = "items") -> list[str]:
    """Of the records in a list."""
    return [item["name"] for item in answer[field]]


def ids(answer: Json) -> list[str]:
    """UIDPs of the records in a list of either version."""
    (records,) = [value for value in answer.values() if isinstance(value, list)]
    return [record.get("id") or record.get("uid") or record["group"] for record in records]

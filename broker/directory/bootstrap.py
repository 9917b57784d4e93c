"""How an installation begins: an organization and its first owner, straight in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from broker.directory.description import fields_of
from broker.directory.people import person_identity
from broker.directory.recording import change_record
from broker.errors import Conflict
from broker.iam.model import Group, Identity, OrganizationStatus, Person, RoleBinding
from broker.iam.roles import OWNER, BuiltinRoles
from broker.iam.uidp import RandomBytes, Uidp
from broker.iam.validation import check_group, check_identity
from broker.store import Store

ACTOR: Final = "local:bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrapped:
    """UIDPs of what there is now."""

    organization: Uidp
    identity: Uidp
    """The owner's."""
    role_binding: Uidp


async def bootstrap(
    store: Store,
    *,
    name: str,
    owner_issuer: str,
    owner_subject: str,
    builtin_roles: BuiltinRoles,
    clock: Callable[[], float],
    random: RandomBytes,
    description: str = "",
    owner_name: str = "",
    allow_http_loopback: bool = False,
    request_id: str = "",
) -> Bootstrapped:
    """Create an organization, and bind a person to the built-in role `owner` there.

    The person is known by issuer and subject; one who exists already is left as they are. All of
    it happens in one transaction, with its audit records. `clock` gives seconds since the epoch.

    Raises `Invalid` naming the argument, and `Conflict` (`organization_exists`).
    """
    now = datetime.fromtimestamp(clock(), UTC)
    organization = Group(
        id=Uidp.new_root(random),
        name=name,
        description=description,
        status=OrganizationStatus.READY,
        created_at=now,
        updated_at=now,
    )
    check_group(organization)
    person = person_identity(
        Person(issuer=owner_issuer, subject=owner_subject), now=now, name=owner_name
    )
    check_identity(person, allow_http_loopback=allow_http_loopback)
    binding = RoleBinding(
        id=organization.id.child(random),
        identity=person.id,
        role=builtin_roles.owner.id,
        created_at=now,
    )
    async with store.write() as records:
        if await records.groups.by_name(None, name) is not None:
            raise Conflict(
                "organization_exists", f"there is an organization {name!r} already", field="name"
            )
        made: list[Group | Identity | RoleBinding] = [organization, binding]
        await records.groups.add(organization)
        if await records.identities.get(person.id) is None:
            await records.identities.add(person)
            made.insert(1, person)
        await records.bindings.add(binding)
        for record in made:
            await records.audit.add(
                change_record(
                    record,
                    "created",
                    fields=_fields(record),
                    actor=ACTOR,
                    now=now,
                    random=random,
                    request_id=request_id,
                )
            )
    return Bootstrapped(organization=organization.id, identity=person.id, role_binding=binding.id)


def _fields(record: Group | Identity | RoleBinding) -> dict[str, tuple[Any, Any]]:
    match record:
        case RoleBinding():
            return {"identity": (None, record.identity), "role": (None, OWNER)}
        case _:
            return {name: (None, value) for name, value in fields_of(record).items()}

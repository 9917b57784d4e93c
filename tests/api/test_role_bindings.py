"""Role bindings: who holds what where, and who may say so."""

from __future__ import annotations

import asyncio

import pytest
from google.rpc import code_pb2

from broker.iam.uidp import Uidp
from tests.api.world import EDITOR, OWNER, VIEWER, Acme, ids
from tests.kit.api import Caller, Json, Refused, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

MISSING = "0123456789abcdef"


async def test_a_binding_in_every_version(acme: Acme, wire: Wire) -> None:
    """Version 1 lists what it joins whole, version 2 in short."""
    ann = acme.ann.on(wire)
    identity = await acme.identity("robot", name="robot")
    role = await acme.role("groups.list", name="lister")
    made = await ann(
        "RoleBindings/Create", parent=acme.shop, role_binding={"identity": identity, "role": role}
    )
    assert made == {
        "id": made["id"],
        "identity": identity,
        "role": role,
        "group": acme.shop,
    }
    (listed,) = (await ann("RoleBindings/List", id=made["id"]))["items"]
    assert listed["group"]["name"] == "shop"
    assert listed["role"]["capabilities"] == ["groups.list"]
    assert listed["claimMatchIssuer"] == acme.world.issuer.url
    assert listed["claimMatchSubject"] == "robot"
    read = await ann("v2.RoleBindingsService/GetRoleBinding", uid=made["id"])
    assert read == {
        "uid": made["id"],
        "createTime": listed["createdAt"],
        "identityUid": identity,
        "roleUid": role,
        "identity": {
            "uid": identity,
            "name": "robot",
            "description": "",
            "issuer": acme.world.issuer.url,
            "subject": "robot",
            "email": "",
        },
        "group": {"uid": acme.shop, "name": "shop", "description": ""},
        "role": {"uid": role, "name": "lister", "description": ""},
    }
    assert await ann("v2beta1.RoleBindingsService/GetRoleBinding", uid=made["id"]) == read


async def test_what_version_2_takes_besides(acme: Acme, wire: Wire) -> None:
    """Identity and role by the messages that it shows; of a batch without roles, one for all."""
    ann = acme.ann.on(wire)
    one, other = await acme.identity(), await acme.identity()
    made = await ann(
        "v2.RoleBindingsService/CreateRoleBinding",
        parent=acme.shop,
        role_binding={"identity": {"uid": one}, "role": {"uid": VIEWER}},
    )
    assert (made["identityUid"], made["roleUid"]) == (one, VIEWER)
    batch = await ann(
        "v2.RoleBindingsService/BatchCreateRoleBindings",
        parent=acme.id,
        role_uid=VIEWER,
        requests=[
            {"role_binding": {"identity_uid": one}},
            {"parent": acme.id, "role_binding": {"identity_uid": other, "role_uid": OWNER}},
        ],
    )
    assert [(b["identityUid"], b["roleUid"]) for b in batch["roleBindings"]] == [
        (one, VIEWER),
        (other, OWNER),
    ]


async def test_who_is_not_there_cannot_be_bound(acme: Acme, wire: Wire) -> None:
    """An identity or a role that does not exist is not found; a person may come later."""
    ann = acme.ann.on(wire)
    for binding, reason in (
        ({"identity": f"{acme.shop}/{MISSING}", "role": VIEWER}, "identity_not_found"),
        ({"identity": acme.vic.identity, "role": f"{acme.shop}/{MISSING}"}, "role_not_found"),
        ({"identity": acme.vic.identity, "role": acme.vic.identity}, "role_not_found"),
    ):
        with refused(code_pb2.NOT_FOUND, reason):
            await ann("RoleBindings/Create", parent=acme.shop, role_binding=binding)
        with refused(code_pb2.NOT_FOUND, reason):
            await ann("RoleBindings/CreateBatch", parent=acme.shop, role_bindings=[binding])
    with refused(code_pb2.NOT_FOUND, "group_not_found"):
        await ann(
            "RoleBindings/Create",
            parent=f"{acme.shop}/{MISSING}",
            role_binding={"identity": acme.vic.identity, "role": VIEWER},
        )
    subject = f"later-{acme.world.number()}"
    await ann(
        "RoleBindings/Create",
        parent=acme.shop,
        role_binding={"identity": acme.world.person_uidp(subject), "role": VIEWER},
    )
    await acme.records.person(acme.world.issuer.url, subject)
    later = (await acme.world.login(subject)).on(wire)
    assert ids(await later("Groups/List")) == [acme.shop]


async def test_an_update_takes_what_lists_show(acme: Acme, wire: Wire) -> None:
    """An identity or a role that is named as a message is not passed over."""
    ann = acme.ann.on(wire)
    made = await ann("RoleBindings/Create", parent=acme.shop, roleBinding={
        "identity": acme.vic.identity, "role": VIEWER})  # fmt: skip
    changed = await ann(
        "v2.RoleBindingsService/UpdateRoleBinding",
        roleBinding={"uid": made["id"], "role": {"uid": OWNER}},
        updateMask="role",
    )
    assert (changed["roleUid"], changed["identityUid"]) == (OWNER, acme.vic.identity)


async def test_a_binding_is_there_once(acme: Acme, wire: Wire) -> None:
    """The same identity, role and group again are refused, by creation, batch and update."""
    ann = acme.ann.on(wire)
    identity = await acme.identity()
    same = {"identity": identity, "role": VIEWER}
    await acme.bind(identity, VIEWER, acme.shop)
    with refused(code_pb2.ALREADY_EXISTS, "binding_exists"):
        await ann("RoleBindings/Create", parent=acme.shop, role_binding=same)
    with refused(code_pb2.ALREADY_EXISTS, "binding_exists"):
        await ann("RoleBindings/CreateBatch", parent=acme.shop, role_bindings=[same])
    with refused(code_pb2.ALREADY_EXISTS, "binding_exists"):
        await ann("RoleBindings/CreateBatch", parent=acme.id, role_bindings=[same, same])
    elsewhere = await acme.bind(identity, VIEWER, acme.id)
    other = await acme.bind(identity, OWNER, acme.shop)
    with refused(code_pb2.ALREADY_EXISTS, "binding_exists"):
        await ann("RoleBindings/Update", id=other, role=VIEWER)
    await ann("RoleBindings/Delete", id=elsewhere)


async def test_a_batch_is_made_whole_or_not_at_all(acme: Acme, wire: Wire) -> None:
    """One that is at fault keeps the others from being made; from 1 to 500 at once."""
    ann = acme.ann.on(wire)
    one, other = await acme.identity(), await acme.identity()
    bad: list[tuple[Json, int]] = [
        ({"identity": f"{acme.shop}/{MISSING}", "role": VIEWER}, code_pb2.NOT_FOUND),
        ({"identity": one, "role": VIEWER}, code_pb2.ALREADY_EXISTS),
        ({"identity": "x", "role": VIEWER}, code_pb2.INVALID_ARGUMENT),
        ({"identity": other}, code_pb2.INVALID_ARGUMENT),
    ]
    before = ids(await ann("RoleBindings/List"))
    for last, code in bad:
        batch = [{"identity": one, "role": VIEWER}, last]
        with refused(code):
            await ann("RoleBindings/CreateBatch", parent=acme.id, role_bindings=batch)
    for count in (0, 501):
        with refused(code_pb2.INVALID_ARGUMENT, field="role_bindings"):
            await ann(
                "RoleBindings/CreateBatch",
                parent=acme.id,
                role_bindings=[{"identity": one, "role": VIEWER}] * count,
            )
        with refused(code_pb2.INVALID_ARGUMENT, field="requests"):
            await ann(
                "v2.RoleBindingsService/BatchCreateRoleBindings",
                parent=acme.id,
                requests=[{"role_binding": {"identity_uid": one, "role_uid": VIEWER}}] * count,
            )
    assert ids(await ann("RoleBindings/List")) == before


async def test_an_update_takes_what_it_names(acme: Acme, wire: Wire) -> None:
    """Another identity, another role, or both; the group stays whatever the request says."""
    ann = acme.ann.on(wire)
    one, other = await acme.identity(), await acme.identity()
    role = await acme.role("groups.list")
    uidp = await acme.bind(one, VIEWER, acme.shop)
    assert await ann("RoleBindings/Update", id=uidp, role=role, group=acme.id) == {
        "id": uidp,
        "identity": one,
        "role": role,
        "group": acme.shop,
    }
    assert (await ann("RoleBindings/Update", id=uidp, identity=other))["identity"] == other
    moved = await ann(
        "v2.RoleBindingsService/UpdateRoleBinding",
        role_binding={"uid": uidp, "role_uid": VIEWER, "group": {"uid": acme.id}},
    )
    assert (moved["roleUid"], moved["group"]["uid"]) == (VIEWER, acme.shop)


# nobody grants what they do not hold


def _grants(acme: Acme, binding: Json, uidp: str) -> list[tuple[str, Json]]:
    """Every way to give a role."""
    v2 = {"identity_uid": binding["identity"], "role_uid": binding["role"]}
    return [
        ("RoleBindings/Create", {"parent": acme.id, "role_binding": binding}),
        ("RoleBindings/CreateBatch", {"parent": acme.id, "role_bindings": [binding]}),
        ("RoleBindings/Update", {"id": uidp, **binding}),
        ("v2.RoleBindingsService/CreateRoleBinding", {"parent": acme.id, "role_binding": v2}),
        (
            "v2.RoleBindingsService/BatchCreateRoleBindings",
            {"parent": acme.id, "requests": [{"role_binding": v2}]},
        ),
        (
            "v2.RoleBindingsService/UpdateRoleBinding",
            {"role_binding": {"uid": uidp, **v2}, "update_mask": "identityUid,roleUid"},
        ),
        ("GroupInvites/Create", {"group": acme.id, "role": binding["role"]}),
    ]


async def test_nobody_binds_what_they_do_not_hold(acme: Acme, wire: Wire) -> None:
    """Neither to themselves nor to others, by a new binding, a batch, an update or an invite."""
    eddy = acme.eddy.on(wire)
    own = await acme.binding_of(acme.eddy)
    bigger = await acme.role("groups.list", "groups.delete")
    before = await acme.ann("RoleBindings/List")
    for role in (OWNER, bigger):
        for identity in (acme.eddy.identity, await acme.identity()):
            for name, request in _grants(acme, {"identity": identity, "role": role}, own):
                with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own"):
                    await eddy(name, **request)
    assert await acme.ann("RoleBindings/List") == before


async def test_the_bindings_of_mightier_people(acme: Acme, wire: Wire) -> None:
    """Are not re-pointed to oneself: whoever changes a binding gives its role anew."""
    eddy = acme.eddy.on(wire)
    anns = await acme.binding_of(acme.ann)
    for name, request in (
        ("RoleBindings/Update", {"id": anns, "identity": acme.eddy.identity}),
        (
            "v2.RoleBindingsService/UpdateRoleBinding",
            {"role_binding": {"uid": anns, "identity_uid": acme.eddy.identity}},
        ),
    ):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own"):
            await eddy(name, **request)


async def test_a_batch_of_another_group(acme: Acme, wire: Wire) -> None:
    """The parent of one of its requests cannot be another than that of the batch, where the
    caller's right was asked for."""
    lead = (await acme.holder(*EDITOR, at=acme.shop)).on(wire)
    role = await acme.role("groups.list")
    bound = {"identity_uid": lead.identity, "role_uid": role}
    with refused(code_pb2.INVALID_ARGUMENT, field="requests[1].parent"):
        await lead(
            "v2.RoleBindingsService/BatchCreateRoleBindings",
            parent=acme.shop,
            requests=[{"role_binding": bound}, {"parent": acme.id, "role_binding": bound}],
        )


async def test_a_role_is_bound_at_its_group_or_below(acme: Acme, wire: Wire) -> None:
    """Not above it, not beside it, not in another organization: not even by who owns both."""
    ann = acme.ann.on(wire)
    beside = await acme.folder()
    role = await acme.role("groups.list", parent=acme.shop)
    inside = await acme.folder(parent=acme.shop)
    for group in (acme.id, beside):
        with refused(code_pb2.NOT_FOUND, "role_not_found"):
            await ann(
                "RoleBindings/Create",
                parent=group,
                role_binding={"identity": acme.vic.identity, "role": role},
            )
        with refused(code_pb2.NOT_FOUND, "role_not_found"):
            await ann("GroupInvites/Create", group=group, role=role)
    for group in (acme.shop, inside):
        await acme.bind(acme.vic.identity, role, group)
    await acme.oda(
        "RoleBindings/Create",
        parent=acme.other,
        role_binding={"identity": acme.ann.identity, "role": OWNER},
    )
    both = (await acme.again("ann")).on(wire)
    with refused(code_pb2.NOT_FOUND, "role_not_found"):
        await both(
            "RoleBindings/Create",
            parent=acme.other,
            role_binding={"identity": acme.vic.identity, "role": role},
        )


async def test_where_one_holds_something(acme: Acme, wire: Wire) -> None:
    """Who owns a folder makes owners of it, and none of the organization or of another folder."""
    number = acme.world.number()
    uidp = await acme.records.person(acme.world.issuer.url, f"lead-{number}")
    await acme.bind(uidp, OWNER, acme.shop)
    await acme.bind(uidp, await acme.role("role_bindings.create"))
    lead = (await acme.world.login(f"lead-{number}")).on(wire)
    binding = {"identity": acme.vic.identity, "role": OWNER}
    await lead("RoleBindings/Create", parent=acme.shop, role_binding=binding)
    for group in (acme.id, await acme.folder()):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own"):
            await lead("RoleBindings/Create", parent=group, role_binding=binding)


# an organization keeps its last owner


async def _removals(acme: Acme, owner: Caller, binding: Uidp) -> list[tuple[str, Json]]:
    """Every way to take the owner's role from them."""
    nobody = acme.world.person_uidp("nobody at all")
    v2 = "v2.RoleBindingsService"
    update = f"{v2}/UpdateRoleBinding"
    return [
        ("RoleBindings/Delete", {"id": binding}),
        (f"{v2}/DeleteRoleBinding", {"uid": binding}),
        ("RoleBindings/Update", {"id": binding, "role": VIEWER}),
        ("RoleBindings/Update", {"id": binding, "identity": nobody}),
        (update, {"role_binding": {"uid": binding, "role_uid": VIEWER}}),
        (update, {"role_binding": {"uid": binding, "identity_uid": nobody}}),
        ("Auth/Delete", {"id": owner.identity}),
    ]


async def test_the_last_owner_stays(acme: Acme, wire: Wire) -> None:
    """Their binding is neither deleted nor given to another role, nor to somebody who has never
    come; their account is not deleted. An owner of a folder, or by another role, does not count."""
    ann = acme.ann.on(wire)
    binding = await acme.binding_of(acme.ann)
    await acme.bind(acme.vic.identity, OWNER, acme.shop)
    await acme.bind(acme.world.person_uidp("has never come"), OWNER)
    for name, request in await _removals(acme, acme.ann, binding):
        with refused(code_pb2.FAILED_PRECONDITION, "last_owner"):
            await ann(name, **request)
    assert OWNER in {b["role"]["id"] for b in (await ann("RoleBindings/List"))["items"]}


@pytest.mark.parametrize("way", range(7))
async def test_an_owner_beside_another_may_go(acme: Acme, wire: Wire, way: int) -> None:
    """In any of these ways."""
    binding = await acme.binding_of(acme.ann)
    await acme.bind(acme.vic.identity, OWNER)
    name, request = (await _removals(acme, acme.ann, binding))[way]
    await acme.ann.on(wire)(name, **request)
    vic = (await acme.again("vic")).on(wire)
    owners = [
        b for b in (await vic("RoleBindings/List"))["items"]
        if b["role"]["id"] == OWNER and b["group"]["id"] == acme.id
    ]  # fmt: skip
    assert acme.ann.identity not in {b["identity"] for b in owners}
    assert acme.vic.identity in {b["identity"] for b in owners}


async def test_the_last_owner_hands_over(acme: Acme, wire: Wire) -> None:
    """To somebody who is there, by one update."""
    binding = await acme.binding_of(acme.ann)
    await acme.ann.on(wire)("RoleBindings/Update", id=binding, identity=acme.vic.identity)
    assert (await acme.again("ann")).identity
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await acme.ann.on(wire)("RoleBindings/Delete", id=binding)


async def test_two_owners_do_not_both_go(acme: Acme, wire: Wire) -> None:
    """Who are removed at the same moment: one of the calls is refused, in any order."""
    second = await acme.bind(acme.vic.identity, OWNER)
    first = await acme.binding_of(acme.ann)
    vic = await acme.again("vic")
    outcomes = await asyncio.gather(
        acme.ann.on(wire)("RoleBindings/Delete", id=first),
        vic.on(wire)("RoleBindings/Delete", id=second),
        return_exceptions=True,
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [error.reason for error in refusals] == ["last_owner"]


# deletion


async def test_a_deleted_binding_ends_at_once(acme: Acme, wire: Wire) -> None:
    """The next exchange has it no more, in the same process without waiting."""
    number = acme.world.number()
    uidp = await acme.records.person(acme.world.issuer.url, f"x-{number}")
    binding = Uidp("")
    for _ in range(3):
        binding = await acme.bind(uidp, VIEWER, acme.shop)
        someone = (await acme.world.login(f"x-{number}")).on(wire)
        (held,) = (await someone("Auth/Validate"))["capabilities"]
        assert held["group"]["id"] == acme.shop
        await acme.ann.on(wire)("RoleBindings/Delete", id=binding)
        someone = await acme.world.login(f"x-{number}")
        assert (await someone("Auth/Validate"))["capabilities"] == []
    with refused(code_pb2.NOT_FOUND, "binding_not_found"):
        await acme.ann.on(wire)("RoleBindings/Delete", id=binding)
    with refused(code_pb2.NOT_FOUND, "binding_not_found"):
        await acme.ann.on(wire)("RoleBindings/Update", id=binding, role=VIEWER)
    with refused(code_pb2.NOT_FOUND, "binding_not_found"):
        await acme.ann.on(wire)("v2.RoleBindingsService/GetRoleBinding", uid=binding)

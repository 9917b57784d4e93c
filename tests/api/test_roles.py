"""Built-in roles, and those of organizations."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.rpc import code_pb2

from tests.api.world import EDITOR, OWNER, VIEWER, Acme, ids, world
from tests.kit.api import Json, Wire, refused
from tests.kit.organizations import CAPABILITIES, ROLES

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_built_in_roles_are_for_everybody_to_see(acme: Acme, wire: Wire) -> None:
    """Whoever has a token lists and reads them; `/` as a parent means them alone."""
    stranger = (await acme.stranger()).on(wire)
    for request in (
        {},
        {"parent": "/"},
        {"uidp": {"in_root": True}},
        {"uidp": {"children_of": "/"}},
    ):
        listed = (await stranger("Roles/List", **request))["items"]
        assert {role["id"]: role["name"] for role in listed} == {r.id: r.name for r in ROLES}
    for builtin in ROLES:
        (v1,) = (await stranger("Roles/List", id=builtin.id))["items"]
        assert set(v1["capabilities"]) == builtin.capabilities
        v2 = await stranger("v2.RolesService/GetRole", uid=builtin.id)
        assert (v2["name"], len(v2["capabilities"])) == (builtin.name, len(builtin.capabilities))


async def test_nobody_changes_a_built_in_role(acme: Acme, wire: Wire) -> None:
    """They lie in no group, so nobody holds anything at them."""
    for caller in (acme.ann.on(wire), acme.world.operator.on(wire)):
        for name, request in (
            ("Roles/Update", {"id": VIEWER, "name": "viewer", "capabilities": ["groups.delete"]}),
            ("v2.RolesService/UpdateRole", {"role": {"uid": VIEWER, "description": "d"}}),
            ("Roles/Delete", {"id": VIEWER}),
            ("v2.RolesService/DeleteRole", {"uid": VIEWER}),
            ("Roles/Create", {"parent_id": VIEWER, "role": {"name": "x"}}),
        ):
            with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
                await caller(name, **request)


async def test_a_custom_role(acme: Acme, wire: Wire) -> None:
    """Has a name, a description and capabilities, which version 1 names and version 2 numbers;
    what is given twice is there once."""
    ann = acme.ann.on(wire)
    made = await ann(
        "Roles/Create",
        parent_id=acme.shop,
        role={
            "name": "releaser",
            "description": "d",
            "capabilities": ["roles.list", "groups.list", "roles.list"],
        },
    )
    assert made == {
        "id": made["id"],
        "name": "releaser",
        "description": "d",
        "capabilities": ["groups.list", "roles.list"],
    }
    read = await ann("v2.RolesService/GetRole", uid=made["id"])
    assert read["capabilities"] == ["CAP_IAM_GROUPS_LIST", "CAP_IAM_ROLES_LIST"]
    # another may have the same name: roles are known by their UIDP
    again = await ann("Roles/Create", parent_id=acme.shop, role=made)
    assert again["id"] != made["id"]


@pytest.mark.parametrize(
    ("role", "code", "reason", "field"),
    [
        ({"name": ""}, code_pb2.INVALID_ARGUMENT, "field_invalid", "name"),
        ({"name": "viewer"}, code_pb2.INVALID_ARGUMENT, "field_invalid", "name"),
        ({"name": "owner"}, code_pb2.INVALID_ARGUMENT, "field_invalid", "name"),
        ({"capabilities": []}, code_pb2.INVALID_ARGUMENT, "field_invalid", "capabilities"),
        (
            {"capabilities": ["x.y"]},
            code_pb2.INVALID_ARGUMENT,
            "capability_unknown",
            "capabilities",
        ),
        ({"capabilities": [""]}, code_pb2.INVALID_ARGUMENT, "capability_unknown", "capabilities"),
        ({"description": "a\x07"}, code_pb2.INVALID_ARGUMENT, "field_invalid", "description"),
        ({"description": "x" * 2049}, code_pb2.INVALID_ARGUMENT, "field_invalid", "description"),
    ],
    ids=str,
)
async def test_roles_that_are_refused(
    acme: Acme, wire: Wire, role: Json, code: int, reason: str, field: str
) -> None:
    """At creation and at update."""
    ann = acme.ann.on(wire)
    whole = {"name": "releaser", "capabilities": ["groups.list"]} | role
    uidp = await acme.role("groups.list")
    with refused(code, reason, field=field):
        await ann("Roles/Create", parent_id=acme.id, role=whole)
    with refused(code, reason, field=field):
        await ann("Roles/Update", id=uidp, **whole)


async def test_what_is_for_the_installation_alone(acme: Acme, wire: Wire) -> None:
    """No custom role has a capability of the installation's own services."""
    for name in sorted(CAPABILITIES.internal):
        with refused(code_pb2.PERMISSION_DENIED, "capability_internal", field="capabilities"):
            await acme.ann.on(wire)(
                "Roles/Create", parent_id=acme.id, role={"name": "x", "capabilities": [name]}
            )
    assert CAPABILITIES.internal


async def test_an_unknown_number_of_a_capability(acme: Acme, wire: Wire) -> None:
    """Is refused by version 2, as an unknown name is by version 1."""
    for number in (0, 999_999, 2_000_000, 2**31 - 1, -1):
        with refused(code_pb2.INVALID_ARGUMENT, field="capabilities"):
            await acme.ann.on(wire)(
                "v2.RolesService/CreateRole",
                parent=acme.id,
                role={"name": "x", "capabilities": [number]},
            )


async def test_capabilities_of_the_operators_own(tmp_path: Path) -> None:
    """Have no name in version 2's enum, and travel there as 1,000,000 and their number."""
    async with world(tmp_path, BROKER_CAPABILITIES='{"deploy.create": 1024}') as running:
        acme = await running.organization()
        for wire in (running.http, running.grpc):
            ann = acme.ann.on(wire)
            made = await ann(
                "v2.RolesService/CreateRole",
                parent=acme.id,
                role={"name": "deployer", "capabilities": [1_001_024, "CAP_VERSION_LIST"]},
            )
            assert made["capabilities"] == ["CAP_VERSION_LIST", 1_001_024]
            (old,) = (await ann("Roles/List", id=made["uid"]))["items"]
            assert old["capabilities"] == ["deploy.create", "version.list"]
            with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
                await acme.eddy.on(wire)(
                    "Roles/Create",
                    parent_id=acme.id,
                    role={"name": "x", "capabilities": ["deploy.create"]},
                )


# nobody grants what they do not hold


async def test_a_role_holds_no_more_than_its_maker(acme: Acme, wire: Wire) -> None:
    """A capability that the caller lacks at the group is refused, in new roles and in old ones;
    one that the role has already may stay."""
    eddy = acme.eddy.on(wire)
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
        await eddy(
            "Roles/Create",
            parent_id=acme.id,
            role={"name": "x", "capabilities": ["groups.list", "groups.delete"]},
        )
    mine = await eddy(
        "Roles/Create", parent_id=acme.id, role={"name": "x", "capabilities": list(EDITOR)}
    )
    theirs = await acme.role("groups.list", "groups.delete")
    for uidp in (mine["id"], theirs):
        for name, request in (
            (
                "Roles/Update",
                {"id": uidp, "name": "x", "capabilities": ["groups.delete", "roles.delete"]},
            ),
            (
                "v2.RolesService/UpdateRole",
                {"role": {"uid": uidp, "capabilities": ["CAP_IAM_ROLES_DELETE"]}},
            ),
        ):
            with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
                await eddy(name, **request)
    kept = await eddy(
        "Roles/Update",
        id=theirs,
        name="y",
        capabilities=["groups.delete", "groups.list", "roles.list"],
    )
    assert kept["capabilities"] == ["groups.delete", "groups.list", "roles.list"]


async def test_the_role_that_one_holds(acme: Acme, wire: Wire) -> None:
    """Cannot be used to give oneself more: not by adding to it, not by a token that is fresh."""
    editor = next(
        role["id"] for role in (await acme.ann("Roles/List", name="editor of acme"))["items"]
    )
    for caller in (acme.eddy.on(wire), (await acme.again("eddy")).on(wire)):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
            await caller(
                "Roles/Update", id=editor, name="e", capabilities=[*EDITOR, "groups.delete"]
            )


async def test_what_is_held_below_is_not_held_above(acme: Acme, wire: Wire) -> None:
    """Who owns a folder makes roles there, and none of the organization's."""
    number = acme.world.number()
    uidp = await acme.records.person(acme.world.issuer.url, f"lead-{number}")
    await acme.bind(uidp, OWNER, acme.shop)
    await acme.bind(uidp, await acme.role("roles.create", "roles.update", "roles.list"))
    lead = (await acme.world.login(f"lead-{number}")).on(wire)
    role = {"name": "x", "capabilities": ["groups.delete"]}
    await lead("Roles/Create", parent_id=acme.shop, role=role)
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
        await lead("Roles/Create", parent_id=acme.id, role=role)


async def test_a_token_that_was_narrowed_grants_less(acme: Acme, wire: Wire) -> None:
    """What counts is what the token carries, not what its owner could have."""
    narrow = (await acme.again("ann", cap=["roles.create", "groups.list"])).on(wire)
    await narrow(
        "Roles/Create", parent_id=acme.id, role={"name": "x", "capabilities": ["groups.list"]}
    )
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="capabilities"):
        await narrow(
            "Roles/Create", parent_id=acme.id, role={"name": "x", "capabilities": ["roles.list"]}
        )


# what becomes of it


async def test_a_change_reaches_the_next_token(acme: Acme, wire: Wire) -> None:
    """At once, in the process that made it, for every identity that holds the role; a deleted
    role, too."""
    ann, issuer = acme.ann.on(wire), acme.world.issuer.url
    role = await acme.role("groups.list")
    number = acme.world.number()
    await acme.records.person(issuer, f"new-{number}")
    uidp = acme.world.person_uidp(f"new-{number}")
    await acme.bind(uidp, role)

    async def held() -> list[str]:
        someone = (await acme.world.login(f"new-{number}")).on(wire)
        return [
            name
            for at in (await someone("Auth/Validate"))["capabilities"]
            for name in at["capabilities"]
        ]

    assert await held() == ["groups.list"]
    for capabilities in (["roles.list"], ["groups.list", "roles.list"], ["identity.list"]):
        await ann("Roles/Update", id=role, name="r", capabilities=capabilities)
        assert sorted(await held()) == sorted(capabilities)
    await ann("Roles/Delete", id=role)
    assert await held() == []


async def test_what_goes_with_a_role(acme: Acme, wire: Wire) -> None:
    """Its bindings, invites and mappings, at the group and below; a provider loses its default
    role, and stays."""
    ann = acme.ann.on(wire)
    role, kept = await acme.role("groups.list"), await acme.role("groups.list")
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    provider = await ann(
        "IdentityProviders/Create",
        parent_id=acme.shop,
        identity_provider={"name": "id", "oidc": oidc, "default_role": role},
    )
    for each in (role, kept):
        await acme.bind(acme.vic.identity, each, acme.shop)
        await ann("GroupInvites/Create", group=acme.shop, role=each)
        mapping = {
            "identity_provider_uidp": provider["id"],
            "external_group_id": "admins",
            "role_uidp": each,
            "scope": acme.shop,
        }
        await ann("ExternalGroupRoleMappings/Create", parent_id=acme.shop, mapping=mapping)
    await ann("Roles/Delete", id=role)
    (provider,) = (await ann("IdentityProviders/List"))["items"]
    assert provider["defaultRole"] == ""
    (invite,) = (await ann("GroupInvites/List"))["items"]
    assert invite["role"]["id"] == kept
    (mapping,) = (await ann("ExternalGroupRoleMappings/List"))["items"]
    assert mapping["roleUidp"] == kept
    bound = (await ann("RoleBindings/List", uidp={"children_of": acme.shop}))["items"]
    assert [binding["role"]["id"] for binding in bound] == [kept]
    for name, request in (
        ("Roles/Update", {"id": role, "name": "x", "capabilities": ["groups.list"]}),
        ("Roles/Delete", {"id": role}),
        ("v2.RolesService/GetRole", {"uid": role}),
    ):
        with refused(code_pb2.NOT_FOUND, "role_not_found"):
            await ann(name, **request)


async def test_roles_of_others_are_not_seen(acme: Acme, wire: Wire) -> None:
    """Nor read, nor bound."""
    role = await acme.role("groups.list")
    oda = acme.oda.on(wire)
    assert role not in ids(await oda("Roles/List"))
    assert ids(await oda("Roles/List", id=role)) == []
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await oda("v2.RolesService/GetRole", uid=role)
    with refused(code_pb2.NOT_FOUND, "role_not_found"):
        await oda(
            "RoleBindings/Create",
            parent=acme.other,
            role_binding={"identity": acme.oda.identity, "role": role},
        )

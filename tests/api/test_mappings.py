"""Group role mappings: what membership in a group at an identity provider gives."""

from __future__ import annotations

import pytest
import pytest_asyncio
from google.rpc import code_pb2

from tests.api.world import EDITOR, OPERATOR, OWNER, VIEWER, Acme, ids
from tests.kit.api import Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

OIDC: Json = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
V2 = "v2.ExternalGroupRoleMappingsService"


@pytest_asyncio.fixture(loop_scope="module")
async def provider(acme: Acme) -> str:
    """Of the folder."""
    made = await acme.ann(
        "IdentityProviders/Create",
        parent_id=acme.shop,
        identity_provider={"name": "id", "oidc": OIDC},
    )
    return str(made["id"])


def _mapping(provider: str, at: str, **more: str) -> Json:
    base = {"identity_provider_uidp": provider, "external_group_id": "admins", "scope": at}
    return base | {"role_uidp": VIEWER} | more


def _in_v2(mapping: Json) -> Json:
    return {name.replace("uidp", "uid"): value for name, value in mapping.items()}


async def test_a_mapping_in_every_version(acme: Acme, provider: str, wire: Wire) -> None:
    """Its parent may be the provider or the provider's group; it belongs to the group."""
    ann = acme.ann.on(wire)
    inside = await acme.folder(parent=acme.shop)
    for parent in (acme.shop, provider):
        scope = acme.shop if parent == acme.shop else inside
        v1 = await ann(
            "ExternalGroupRoleMappings/Create", parent_id=parent, mapping=_mapping(provider, scope)
        )
        v2 = await ann(
            f"{V2}/CreateExternalGroupRoleMapping",
            parent=parent,
            external_group_role_mapping=_in_v2(
                _mapping(provider, scope, external_group_id="others")
            ),
        )
        for uidp in (v1["id"], v2["uid"]):
            assert uidp.rpartition("/")[0] == acme.shop
            old = await ann("ExternalGroupRoleMappings/Get", uid=uidp)
            new = await ann(f"{V2}/GetExternalGroupRoleMapping", uid=uidp)
            beta = await ann(
                "v2beta1.ExternalGroupRoleMappingsService/GetExternalGroupRoleMapping", uid=uidp
            )
            assert new == beta
            assert old["identityProviderUidp"] == new["identityProviderUid"] == provider
            assert old["roleUidp"] == new["roleUid"] == VIEWER
            assert old["scope"] == new["scope"] == scope
            assert old["externalGroupId"] == new["externalGroupId"]
            assert old["createdAt"] == new["createTime"]
    found = await ann("ExternalGroupRoleMappings/List", identity_provider_uidp=provider)
    assert len(found["items"]) == 4
    found = await ann(f"{V2}/ListExternalGroupRoleMappings", identity_provider_uid=provider)
    assert found["totalCount"] == "4"
    missing = await ann("ExternalGroupRoleMappings/List", identity_provider_uidp=acme.id)
    assert missing["items"] == []


async def test_a_mapping_is_there_once(acme: Acme, provider: str, wire: Wire) -> None:
    """The same group, role and scope of a provider again are refused."""
    ann = acme.ann.on(wire)
    mapping = _mapping(provider, acme.shop)
    await ann("ExternalGroupRoleMappings/Create", parent_id=acme.shop, mapping=mapping)
    for parent in (acme.shop, provider):
        with refused(code_pb2.ALREADY_EXISTS, "mapping_exists"):
            await ann("ExternalGroupRoleMappings/Create", parent_id=parent, mapping=mapping)


async def test_where_a_mapping_may_be(acme: Acme, provider: str, wire: Wire) -> None:
    """Its parent is the provider or the provider's group, its scope that group or one below."""
    ann = acme.ann.on(wire)
    inside = await acme.folder(parent=acme.shop)
    beside = await acme.folder()
    missing = f"{acme.shop}/0123456789abcdef"
    for parent, change, code, field in (
        (acme.id, {}, code_pb2.INVALID_ARGUMENT, "parent"),
        (inside, {}, code_pb2.INVALID_ARGUMENT, "parent"),
        (beside, {}, code_pb2.INVALID_ARGUMENT, "parent"),
        (acme.shop, {"scope": acme.id}, code_pb2.INVALID_ARGUMENT, "scope"),
        (acme.shop, {"scope": beside}, code_pb2.INVALID_ARGUMENT, "scope"),
        (acme.shop, {"scope": acme.other}, code_pb2.INVALID_ARGUMENT, "scope"),
        (acme.shop, {"scope": missing}, code_pb2.NOT_FOUND, "scope"),
        (acme.shop, {"scope": provider}, code_pb2.NOT_FOUND, "scope"),
        (acme.shop, {"role_uidp": missing}, code_pb2.NOT_FOUND, "role_uid"),
        (acme.shop, {"identity_provider_uidp": missing}, code_pb2.NOT_FOUND, None),
        (acme.shop, {"external_group_id": ""}, code_pb2.INVALID_ARGUMENT, "external_group_id"),
        (acme.shop, {"external_group_id": "a\n"}, code_pb2.INVALID_ARGUMENT, "external_group_id"),
        (
            acme.shop,
            {"external_group_id": "x" * 513},
            code_pb2.INVALID_ARGUMENT,
            "external_group_id",
        ),
    ):
        mapping = _mapping(provider, acme.shop, **change)
        with refused(code, field=field):
            await ann("ExternalGroupRoleMappings/Create", parent_id=parent, mapping=mapping)
        with refused(code, field=field):
            await ann(
                f"{V2}/CreateExternalGroupRoleMapping",
                parent=parent,
                external_group_role_mapping=_in_v2(mapping),
            )
    for field in ("scope", "role_uidp", "identity_provider_uidp"):
        with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed", field=f"mapping.{field}"):
            await ann(
                "ExternalGroupRoleMappings/Create",
                parent_id=acme.shop,
                mapping=_mapping(provider, acme.shop, **{field: "x"}),
            )
    assert (await ann("ExternalGroupRoleMappings/List"))["items"] == []


async def test_nobody_maps_what_they_do_not_hold(acme: Acme, provider: str, wire: Wire) -> None:
    """A role whose capabilities the caller lacks at the scope is refused; so is a provider of
    another organization."""
    eddy = acme.eddy.on(wire)
    bigger = await acme.role("groups.delete")
    smaller = await acme.role("groups.list")
    for role in (OWNER, bigger):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="role_uid"):
            await eddy(
                "ExternalGroupRoleMappings/Create",
                parent_id=acme.shop,
                mapping=_mapping(provider, acme.shop, role_uidp=role),
            )
    await eddy(
        "ExternalGroupRoleMappings/Create",
        parent_id=provider,
        mapping=_mapping(provider, acme.shop, role_uidp=smaller),
    )
    oda = acme.oda.on(wire)
    with refused(code_pb2.INVALID_ARGUMENT, field="parent"):
        await oda(
            "ExternalGroupRoleMappings/Create",
            parent_id=acme.other,
            mapping=_mapping(provider, acme.other),
        )
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await oda(
            "ExternalGroupRoleMappings/Create",
            parent_id=acme.shop,
            mapping=_mapping(provider, acme.shop),
        )
    assert "identity_providers.create" in EDITOR


async def test_several_deleted_at_once(acme: Acme, provider: str, wire: Wire) -> None:
    """All of them or none, all of the parent that was named, from 1 to 500."""
    ann = acme.ann.on(wire)
    made = [
        await ann(
            "ExternalGroupRoleMappings/Create",
            parent_id=provider,
            mapping=_mapping(provider, acme.shop, external_group_id=f"g{n}"),
        )
        for n in range(4)
    ]
    uidps = [mapping["id"] for mapping in made]
    missing = f"{acme.shop}/0123456789abcdef"
    for ids_, parent, code in (
        ([*uidps, missing], acme.shop, code_pb2.NOT_FOUND),
        (uidps, acme.id, code_pb2.INVALID_ARGUMENT),
        ([], acme.shop, code_pb2.INVALID_ARGUMENT),
        (["x"], acme.shop, code_pb2.INVALID_ARGUMENT),
        ([*uidps, *[missing] * 500], acme.shop, code_pb2.INVALID_ARGUMENT),
    ):
        with refused(code):
            await ann("ExternalGroupRoleMappings/BatchDelete", parent_id=parent, ids=ids_)
        with refused(code):
            await ann(f"{V2}/BatchDeleteExternalGroupRoleMappings", parent=parent, names=ids_)
    assert sorted(ids(await ann("ExternalGroupRoleMappings/List"))) == sorted(uidps)
    gone = await ann(
        "ExternalGroupRoleMappings/BatchDelete", parent_id=acme.shop, ids=[uidps[0], uidps[0]]
    )
    assert gone == {"parentId": acme.shop, "items": [made[0]]}
    gone = await ann(
        f"{V2}/BatchDeleteExternalGroupRoleMappings", parent=provider, names=uidps[1:3]
    )
    assert [mapping["uid"] for mapping in gone["externalGroupRoleMappings"]] == uidps[1:3]
    await ann("ExternalGroupRoleMappings/Delete", id=uidps[3])
    for name, request in (
        ("ExternalGroupRoleMappings/Delete", {"id": uidps[3]}),
        ("ExternalGroupRoleMappings/Get", {"uid": uidps[3]}),
        (f"{V2}/DeleteExternalGroupRoleMapping", {"uid": uidps[3]}),
    ):
        with refused(code_pb2.NOT_FOUND, "mapping_not_found"):
            await ann(name, **request)


async def test_mappings_of_somewhere_else(acme: Acme, provider: str, wire: Wire) -> None:
    """Are not deleted by who may delete others: the parent that was asked for has to be theirs."""
    mapping = await acme.ann(
        "ExternalGroupRoleMappings/Create",
        parent_id=provider,
        mapping=_mapping(provider, acme.shop),
    )
    with refused(code_pb2.INVALID_ARGUMENT, field="ids"):
        await acme.oda.on(wire)(
            "ExternalGroupRoleMappings/BatchDelete", parent_id=acme.other, ids=[mapping["id"]]
        )
    assert (await acme.ann("ExternalGroupRoleMappings/List"))["items"] == [mapping]


async def test_the_name_of_a_verified_organization(acme: Acme, wire: Wire) -> None:
    """Stands for its UIDP as the scope of a mapping, too."""
    world = acme.world
    name = f"acme-{world.number()}.example"
    made = await world.operator("Groups/Create", group={"name": name, "verified": True})
    owner = (await world.login(OPERATOR, scope=made["id"])).on(wire)
    provider = await owner(
        "IdentityProviders/Create",
        parent_id=name,
        identity_provider={"name": "id", "oidc": OIDC},
    )
    mapping = _mapping(provider["id"], name)
    v1 = await owner("ExternalGroupRoleMappings/Create", parent_id=name, mapping=mapping)
    v2 = await owner(
        f"{V2}/CreateExternalGroupRoleMapping",
        parent=name,
        external_group_role_mapping=_in_v2(mapping) | {"external_group_id": "others"},
    )
    assert v1["scope"] == v2["scope"] == made["id"]

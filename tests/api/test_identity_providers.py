"""Identity providers of organizations, and their secrets."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from google.rpc import code_pb2

from broker.app import key_wrapper
from broker.errors import Precondition
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import DISCOVERY
from broker.store.url import parse as parse_store_url
from tests.api.world import EDITOR, OWNER, VIEWER, Acme, World, ids, names
from tests.kit.api import Json, Wire, refused
from tests.kit.login_provider import DrivenProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "sehr-geheim-1234567890"
OIDC: Json = {"issuer": "https://id.example", "client_id": "broker", "client_secret": SECRET}


async def _create(acme: Acme, wire: Wire, /, default_role: str = "", **oidc: Any) -> Json:
    return await acme.ann.on(wire)(
        "IdentityProviders/Create",
        parent_id=acme.shop,
        identity_provider={"name": "id", "oidc": OIDC | oidc, "default_role": default_role},
    )


async def test_a_provider_in_every_version(acme: Acme, wire: Wire) -> None:
    """What is made in one is read in the others, but for the client secret."""
    ann = acme.ann.on(wire)
    issuer = acme.world.issuer.url
    oidc = OIDC | {
        "issuer": issuer,
        "additional_scopes": ["groups", "email"],
        "groups_claim": "groups",
        "correlation_rule": "CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID",
        "pkce_enabled": True,
    }
    provider = {"name": "id", "description": "d", "default_role": VIEWER, "oidc": oidc}
    v1 = await ann("IdentityProviders/Create", parent_id=acme.shop, identity_provider=provider)
    v2 = await ann(
        "v2.IdentityProvidersService/CreateIdentityProvider",
        parent=acme.shop,
        identity_provider=provider,
    )
    for uidp in (v1["id"], v2["uid"]):
        (old,) = (await ann("IdentityProviders/List", id=uidp))["items"]
        new = await ann("v2.IdentityProvidersService/GetIdentityProvider", uid=uidp)
        assert new == await ann("v2beta1.IdentityProvidersService/GetIdentityProvider", uid=uidp)
        assert old["oidc"] == new["oidc"]
        assert new["oidc"] == {
            "issuer": issuer,
            "clientId": "broker",
            "clientSecret": "",
            "additionalScopes": ["groups", "email"],
            "groupsClaim": "groups",
            "correlationRule": "CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID",
            "pkceEnabled": True,
        }
        assert (old["defaultRole"], new["defaultRole"]) == (VIEWER, VIEWER)
        assert (old["name"], new["description"]) == ("id", "d")


# the secret


async def _kept_secret(world: World, uidp: str) -> str:
    async with world.broker.store.read() as records:
        provider = await records.identity_providers.get(Uidp(uidp))
    assert provider is not None
    wrapper = key_wrapper(world.broker.settings)
    context = f"client-secret:{uidp}"
    return wrapper.unwrap(provider.wrapped_secret, context=context).decode()


async def test_the_secret_is_told_to_nobody(
    acme: Acme, wire: Wire, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in an answer, not in a record or its event, not in a log, not in the bytes of the
    database; with the key it can be read."""
    world, ann = acme.world, acme.ann.on(wire)
    before = await world.last_record()
    made = await _create(acme, wire)
    uidp = made["id"]
    answers = [
        made,
        await ann("IdentityProviders/Update", id=uidp, name="x", oidc=OIDC),
        await ann("IdentityProviders/List"),
        await ann("v2.IdentityProvidersService/GetIdentityProvider", uid=uidp),
        await ann("v2.IdentityProvidersService/ListIdentityProviders"),
        await ann(
            "v2.IdentityProvidersService/UpdateIdentityProvider",
            identity_provider={"uid": uidp, "oidc": OIDC},
        ),
    ]
    assert await _kept_secret(world, uidp) == SECRET
    with refused(code_pb2.INVALID_ARGUMENT) as expected:
        await ann("IdentityProviders/Update", id=uidp, name="", oidc=OIDC)
    await ann("IdentityProviders/Delete", id=uidp)
    records = await world.audit(before)
    assert [record.action for record in records] == [
        "identity_provider.created",
        "identity_provider.updated",
        "identity_provider.updated",
        "identity_provider.deleted",
    ]
    told = capfd.readouterr()
    for text in (
        str(answers), str(records), str(expected.error), told.out, told.err,
    ):  # fmt: skip
        assert SECRET not in text
        assert base64.b64encode(SECRET.encode()).decode() not in text
    for path in _database_files(world):
        assert SECRET.encode() not in path.read_bytes(), path


def _database_files(world: World) -> list[Path]:
    place = parse_store_url(world.broker.settings.database_url)
    path: Path = getattr(place, "path")  # noqa: B009 - of SQLite, which this broker has
    files = list(path.parent.glob(path.name + "*"))
    assert files
    return files


async def test_an_update_without_a_secret_leaves_it(acme: Acme, wire: Wire) -> None:
    """In either version; a new one takes its place."""
    world, ann = acme.world, acme.ann.on(wire)
    uidp = (await _create(acme, wire))["id"]
    without = {name: value for name, value in OIDC.items() if name != "client_secret"}
    await ann("IdentityProviders/Update", id=uidp, name="x", oidc=without)
    assert await _kept_secret(world, uidp) == SECRET
    await ann(
        "v2.IdentityProvidersService/UpdateIdentityProvider",
        identity_provider={"uid": uidp, "oidc": {"client_id": "other"}},
        update_mask="oidc.clientId,oidc.clientSecret",
    )
    assert await _kept_secret(world, uidp) == SECRET
    await ann(
        "v2.IdentityProvidersService/UpdateIdentityProvider",
        identity_provider={"uid": uidp, "oidc": {"client_secret": "neu"}},
        update_mask="oidc.clientSecret",
    )
    assert await _kept_secret(world, uidp) == "neu"
    await ann("IdentityProviders/Update", id=uidp, name="x", oidc=OIDC)
    assert await _kept_secret(world, uidp) == SECRET


async def test_a_secret_of_another_provider(acme: Acme, wire: Wire) -> None:
    """Is bound to its record: copied into another row, it opens nothing."""
    one, other = (await _create(acme, wire))["id"], (await _create(acme, wire))["id"]
    async with acme.world.broker.store.read() as records:
        provider = await records.identity_providers.get(Uidp(one))
    assert provider is not None
    wrapper = key_wrapper(acme.world.broker.settings)
    with pytest.raises(Precondition):
        wrapper.unwrap(provider.wrapped_secret, context=f"client-secret:{other}")


# what is refused


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"description": "\x07"}, "description"),
        ({"oidc": None}, "oidc"),
        ({"oidc": OIDC | {"issuer": ""}}, "oidc.issuer"),
        ({"oidc": OIDC | {"issuer": "http://id.example"}}, "oidc.issuer"),
        ({"oidc": OIDC | {"issuer": "https://user@id.example"}}, "oidc.issuer"),
        ({"oidc": OIDC | {"client_id": ""}}, "oidc.client_id"),
        ({"oidc": OIDC | {"client_id": "ä"}}, "oidc.client_id"),
        ({"oidc": OIDC | {"client_id": "x" * 513}}, "oidc.client_id"),
        ({"oidc": OIDC | {"client_secret": "x" * 4097}}, "oidc.client_secret"),
        ({"oidc": OIDC | {"additional_scopes": ["a b"]}}, "oidc.additional_scopes"),
        ({"oidc": OIDC | {"additional_scopes": [""]}}, "oidc.additional_scopes"),
        ({"oidc": OIDC | {"additional_scopes": ["x"] * 33}}, "oidc.additional_scopes"),
        ({"oidc": OIDC | {"groups_claim": "\x7f"}}, "oidc.groups_claim"),
        ({"oidc": OIDC | {"groups_claim": "/a~b"}}, "oidc.groups_claim"),
        ({"oidc": OIDC | {"correlation_rule": 99}}, "oidc.correlation_rule"),
        ({"default_role": "viewer"}, "default_role"),
    ],
    ids=str,
)
async def test_providers_that_are_refused(acme: Acme, wire: Wire, change: Json, field: str) -> None:
    """At creation and at update, with the field."""
    ann = acme.ann.on(wire)
    whole: Json = {"name": "id", "oidc": OIDC} | change
    whole = {name: value for name, value in whole.items() if value is not None}
    uidp = (await _create(acme, wire))["id"]
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("IdentityProviders/Create", parent_id=acme.shop, identity_provider=whole)
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("IdentityProviders/Update", id=uidp, **whole)


async def test_a_public_client_needs_pkce(acme: Acme, wire: Wire) -> None:
    """A provider without a secret has it; with a secret it is a choice."""
    issuer = acme.world.issuer.url
    made = await _create(acme, wire, issuer=issuer, client_secret="", pkce_enabled=True)
    with refused(code_pb2.INVALID_ARGUMENT, field="oidc.client_secret"):
        await _create(acme, wire, client_secret="")
    with refused(code_pb2.INVALID_ARGUMENT, field="oidc.client_secret"):
        await acme.ann.on(wire)(
            "v2.IdentityProvidersService/UpdateIdentityProvider",
            identity_provider={"uid": made["id"], "oidc": {}},
            update_mask="oidc.pkceEnabled",
        )


# nobody gives what they do not hold


async def test_the_default_role(acme: Acme, wire: Wire) -> None:
    """Holds no more than who chooses it, at creation and at every update: who configures the
    provider decides who gets it."""
    eddy = acme.eddy.on(wire)
    bigger = await acme.role("groups.delete")
    smaller = await acme.role("groups.list")
    provider = {"name": "id", "oidc": OIDC}
    for role in (OWNER, bigger):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="default_role"):
            await eddy(
                "IdentityProviders/Create",
                parent_id=acme.shop,
                identity_provider=provider | {"default_role": role},
            )
    made = await eddy(
        "IdentityProviders/Create",
        parent_id=acme.shop,
        identity_provider=provider | {"default_role": smaller},
    )
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="default_role"):
        await eddy(
            "v2.IdentityProvidersService/UpdateIdentityProvider",
            identity_provider={"uid": made["id"], "default_role": bigger},
        )
    theirs = await _create(acme, wire, bigger)
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="default_role"):
        await eddy(
            "v2.IdentityProvidersService/UpdateIdentityProvider",
            identity_provider={"uid": theirs["id"], "oidc": {"issuer": "https://mine.example"}},
            update_mask="oidc.issuer",
        )
    other = await acme.oda(
        "Roles/Create", parent_id=acme.other, role={"name": "x", "capabilities": ["groups.list"]}
    )
    with refused(code_pb2.NOT_FOUND, "role_not_found", field="default_role"):
        await _create(acme, wire, other["id"])


async def test_who_asserts_the_groups(acme: Acme, wire: Wire) -> None:
    """Issuer, client and groups claim of a provider are not changed by who lacks what is mapped
    to its groups: they would tell the broker that they are members."""
    eddy = acme.eddy.on(wire)
    made = await _create(acme, wire)
    bigger = await acme.role("groups.delete")
    mapping = {
        "identity_provider_uidp": made["id"],
        "external_group_id": "admins",
        "role_uidp": bigger,
        "scope": acme.shop,
    }
    await acme.ann("ExternalGroupRoleMappings/Create", parent_id=acme.shop, mapping=mapping)
    for member, value in (
        ("issuer", "https://mine.example"),
        ("client_id", "mine"),
        ("groups_claim", "mine"),
    ):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="oidc"):
            await eddy(
                "IdentityProviders/Update", id=made["id"], name="id", oidc=OIDC | {member: value}
            )
    await eddy("IdentityProviders/Update", id=made["id"], name="renamed", oidc=OIDC)
    mine = OIDC | {"issuer": "https://mine.example"}
    await acme.ann.on(wire)("IdentityProviders/Update", id=made["id"], name="id", oidc=mine)


# PKCE


async def test_pkce_where_the_provider_cannot(acme: Acme, wire: Wire) -> None:
    """PKCE is turned on at a provider that can, or does not say; not at one whose discovery
    document has no S256, in any version."""
    ann, discovery = acme.ann.on(wire), "code_challenge_methods_supported"
    for methods, refuses in ((["S256"], False), (None, False), (["plain"], True), ([], True)):
        async with DrivenProvider(metadata={discovery: methods}) as provider:
            oidc = OIDC | {"issuer": provider.url}
            made = await _create(acme, wire, **oidc)
            on = oidc | {"pkce_enabled": True}
            calls: list[tuple[str, Json]] = [
                (
                    "IdentityProviders/Create",
                    {"parent_id": acme.shop, "identity_provider": {"name": "id", "oidc": on}},
                ),
                (
                    "v2.IdentityProvidersService/CreateIdentityProvider",
                    {"parent": acme.shop, "identity_provider": {"name": "id", "oidc": on}},
                ),
                (
                    "v2.IdentityProvidersService/UpdateIdentityProvider",
                    {
                        "identity_provider": {"uid": made["id"], "oidc": {"pkce_enabled": True}},
                        "update_mask": "oidc.pkceEnabled",
                    },
                ),
                ("IdentityProviders/Update", {"id": made["id"], "name": "id", "oidc": on}),
            ]
            for name, request in calls:
                if not refuses:
                    await ann(name, **request)
                    continue
                with refused(
                    code_pb2.FAILED_PRECONDITION,
                    "identity_provider_without_pkce",
                    field="oidc.pkce_enabled",
                ):
                    await ann(name, **request)


async def test_pkce_where_the_provider_is_down(acme: Acme, wire: Wire) -> None:
    """PKCE is not turned on while nobody can tell whether the provider can; everything else of a
    provider is changed without asking it."""
    provider = DrivenProvider()
    async with provider:
        made = await _create(acme, wire, issuer=provider.url, pkce_enabled=True)
        off = await _create(acme, wire, issuer=provider.url)
        asked = provider.requests[DISCOVERY]
    ann = acme.ann.on(wire)
    on = OIDC | {"issuer": provider.url, "pkce_enabled": True}
    await ann("IdentityProviders/Update", id=made["id"], name="renamed", oidc=on)
    await ann("IdentityProviders/Update", id=off["id"], name="renamed", oidc=OIDC)
    moved = on | {"issuer": f"{provider.url}/other"}
    await ann("IdentityProviders/Update", id=made["id"], name="moved", oidc=moved)
    with refused(
        code_pb2.FAILED_PRECONDITION, "identity_provider_unreachable", field="oidc.pkce_enabled"
    ):
        await ann("IdentityProviders/Update", id=off["id"], name="id", oidc=on)
    assert asked == 1


async def test_a_provider_with_pkce_moves(acme: Acme, wire: Wire) -> None:
    """To another issuer that can, and to none that says that it cannot."""
    cannot = DrivenProvider(metadata={"code_challenge_methods_supported": ["plain"]})
    async with DrivenProvider() as one, cannot:
        made = await _create(acme, wire, issuer=one.url, pkce_enabled=True)
        with refused(code_pb2.FAILED_PRECONDITION, "identity_provider_without_pkce"):
            await acme.ann.on(wire)(
                "v2.IdentityProvidersService/UpdateIdentityProvider",
                identity_provider={"uid": made["id"], "oidc": {"issuer": cannot.url}},
                update_mask="oidc.issuer",
            )


async def test_who_may_not_has_nobody_asked(acme: Acme, wire: Wire) -> None:
    """A caller without the right to make a provider does not have the broker ask one."""
    async with DrivenProvider() as provider:
        with refused(code_pb2.PERMISSION_DENIED):
            await acme.vic.on(wire)(
                "IdentityProviders/Create",
                parent_id=acme.shop,
                identity_provider={
                    "name": "id",
                    "oidc": OIDC | {"issuer": provider.url, "pkce_enabled": True},
                },
            )
        assert not provider.requests


# the rest


async def test_a_provider_goes_with_its_mappings(acme: Acme, wire: Wire) -> None:
    """And with nothing else: other providers keep theirs."""
    ann = acme.ann.on(wire)
    one, other = (await _create(acme, wire))["id"], (await _create(acme, wire))["id"]
    for uidp in (one, other):
        mapping = {
            "identity_provider_uidp": uidp,
            "external_group_id": "admins",
            "role_uidp": VIEWER,
            "scope": acme.shop,
        }
        await ann("ExternalGroupRoleMappings/Create", parent_id=acme.shop, mapping=mapping)
    await ann("IdentityProviders/Delete", id=one)
    assert ids(await ann("IdentityProviders/List")) == [other]
    left = (await ann("ExternalGroupRoleMappings/List"))["items"]
    assert [mapping["identityProviderUidp"] for mapping in left] == [other]
    for name, request in (
        ("IdentityProviders/Delete", {"id": one}),
        ("IdentityProviders/Update", {"id": one, "name": "x", "oidc": OIDC}),
        ("v2.IdentityProvidersService/GetIdentityProvider", {"uid": one}),
    ):
        with refused(code_pb2.NOT_FOUND, "identity_provider_not_found"):
            await ann(name, **request)


async def test_providers_by_name(acme: Acme, wire: Wire) -> None:
    """In lists of either version."""
    ann = acme.ann.on(wire)
    for name in ("one", "two"):
        await ann(
            "IdentityProviders/Create",
            parent_id=acme.shop,
            identity_provider={"name": name, "oidc": OIDC},
        )
    assert names(await ann("IdentityProviders/List", name="one")) == ["one"]
    found = await ann("v2.IdentityProvidersService/ListIdentityProviders", name="two")
    assert names(found, "identityProviders") == ["two"]
    assert "identity_providers.list" in EDITOR

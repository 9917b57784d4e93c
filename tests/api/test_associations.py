"""Account associations: accounts elsewhere that belong to a group."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2

from tests.api.world import Acme, ids
from tests.kit.api import Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

V2 = "v2.AccountAssociationsService"
ACCOUNTS: Json = {
    "amazon": {"account": "123456789012"},
    "google": {"project_id": "p", "project_number": "1"},
    "azure": {"tenant_id": "t", "client_ids": {"a": "1", "b": "2"}},
    "chainguard": {"service_bindings": {"INGESTER": "x"}},
    "github": {
        "app_installations": {
            "17": {"installations": [{"installation_id": "9007199254740993", "name": "acme"}]}
        }
    },
}


def _camel(value: object) -> object:
    if not isinstance(value, dict):
        return [_camel(each) for each in value] if isinstance(value, list) else value
    return {
        name[0] + name.title().replace("_", "")[1:] if name.islower() else name: _camel(member)
        for name, member in value.items()
    }


async def test_an_association_in_every_version(acme: Acme, wire: Wire) -> None:
    """Every account comes back as it was given, big numbers too; the group is its name."""
    ann = acme.ann.on(wire)
    other = await acme.folder()
    base = {"name": "accounts", "description": "d", **ACCOUNTS}
    await ann("GroupAccountAssociations/Create", group=acme.shop, **base)
    await ann(f"{V2}/CreateAccountAssociation", parent=other, account_association=base)
    for group in (acme.shop, other):
        (old,) = (await ann("GroupAccountAssociations/List", group=group))["items"]
        new = await ann(f"{V2}/GetAccountAssociation", uid=group)
        assert new == await ann(
            "v2beta1.AccountAssociationsService/GetAccountAssociation", uid=group
        )
        assert old == {"group": group, "name": "accounts", "description": "d"} | {
            name: _camel(account) for name, account in ACCOUNTS.items()
        }
        times = {name: new.pop(name) for name in ("createTime", "updateTime")}
        assert times["createTime"] == times["updateTime"]
        assert new == {"uid": group} | {k: v for k, v in old.items() if k != "group"}


async def test_one_for_a_group(acme: Acme, wire: Wire) -> None:
    """A second is refused; after its deletion there can be another."""
    ann = acme.ann.on(wire)
    for create, delete in (
        (
            ("GroupAccountAssociations/Create", {"group": acme.shop, "name": "x"}),
            ("GroupAccountAssociations/Delete", {"group": acme.shop}),
        ),
        (
            (
                f"{V2}/CreateAccountAssociation",
                {"parent": acme.shop, "account_association": {"name": "x"}},
            ),
            (f"{V2}/DeleteAccountAssociation", {"uid": acme.shop}),
        ),
    ):
        await ann(create[0], **create[1])
        with refused(code_pb2.ALREADY_EXISTS, "association_exists"):
            await ann(create[0], **create[1])
        await ann(delete[0], **delete[1])
        with refused(code_pb2.NOT_FOUND, "association_not_found"):
            await ann(delete[0], **delete[1])
    missing = f"{acme.shop}/0123456789abcdef"
    with refused(code_pb2.NOT_FOUND, "group_not_found"):
        await ann("GroupAccountAssociations/Create", group=missing, name="x")
    for name, request in (
        ("GroupAccountAssociations/Update", {"group": acme.shop, "name": "x"}),
        ("GroupAccountAssociations/Check", {"group": acme.shop, "account_type": "GOOGLE"}),
        (f"{V2}/GetAccountAssociation", {"uid": acme.shop}),
    ):
        with refused(code_pb2.NOT_FOUND, "association_not_found"):
            await ann(name, **request)


async def test_updates(acme: Acme, wire: Wire) -> None:
    """Version 1 replaces the record; version 2 what its mask names."""
    ann = acme.ann.on(wire)
    await ann("GroupAccountAssociations/Create", group=acme.shop, name="x", **ACCOUNTS)
    left = await ann(
        "GroupAccountAssociations/Update", group=acme.shop, name="y", google={"project_id": "q"}
    )
    assert left == {
        "group": acme.shop,
        "name": "y",
        "description": "",
        "google": {"projectId": "q", "projectNumber": ""},
    }
    more = await ann(
        f"{V2}/UpdateAccountAssociation",
        account_association={"uid": acme.shop, "amazon": ACCOUNTS["amazon"], "name": "z"},
        update_mask="amazon",
    )
    assert (more["name"], more["amazon"], more["google"]["projectId"]) == (
        "y",
        {"account": "123456789012"},
        "q",
    )
    gone = await ann(
        f"{V2}/UpdateAccountAssociation",
        account_association={"uid": acme.shop},
        update_mask="amazon",
    )
    assert "amazon" not in gone
    assert "google" in gone


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"description": "a\x07"}, "description"),
        ({"amazon": {}}, "amazon.account"),
        ({"amazon": {"account": "12345678901"}}, "amazon.account"),
        ({"amazon": {"account": "12345678901x"}}, "amazon.account"),
        ({"google": {"project_id": "a\x07"}}, "accounts"),
        ({"azure": {"client_ids": {"a\x07": "b"}}}, "accounts"),
        ({"azure": {"client_ids": {"a": "x" * 40_000}}}, "accounts"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_associations_that_are_refused(
    acme: Acme, wire: Wire, change: Json, field: str
) -> None:
    """With the field at fault, at creation and at update."""
    ann = acme.ann.on(wire)
    other = await acme.folder()
    await ann("GroupAccountAssociations/Create", group=other, name="x")
    whole = {"name": "x"} | change
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("GroupAccountAssociations/Create", group=acme.shop, **whole)
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("GroupAccountAssociations/Update", group=other, **whole)


async def test_checks(acme: Acme, wire: Wire) -> None:
    """Say what is configured and nothing more, for the broker calls no cloud."""
    ann = acme.ann.on(wire)
    await ann(
        "GroupAccountAssociations/Create", group=acme.shop, name="x", google={"project_id": "p"}
    )
    for kind, ready, status, reason in (
        ("GOOGLE", "UNKNOWN", "CHECK_STATUS_UNSPECIFIED", "NotChecked"),
        ("AMAZON", "NotReady", "CHECK_STATUS_NOT_READY", "NotConfigured"),
        ("AZURE", "NotReady", "CHECK_STATUS_NOT_READY", "NotConfigured"),
    ):
        old = await ann("GroupAccountAssociations/Check", group=acme.shop, account_type=kind)
        new = await ann(
            f"{V2}/CheckAccountAssociation",
            uid=acme.shop,
            provider_type=f"ACCOUNT_PROVIDER_TYPE_{kind}",
        )
        assert (old["ready"], new["status"]) == (ready, status)
        assert old["reason"] == new["reason"] == reason
        assert old["message"] == new["message"]
    for number in (0, 99):
        with refused(code_pb2.INVALID_ARGUMENT, field="account_type"):
            await ann("GroupAccountAssociations/Check", group=acme.shop, account_type=number)
        with refused(code_pb2.INVALID_ARGUMENT, field="provider_type"):
            await ann(f"{V2}/CheckAccountAssociation", uid=acme.shop, provider_type=number)


async def test_associations_are_listed_by_group_and_name(acme: Acme, wire: Wire) -> None:
    """And by where their groups lie."""
    ann = acme.ann.on(wire)
    for group, name in ((acme.id, "root"), (acme.shop, "shop")):
        await ann("GroupAccountAssociations/Create", group=group, name=name)
    assert sorted(ids(await ann("GroupAccountAssociations/List"))) == sorted([acme.id, acme.shop])
    assert ids(await ann("GroupAccountAssociations/List", name="shop")) == [acme.shop]
    assert ids(await ann("GroupAccountAssociations/List", group=acme.id)) == [acme.id]
    assert ids(await acme.oda.on(wire)("GroupAccountAssociations/List")) == []
    found = await ann(f"{V2}/ListAccountAssociations", uidp={"descendants_of": acme.id})
    assert ids(found) == [acme.shop]
    found = await ann(f"{V2}/ListAccountAssociations", order_by="name desc")
    assert ids(found) == [acme.shop, acme.id]

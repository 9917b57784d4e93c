"""Invites: standing offers to hold a role."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.rpc import code_pb2

from broker.directory.group_invites import InviteCode
from broker.errors import Invalid
from tests.api.world import OWNER, VIEWER, Acme, ids
from tests.kit.api import Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "0" * 40


def _life(invite: Json, created: str) -> timedelta:
    end = invite.get("expiration") or invite["expirationTime"]
    return datetime.fromisoformat(end) - datetime.fromisoformat(created)


async def test_an_invite_in_every_version(acme: Acme, wire: Wire) -> None:
    """The code is in the answer to the creation and nowhere else; all else is read later."""
    ann = acme.ann.on(wire)
    asked = {"role": VIEWER, "ttl": "3600s", "email": "new@acme.example", "single_use": True}
    v1 = await ann("GroupInvites/Create", group=acme.shop, **asked)
    v2_asked = {"role_uid": VIEWER, **{k: v for k, v in asked.items() if k != "role"}}
    v2 = await ann(
        "v2.GroupInvitesService/CreateGroupInvite", parent=acme.shop, group_invite=v2_asked
    )
    assert v1["role"]["name"] == v2["role"]["name"] == "viewer"
    for uidp, code, key in (
        (v1["id"], v1["code"], v1["keyId"]),
        (v2["uid"], v2["code"], v2["keyId"]),
    ):
        parsed = InviteCode.parse(code)
        assert (parsed.group, parsed.key_id) == (acme.shop, key)
        async with acme.world.broker.store.read() as records:
            kept = await records.invites.get(uidp)
        assert kept is not None
        assert parsed.proves(kept)
        (old,) = (await ann("GroupInvites/List", id=uidp))["items"]
        new = await ann("v2.GroupInvitesService/GetGroupInvite", uid=uidp)
        assert new == await ann("v2beta1.GroupInvitesService/GetGroupInvite", uid=uidp)
        assert new["code"] == ""
        assert "code" not in old
        assert (old["email"], old["singleUse"]) == ("new@acme.example", True)
        assert (new["email"], new["singleUse"], new["ttl"]) == ("new@acme.example", True, "3600s")
        assert _life(old, old["createdAt"]) == _life(new, new["createTime"]) == timedelta(hours=1)
        assert old["keyId"] == new["keyId"] == key
    found = await ann("GroupInvites/List", group=acme.shop, key_id=v1["keyId"])
    assert ids(found) == [v1["id"]]
    found = await ann("v2.GroupInvitesService/ListGroupInvites", key_id=v2["keyId"])
    assert ids(found) == [v2["uid"]]


@pytest.mark.parametrize(
    "members",
    [
        None,
        [],
        {},
        {"group": GROUP},
        {"group": GROUP, "key_id": "k"},
        {"group": "x", "key_id": "k", "secret": "s"},
        {"group": 1, "key_id": "k", "secret": "s"},
    ],
    ids=str,
)
async def test_codes_that_are_none(members: object) -> None:
    """Are refused without a word of what they hold."""
    code = base64.urlsafe_b64encode(json.dumps(members).encode()).decode()
    for text in (code, code.rstrip("="), code[:-3], "äöü", "", "x" * 100_000):
        with pytest.raises(Invalid) as caught:
            InviteCode.parse(text)
        assert (caught.value.code, caught.value.message) == (
            "invite_malformed",
            "code: not an invite code",
        )


async def test_a_code_of_other_types(acme: Acme) -> None:
    """Proves nothing, and does no harm."""
    made = await acme.ann("GroupInvites/Create", group=acme.shop, role=VIEWER)
    async with acme.world.broker.store.read() as records:
        kept = await records.invites.get(made["id"])
    assert kept is not None
    others: list[Any] = [1, None, [], {}, "", "x"]
    for secret in others:
        members = {"group": acme.shop, "key_id": made["keyId"], "secret": secret}
        code = base64.urlsafe_b64encode(json.dumps(members).encode()).decode()
        assert not InviteCode.parse(code).proves(kept)
    assert InviteCode.parse(made["code"]).proves(kept)


async def test_how_long_an_invite_lasts(acme: Acme, wire: Wire) -> None:
    """Seven days unless said; a minute at least, 90 days at most."""
    ann = acme.ann.on(wire)
    for ttl, days in ((None, 7), ("60s", 1 / 1440), ("7776000s", 90)):
        asked = {"role": VIEWER} | ({"ttl": ttl} if ttl else {})
        made = await ann("GroupInvites/Create", group=acme.shop, **asked)
        (read,) = (await ann("GroupInvites/List", id=made["id"]))["items"]
        assert _life(read, read["createdAt"]) == timedelta(days=days)
    for ttl in ("0s", "59.999s", "-60s", "7776000.000001s", "315576000000s"):
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="ttl"):
            await ann("GroupInvites/Create", group=acme.shop, role=VIEWER, ttl=ttl)
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="ttl"):
            await ann(
                "v2.GroupInvitesService/CreateGroupInvite",
                parent=acme.shop,
                group_invite={"role_uid": VIEWER, "ttl": ttl},
            )


@pytest.mark.parametrize(
    "email", ["x", "@acme.example", "x@", "x y@acme.example", "x@a\x01", f"{'x' * 250}@a.bc"]
)
async def test_addresses_that_are_none(acme: Acme, wire: Wire, email: str) -> None:
    """Are refused; an empty one means anybody."""
    with refused(code_pb2.INVALID_ARGUMENT, field="email"):
        await acme.ann.on(wire)("GroupInvites/Create", group=acme.shop, role=VIEWER, email=email)


async def test_what_an_invite_cannot_offer(acme: Acme, wire: Wire) -> None:
    """More than the inviter holds at the group; a role of another organization or of a folder
    below; one that does not exist. Each is refused in both versions."""
    eddy = acme.eddy.on(wire)
    below = await acme.role("groups.list", parent=acme.shop)
    bigger = await acme.role("groups.delete")
    theirs = await acme.oda(
        "Roles/Create",
        parent_id=acme.other,
        role={"name": "theirs", "capabilities": ["groups.list"]},
    )
    for role, code, reason in (
        (OWNER, code_pb2.PERMISSION_DENIED, "grant_exceeds_own"),
        (bigger, code_pb2.PERMISSION_DENIED, "grant_exceeds_own"),
        (below, code_pb2.NOT_FOUND, "role_not_found"),
        (theirs["id"], code_pb2.NOT_FOUND, "role_not_found"),
        (f"{acme.id}/0123456789abcdef", code_pb2.NOT_FOUND, "role_not_found"),
        ("", code_pb2.INVALID_ARGUMENT, "uidp_malformed"),
        ("viewer", code_pb2.INVALID_ARGUMENT, "uidp_malformed"),
    ):
        with refused(code, reason):
            await eddy("GroupInvites/Create", group=acme.id, role=role)
        with refused(code, reason):
            await eddy(
                "v2.GroupInvitesService/CreateGroupInvite",
                parent=acme.id,
                group_invite={"role": {"uid": role}},
            )
    assert ids(await acme.ann("GroupInvites/List")) == []


async def test_an_invite_taken_back(acme: Acme, wire: Wire) -> None:
    """Is gone."""
    ann = acme.ann.on(wire)
    for method, field in (
        ("GroupInvites/Delete", "id"),
        ("v2.GroupInvitesService/DeleteGroupInvite", "uid"),
    ):
        made = await ann("GroupInvites/Create", group=acme.shop, role=VIEWER)
        await ann(method, **{field: made["id"]})
        with refused(code_pb2.NOT_FOUND, "invite_not_found"):
            await ann(method, **{field: made["id"]})
        with refused(code_pb2.NOT_FOUND, "invite_not_found"):
            await ann("v2.GroupInvitesService/GetGroupInvite", uid=made["id"])


async def test_an_organization_with_an_invite(acme: Acme) -> None:
    """Is the caller's, and others can be invited to any built-in role of it."""
    stranger = await acme.stranger()
    number = acme.world.number()
    name = f"new-{number}"
    made = await stranger("GroupInvites/CreateWithGroup", group=name, role=OWNER)
    root = InviteCode.parse(made["code"]).group
    owner = await acme.world.login(f"stranger-{number - 1}")
    group = await owner("v2.GroupsService/GetGroup", uid=root)
    assert (group["name"], group["status"]) == (name, "ORG_STATUS_READY")
    assert ids(await owner("GroupInvites/List", group=root)) == [made["id"]]
    with refused(code_pb2.ALREADY_EXISTS, "name_taken"):
        await stranger("GroupInvites/CreateWithGroup", group=name, role=OWNER)
    custom = await acme.role("groups.list")
    with refused(code_pb2.NOT_FOUND, "role_not_found"):
        await stranger("GroupInvites/CreateWithGroup", group=f"{name}-x", role=custom)
    async with acme.world.broker.store.read() as records:
        assert await records.groups.by_name(None, f"{name}-x") is None


async def test_invites_are_listed_where_one_may_see_them(acme: Acme, wire: Wire) -> None:
    """Those of other organizations are not shown; `group` means those of the very group."""
    ann, oda = acme.ann.on(wire), acme.oda.on(wire)
    mine = [
        (await ann("GroupInvites/Create", group=group, role=VIEWER))["id"]
        for group in (acme.id, acme.shop)
    ]
    assert sorted(ids(await ann("GroupInvites/List"))) == sorted(mine)
    assert ids(await ann("GroupInvites/List", group=acme.id)) == [mine[0]]
    assert ids(await oda("GroupInvites/List")) == []
    assert ids(await oda("GroupInvites/List", group=acme.shop)) == []

"""Lists: filters, pages and orders, of every noun."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio
from google.rpc import code_pb2

from broker.iam.uidp import Uidp
from tests.api.shelf import LISTS, Listed, Shelf, fill, sort_key
from tests.api.world import VIEWER, Acme, World, ids, names
from tests.kit.api import Caller, Json, Wire, method, refused
from tests.kit.organizations import ROLES

pytestmark = pytest.mark.asyncio(loop_scope="module")

every_list = pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.field)
BUILTIN = {role.id for role in ROLES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shelf(everything: World) -> Shelf:
    """Is only read; what lies around it belongs to others, who are busy."""
    await fill(await everything.organization(), seed=2)
    return await fill(await everything.organization())


async def pages(caller: Caller, listed: Listed, /, **request: Any) -> AsyncIterator[Json]:
    """Every page of a list; the total stays what it was."""
    total, token = None, ""
    while True:
        page = await caller(listed.method, page_token=token, **request)
        assert total in (None, page["totalCount"])
        yield page
        total, token = page["totalCount"], page["nextPageToken"]
        if not token:
            return


async def walk(caller: Caller, listed: Listed, /, **request: Any) -> list[Json]:
    """All the records of a list, page by page, none of which is empty unless it is the only one."""
    found: list[Json] = []
    count = 0
    async for page in pages(caller, listed, **request):
        records = page[listed.field]
        assert records or not found
        assert len(records) <= request.get("page_size", 100)
        found += records
        count = int(page["totalCount"])
    assert count == len(found)
    return found


def key_of(listed: Listed, record: Json) -> str:
    """What tells the records of a list apart."""
    return str(record["docId"] if listed.field == "termsAcceptances" else record["uid"])


async def whole(shelf: Shelf, listed: Listed, wire: Wire) -> list[Json]:
    """The list as one page."""
    page = await shelf.acme.ann.on(wire)(listed.method, page_size=1000, **shelf.request(listed))
    assert page["nextPageToken"] == ""
    records: list[Json] = page[listed.field]
    assert int(page["totalCount"]) == len(records)
    return records


# pages


@every_list
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 10, 100])
async def test_pages_of_any_size(shelf: Shelf, listed: Listed, size: int) -> None:
    """Together are the whole list, in its order."""
    http, grpc = shelf.acme.world.http, shelf.acme.world.grpc
    expected = await whole(shelf, listed, grpc)
    assert len(expected) >= 7
    for wire in (http, grpc):
        caller = shelf.acme.ann.on(wire)
        found = await walk(caller, listed, page_size=size, **shelf.request(listed))
        assert found == expected


@every_list
async def test_without_an_order_lists_are_by_uidp(shelf: Shelf, listed: Listed) -> None:
    """Ascending; that of terms, which have none, by document."""
    keys = [key_of(listed, record) for record in await whole(shelf, listed, shelf.acme.world.grpc)]
    assert keys == sorted(keys, key=str.encode)
    assert len(set(keys)) == len(keys)


@every_list
async def test_every_order(shelf: Shelf, listed: Listed) -> None:
    """By each field in either direction, what is alike by UIDP: as sorting the whole list gives
    it, on pages of any size."""
    ann = shelf.acme.ann
    records = await whole(shelf, listed, shelf.acme.world.grpc)
    for name, direction in itertools.product(listed.orders, ("", " asc", " desc")):
        expected = sorted(records, key=lambda record: key_of(listed, record).encode())
        expected.sort(
            key=lambda record: sort_key(shelf, record, name), reverse=direction == " desc"
        )
        request = shelf.request(listed) | {"order_by": name + direction}
        for size in (2, 5, 100):
            found = await walk(ann, listed, page_size=size, **request)
            assert [key_of(listed, each) for each in found] == [
                key_of(listed, each) for each in expected
            ], (name, direction, size)


@every_list
async def test_orders_of_two_fields(shelf: Shelf, listed: Listed) -> None:
    """The second tells apart what is alike in the first."""
    records = await whole(shelf, listed, shelf.acme.world.grpc)
    for one, other in itertools.permutations(listed.orders, 2):
        expected = sorted(records, key=lambda record: key_of(listed, record).encode())
        expected.sort(key=lambda record: sort_key(shelf, record, other))
        expected.sort(key=lambda record: sort_key(shelf, record, one), reverse=True)
        request = shelf.request(listed) | {"order_by": f" {one} desc ,{other}"}
        found = await walk(shelf.acme.ann, listed, page_size=4, **request)
        assert [key_of(listed, each) for each in found] == [
            key_of(listed, each) for each in expected
        ], (one, other)


@every_list
async def test_orders_that_are_none(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """Are refused with what there is to order by."""
    ann, request = shelf.acme.ann.on(wire), shelf.request(listed)
    for order in (
        "nope",
        "id",
        "uid ascending",
        "uid DESC",
        "uid,",
        ",",
        "uid desc asc",
        "uid;name",
        "createTime",
        "created_at",
        "uid --",
        "\x00",
        "ü",
        ",".join(["uid"] * 3 + ["nope"]),
    ):
        if "\x00" in order and wire is shelf.acme.world.http:
            continue
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="order_by") as expected:
            await ann(listed.method, order_by=order, **request)
        assert listed.orders[-1] in expected.error.message
    first = listed.orders[0]
    doubled = await ann(listed.method, order_by=f"{first} desc,{first}", **request)
    assert doubled[listed.field] == (
        await ann(listed.method, order_by=f"{first} desc", **request)
    )[listed.field]  # fmt: skip


@every_list
async def test_skipping(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """As many of the page's records as are asked for are left out and told; what is counted is
    all there is."""
    ann, request = shelf.acme.ann.on(wire), shelf.request(listed)
    records = await whole(shelf, listed, wire)
    for skip in (0, 1, 3, len(records) - 1, len(records), len(records) + 1, 2**31 - 1):
        page = await ann(listed.method, skip=skip, page_size=2, **request)
        assert page[listed.field] == records[skip : skip + 2]
        assert page["skipped"] == skip
        assert int(page["totalCount"]) == len(records)
        assert bool(page["nextPageToken"]) is (skip + 2 < len(records))
    first = await ann(listed.method, page_size=2, **request)
    later = await ann(
        listed.method, page_size=2, skip=1, page_token=first["nextPageToken"], **request
    )
    assert later[listed.field] == records[3:5]


@every_list
async def test_sizes_and_skips_that_are_none(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """Below nothing; what is above 1,000 counts as 1,000."""
    ann, request = shelf.acme.ann.on(wire), shelf.request(listed)
    for field, value in (("page_size", -1), ("skip", -1), ("page_size", -(2**31))):
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field=field):
            await ann(listed.method, **{field: value}, **request)
    page = await ann(listed.method, page_size=2**31 - 1, **request)
    assert page[listed.field] == await whole(shelf, listed, wire)


@every_list
async def test_a_token_is_of_its_list(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """With another order, another filter or in another list it is refused; another size of the
    next page is in order."""
    ann, request = shelf.acme.ann.on(wire), shelf.request(listed)
    token = (await ann(listed.method, page_size=2, **request))["nextPageToken"]
    others: list[Json] = [{"order_by": f"{listed.orders[-1]} desc"}]
    others += [
        {"group": shelf.acme.shop} if request else {"uidp": {"descendants_of": shelf.acme.id}}
    ]
    for other in others:
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="page_token"):
            await ann(listed.method, page_token=token, **request | other)
    another = LISTS[(LISTS.index(listed) + 1) % len(LISTS)]
    if another.field != "termsAcceptances" and listed.field != "termsAcceptances":
        beyond = {"order_by": "create_time"}
        token = (await ann(listed.method, page_size=2, **beyond))["nextPageToken"]
        await ann(listed.method, page_size=5, page_token=token, **beyond)


def _forged(*members: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


@every_list
async def test_tokens_that_are_none(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """Are refused, however close they come to one: an own one cannot be built from them."""
    ann, request = shelf.acme.ann.on(wire), shelf.request(listed)
    for order in ("", listed.orders[-1], f"{listed.orders[-1]} desc"):
        asked = request | {"order_by": order, "page_size": 2}
        token = (await ann(listed.method, **asked))["nextPageToken"]
        padded = token + "=" * (-len(token) % 4)
        digest, total, *after = json.loads(base64.urlsafe_b64decode(padded))
        wrong: Iterable[str] = [
            "x",
            "äöü",
            "e30",
            "bnVsbA",
            "W10",
            token[:-4],
            token + token,
            "A" * 100_000,
            _forged(),
            _forged(digest),
            _forged(digest, total),
            _forged(digest, "1", *after),
            _forged(digest, 1.5, *after),
            _forged(digest, -1, *after),
            _forged(digest, 2**63, *after),
            _forged(digest, 2**64, *after),
            _forged(digest, 10**400, *after),
            _forged(digest, True, *after),
            _forged(digest, total, *after, after[-1]),
            _forged(digest, total, *after[:-1]),
            _forged(digest, total, *[None] * len(after)),
            _forged(digest, total, *[[]] * len(after)),
            _forged(digest, total, *[{}] * len(after)),
            _forged(digest, total, *[1.5] * len(after)),
            _forged(digest, total, *[True] * len(after)),
            _forged(digest, total, *[2**63] * len(after)),
            _forged(digest, total, *["a\0b"] * len(after)),
            _forged(digest, total, *["\ud800"] * len(after)),
            _forged(digest.upper(), total, *after),
        ]
        for each in wrong:
            if wire is shelf.acme.world.http and len(each) > 8000:
                continue  # a URL of that length is refused before
            with refused(code_pb2.INVALID_ARGUMENT, field="page_token"):
                await ann(listed.method, **asked | {"page_token": each})


async def test_pages_while_others_write(acme: Acme, wire: Wire) -> None:
    """A record that is there all the while is on exactly one page, whatever comes and goes."""
    ann = acme.ann.on(wire)
    for listed in (each for each in LISTS if each.field in ("identities", "roles", "groups")):
        for order in ("", "name desc", "update_time"):
            group = await acme.folder()
            steady = {await _made(acme, listed, group, f"m{n:02}") for n in range(9)}
            fleeting = [await _made(acme, listed, group, f"{n:02}") for n in range(6)]
            seen: list[str] = []
            request = {"uidp": {"children_of": group}, "order_by": order, "page_size": 2}
            number = 0
            async for page in pages(ann, listed, **request):
                seen += [key_of(listed, record) for record in page[listed.field]]
                name = ["a", "m045", "z"][number % 3]
                await _made(acme, listed, group, f"{name}-{number}")
                if fleeting:
                    await _deleted(acme, listed, fleeting.pop(number % len(fleeting)))
                number += 1
                if number > 30:
                    break  # what is new comes last in some orders: a walk may not end
            assert number > 5
            assert len([uidp for uidp in seen if uidp in steady]) == len(steady)
            assert steady <= set(seen)


async def _made(acme: Acme, listed: Listed, group: str, name: str) -> str:
    if listed.field == "groups":
        return await acme.folder(name, parent=group)
    if listed.field == "roles":
        return await acme.role("groups.list", parent=group, name=name)
    return await acme.identity(parent=group, name=name)


async def _deleted(acme: Acme, listed: Listed, uidp: str) -> None:
    noun = {"groups": "Groups", "roles": "Roles", "identities": "Identities"}[listed.field]
    await acme.ann(f"{noun}/Delete", id=uidp)


# filters


def _matches(uid: str, where: Json, *, is_group: bool) -> bool:
    """What the filter says of a record, in the words of its documentation."""
    parent = uid.rpartition("/")[0]
    if (above := where.get("ancestors_of")) and above != "/":
        in_path = above.startswith(f"{uid}/") if is_group else Uidp(parent).covers(above)
        if not parent and not is_group:
            return False
        if not in_path or uid == above:
            return False
    if (top := where.get("descendants_of")) and top != "/" and not uid.startswith(f"{top}/"):
        return False
    if near := where.get("children_of"):
        if near == "/" and parent:
            return False
        if near != "/" and parent != near:
            return False
    if where.get("in_root") and parent:
        return False
    return not where.get("ids") or uid in where["ids"]


@pytest.mark.parametrize(
    "listed", [each for each in LISTS if each.old], ids=lambda listed: listed.field
)
async def test_filters_by_place(shelf: Shelf, listed: Listed) -> None:
    """Every condition, alone and with others, of groups and records of all depths, in both
    versions: as the documentation says."""
    acme, team = shelf.acme, shelf.groups[2]
    is_group = listed.field in ("groups", "accountAssociations")
    everything = await whole(shelf, listed, acme.world.grpc)
    uids = [record["uid"] for record in everything]
    deep = next(uid for uid in uids if uid.startswith(f"{team}/"))
    places = [acme.id, acme.shop, team, deep, acme.other, "/"]
    conditions: list[Json] = [{}, {"in_root": True}]
    conditions += [
        {name: place}
        for name in ("ancestors_of", "descendants_of", "children_of")
        for place in places
    ]
    conditions += [{"ids": uids[::2]}, {"ids": [uids[0], acme.other]}, {"ids": [VIEWER]}]
    wires = itertools.cycle([acme.world.http, acme.world.grpc])
    for one, other in itertools.combinations_with_replacement(conditions, 2):
        where = one | other
        expected = [uid for uid in uids if _matches(uid, where, is_group=is_group)]
        ann = acme.ann.on(next(wires))
        found = await ann(listed.method, uidp=where, page_size=1000)
        assert ids({"x": found[listed.field]}) == expected, where
        assert int(found["totalCount"]) == len(expected)
        if listed.old in ("GroupInvites/List", "GroupAccountAssociations/List"):
            continue  # have no such filter
        if one and other and one != other:
            continue  # of two conditions at once, one version will do
        assert ids(await ann(listed.old, uidp=where)) == expected, where


async def test_version_1_has_no_pages(shelf: Shelf, wire: Wire) -> None:
    """Its lists are the whole, in the same order as those of version 2."""
    for listed in LISTS:
        if listed.old:
            old = await shelf.acme.ann.on(wire)(listed.old)
            assert ids(old) == [record["uid"] for record in await whole(shelf, listed, wire)]


async def test_filters_that_are_none(shelf: Shelf, wire: Wire) -> None:
    """The field is told; 1,000 UIDPs may be named."""
    ann = shelf.acme.ann.on(wire)
    for listed in LISTS[:-1]:
        for name in ("ancestors_of", "descendants_of", "children_of"):
            for value in ("x", "//", f"{shelf.acme.id}/", "A" * 40):
                with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed", field=f"uidp.{name}"):
                    await ann(listed.method, uidp={name: value})
        with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed", field="uidp.ids"):
            await ann(listed.method, uidp={"ids": [shelf.acme.id, "x"]})
    if wire is shelf.acme.world.grpc:
        many = [f"{shelf.acme.id}/{number:016x}" for number in range(1001)]
        with refused(code_pb2.INVALID_ARGUMENT, field="uidp.ids"):
            await ann("Groups/List", uidp={"ids": many})
        assert ids(await ann("Groups/List", uidp={"ids": [*many[:999], shelf.acme.shop]})) == [
            shelf.acme.shop
        ]


async def test_filters_by_what_records_say(shelf: Shelf, wire: Wire) -> None:
    """By name, and by identity, role, provider, kind and key where records have them."""
    ann, acme = shelf.acme.ann.on(wire), shelf.acme
    by_field = {listed.field: listed for listed in LISTS}
    for field, parameter, member in (
        ("groups", "name", "name"),
        ("roles", "name", "name"),
        ("identities", "name", "name"),
        ("identityProviders", "name", "name"),
        ("accountAssociations", "name", "name"),
        ("roleBindings", "identity", "identityUid"),
        ("roleBindings", "role", "roleUid"),
        ("groupInvites", "key_id", "keyId"),
        ("externalGroupRoleMappings", "identity_provider_uid", "identityProviderUid"),
    ):
        listed = by_field[field]
        records = await whole(shelf, listed, wire)
        for value in sorted({record[member] for record in records})[:4]:
            found = await walk(ann, listed, page_size=2, **{parameter: value})
            assert found == [record for record in records if record[member] == value]
        assert await walk(ann, listed, **{parameter: "f" * 40}) == []
    bindings = await whole(shelf, by_field["roleBindings"], wire)
    found = await walk(ann, by_field["roleBindings"], group=acme.shop)
    assert found == [each for each in bindings if each["group"]["uid"] == acme.shop]
    kinds = {
        "RELATIONSHIP_TYPE_CLAIM_MATCH": 9,
        "RELATIONSHIP_TYPE_STATIC": 0,
        "RELATIONSHIP_TYPE_AWS_IDENTITY": 0,
        "RELATIONSHIP_TYPE_SERVICE_PRINCIPAL": 0,
        "RELATIONSHIP_TYPE_UNSPECIFIED": 9,
    }
    for kind, count in kinds.items():
        found = await walk(ann, by_field["identities"], relationship_type=kind)
        assert len(found) == count
    with refused(code_pb2.INVALID_ARGUMENT, field="relationship_type"):
        await ann("v2.IdentitiesService/ListIdentities", relationship_type=99)
    assert names(await ann("Groups/List", name="shop")) == ["shop"]
    assert (await ann("Groups/List", name="shop", id=acme.id))["items"] == []


async def test_parent_of_a_role(acme: Acme, wire: Wire) -> None:
    """Is another name of `uidp.children_of`; both at once have to agree."""
    ann = acme.ann.on(wire)
    role = await acme.role("groups.list", parent=acme.shop)
    assert ids(await ann("Roles/List", parent=acme.shop)) == [role]
    both = {"children_of": acme.shop}
    assert ids(await ann("Roles/List", parent=acme.shop, uidp=both)) == [role]
    with refused(code_pb2.INVALID_ARGUMENT, field="parent"):
        await ann("Roles/List", parent=acme.id, uidp=both)


# what may be seen


@every_list
async def test_lists_of_who_may_see_nothing(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """Are empty, but for the built-in roles; counts and filters give nothing away either."""
    if listed.field == "termsAcceptances":
        return  # needs the capability at its group
    for caller in (await shelf.acme.stranger(), shelf.acme.oda):
        caller = caller.on(wire)  # noqa: PLW2901 - the same person
        uids = {record["uid"] for record in await whole(shelf, listed, wire)} - BUILTIN
        for request in (
            {},
            {"uidp": {"ids": sorted(uids)}},
            {"uidp": {"children_of": shelf.acme.shop}},
        ):
            found = await walk(caller, listed, **request)
            assert not uids & {record["uid"] for record in found}


@every_list
async def test_lists_of_who_may_see_some(shelf: Shelf, listed: Listed, wire: Wire) -> None:
    """What lies at or below a group where the capability is held, and nothing beside; of several
    such groups together, in one order and on steady pages."""
    if listed.field == "termsAcceptances":
        return
    acme, groups = shelf.acme, shelf.groups
    (capability,) = method(listed.method).authorization.capabilities
    for at in ([groups[1]], [groups[2], groups[4]], [groups[1], groups[3], groups[5], groups[6]]):
        caller = (await acme.holding({group: [capability] for group in at})).on(wire)
        records = await whole(shelf, listed, wire)
        visible = [
            record
            for record in records
            if record["uid"] in BUILTIN or any(group.covers(record["uid"]) for group in at)
        ]
        assert await walk(caller, listed, page_size=2) == visible
        for order in listed.orders:
            found = await walk(caller, listed, page_size=3, order_by=f"{order} desc")
            assert {key_of(listed, each) for each in found} == {
                key_of(listed, each) for each in visible
            }
            values = [sort_key(shelf, each, order) for each in found]
            assert values == sorted(values, reverse=True)

"""Lists as properties: what is seen and in which order, for any tree, roles and names."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from broker.iam.model import Group, Role
from broker.iam.uidp import Uidp
from tests.api.world import World, ids
from tests.kit.api import Caller, Json, Refused
from tests.kit.organizations import ROLES, Organization

pytestmark = pytest.mark.asyncio(loop_scope="module")

T0: Final = datetime(1970, 1, 1, tzinfo=UTC)
BOUNDED: Final = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)
NAMES: Final = [*sorted({role.name for role in ROLES})[:6], "a", "vif", "Viewer!", "zz", "ä"]
FIELDS: Final = ("uid", "name", "create_time", "update_time")


# built-in roles among others


@dataclass(frozen=True)
class _Row:
    uid: str
    name: str
    create_time: datetime
    update_time: datetime


def _rows(custom: Sequence[Role]) -> list[_Row]:
    return [
        _Row(role.id, role.name, role.created_at, role.updated_at) for role in (*ROLES, *custom)
    ]


def _sorted(rows: list[_Row], orders: Sequence[tuple[str, bool]]) -> list[str]:
    result = sorted(rows, key=lambda row: row.uid)
    for name, descending in reversed(orders):
        result.sort(key=lambda row: _comparable(getattr(row, name)), reverse=descending)
    return [row.uid for row in result]


def _comparable(value: str | datetime) -> bytes | datetime:
    return value.encode() if isinstance(value, str) else value


@BOUNDED
@given(
    custom=st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 2), st.integers(0, 2)), max_size=8
    ),
    orders=st.lists(
        st.tuples(st.sampled_from(FIELDS), st.booleans()),
        max_size=3,
        unique_by=lambda order: order[0],
    ),
    size=st.integers(1, 12),
    skip=st.integers(0, 4),
    seed=st.integers(0, 2**32),
)
async def test_built_in_roles_among_others(
    everything: World,
    custom: list[tuple[str, int, int]],
    orders: list[tuple[str, bool]],
    size: int,
    skip: int,
    seed: int,
) -> None:
    """They stand where sorting all roles together puts them, on pages of any size, after any
    number that is skipped; custom roles may have times of the same moment, and names beside."""
    number = everything.number()
    chance = random.Random(f"{seed} {number}")
    root = Uidp.new_root(chance.randbytes)
    roles = [
        Role(
            id=root.child(chance.randbytes),
            name=name,
            capabilities=frozenset({"groups.list"}),
            created_at=T0 + timedelta(seconds=created),
            updated_at=T0 + timedelta(seconds=updated),
        )
        for name, created, updated in custom
    ]
    async with everything.broker.store.write() as records:
        group = Group(id=root, name=f"roles-{number}", created_at=T0, updated_at=T0)
        await records.groups.add(group)
        for role in roles:
            await records.roles.add(role)
    reader = await _reader(everything, f"reader {number}", {root: ("roles.list",)})
    order = ", ".join(f"{name}{' desc' if descending else ''}" for name, descending in orders)
    expected = _sorted(_rows(roles), orders)
    wire = everything.http if number % 2 else everything.grpc
    assert await _walk(reader.on(wire), order, size) == expected
    page = await reader("v2.RolesService/ListRoles", order_by=order, page_size=size, skip=skip)
    assert ids({"roles": page["roles"]}) == expected[skip : skip + size]
    assert int(page["totalCount"]) == len(expected)


async def _walk(reader: Caller, order: str, size: int) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        page = await reader(
            "v2.RolesService/ListRoles", order_by=order, page_size=size, page_token=token
        )
        found += [role["uid"] for role in page["roles"]]
        token = page["nextPageToken"]
        if not token:
            return found
        assert len(page["roles"]) == size


async def _reader(
    world: World, subject: str, held: Mapping[Uidp, Sequence[str]], **narrowed: str
) -> Caller:
    """A person with these capabilities at these groups, by roles of an organization elsewhere."""
    now = datetime.now(UTC)
    root = Uidp.derived("elsewhere", subject)
    async with world.broker.store.write() as records:
        await records.groups.add(Group(id=root, name=subject, created_at=now, updated_at=now))
    elsewhere = Organization(world.broker.store, root, root)
    person = await elsewhere.person(world.issuer.url, subject)
    for group, names in held.items():
        role = await elsewhere.role(f"at {group}", *names)
        await elsewhere.bind(person, role, group)
    return await world.login(subject, **narrowed)


# what is seen


Tree = list[int]
"""Of each group but the first the number of its parent, which comes before it."""


@st.composite
def _trees(draw: st.DrawFn) -> Tree:
    size = draw(st.integers(1, 9))
    return [draw(st.integers(0, number)) for number in range(size)]


def _visible(groups: Sequence[Uidp], held: Mapping[Uidp, Sequence[str]], needed: str) -> set[Uidp]:
    """The model: a group is seen when the capability is held at it or at a group above it."""
    return {
        group
        for group in groups
        if any(needed in names and (group == at or group.startswith(f"{at}/"))
               for at, names in held.items())
    }  # fmt: skip


CAPABILITIES: Final = ("groups.list", "groups.update", "roles.list", "identity.list")


@BOUNDED
@given(
    tree=_trees(),
    bindings=st.lists(
        st.tuples(
            st.integers(0, 9),
            st.lists(st.sampled_from(CAPABILITIES), min_size=1, max_size=2, unique=True),
        ),
        max_size=5,
    ),
    narrowed=st.one_of(st.none(), st.sampled_from(CAPABILITIES)),
    size=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
async def test_lists_show_what_the_token_may_see(
    everything: World,
    tree: Tree,
    bindings: list[tuple[int, list[str]]],
    narrowed: str | None,
    size: int,
    seed: int,
) -> None:
    """For any tree, any roles in it and any narrowing: exactly the groups at or below those where
    the capability is held, on pages of any size, and they alone can be read one by one."""
    chance = random.Random(f"{seed} {everything.number()}")
    groups = [Uidp.new_root(chance.randbytes)]
    for parent in tree:
        groups.append(groups[parent].child(chance.randbytes))
    async with everything.broker.store.write() as records:
        for number, group in enumerate(groups):
            name = f"{number}-{group[-16:]}"
            await records.groups.add(Group(id=group, name=name, created_at=T0, updated_at=T0))
    held: dict[Uidp, list[str]] = {}
    for at, names in bindings:
        held.setdefault(groups[at % len(groups)], []).extend(names)
    if narrowed is not None and not any(narrowed in names for names in held.values()):
        narrowed = None  # the exchange refuses what is not held
    asked = {} if narrowed is None else {"cap": narrowed}
    reader = await _reader(everything, f"reader {everything.number()}", held, **asked)
    if narrowed is not None:
        held = {at: [name for name in names if name == narrowed] for at, names in held.items()}
    expected = _visible(groups, held, "groups.list")
    wire = everything.http if seed % 2 else everything.grpc
    listed = await reader.on(wire)("Groups/List")
    assert ids(listed) == sorted(expected)
    seen: list[str] = []
    page: Json = {"nextPageToken": ""}
    while True:
        page = await reader.on(wire)(
            "v2.GroupsService/ListGroups", page_size=size, page_token=page["nextPageToken"]
        )
        seen += [group["uid"] for group in page["groups"]]
        assert int(page["totalCount"]) == len(expected)
        if not page["nextPageToken"]:
            break
    assert seen == sorted(expected)
    for group in groups:
        readable = await _answers(reader, "v2.GroupsService/GetGroup", uid=group)
        assert readable is (group in expected)
        writable = await _answers(reader, "Groups/Update", id=group, name=f"n-{group[-16:]}")
        assert writable is (group in _visible(groups, held, "groups.update"))


async def _answers(caller: Caller, name: str, /, **request: object) -> bool:
    try:
        await caller(name, **request)
    except Refused as error:
        if error.reason != "capability_missing":
            raise
        return False
    return True

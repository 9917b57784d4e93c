from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.listing import EVERYWHERE, Order, Selection, UidpFilter
from broker.iam.uidp import Uidp
from broker.store import Records, Store
from broker.store.placement import MAX_IDS
from tests.store.samples import (
    group,
)
from tests.store.worlds import FIELDS, World, selected, uidp_of, value_of, world

COMPARED = {
    "groups": ["name"],
    "identities": ["name", "group", "kind"],
    "roles": ["name", "group"],
    "bindings": ["identity", "role", "group"],
    "invites": ["key_id", "role", "group"],
    "identity_providers": ["name", "group"],
    "group_role_mappings": ["identity_provider", "group"],
    "account_associations": ["name", "group"],
    "terms": ["document", "group"],
    "subscriptions": ["group"],
}
CONDITIONS = ["ancestors_of", "descendants_of", "children_of", "in_root", "ids", "equal", "within"]


@pytest.fixture
async def stored(store: Store) -> World:
    made = world(random.Random(20261125))
    async with store.write() as records:
        for noun, several in made.records.items():
            for each in several:
                await adder(records, noun)(each)
    return made


def adder(records: Records, noun: str) -> Any:
    return records.terms.accept if noun == "terms" else getattr(records, noun).add


@st.composite
def selections(draw: st.DrawFn, world: World, noun: str) -> Selection:
    """Mostly with few conditions: with many nothing would be left."""
    anything = st.sampled_from(world.uidps)
    groups = st.sampled_from(sorted((each.id for each in world.records["groups"]), key=len))
    own = st.sampled_from([uidp_of(each) for each in world.records[noun]])
    conditions = draw(st.sets(st.sampled_from([*CONDITIONS, "", "", ""]), max_size=3))
    values: dict[str, st.SearchStrategy[Any]] = {
        "ancestors_of": st.one_of(groups, own, anything),
        "descendants_of": st.one_of(groups, groups, anything),
        "children_of": st.one_of(groups, groups, anything),
        "in_root": st.just(value=True),
        "ids": st.lists(st.one_of(own, anything), max_size=30).map(tuple),
    }
    equal = {}
    if "equal" in conditions:
        field = draw(st.sampled_from(COMPARED[noun]))
        equal[field] = str(value_of(draw(st.sampled_from(world.records[noun])), field))
    orders = st.builds(Order, field=st.sampled_from(FIELDS[noun]), descending=st.booleans())
    reach = st.lists(groups, max_size=6).map(tuple)
    return Selection(
        within=draw(reach) if "within" in conditions else EVERYWHERE,
        uidp=UidpFilter(**{name: draw(values[name]) for name in values if name in conditions}),
        equal=equal,
        order=tuple(draw(st.lists(orders, max_size=3, unique_by=lambda each: each.field))),
        limit=draw(st.integers(1, 12)),
        skip=draw(st.one_of(st.just(0), st.integers(0, 8))),
        count=draw(st.booleans()),
    )


@pytest.mark.parametrize("noun", FIELDS)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_walking_the_pages_gives_what_is_selected_in_order(
    store: Store, stored: World, noun: str, data: st.DataObject
) -> None:
    """Whatever the filters, order and length of the pages: nothing twice, nothing left out."""
    selection = data.draw(selections(stored, noun))
    expected = selected(stored, noun, selection)
    found: list[Any] = []
    async with store.read() as records:
        page = await getattr(records, noun).page(selection)
        while True:
            assert page.total == (len(expected) if selection.count else None)
            found += page.records
            assert len(found) <= len(expected)
            assert len(page.records) <= (selection.limit or 0)
            if page.next is None:
                break
            assert len(page.records) == selection.limit
            page = await getattr(records, noun).page(replace(selection, after=page.next, skip=0))
        assert found == expected[selection.skip :]
        everything = replace(selection, limit=None, skip=0, count=False)
        assert list((await getattr(records, noun).page(everything)).records) == expected


async def test_a_page_reaches_over_any_number_of_subtrees(store: Store) -> None:
    """More than a union has members and an expression has depth, in any order, filtered too."""
    several = [group(f"{n:04}") for n in range(1500)]
    folders = [group(each.name[-1], each.id) for each in several]
    async with store.write() as records:
        for each in (*several, *folders):
            await records.groups.add(each)
    seen = sorted([*several[::2], *folders[::2]], key=lambda each: each.id)
    within = tuple(each.id for each in several[::2])
    async with store.read() as records:
        for order in ((), (Order(field="name", descending=True),)):
            selection = Selection(within=within, order=order, limit=100, skip=30, count=True)
            expected = sorted(seen, key=lambda each: each.name, reverse=True) if order else seen
            page = await records.groups.page(selection)
            assert list(page.records) == expected[30:130]
            assert page.total == 1500
            assert page.next is not None
            page = await records.groups.page(replace(selection, after=page.next, skip=0))
            assert list(page.records) == expected[130:230]
        one = Selection(within=within, equal={"name": "4"}, limit=100)
        page = await records.groups.page(one)
        assert list(page.records) == [each for each in seen if each.name == "4"][:100]


async def test_what_overlaps_is_listed_once(store: Store) -> None:
    """A reader who sees a group and, besides, a folder of it."""
    acme = group("acme")
    folder = group("prod", acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(folder)
        selection = Selection(within=(folder.id, acme.id, folder.id, acme.id), count=True)
        page = await records.groups.page(selection)
    assert (page.records, page.next, page.total) == ((acme, folder), None, 2)


async def test_who_sees_nothing_gets_an_empty_page(store: Store) -> None:
    """Not everything: an empty `within` is not a missing one."""
    async with store.write() as records:
        await records.groups.add(group("acme"))
        page = await records.groups.page(Selection(within=(), limit=10, count=True))
        everything = await records.groups.page(Selection(within=EVERYWHERE, count=True))
    assert (page.records, page.next, page.total) == ((), None, 0)
    assert everything.total == 1


async def test_what_changes_between_two_pages_shifts_nothing(store: Store) -> None:
    """A record deleted before the position, or added there, makes no other come twice or never."""
    several = [group(name) for name in "bdfh"]
    by_name = Selection(order=(Order(field="name"),), limit=2)
    async with store.write() as records:
        for each in several:
            await records.groups.add(each)
        first = await records.groups.page(by_name)
        await records.groups.delete(several[0].id)
        await records.groups.delete(several[1].id)
        await records.groups.add(group("a"))
        await records.groups.add(between := group("e"))
        assert first.next is not None
        second = await records.groups.page(replace(by_name, after=first.next))
    assert first.records == tuple(several[:2])
    assert second.records == (between, several[2])


@pytest.mark.parametrize(
    "after",
    [
        ("a",),
        ("a", "b", "c"),
        (1, "a"),
        ("a", 1),
        ("a\0", "b"),
        ("a", "\ud800"),
        (None, "b"),
    ],
)
async def test_a_position_of_another_list_is_refused(store: Store, after: tuple[Any, ...]) -> None:
    """Too short, too long, of the wrong type or of what no record has: the field is named."""
    async with store.read() as records:
        with pytest.raises(Invalid) as refused:
            await records.groups.page(Selection(order=(Order(field="name"),), after=after))
    assert (refused.value.code, refused.value.field) == ("page_token_invalid", "page_token")


@pytest.mark.parametrize("time", [2**63, -(2**63) - 1, "0", True, 1.5])
async def test_a_position_in_time_is_a_number_that_can_be_one(store: Store, time: Any) -> None:
    """What the engines could not compare is refused before they see it."""
    by_time = Selection(order=(Order(field="created_at"),), after=(time, "a"))
    async with store.read() as records:
        with pytest.raises(Invalid, match="page_token"):
            await records.groups.page(by_time)
        for bound in (2**63 - 1, -(2**63)):
            await records.groups.page(replace(by_time, after=(bound, "a")))


async def test_a_filter_names_no_more_than_it_may(store: Store) -> None:
    """1,000 UIDPs, and the field is named when there are more."""
    ids = tuple(Uidp(f"{n:040x}") for n in range(MAX_IDS))
    async with store.read() as records:
        await records.groups.page(Selection(uidp=UidpFilter(ids=ids)))
        with pytest.raises(Invalid) as refused:
            await records.groups.page(Selection(uidp=UidpFilter(ids=(*ids, Uidp("a" * 40)))))
    assert (refused.value.code, refused.value.field) == ("too_many_ids", "uidp.ids")


@pytest.mark.parametrize("name", ["a\0", "\ud800"])
async def test_what_no_record_can_have_selects_nothing(store: Store, name: str) -> None:
    """On both engines, without an error."""
    async with store.write() as records:
        await records.groups.add(group("a"))
        page = await records.groups.page(Selection(equal={"name": name}, count=True))
    assert (page.records, page.total) == ((), 0)


@pytest.mark.parametrize("noun", FIELDS)
async def test_a_field_that_a_noun_does_not_have_is_a_defect(store: Store, noun: str) -> None:
    """`ORDERABLE` says which there are."""
    async with store.read() as records:
        at = getattr(records, noun)
        assert set(FIELDS[noun]) == at.ORDERABLE
        with pytest.raises(ValueError, match="secret"):
            await at.page(Selection(order=(Order(field="secret"),)))
        with pytest.raises(ValueError, match="secret"):
            await at.page(Selection(equal={"secret": ""}))

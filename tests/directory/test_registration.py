"""Registration: who is let in, by what, and what they hold then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.directory.registration import Entered, PersonNotRegistered
from broker.errors import BrokerError
from broker.store import Store
from tests.kit.databases import PostgresServer, running_postgres
from tests.kit.organizations import Organization, organization
from tests.kit.registering import (
    NOW,
    enter,
    held,
    invited,
    login,
    provider_of,
    refused,
    registration,
    role,
)


@pytest.fixture
async def acme(store: Store) -> Organization:
    return await organization(store)


@pytest.mark.parametrize(
    ("is_open", "asked", "can_register"),
    [(False, False, False), (False, True, False), (True, False, True)],
)
async def test_an_unknown_person_is_not_registered(
    store: Store, is_open: bool, asked: bool, can_register: bool
) -> None:
    """By a login that everybody may use, unless registration is open and they asked for it."""
    with pytest.raises(PersonNotRegistered) as caught:
        await enter(store, login(), is_open=is_open, asked=asked)
    assert caught.value.can_register is can_register
    await refused(store, login(), "person_not_registered", is_open=is_open, asked=asked)


async def test_who_asks_is_registered_where_everybody_may(store: Store) -> None:
    """Once, with what the provider says of them, an audit record and its event; they hold nothing."""
    who = login(name="Ann", given_name="Ann")
    assert await enter(store, who, is_open=True, asked=True) == Entered(
        identity=who.identity, registered=True
    )
    assert await enter(store, who) == Entered(identity=who.identity)
    async with store.read() as records:
        known = await records.identities.get(who.identity)
        found = await records.audit.find(action="person.registered")
    assert known is not None
    assert (known.name, known.profile.email) == ("Ann", "ann@acme.example")
    assert known.profile.details == {"given_name": "Ann"}
    (record,) = found
    event = json.loads(record.detail)["event"]
    assert event["type"] == "dev.chainguard.api.auth.registered.v1"
    assert event["data"]["body"] == {"identity": who.identity, "group": ""}
    assert await held(store, who) == set()


async def test_a_profile_follows_the_provider(store: Store) -> None:
    """An address that nobody vouches for any more is not verified, and finds nobody."""
    who = login()
    await enter(store, who, is_open=True, asked=True)
    await enter(store, replace(who, email_verified=False, name="Ann B."))
    async with store.read() as records:
        known = await records.identities.get(who.identity)
    assert known is not None
    assert (known.name, known.profile.email) == ("Ann B.", "")
    assert known.profile.email_unverified == "ann@acme.example"


async def test_the_default_role_is_given_once(acme: Organization, store: Store) -> None:
    """To who comes through the organization's provider for the first time; taken away, it stays
    away."""
    provider = await provider_of(acme, default_role=role("viewer"))
    who = login(provider=provider.id)
    entered = await enter(store, who)
    assert entered == Entered(identity=who.identity, registered=True, joined=(acme.id,))
    assert await held(store, who) == {(acme.id, role("viewer"))}
    async with store.write() as records:
        (binding,) = await records.bindings.of_identity(who.identity)
        await records.bindings.delete(binding.id)
    assert await enter(store, who) == Entered(identity=who.identity)
    assert await held(store, who) == set()


async def test_a_provider_that_is_gone_brings_nobody(acme: Organization, store: Store) -> None:
    """A login through it that was under way is one of nobody's."""
    provider = await provider_of(acme, default_role=role("viewer"))
    async with store.write() as records:
        await records.identity_providers.delete(provider.id)
    await refused(store, login(provider=provider.id), "person_not_registered")


async def test_an_invite_brings_its_role(acme: Organization, store: Store) -> None:
    """It registers, and binds; a second time it is good for somebody else, and changes nothing for
    who has the role."""
    code = await invited(acme, group=acme.folder)
    for who in (login("ann"), login("bob"), login("ann")):
        assert (await enter(store, who, code)).joined == (acme.folder,)
        assert await held(store, who) == {(acme.folder, role("viewer"))}
    async with store.read() as records:
        accepted = await records.audit.find(action="group_invite.accepted")
        bound = await records.audit.find(action="role_binding.created")
    assert len(accepted) == 3
    assert len(bound) == 2
    assert code not in "".join(record.detail for record in accepted)


async def test_an_invite_for_one_is_used_up(acme: Organization, store: Store) -> None:
    """It is as if there had never been one."""
    code = await invited(acme, single_use=True)
    await enter(store, login("ann"), code)
    await refused(store, login("bob"), "invite_invalid", code)


async def test_an_offer_is_told_before_the_login(acme: Organization, store: Store) -> None:
    """The names, the address and the end; a forged code tells nothing."""
    code = await invited(acme, group=acme.folder, email="ann@acme.example")
    offer = await registration(store).offer(code, now=NOW.timestamp())
    assert (offer.organization, offer.group, offer.role) == ("acme", "shop", "viewer")
    assert (offer.email, offer.expires_at) == ("ann@acme.example", NOW + timedelta(days=7))
    with pytest.raises(BrokerError, match="there is no such invite"):
        await registration(store).offer(code[:-6], now=NOW.timestamp())


async def test_an_organization_with_too_many_bindings(acme: Organization, store: Store) -> None:
    """Takes nobody in, and the invite is not used up."""
    code = await invited(acme, single_use=True)
    async with store.write() as records:
        group = await records.groups.get(acme.id)
        assert group is not None
        await records.groups.update(replace(group, resource_limits={"role_bindings": 1}))
    await refused(store, login(), "resource_limit_reached", code)
    async with store.write() as records:
        await records.groups.update(replace(group, resource_limits={}))
    await enter(store, login(), code)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated store on each engine."""
    url = f"sqlite:///{tmp_path}/either.sqlite3"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(await server.create_database())
    store = Store.open(url)
    await store.migrate()
    yield store
    await store.close()


async def test_a_race_for_an_invite(either: Store) -> None:
    """Of those who accept an invite for one at the same moment, one is let in and no other."""
    acme = await organization(either)
    code = await invited(acme, single_use=True)
    people = [login(f"p{number}") for number in range(6)]
    outcomes = await asyncio.gather(
        *(enter(either, who, code) for who in people), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Entered)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, BrokerError)]
    assert (len(won), len(lost)) == (1, 5), outcomes
    assert {error.code for error in lost} == {"invite_invalid"}
    async with either.read() as records:
        known = await records.identities.many(who.identity for who in people)
    assert list(known) == [won[0].identity]


async def test_a_person_who_comes_twice_at_once(either: Store) -> None:
    """Is registered once, and both logins go on."""
    acme = await organization(either)
    code = await invited(acme)
    outcomes = await asyncio.gather(*(enter(either, login(), code) for _ in range(4)))
    assert [outcome.registered for outcome in outcomes].count(True) == 1
    assert len(await held(either, login())) == 1

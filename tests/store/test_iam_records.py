from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import BrokerError, Conflict, NotFound
from broker.iam.model import CorrelationRule, LoginPolicy
from broker.iam.uidp import Uidp
from broker.store import Records, Store
from tests.store.samples import (
    NOW,
    OWNER,
    acceptance,
    access_request,
    association,
    group,
    invite,
    mapping,
    person,
    provider,
    role,
    subscription,
)

MISSING = Uidp("a" * 40)

MAKERS: dict[str, Callable[[Uidp], Any]] = {
    "invites": invite,
    "identity_providers": provider,
    "account_associations": association,
    "subscriptions": subscription,
}


def key_of(record: Any) -> Uidp:
    uidp: Uidp = record.id
    return uidp


@pytest.mark.parametrize("noun", MAKERS)
async def test_a_record_comes_back_as_it_went_in(store: Store, noun: str) -> None:
    """Every field, until it is deleted; deleting it again raises NotFound."""
    acme = group("acme")
    one = MAKERS[noun](acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await getattr(records, noun).add(one)
    async with store.write() as records:
        assert await getattr(records, noun).get(key_of(one)) == one
        await getattr(records, noun).delete(key_of(one))
        assert await getattr(records, noun).get(key_of(one)) is None
        with pytest.raises(NotFound):
            await getattr(records, noun).delete(key_of(one))


@pytest.mark.parametrize("noun", MAKERS)
async def test_a_record_exists_once_and_in_a_group(store: Store, noun: str) -> None:
    """The same UIDP again is a conflict, a group that is not there is not found."""
    acme = group("acme")
    one = MAKERS[noun](acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await getattr(records, noun).add(one)
    assert isinstance(await refusal(store, noun, one), Conflict)
    lost = await refusal(store, noun, MAKERS[noun](MISSING))
    assert (lost.code, lost.field) == ("group_not_found", "group")


async def refusal(store: Store, noun: str, record: Any) -> BrokerError:
    with pytest.raises(BrokerError) as refused:
        async with store.write() as records:
            await getattr(records, noun).add(record)
    return refused.value


async def test_an_invite_is_found_by_its_key_id(store: Store) -> None:
    """Exactly that one, and no two invites have one key id."""
    acme = group("acme")
    one = invite(acme.id, email="bob@corp.example", single_use=True)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.invites.add(one)
        await records.invites.add(invite(acme.id))
        assert await records.invites.by_key_id(one.key_id) == one
        assert await records.invites.by_key_id(one.key_id[:-1]) is None
    refused = await refusal(store, "invites", invite(acme.id, key_id=one.key_id))
    assert refused.code == "invite_exists"


async def test_a_single_use_invite_is_used_once(store: Store, url: str) -> None:
    """Of many who accept it at once, from two processes' stores, one takes it."""
    other = Store.open(url)
    acme = group("acme")
    one = invite(acme.id, single_use=True)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.invites.add(one)

    async def accept(at: Store) -> str:
        try:
            async with at.write() as records:
                await records.invites.delete(one.id)
        except NotFound as error:
            return error.code
        return "accepted"

    outcomes = await asyncio.gather(*(accept(at) for at in (store, other) * 4))
    await other.close()
    assert sorted(outcomes) == ["accepted"] + ["invite_not_found"] * 7


async def test_an_update_replaces_all_of_a_provider_but_its_creation(store: Store) -> None:
    """Its secret and its default role too; two providers may have one name."""
    acme = group("acme")
    before = provider(acme.id)
    later = NOW + timedelta(days=1)
    after = replace(
        before,
        name="other",
        description="",
        issuer="https://other.example",
        client_id="c",
        wrapped_secret=b"",
        additional_scopes=(),
        groups_claim="",
        correlation_rule=CorrelationRule.UNSPECIFIED,
        pkce_enabled=False,
        default_role=None,
        updated_at=later,
    )
    async with store.write() as records:
        await records.groups.add(acme)
        await records.identity_providers.add(before)
        await records.identity_providers.add(provider(acme.id))
        await records.identity_providers.update(replace(after, created_at=later))
        assert await records.identity_providers.get(before.id) == after
        with pytest.raises(NotFound) as refused:
            await records.identity_providers.update(provider(acme.id))
    assert refused.value.code == "identity_provider_not_found"


async def test_an_update_replaces_all_of_an_association_but_its_creation(store: Store) -> None:
    """Accounts are a mapping of JSON objects, kept as they were given."""
    acme = group("acme")
    before = association(acme.id)
    later = NOW + timedelta(days=1)
    installations = {"installations": [{"installationId": "9007199254740993", "name": "é"}]}
    after = replace(
        before,
        name="n",
        description="",
        accounts={"github": {"appInstallations": {"1": installations}}},
        updated_at=later,
    )
    async with store.write() as records:
        await records.groups.add(acme)
        await records.account_associations.add(before)
        await records.account_associations.update(replace(after, created_at=later))
        assert await records.account_associations.get(acme.id) == after
        with pytest.raises(NotFound) as refused:
            await records.account_associations.update(association(MISSING))
    assert refused.value.code == "association_not_found"


async def test_a_mapping_comes_back_as_it_went_in(store: Store) -> None:
    """Until it is deleted; those of a provider are found together."""
    acme = group("acme")
    login, other = provider(acme.id), provider(acme.id)
    one = mapping(login)
    async with store.write() as records:
        await records.groups.add(acme)
        for each in (login, other):
            await records.identity_providers.add(each)
        await records.group_role_mappings.add(one)
        await records.group_role_mappings.add(mapping(other))
    async with store.write() as records:
        assert await records.group_role_mappings.get(one.id) == one
        assert await records.group_role_mappings.of_provider(login.id) == [one]
        await records.group_role_mappings.delete(one.id)
        assert await records.group_role_mappings.get(one.id) is None
        with pytest.raises(NotFound) as refused:
            await records.group_role_mappings.delete(one.id)
    assert refused.value.code == "mapping_not_found"


async def test_a_mapping_gives_one_thing_once(store: Store) -> None:
    """Any of provider, external group, role and scope may differ; all four alike conflict."""
    acme = group("acme")
    folder, releaser = group("prod", acme.id), role(acme.id)
    login, other = provider(acme.id), provider(acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(folder)
        for each in (login, other):
            await records.identity_providers.add(each)
        for one in (
            mapping(login),
            mapping(other),
            mapping(login, external_group="Engineers"),
            mapping(login, role=releaser.id),
            mapping(login, scope=folder.id),
        ):
            await records.group_role_mappings.add(one)
    refused = await refusal(store, "group_role_mappings", mapping(login))
    assert refused.code == "mapping_exists"


async def test_a_mapping_needs_its_group_and_its_provider(store: Store) -> None:
    """Which of the two is missing is told, alike on both engines."""
    acme = group("acme")
    login = provider(acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.identity_providers.add(login)
    lost = mapping(login, identity_provider=provider(acme.id).id)
    refused = await refusal(store, "group_role_mappings", lost)
    assert (refused.code, refused.field) == ("identity_provider_not_found", "identity_provider")
    lost = mapping(login, id=MISSING.child(secrets.token_bytes))
    refused = await refusal(store, "group_role_mappings", lost)
    assert (refused.code, refused.field) == ("group_not_found", "group")


async def test_the_first_acceptance_of_a_document_stands(store: Store) -> None:
    """Another one, by anybody and at any time, changes nothing and is told of the first."""
    acme, other = group("acme"), group("other")
    first = acceptance(acme.id)
    again = replace(
        first, accepted_by=person("bob").id, accepted_at=NOW + timedelta(microseconds=1)
    )
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(other)
        assert await records.terms.accept(first) == first
    async with store.write() as records:
        assert await records.terms.accept(again) == first
        second = await records.terms.accept(acceptance(acme.id, "privacy-2"))
        elsewhere = await records.terms.accept(replace(again, group=other.id))
    async with store.read() as records:
        assert await records.terms.of_group(acme.id) == [second, first]
        assert await records.terms.of_group(other.id) == [elsewhere]
    with pytest.raises(NotFound, match="group"):
        async with store.write() as records:
            await records.terms.accept(acceptance(MISSING))


async def test_subscriptions_of_every_group_above_get_an_event(store: Store) -> None:
    """`at_or_above` goes up the path and not to a sibling."""
    acme = group("acme")
    folder = group("prod", acme.id)
    deep, sibling = group("eu", folder.id), group("dev", acme.id)
    subscribed = {each.id: subscription(each.id) for each in (acme, folder, deep, sibling)}
    async with store.write() as records:
        for each in (acme, folder, deep, sibling):
            await records.groups.add(each)
            await records.subscriptions.add(subscribed[each.id])
        await records.subscriptions.add(second := subscription(acme.id))
    async with store.read() as records:
        found = await records.subscriptions.at_or_above(folder.id)
    expected = [second, subscribed[acme.id], subscribed[folder.id]]
    assert found == sorted(expected, key=lambda each: each.id)


async def test_what_no_snapshot_holds_does_not_move_the_generation(store: Store) -> None:
    """Invites, accounts, terms, subscriptions, requests for access."""
    acme = group("acme")
    async with store.write() as records:
        await records.groups.add(acme)
        await records.identities.add(person("alice"))
    before = await store.generation()
    async with store.write() as records:
        await records.invites.add(invite(acme.id, OWNER))
        await records.account_associations.add(association(acme.id))
        await records.terms.accept(acceptance(acme.id))
        await records.subscriptions.add(subscription(acme.id))
        await records.access_requests.add(access_request(acme.id, person("alice").id))
    assert await store.generation() == before


async def test_what_logins_hold_moves_the_generation(store: Store) -> None:
    """Each change of a provider, of a mapping or of a login policy."""
    acme = group("acme")
    login = provider(acme.id)
    mapped = mapping(login)
    policy = LoginPolicy(group=acme.id, require_identity_provider=True)
    async with store.write() as records:
        await records.groups.add(acme)
    changes: tuple[Callable[[Records], Awaitable[None]], ...] = (
        lambda records: records.identity_providers.add(login),
        lambda records: records.group_role_mappings.add(mapped),
        lambda records: records.login_policies.put(policy, NOW),
        lambda records: records.identity_providers.update(login),
        lambda records: records.group_role_mappings.delete(mapped.id),
        lambda records: records.identity_providers.delete(login.id),
    )
    for number, change in enumerate(changes, start=2):
        async with store.write() as records:
            await change(records)
        assert await store.generation() == number

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import Conflict, NotFound
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Identity,
    Person,
    Profile,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.uidp import Uidp
from broker.store import Store
from broker.store.tables import EPOCH
from tests.store.samples import NOW, binding, group, identity, person

# what validation lets through: no control characters, no surrogates
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
moments = st.datetimes(
    # hypothesis takes naive bounds and adds the zone
    min_value=EPOCH.replace(tzinfo=None),
    max_value=EPOCH.replace(year=9999, tzinfo=None),
    timezones=st.just(UTC),
)
claims = st.dictionaries(texts, texts, max_size=3)
relationships: st.SearchStrategy[Relationship] = st.one_of(
    st.builds(
        ClaimMatch,
        issuer=texts,
        issuer_pattern=texts,
        subject=texts,
        subject_pattern=texts,
        audience=texts,
        audience_pattern=texts,
        claims=claims,
        claim_patterns=claims,
    ),
    st.builds(
        StaticKeys,
        issuer=texts,
        subject=texts,
        issuer_keys=texts,
        expiration=moments,
        audiences=st.lists(texts, max_size=3).map(tuple),
    ),
    st.builds(
        AwsIdentity,
        account=texts,
        arn=texts,
        arn_pattern=texts,
        user_id=texts,
        user_id_pattern=texts,
    ),
    st.builds(ServicePrincipal, name=texts),
    st.builds(Person, issuer=texts, subject=texts),
)
profiles = st.builds(
    Profile,
    email=texts,
    email_unverified=texts,
    details=st.dictionaries(texts, st.one_of(texts, st.booleans()), max_size=3),
)


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    relationship = draw(relationships)
    return Identity(
        id=Uidp(draw(st.binary(min_size=20, max_size=20)).hex()),
        name=draw(texts),
        relationship=relationship,
        created_at=draw(moments),
        updated_at=draw(moments),
        description=draw(texts),
        max_token_lifetime=draw(st.integers(60, 3600)),
        expires_with_upstream=draw(st.booleans()),
        single_use=draw(st.booleans()),
        last_seen=draw(st.one_of(st.none(), moments)),
        profile=draw(profiles),
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(identities(), min_size=1, max_size=8, unique_by=lambda one: one.id))
async def test_any_identity_comes_back_as_it_went_in(store: Store, several: list[Identity]) -> None:
    """Every field of every kind of relationship survives the store exactly."""
    async with store.write() as records:
        for one in several:
            await records.identities.add(one)
    async with store.read() as records:
        for one in several:
            found = await records.identities.get(one.id)
            assert found == one
            assert found is not None
            assert type(found.relationship) is type(one.relationship)
    async with store.write() as records:
        for one in several:
            await records.identities.delete(one.id)


async def test_an_update_replaces_everything_but_the_creation(store: Store) -> None:
    """A change of kind, of rules and of limits is kept, and found by its new principal."""
    organization = group("acme")
    before = identity(organization.id)
    after = replace(
        before,
        name="renamed",
        relationship=StaticKeys(
            issuer="https://static.example",
            subject="cron",
            issuer_keys='{"keys":[]}',
            expiration=NOW + timedelta(days=3, microseconds=1),
            audiences=("b", "a"),
        ),
        max_token_lifetime=60,
        expires_with_upstream=True,
        single_use=True,
        updated_at=NOW + timedelta(seconds=1),
    )
    async with store.write() as records:
        await records.groups.add(organization)
        await records.identities.add(before)
        await records.identities.update(after)
    async with store.read() as records:
        assert await records.identities.get(before.id) == after
        old = await records.identities.by_issuer_subject(
            "https://issuer.example", "subject of deployer"
        )
        assert old == []
        assert await records.identities.by_issuer_subject("https://static.example", "cron") == [
            after
        ]


async def test_identities_are_listed_by_group_subtree_and_name(store: Store) -> None:
    """`in_group` is one group, `below` the group and its descendants; persons are in neither."""
    acme, other = group("acme"), group("other")
    folder = group("prod", acme.id)
    here, twin, deeper = (
        identity(acme.id, "a"),
        identity(acme.id, "a"),
        identity(folder.id, "b"),
    )
    elsewhere = identity(other.id, "a")
    async with store.write() as records:
        for each in (acme, other, folder):
            await records.groups.add(each)
        for one in (here, twin, deeper, elsewhere, person("alice")):
            await records.identities.add(one)
    twins = sorted([here, twin], key=lambda one: one.id)
    async with store.read() as records:
        assert await records.identities.in_group(acme.id) == twins
        assert await records.identities.named(acme.id, "a") == twins
        assert await records.identities.named(acme.id, "b") == []
        assert await records.identities.below(acme.id) == [*twins, deeper]
        assert await records.identities.below(folder.id) == [deeper]


@pytest.mark.parametrize(
    "rules",
    [
        {"issuer": "https://issuer.example", "subject_pattern": "s.*"},
        {"issuer_pattern": "https://issuer.*", "subject": "s"},
        {"issuer": "https://issuer.example/", "subject": "s"},
        {"issuer": "https://issuer.example", "subject": "S"},
    ],
)
async def test_only_exact_literals_are_found_by_principal(
    store: Store, rules: dict[str, Any]
) -> None:
    """A pattern, or a literal that differs by one character, is not the principal looked for."""
    organization = group("acme")
    exact = identity(
        organization.id, relationship=ClaimMatch(issuer="https://issuer.example", subject="s")
    )
    async with store.write() as records:
        await records.groups.add(organization)
        await records.identities.add(exact)
        await records.identities.add(identity(organization.id, relationship=ClaimMatch(**rules)))
    async with store.read() as records:
        assert await records.identities.by_issuer_subject("https://issuer.example", "s") == [exact]


async def test_a_person_exists_once(store: Store) -> None:
    """Two first logins of one person: the second runs into a conflict that has a name."""
    async with store.write() as records:
        await records.identities.add(person("alice"))
    with pytest.raises(Conflict) as refused:
        async with store.write() as records:
            await records.identities.add(person("alice"))
    assert refused.value.code == "identity_exists"


async def test_a_deleted_identity_takes_its_bindings_everywhere(store: Store) -> None:
    """Its bindings at any group go; those of others stay."""
    acme, other = group("acme"), group("other")
    gone, kept = identity(acme.id), identity(acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(other)
        for one in (gone, kept):
            await records.identities.add(one)
            await records.bindings.add(binding(acme.id, one.id))
            await records.bindings.add(binding(other.id, one.id))
        await records.identities.delete(gone.id)
    async with store.read() as records:
        assert await records.identities.get(gone.id) is None
        assert await records.bindings.of_identity(gone.id) == []
        assert len(await records.bindings.of_identity(kept.id)) == 2


async def test_missing_identities_cannot_be_changed(store: Store) -> None:
    """Update and delete of an identity that is not there raise NotFound."""
    missing = identity(Uidp.new_root(secrets.token_bytes))
    with pytest.raises(NotFound, match="identity"):
        async with store.write() as records:
            await records.identities.update(missing)
    with pytest.raises(NotFound, match="identity"):
        async with store.write() as records:
            await records.identities.delete(missing.id)


async def test_a_naive_time_is_refused(store: Store) -> None:
    """A datetime without a zone would mean something else on another machine."""
    naive = replace(person("alice"), created_at=NOW.replace(tzinfo=None))
    with pytest.raises(Exception, match="offset-naive"):
        async with store.write() as records:
            await records.identities.add(naive)


async def test_the_last_use_only_moves_forward(store: Store) -> None:
    """A batch sets what is later than what is there, for as many identities as it names."""
    acme = group("acme")
    several = [
        identity(acme.id, f"{n}", last_seen=seen) for n, seen in enumerate([None, NOW] * 600)
    ]
    later, earlier = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
    async with store.write() as records:
        await records.groups.add(acme)
        for one in several:
            await records.identities.add(one)
    async with store.write() as records:
        seen = {one.id: (later, earlier)[n % 3 == 0] for n, one in enumerate(several)}
        await records.identities.touch_seen(seen | {acme.id.child(secrets.token_bytes): NOW})
        await records.identities.touch_seen({})
        await records.identities.update(replace(several[0], name="renamed"))
    async with store.read() as records:
        found = await records.identities.many(one.id for one in several)
    for n, one in enumerate(several):
        told = later if n % 3 else earlier
        expected = told if one.last_seen is None else max(one.last_seen, told)
        assert found[one.id].last_seen == expected


async def test_a_use_cannot_be_noted_by_a_reader(store: Store) -> None:
    """It is a change as any other."""
    async with store.read() as records:
        with pytest.raises(RuntimeError, match="only reads"):
            await records.identities.touch_seen({person("alice").id: NOW})


async def test_who_is_proven_by_no_issuer_is_found_by_none(store: Store) -> None:
    """AWS identities and service principals have no principal, and match no empty one."""
    acme = group("acme")
    async with store.write() as records:
        await records.groups.add(acme)
        for relationship in (
            AwsIdentity(account="123456789012"),
            ServicePrincipal(name="INGESTER"),
        ):
            await records.identities.add(identity(acme.id, relationship=relationship))
    async with store.read() as records:
        assert await records.identities.by_issuer_subject("", "") == []


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_what_cannot_be_stored_is_not_found(store: Store, text: str) -> None:
    """A NUL or a lone surrogate in what is looked for is no error, on either engine."""
    acme = group("acme")
    async with store.write() as records:
        await records.groups.add(acme)
    async with store.read() as records:
        assert await records.identities.by_issuer_subject(text, "s") == []
        assert await records.identities.by_issuer_subject("https://issuer.example", text) == []
        assert await records.identities.named(acme.id, text) == []
        assert await records.groups.by_name(None, text) is None
        assert await records.invites.by_key_id(text) is None

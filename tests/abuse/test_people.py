"""People: who is not let in, and by what nobody is."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.directory.group_invites import InviteCode
from broker.iam.model import OrganizationStatus
from broker.store import Store
from tests.kit.organizations import Organization, organization
from tests.kit.registering import ISSUER, enter, held, invited, login, provider_of, refused, role


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty one."""
    store = Store.open(f"sqlite:///{tmp_path}/broker.sqlite3")
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
async def acme(store: Store) -> Organization:
    return await organization(store)


async def test_an_address_links_nobody(acme: Organization, store: Store) -> None:
    """Who comes by another issuer or subject with a person's verified address is somebody else,
    and holds nothing of theirs."""
    ann = login("ann", email="ann@acme.example")
    await enter(store, ann, await invited(acme))
    await refused(store, login("mallory", email="ann@acme.example"), "person_not_registered")
    provider = await provider_of(acme)
    mallory = login("mallory", provider=provider.id, email="ann@acme.example")
    entered = await enter(store, mallory)
    assert entered.registered
    assert entered.identity != ann.identity
    assert await held(store, mallory) == set()
    assert await held(store, ann) == {(acme.id, role("viewer"))}


@pytest.mark.parametrize("fault", ["no code", "another secret", "another key", "another group"])
async def test_a_forged_invite(acme: Organization, store: Store, fault: str) -> None:
    """One answer for whatever is no invite."""
    code = InviteCode.parse(await invited(acme))
    forged = {
        "no code": "x" * 5000,
        "another secret": replace(code, secret=secrets.token_hex(24)).text(),
        "another key": replace(code, key_id=secrets.token_hex(8)).text(),
        "another group": replace(code, group=acme.folder).text(),
    }[fault]
    await refused(store, login(), "invite_invalid", forged)


async def test_an_invite_that_has_expired(acme: Organization, store: Store) -> None:
    """At its last second it has."""
    await refused(store, login(), "invite_expired", await invited(acme, days=0))


async def test_a_role_that_is_gone(acme: Organization, store: Store) -> None:
    """Or that is another organization's, is given by no invite."""
    other = await organization(store, "other")
    foreign = await other.role("theirs", "groups.list")
    await refused(store, login(), "invite_no_longer_valid", await invited(acme, foreign))


@pytest.mark.parametrize("fault", ["no role", "less", "gone", "elsewhere", "suspended"])
async def test_who_invited_could_not_any_more(acme: Organization, store: Store, fault: str) -> None:
    """An invite is worth what its maker could give now: by role bindings that there are, at that
    group, in an organization that is not suspended."""
    maker = await acme.person(ISSUER, "maker")
    binding = await acme.bind(maker, "owner", acme.folder if fault == "elsewhere" else acme.id)
    code = await invited(acme, "owner", by=maker)
    async with store.write() as records:
        if fault in {"no role", "less"}:
            await records.bindings.delete(binding)
        if fault == "gone":
            await records.identities.delete(maker)
        if fault == "suspended":
            group = await records.groups.get(acme.id)
            assert group is not None
            await records.groups.update(replace(group, status=OrganizationStatus.SUSPENDED))
    if fault == "less":
        await acme.bind(maker, "editor", acme.id)
    await refused(store, login(), "invite_no_longer_valid", code)


@pytest.mark.parametrize(
    ("wanted", "email", "is_verified", "is_good"),
    [
        ("ann@acme.example", "ann@acme.example", True, True),
        ("ann@acme.example", "ann@ACME.example", True, True),
        ("ann@acme.example", "Ann@acme.example", True, False),
        ("ann@acme.example", "ann@acme.example", False, False),
        ("ann@acme.example", "ann@acme.example.evil.example", True, False),
        ("ann@acme.example", "", True, False),
        ("ann@acme.example", "bob@acme.example", True, False),
    ],
)
async def test_an_invite_for_an_address(
    acme: Organization, store: Store, wanted: str, email: str, is_verified: bool, is_good: bool
) -> None:
    """Is for who has it verified, letter by letter; the domain alone has no case."""
    code = await invited(acme, email=wanted)
    who = login(email=email, email_verified=is_verified)
    if is_good:
        assert (await enter(store, who, code)).joined == (acme.id,)
    else:
        await refused(store, who, "invite_email_mismatch", code)

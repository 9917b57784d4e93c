"""What it means that a user is not active: for logins, sessions and refresh tokens."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.iam.model import CorrelationRule, RefreshGrant
from broker.iam.uidp import Uidp
from tests.kit.organizations import organization
from tests.kit.people import DOMAIN, Browser, Installation, Page, identity_provider, person
from tests.kit.scim import Directory, turned_on, user

OFF = {"op": "replace", "path": "active", "value": False}
ON = {"op": "replace", "path": "active", "value": True}


async def log_in(here: Installation) -> Page:
    """Ann, through acme's provider, in a browser that was never here."""
    browser = await here.browser()
    page = await browser.submit(await browser.open("/login"), "organization", organization=DOMAIN)
    return await browser.log_in(page, here.acme)


def is_in(page: Page) -> bool:
    return page.onward.endswith("/account")


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status == 200


async def grant(here: Installation, identity: Uidp, provider: str) -> RefreshGrant:
    now = datetime.now(UTC)
    made = RefreshGrant(
        id=secrets.token_hex(16),
        identity=identity,
        client_id="broker-cli",
        provider=provider,
        audience=(here.url,),
        generation=0,
        secret_sha256=secrets.token_hex(32),
        authenticated_at=now,
        created_at=now,
        used_at=now,
        expires_at=now + timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )
    async with here.broker.store.write() as records:
        await records.refresh_grants.add(made)
    return made


async def grants_left(here: Installation, identity: Uidp) -> list[str]:
    async with here.broker.store.read() as records:
        return [each.provider for each in await records.refresh_grants.of_identity(identity)]


async def test_whom_the_directory_never_named_may_log_in(
    here: Installation, directory: Directory
) -> None:
    """Provisioning comes later than the first login; an e-mail address finds nobody."""
    assert is_in(await log_in(here))
    await directory.create(userName="ann@acme.example", active=False)
    assert is_in(await log_in(here))


@pytest.mark.parametrize("how", ["patched", "replaced", "made inactive", "deleted"])
async def test_who_is_deactivated_may_not_log_in(
    here: Installation, directory: Directory, how: str
) -> None:
    """In any of the ways in which a directory says it; and again once it takes that back."""
    ann = await directory.create(externalId="ann", active=how != "made inactive")
    path = f"/Users/{ann['id']}"
    match how:
        case "patched":
            await directory.patch(ann["id"], OFF)
        case "replaced":
            await directory.ask("PUT", path, user(externalId="ann", active=False))
        case "deleted":
            await directory.ask("DELETE", path)
    page = await log_in(here)
    assert page.status == 403
    assert "deactivated" in page.text
    (refused,) = [each for each in await here.audit("login") if each["code"]]
    assert refused["code"] == "person_deactivated"
    if how == "deleted":
        await directory.create(externalId="ann")
    else:
        await directory.patch(ann["id"], ON)
    assert is_in(await log_in(here))


async def test_what_was_begun_ends(here: Installation, directory: Directory) -> None:
    """Browser sessions and refresh tokens of this provider at once, and nobody else's."""
    ann = await directory.create(externalId="ann")
    browser = await here.signed_in()
    ann_id = person(here.acme)
    other = await here.signed_in(here.google)
    await grant(here, ann_id, directory.provider)
    await grant(here, ann_id, "google")
    await directory.patch(ann["id"], {"op": "replace", "path": "title", "value": "Boss"})
    assert await is_signed_in(browser)
    assert len(await grants_left(here, ann_id)) == 2
    await directory.patch(ann["id"], OFF)
    assert not await is_signed_in(browser)
    assert await is_signed_in(other)
    assert await grants_left(here, ann_id) == ["google"]


async def test_a_directory_ends_no_login_through_another_provider(
    here: Installation, directory: Directory
) -> None:
    """Though the person is the same: an organization does not lock people out of others."""
    other = await organization(here.broker.store, "other.example")
    again = await identity_provider(other, here.acme)
    token = await turned_on(here.broker.store, again)
    browser = await here.signed_in()
    theirs = directory.of(provider=again.id, token=token)
    ann = await theirs.create(externalId="ann", active=False)
    await theirs.ask("DELETE", f"/Users/{ann['id']}")
    assert await is_signed_in(browser)
    assert is_in(await log_in(here))


async def test_a_deletion_that_is_tried_again_ends_what_is_left(
    here: Installation, directory: Directory
) -> None:
    """The first attempt may have been cut off before sessions ended."""
    browser = await here.signed_in()
    await directory.create(externalId="ann")
    found = await directory.find('externalId eq "ann"')
    (ann,) = found["Resources"]
    async with here.broker.store.write() as records:
        kept = await records.scim_users.get(directory.provider, ann["id"])
        assert kept is not None
        await records.scim_users.update(
            replace(kept, active=False, attributes={}, deleted_at=datetime.now(UTC))
        )
    assert await is_signed_in(browser)
    assert (await directory.ask("DELETE", f"/Users/{ann['id']}")).refusal == (404, "")
    assert not await is_signed_in(browser)


async def test_somebody_who_is_known_by_their_oid(here: Installation, directory: Directory) -> None:
    """With the rule for Entra ID: `externalId` is the `oid`, and whose it is, logins tell."""
    await turned_on(
        here.broker.store,
        here.provider,
        CorrelationRule.OID_EQUALS_EXTERNAL_ID,
        secret_sha256=await _secret(here),
    )
    here.acme.claims["oid"] = "6c3f1a52"
    ann = await directory.create(externalId="6c3f1a52")
    await directory.create(externalId="ann", active=False)
    browser = await here.signed_in()
    await grant(here, person(here.acme), directory.provider)
    await directory.patch(ann["id"], OFF)
    assert not await is_signed_in(browser)
    assert await grants_left(here, person(here.acme)) == []
    assert (await log_in(here)).status == 403
    await directory.ask("DELETE", f"/Users/{ann['id']}")
    assert (await log_in(here)).status == 403
    await directory.create(externalId="6c3f1a52")
    assert is_in(await log_in(here))


async def test_where_scim_is_off_nobody_is_deactivated(
    here: Installation, directory: Directory
) -> None:
    """What the directory said before counts again when it is turned on again."""
    await directory.create(externalId="ann", active=False)
    await turned_on(here.broker.store, here.provider, enabled=False)
    assert is_in(await log_in(here))
    await turned_on(here.broker.store, here.provider)
    assert (await log_in(here)).status == 403


async def _secret(here: Installation) -> str:
    async with here.broker.store.read() as records:
        credential = await records.scim_credentials.get(here.provider.id)
    assert credential is not None
    return credential.secret_sha256

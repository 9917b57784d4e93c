"""Groups at the provider, and what they bring for the length of a session."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.kit.people import DOMAIN, Browser, claims_of, installation, mapped

REDIRECT = "http://localhost:8123/callback"


async def test_groups_bring_roles_and_no_refresh_token(tmp_path: Path) -> None:
    """The token has the roles of the mapped groups, is an hour's at most, and names the mappings;
    a refresh token is not given, and nothing is stored as a binding.
    """
    async with installation(tmp_path, groups_claim="groups") as here:
        mapping = await mapped(here, "admins", "editor")
        await mapped(here, "others", "owner")
        here.acme.claims["groups"] = ["admins", "staff"]
        browser = await here.browser()
        page = await browser.get(
            "/oauth", redirect=REDIRECT, idp_id=DOMAIN, create_refresh_token="true"
        )
        page = await browser.log_in(page, here.acme)
        assert set(page.answer) == {"token"}
        claims = claims_of(page.answer["token"])
        assert claims["group_mappings"] == [mapping.id]
        assert set(claims["cap"]) == {here.organization.folder}
        assert claims["exp"] - claims["iat"] <= 3600
        assert await here.roles_of(claims["sub"]) == set()


async def test_a_mapping_that_is_deleted_brings_nothing_more(tmp_path: Path) -> None:
    """The session goes on without it."""
    async with installation(tmp_path, groups_claim="groups") as here:
        mapping = await mapped(here, "admins", "editor")
        here.acme.claims["groups"] = ["admins"]
        browser = await here.signed_in()
        assert await capabilities(browser)
        async with here.broker.store.write() as records:
            await records.group_role_mappings.delete(mapping.id)
        async with asyncio.timeout(10):  # other processes look each second
            while await capabilities(browser):
                pass


async def capabilities(browser: Browser) -> dict[str, str]:
    """Of a new token of the session's."""
    page = await browser.open("/oauth", redirect=REDIRECT)
    page = await browser.submit(page, "continue")
    held: dict[str, str] = claims_of(page.answer["token"])["cap"]
    return held

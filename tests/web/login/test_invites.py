"""Invites, accepted in a browser."""

from __future__ import annotations

from tests.kit.people import DOMAIN, Installation, person


async def test_the_link_of_an_invite_shows_what_it_gives(here: Installation) -> None:
    """The page names organization and role, and nothing is accepted by looking at it."""
    code, _ = await here.invite()
    browser = await here.browser()
    page = await browser.get("/auth/join", invite=code)
    assert page.status == 200
    assert DOMAIN in page.text
    assert "viewer" in page.text


async def test_an_invite_is_accepted_by_a_click_and_a_login(here: Installation) -> None:
    """Who accepts logs in wherever they want, is registered with it, and holds the role then."""
    code, _ = await here.invite()
    browser = await here.browser()
    page = await browser.submit(await browser.get("/auth/join", invite=code), "decision", "accept")
    page = await browser.go(page)
    assert DOMAIN in page.text
    page = await browser.submit(page, "connector", "google")
    page = await browser.log_in(page, here.google)
    assert page.status == 200
    assert f"You have joined {DOMAIN}" in page.text
    assert await here.roles_of(person(here.google)) == {("viewer", here.organization.id)}


async def test_who_is_logged_in_accepts_as_themself(here: Installation) -> None:
    """They are sent to the provider where they logged in, since what it vouches for has to be of
    now.
    """
    code, _ = await here.invite(email="gil@mail.example", single_use=True)
    browser = await here.signed_in(here.google)
    page = await browser.get("/auth/join", invite=code)
    assert "gil@mail.example" in page.text
    page = await browser.submit(page, "decision", "accept")
    page = await browser.log_in(page, here.google)
    assert "You have joined" in page.text
    assert await here.roles_of(person(here.google)) == {("viewer", here.organization.id)}


async def test_an_invite_is_declined(here: Installation) -> None:
    """After a no it can still be accepted."""
    code, _ = await here.invite(single_use=True)
    browser = await here.browser()
    page = await browser.get("/auth/join", invite=code)
    assert "declined" in (await browser.submit(page, "decision", "decline")).text
    page = await browser.submit(page, "decision", "accept")
    assert page.status == 303


async def test_an_invite_with_a_platform_login_takes_a_click(here: Installation) -> None:
    """`/oauth?invite=` shows the invite first, even where the provider is named: no link makes
    anybody join.
    """
    code, _ = await here.invite()
    browser = await here.signed_in()
    page = await browser.open("/oauth", redirect="http://localhost:1/", idp_id=DOMAIN, invite=code)
    assert page.status == 200
    assert "You are invited" in page.text
    assert "Continue as" not in page.text
    page = await browser.submit(page, "connector", here.provider.id)
    page = await browser.log_in(page, here.acme)
    assert "token" in page.answer
    assert await here.roles_of(person(here.acme)) == {("viewer", here.organization.id)}

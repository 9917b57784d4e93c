"""The account: where somebody is logged in, and how it ends."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.kit.people import DOMAIN, Installation, claims_of, person


async def call(here: Installation, method: str, path: str, token: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.request(method, here.url + path) as answer,
    ):
        return answer.status, await answer.json()


async def test_who_is_not_logged_in_is_asked_to(here: Installation) -> None:
    """`/account` leads to the sign-in page, and back."""
    browser = await here.browser()
    page = await browser.open("/account")
    page = await browser.submit(page, "organization", organization=DOMAIN)
    page = await browser.go(await browser.log_in(page, here.acme))
    assert "Your account" in page.text
    assert "Ann Example" in page.text
    assert "Acme SSO" in page.text
    assert "Firefox on Linux" in page.text
    assert person(here.acme) in page.text


async def test_a_session_elsewhere_is_ended(here: Installation) -> None:
    """From one browser the session of another is ended; that one has to log in again."""
    first, second = await here.signed_in(), await here.signed_in()
    page = await first.open("/account")
    page = await first.go(await first.submit(page, "id"))
    assert [b for form in page.forms for b in form.buttons if b[0] == "id"] == []
    assert "Sign in" in (await second.open("/account")).text
    assert len(await here.audit("session.ended")) == 1


async def test_signing_out_ends_the_session(here: Installation) -> None:
    """The cookie is taken back, and what it said is of no use any more."""
    browser = await here.signed_in()
    (kept,) = [cookie for cookie in browser.jar if cookie.key == "broker-session"]
    page = await browser.open("/signout")
    page = await browser.submit(page, "decision", "sign_out")
    assert "signed out" in page.text
    assert page.cookies["broker-session"]["max-age"] == "0"
    browser.jar.update_cookies({"broker-session": kept.value})
    assert "Sign in" in (await browser.open("/account")).text


async def test_a_link_signs_nobody_out(here: Installation) -> None:
    """Opening `/signout` asks, and staying changes nothing."""
    browser = await here.signed_in()
    page = await browser.open("/signout")
    page = await browser.go(await browser.submit(page, "decision", "stay"))
    assert "Your account" in page.text


async def test_an_application_is_revoked(here: Installation) -> None:
    """What has a refresh token stands in the list, and does not after it was revoked."""
    browser = await here.signed_in()
    page = await browser.open("/oauth", redirect="http://localhost:1/", create_refresh_token="true")
    page = await browser.submit(page, "continue")
    assert "refresh_token" in page.answer
    page = await browser.open("/account")
    assert "An application on your computer" in page.text
    page = await browser.go(await browser.submit(page, "id"))
    assert "No application has access." in page.text


async def test_sessions_are_listed_and_revoked_by_the_api(here: Installation) -> None:
    """One's own, of browsers and of applications; the one that the token came of is marked."""
    browser = await here.signed_in()
    page = await browser.open("/oauth", redirect="http://localhost:1/", create_refresh_token="true")
    token = (await browser.submit(page, "continue")).answer["token"]
    status, told = await call(here, "GET", "/broker/v1/sessions", token)
    assert status == 200
    first, second = told["items"]
    assert (first["kind"], first["current"], first["provider"]) == (
        "BROWSER",
        True,
        here.provider.id,
    )
    assert first["uid"] == claims_of(token)["sid"]
    assert (second["kind"], second["current"]) == ("APPLICATION", False)
    for item in (first, second):
        assert (await call(here, "DELETE", f"/broker/v1/sessions/{item['uid']}", token))[0] == 200
        assert (await call(here, "DELETE", f"/broker/v1/sessions/{item['uid']}", token))[0] == 404
    assert (await call(here, "GET", "/broker/v1/sessions", token))[1]["items"] == []
    assert "Sign in" in (await browser.open("/account")).text


async def test_nobody_ends_the_session_of_another(here: Installation) -> None:
    """By the API and by a form alike, somebody else's is as unknown as none."""
    ann, gil = await here.signed_in(), await here.signed_in(here.google)
    tokens = []
    for browser in (ann, gil):
        page = await browser.open("/oauth", redirect="http://localhost:1/")
        tokens.append((await browser.submit(page, "continue")).answer["token"])
    sid = claims_of(tokens[0])["sid"]
    assert (await call(here, "DELETE", f"/broker/v1/sessions/{sid}", tokens[1]))[0] == 404
    form = (await gil.open("/account")).forms[0].fields
    page = await gil.post("/account/sessions/end", csrf=form["csrf"], id=sid)
    assert page.status == 404
    page = await ann.open("/oauth", redirect="http://localhost:1/", create_refresh_token="true")
    await ann.submit(page, "continue")
    (application,) = [b[1] for f in (await ann.open("/account")).forms for b in f.buttons if b[1]]
    page = await gil.post("/account/applications/end", csrf=form["csrf"], id=application)
    assert page.status == 404
    assert (await call(here, "DELETE", f"/broker/v1/sessions/{application}", tokens[1]))[0] == 404
    assert "No application has access." not in (await ann.open("/account")).text
    assert "Your account" in (await ann.open("/account")).text


async def test_the_login_page_by_itself_leads_to_the_account(here: Installation) -> None:
    """Who comes to `/login` without a reason and goes on as they are sees their account."""
    browser = await here.signed_in()
    page = await browser.open("/login")
    page = await browser.go(await browser.submit(page, "continue"))
    assert "Your account" in page.text

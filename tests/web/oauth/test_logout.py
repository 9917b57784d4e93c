"""Logout that a client asks for (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.kit.clients import Client
from tests.kit.people import Browser, Installation

BYE = "https://console.example/bye"


def url(here: Installation, **query: str) -> str:
    return f"{here.url}/logout?{urlencode(query)}"


async def is_signed_in(browser: Browser) -> bool:
    page = await browser.get("/account")
    return page.status == 200


async def test_a_client_ends_the_session(here: Installation, console: Client) -> None:
    """With the ID token of that session: at once, and back to where it says."""
    browser = await here.signed_in()
    token = (await console.tokens(here, browser))["id_token"]
    page = await browser.get(
        url(here, id_token_hint=token, post_logout_redirect_uri=BYE, state="s&1")
    )
    assert page.onward == f"{BYE}?state=s%261"
    assert page.cookies["broker-session"]["max-age"] == "0"
    assert not await is_signed_in(browser)
    assert [each["outcome"] for each in await here.audit("session.ended")] == ["ok"]


async def test_without_a_hint_the_person_is_asked(here: Installation, console: Client) -> None:
    """And goes on, or stays; what the client sent is kept over the form."""
    browser = await here.signed_in()
    page = await browser.get(url(here, client_id="console", post_logout_redirect_uri=BYE))
    assert page.status == 200
    assert "Acme Console" in page.text
    assert await is_signed_in(browser)
    await browser.submit(page, "decision", "stay")
    assert await is_signed_in(browser)
    page = await browser.submit(page, "decision", "sign_out")
    assert page.onward == BYE
    assert not await is_signed_in(browser)


async def test_a_hint_of_another_session_only_asks(here: Installation, console: Client) -> None:
    """An ID token that somebody else kept signs nobody out; neither does one that is none."""
    token = (await console.tokens(here, await here.signed_in()))["id_token"]
    browser = await here.signed_in()
    for hint in (token, "nonsense"):
        page = await browser.get(url(here, id_token_hint=hint))
        assert page.status == 200
        assert any(form.action == "/logout" for form in page.forms)
        assert await is_signed_in(browser)


async def test_a_posted_logout_is_the_same(here: Installation, console: Client) -> None:
    """RP-Initiated Logout §2: GET and POST; a browser keeps its cookie back from the form of
    another site, so it is sent on to a GET.
    """
    browser = await here.signed_in()
    token = (await console.tokens(here, browser))["id_token"]
    page = await browser.post("/logout", id_token_hint=token, post_logout_redirect_uri=BYE)
    assert page.status == 303
    assert page.onward.startswith("/logout?")
    page = await browser.get(page.onward)
    assert page.onward == BYE
    assert not await is_signed_in(browser)


async def test_who_is_not_signed_in_is_told_so(here: Installation, console: Client) -> None:
    """There is nothing to confirm."""
    page = await (await here.browser()).get(url(here))
    assert page.status == 200
    assert not page.forms

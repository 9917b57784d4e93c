"""Userinfo (OpenID Connect Core §5.3)."""

from __future__ import annotations

from tests.kit.clients import Client
from tests.kit.people import Installation, person


async def test_userinfo_tells_what_the_scope_allows(here: Installation, cli: Client) -> None:
    """`sub` always; the address and the name where they were asked for."""
    body = await cli.tokens(here, await here.browser())
    answer = await cli.userinfo(body["access_token"])
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body == {
        "sub": person(here.acme),
        "email": "ann@acme.example",
        "email_verified": True,
        "name": "Ann Example",
    }
    posted = await cli.post("/userinfo", bearer=body["access_token"])
    assert posted.body == answer.body
    body = await cli.tokens(here, await here.browser(), scope="openid")
    assert (await cli.userinfo(body["access_token"])).body == {"sub": person(here.acme)}


async def test_a_renewed_token_tells_the_same_person(here: Installation, cli: Client) -> None:
    """Of whom the records say so, as there is no session to ask."""
    body = await cli.tokens(here, await here.browser())
    body = (await cli.refresh(body["refresh_token"])).body
    answer = await cli.userinfo(body["access_token"])
    assert (answer.body["sub"], answer.body["email"]) == (person(here.acme), "ann@acme.example")


async def test_userinfo_takes_access_tokens_for_the_issuer(here: Installation, cli: Client) -> None:
    """RFC 6750 §3.1: with a challenge that says what is wrong."""
    missing = await cli.userinfo("")
    assert missing.status == 401
    assert missing.headers["WWW-Authenticate"] == 'Bearer realm="broker"'
    browser = await here.browser()
    elsewhere = await cli.tokens(here, browser, resource="https://one.example")
    body = await cli.tokens(here, browser)
    for token in (elsewhere["access_token"], body["id_token"], "nonsense"):
        answer = await cli.userinfo(token)
        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    bare = await cli.tokens(here, await here.browser(), scope="email")
    answer = await cli.userinfo(bare["access_token"])
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


async def test_nothing_is_told_once_the_login_has_ended(here: Installation, cli: Client) -> None:
    """The access token lives on for an hour where nobody is asked; here somebody is."""
    browser = await here.browser()
    body = await cli.tokens(here, browser)
    renewed = (await cli.refresh(body["refresh_token"])).body
    page = await browser.open("/signout")
    await browser.submit(page, "decision", "sign_out")
    answer = await cli.userinfo(body["access_token"])
    assert (answer.status, answer.body["reason"]) == (401, "token_session_ended")
    assert (await cli.userinfo(renewed["access_token"])).status == 200
    await cli.post("/revoke", token=renewed["refresh_token"], client_id=cli.id)
    assert (await cli.userinfo(renewed["access_token"])).status == 401

"""Logins: other people's browsers, providers that are mixed up, forms that nobody was shown."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web
from yarl import URL

from broker.grants.login.browser import Browser as Mark
from broker.grants.login.sessions import Sessions
from broker.state.memory import MemoryState
from broker.web.login.visitors import Visitor, Visitors
from tests.kit.people import DOMAIN, Browser, Installation, claims_of, installation, person

REDIRECT = "http://localhost:8123/callback?token=true&error=true"

PAGES = ("/login", "/account", "/signout", "/auth/join", "/register", "/oauth", "/oauth/callback")
FORMS = {
    "/login": {"interaction": "x", "organization": DOMAIN},
    "/login/headless": {"interaction": "x", "decision": "allow"},
    "/register": {"id": "x", "decision": "register"},
    "/auth/join": {"invite": "x", "decision": "accept"},
    "/account/sessions/end": {"id": "x"},
    "/account/applications/end": {"id": "x"},
    "/signout": {"decision": "sign_out"},
}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as running:
        yield running


async def begun(here: Installation, browser: Browser) -> str:
    """Where a login of this browser's comes back to."""
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN)
    return here.acme.authorize(page.onward)


async def sessions_of(here: Installation, browser: Browser) -> bool:
    return "Your account" in (await browser.open("/account")).text


async def test_a_callback_in_another_browser_logs_nobody_in(here: Installation) -> None:
    """Login CSRF: an attacker's own callback, opened by somebody else, is refused there, and of no
    use to the attacker after that.
    """
    attacker, victim = await here.browser(), await here.browser()
    callback = await begun(here, attacker)
    page = await victim.get(callback)
    assert (page.status, page.onward) == (401, "")
    assert "another browser" in page.text
    assert not await sessions_of(here, victim)
    assert (await attacker.get(callback)).status == 401
    assert [each["code"] for each in await here.audit("login")] == ["login_not_pending"] * 2


async def test_a_callback_counts_once(here: Installation) -> None:
    """State replay: the same callback a second time is refused, in the same browser too."""
    browser = await here.browser()
    callback = await begun(here, browser)
    assert "token" in (await browser.get(callback)).answer
    page = await browser.get(callback)
    assert (page.status, page.onward) == (401, "")


@pytest.mark.parametrize("state", ["", "x", "x" * 4096, "\x00", "../session"])
async def test_a_state_that_was_never_given_out_is_refused(here: Installation, state: str) -> None:
    """A made-up state leads nowhere and to nobody's redirect."""
    page = await (await here.browser()).get(f"/oauth/callback?code=x&state={quote(state)}")
    assert (page.status, page.onward) == (401, "")


async def test_the_code_of_another_provider_is_refused(here: Installation) -> None:
    """Mix-up (RFC 9207): a callback that says to come from somebody else than was asked ends the
    login.
    """
    browser = await here.browser()
    here.acme.iss = "https://evil.example"
    page = await browser.get(await begun(here, browser))
    assert page.answer["status_code"] == "401"
    assert here.acme.asked == [], "the code was not sent on"
    assert not await sessions_of(here, browser)


async def test_a_callback_with_a_parameter_twice_is_refused(here: Installation) -> None:
    """Which of two codes or states counts is nothing that we guess."""
    browser = await here.browser()
    callback = await begun(here, browser)
    assert (await browser.get(f"{callback}&code=y")).status == 400
    assert (await browser.get(f"{callback}&iss=https://evil.example")).status == 400


@pytest.mark.parametrize(
    "redirect",
    [
        "http://evil.example/",
        "//evil.example/",
        "http://localhost:8123@evil.example/",
        "http://localhost\\@evil.example/",
        "http://localhost.evil.example/",
        "http://localhost%2f@evil.example/",
        "http://evil.example/?http://localhost:8123/",
        "http://localhost\t.evil.example/",
        "http://localhost。evil.example/",
        "javascript:alert(document.domain)",
        "http://localhost:8123/#",
        "https://localhost.:8123/",
    ],
)
async def test_nobody_is_sent_elsewhere(here: Installation, redirect: str) -> None:
    """Open redirects: what is no plain loopback address is refused before anything begins, and
    even an error does not go there.
    """
    browser = await here.signed_in()
    page = await browser.get(f"/oauth?redirect={quote(redirect, safe='')}&nonsense=1")
    assert (page.status, page.onward) == (400, "")
    assert "Set-Cookie" not in page.headers


async def test_a_session_that_was_there_before_is_not_the_one_after(here: Installation) -> None:
    """Session fixation: a login makes a session that nobody has known, and ends the old one."""
    browser = await here.signed_in(here.google)
    (planted,) = [cookie.value for cookie in browser.jar if cookie.key == "broker-session"]
    page = await browser.get(await begun(here, browser))
    assert page.cookies["broker-session"].value != planted
    assert claims_of(page.answer["token"])["sid"] != planted.partition(".")[0]
    attacker = await here.browser()
    attacker.jar.update_cookies({"broker-session": planted}, URL(here.url))
    assert not await sessions_of(here, attacker)


@pytest.mark.parametrize("cookie", ["x", "." * 2, "0" * 32 + ".x", "é" * 32 + ".", "x" * 4000])
async def test_a_session_cookie_that_is_made_up_is_nobody(here: Installation, cookie: str) -> None:
    """Whatever the cookie holds, an unknown one is no session, and no defect."""
    browser = await here.browser()
    browser.jar.update_cookies({"broker-session": cookie}, URL(here.url))
    assert not await sessions_of(here, browser)


async def test_the_id_of_a_session_is_not_its_cookie(here: Installation) -> None:
    """`sid` stands in tokens; with it alone nobody is logged in."""
    browser = await here.browser()
    page = await browser.get(await begun(here, browser))
    sid = claims_of(page.answer["token"])["sid"]
    attacker = await here.browser()
    for guess in (sid, f"{sid}.", f"{sid}.{'0' * 64}"):
        attacker.jar.update_cookies({"broker-session": guess}, URL(here.url))
        assert not await sessions_of(here, attacker)


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_that_nobody_was_shown_is_refused(here: Installation, path: str) -> None:
    """CSRF: without the token of this browser's, or with another's, a form does nothing."""
    browser, other = await here.signed_in(), await here.signed_in()
    theirs = (await other.open("/account")).forms[0].fields["csrf"]
    for sent in ({}, {"csrf": ""}, {"csrf": theirs}, {"csrf": "é"}):
        page = await browser.post(path, **FORMS[path], **sent)
        assert page.status == 403
        assert "form_not_ours" in page.text
    assert await sessions_of(here, browser)


async def test_every_form_is_among_those_that_were_tried(here: Installation) -> None:
    """The paths that take a POST and are for people are the ones of the test above."""
    browser = await here.browser()
    assert [path for path in FORMS if (await browser.get(path)).status == 500] == []
    for path in PAGES:
        page = await browser.post(path)
        assert (path in FORMS) == (page.status != 405), path


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_can_be_framed_scripted_or_kept(here: Installation, path: str) -> None:
    """Clickjacking: whatever a page shows, its headers say who may show it."""
    for browser in (await here.browser(), await here.signed_in()):
        page = await browser.get(path)
        if page.status == 303:
            page = await browser.get(page.onward)
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_token_in_a_url_is_told_to_nobody_else(here: Installation) -> None:
    """The redirect with the token may be kept by nobody, and sends no referrer."""
    browser = await here.browser()
    page = await browser.get(await begun(here, browser))
    assert "token" in page.answer
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_no_secret_of_a_login_is_logged(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither log nor audit record holds a token, a code, a state or a cookie."""
    browser = await here.browser()
    callback = await begun(here, browser)
    page = await browser.get(callback)
    written = capsys.readouterr()
    said = written.out + written.err
    for action in ("login", "login.token"):
        said += json.dumps(await here.audit(action))
    assert person(here.acme) in said
    cookies = [cookie.value for cookie in browser.jar]
    state = URL(callback, encoded=True).query["state"]
    for secret in (page.answer["token"], state, *cookies):
        assert secret.rpartition(".")[2] not in said


async def test_a_sign_in_page_of_another_browser_is_refused(here: Installation) -> None:
    """The id of a page, in a link, does not make somebody log in for who made it."""
    attacker, victim = await here.browser(), await here.signed_in()
    page = await attacker.get("/oauth", redirect="http://localhost:1/")
    shown = await victim.get(page.onward)
    assert shown.status == 401
    csrf = (await victim.open("/account")).forms[0].fields["csrf"]
    interaction = URL(page.onward, encoded=True).query["interaction"]
    sent = {"csrf": csrf, "interaction": interaction, "continue": "1"}
    assert (await victim.post("/login", **sent)).status == 401


async def test_who_may_register_is_a_question_to_one_browser(here: Installation) -> None:
    """The id of the question, in another browser, registers nobody and shows nothing."""
    browser, other = await here.browser(), await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, connection="google-oauth2")
    page = await browser.log_in(page, here.google)
    shown = await other.get(page.onward)
    assert shown.status == 401
    assert "gil@mail.example" not in shown.text
    csrf = (await other.open("/login")).forms[0].fields["csrf"]
    asked = URL(page.onward, encoded=True).query["id"]
    sent = {"csrf": csrf, "id": asked, "decision": "register"}
    assert (await other.post("/register", **sent)).status == 401
    question = await browser.go(page)
    assert "Create your account" in question.text
    assert "token" in (await browser.submit(question, "decision", "register")).answer
    assert (await browser.submit(question, "decision", "register")).status == 401


async def test_registration_that_is_not_open_is_not_offered(tmp_path: Path) -> None:
    """Where people come by invitation, who is unknown is told so, and no form gets them in."""
    async with installation(tmp_path, BROKER_REGISTRATION="invited") as here:
        browser = await here.browser()
        page = await browser.open("/login")
        page = await browser.submit(page, "connector", "google")
        page = await browser.log_in(page, here.google)
        assert (page.status, page.onward) == (404, "")
        assert "gil@mail.example" in page.text
        assert "Create your account" not in page.text
        async with here.broker.store.read() as records:
            assert await records.identities.get(person(here.google)) is None


@pytest.mark.parametrize("fault", ["forged", "expired", "malformed", "of another"])
async def test_an_invite_that_is_not_good_is_refused_before_and_after_the_login(
    here: Installation, fault: str
) -> None:
    """A forged, expired or mistyped code shows nothing and gives nothing."""
    code, _ = await here.invite("owner", days=-1 if fault == "expired" else 7)
    if fault == "of another":
        code, _ = await here.invite("owner", email="ann@acme.example")
    else:
        code = {"forged": code[:-8] + "AAAAAAA9", "expired": code, "malformed": "x"}[fault]
    browser = await here.signed_in(here.google)
    page = await browser.get("/auth/join", invite=code)
    csrf = (await browser.open("/account")).forms[0].fields["csrf"]
    if fault == "of another":
        page = await browser.post("/auth/join", csrf=csrf, invite=code, decision="accept")
        page = await browser.log_in(page, here.google)
    assert 400 <= page.status < 500
    assert page.onward == ""
    sent = {"csrf": csrf, "invite": code, "decision": "accept"}
    if fault != "of another":
        assert 400 <= (await browser.post("/auth/join", **sent)).status < 500
    assert await here.roles_of(person(here.google)) == set()


async def test_an_invite_for_one_is_accepted_by_one(here: Installation) -> None:
    """Who comes second with a single-use invite joins nothing, even with the page open already."""
    code, _ = await here.invite(single_use=True)
    first, second = await here.browser(), await here.browser()
    pages = []
    for browser in (first, second):
        page = await browser.get("/auth/join", invite=code)
        page = await browser.go(await browser.submit(page, "decision", "accept"))
        pages.append(page)
    page = await first.submit(pages[0], "connector", "google")
    assert "You have joined" in (await first.log_in(page, here.google)).text
    here.google.claims["sub"] = "g-2"
    page = await second.submit(pages[1], "connector", "google")
    page = await second.log_in(page, here.google)
    assert 400 <= page.status < 500
    assert await here.roles_of(person(here.google)) == set()
    assert not await sessions_of(here, second)


@pytest.mark.parametrize(
    "claims",
    [{"groups": [f"g{n}" for n in range(1001)]}, {"groups": ["x" * 513]}, {"groups": {"a": 1}}],
    ids=["too many", "too long", "no list"],
)
async def test_groups_that_are_too_many_end_the_login(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    """An oversized groups claim is refused with a message, not cut off and not a defect."""
    async with installation(tmp_path, groups_claim="groups") as here:
        here.acme.claims |= claims
        browser = await here.browser()
        page = await browser.get(await begun(here, browser))
        assert page.answer["status_code"] in {"400", "401"}, page.answer
        assert "token" not in page.answer


async def test_a_provider_that_left_groups_out_gives_no_roles(tmp_path: Path) -> None:
    """Overage: where the provider says that it left groups out, the login goes on without any."""
    async with installation(tmp_path, groups_claim="groups") as here:
        here.acme.claims |= {"hasgroups": True}
        browser = await here.browser()
        page = await browser.get(await begun(here, browser))
        claims = claims_of(page.answer["token"])
        assert "group_mappings" not in claims
        assert claims["cap"] == {}


async def test_an_address_that_fails_too_often_waits(tmp_path: Path) -> None:
    """Guessing states, pages and questions is limited by address."""
    async with installation(tmp_path, BROKER_RATE_LIMIT_ADDRESS="3/minute") as here:
        browser = await here.browser()
        statuses = [(await browser.get("/oauth/callback?code=x&state=x")).status for _ in range(3)]
        assert statuses == [401] * 3
        for path in ("/oauth/callback?code=x&state=x", "/login?interaction=x", "/register?id=x"):
            page = await browser.get(path)
            assert page.status == 429
            assert int(page.headers["Retry-After"]) > 0


async def test_logins_that_fail_at_the_provider_count_as_well(tmp_path: Path) -> None:
    """Codes cannot be guessed without limit either: a login that the provider refuses counts."""
    async with installation(tmp_path, BROKER_RATE_LIMIT_ADDRESS="3/minute") as here:
        browser = await here.browser()
        here.acme.iss = "https://evil.example"
        for _ in range(3):
            page = await browser.get(await begun(here, browser))
            assert page.answer["status_code"] == "401"
        assert (await browser.get(await begun(here, browser))).status == 429


async def test_a_login_ends_when_its_provider_is_deleted_meanwhile(here: Installation) -> None:
    """What vouched for somebody has to be there still when they come back."""
    browser = await here.browser()
    callback = await begun(here, browser)
    async with here.broker.store.write() as records:
        await records.identity_providers.delete(here.provider.id)
    page = await browser.get(callback)
    assert page.answer["status_code"] == "404"
    assert here.acme.asked == []


@pytest.mark.parametrize("query", ["%ff=1", "a=" + "x" * 30000, "interaction=" + "x" * 5000])
@pytest.mark.parametrize("path", PAGES)
async def test_bad_input_is_never_a_defect(here: Installation, path: str, query: str) -> None:
    """Whatever the query is, each path says what is wrong."""
    page = await (await here.browser()).get(f"{path}?{query}")
    assert page.status < 500


def _visitors(*, secure: bool) -> Visitors:
    sessions = Sessions(
        MemoryState(clock=lambda: 0.0),
        idle=60,
        lifetime=600,
        clock=lambda: 0.0,
        random=secrets.token_bytes,
    )
    return Visitors(sessions, secure=secure, lifetime=600, random=secrets.token_bytes)


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_are_kept_from_scripts_and_other_hosts(secure: bool) -> None:
    """`HttpOnly`, `SameSite=Lax`, for the whole host and no other; under https `Secure` and with
    the prefix that browsers hold to that.
    """
    visitors, response = _visitors(secure=secure), web.Response()
    visitors.greet(response, Visitor(Mark(secret="0" * 64), None, is_new=True))
    visitors.sign_in(response, "id.secret")
    prefix = "__Host-" if secure else ""
    assert set(response.cookies) == {f"{prefix}broker-browser", f"{prefix}broker-session"}
    for cookie in response.cookies.values():
        assert cookie["httponly"]
        assert bool(cookie["secure"]) == secure
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert response.cookies[f"{prefix}broker-browser"].get("max-age", "") == ""
    assert response.cookies[f"{prefix}broker-session"]["max-age"] == "600"


async def test_cookies_of_a_development_installation_have_no_prefix(here: Installation) -> None:
    """On http browsers would not keep `__Host-` cookies: the same names without it are used."""
    browser = await here.browser()
    page = await browser.get("/login")
    cookie = page.cookies["broker-browser"]
    assert (cookie["httponly"], cookie["secure"], cookie["path"]) == (True, "", "/")
    assert cookie["samesite"] == "Lax"
    assert urlsplit(here.url).scheme == "http"

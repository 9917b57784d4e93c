"""Bad input at the endpoints for clients of people: codes, tokens, devices, logout."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from broker.oauth.pkce import challenge_of
from tests.kit.calls import call
from tests.kit.clients import CONSOLE_CALLBACK, Client
from tests.kit.people import Installation, claims_of, installation, person

OTHER_CALLBACK = "https://other.example/callback"
CLIENTS = json.dumps(
    {
        "console": {
            "name": "Console",
            "redirect_uris": [CONSOLE_CALLBACK],
            "post_logout_redirect_uris": ["https://console.example/bye"],
        },
        "other": {"name": "Other", "redirect_uris": [OTHER_CALLBACK]},
    }
)
DEAD = "invalid_grant refresh_token_invalid"
REUSED = "invalid_grant refresh_token_reused"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path, BROKER_CLIENTS=CLIENTS) as running:
        yield running


@pytest.fixture
def console(here: Installation) -> Client:
    return Client(here.url, "console", CONSOLE_CALLBACK)


@pytest.fixture
def other(here: Installation) -> Client:
    return Client(here.url, "other", OTHER_CALLBACK)


# the authorization endpoint


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "https://console.example/callback/../evil",
        "https://console.example/callback?x=1",
        "https://console.example/callback#x",
        "https://console.example@evil.example/callback",
        "https://console.example/callback\\@evil.example",
        "https://console.example.evil.example/callback",
        "https://CONSOLE.example/callback",
        "http://console.example/callback",
        "//console.example/callback",
        "javascript:alert(1)",
        OTHER_CALLBACK,
        "",
        None,
    ],
)
async def test_nobody_is_sent_anywhere_but_to_the_client(
    here: Installation, console: Client, redirect_uri: str | None
) -> None:
    """RFC 9700 §4.1: what is not the registered redirect URI gets a page, and never a redirect."""
    browser = await here.signed_in()
    page = await browser.get(console.url(redirect_uri=redirect_uri))
    assert (page.status, page.onward) == (400, "")
    assert "redirect_uri_unknown" in page.html
    page = await browser.get(console.url(redirect_uri=redirect_uri, response_type="token"))
    assert (page.status, page.onward) == (400, "")


async def test_what_names_the_way_back_is_sent_once(here: Installation, console: Client) -> None:
    """RFC 6749 §3.1: of two values one could be checked, and the other used."""
    browser = await here.browser()
    for name, values in {
        "redirect_uri": [CONSOLE_CALLBACK, "https://evil.example/"],
        "client_id": ["console", "other"],
        "state": ["a", "b"],
    }.items():
        page = await browser.get(console.url(**{name: values}))
        assert (page.status, page.onward) == (400, "")
    page = await browser.get(console.url(state="s" * 513))
    assert (page.status, page.onward) == (400, "")
    page = await browser.get(console.url(client_id="nobody"))
    assert (page.status, page.onward) == (400, "")


@pytest.mark.parametrize(
    "more",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge": "a" * 44},
    ],
)
async def test_there_is_no_code_without_pkce(
    here: Installation, console: Client, more: dict[str, Any]
) -> None:
    """RFC 9700 §2.1.1: S256 alone; nothing falls back to what protects less."""
    page = await (await here.signed_in()).get(console.url(**more))
    assert page.answer["error"] == "invalid_request"
    assert "code" not in page.answer


async def test_a_bare_request_gives_a_native_client_nothing(here: Installation) -> None:
    """RFC 8252 §8.6: a page that opens this address in somebody's browser gets no code."""
    cli = Client(here.url, "broker-cli", "http://127.0.0.1:4711/callback")
    browser = await here.signed_in()
    for more in ({}, {"prompt": "none"}, {"max_age": "9999"}):
        page = await browser.get(cli.url(**more))
        assert "code" not in page.answer


async def test_a_click_for_a_native_client_is_the_persons(here: Installation) -> None:
    """CSRF: a form of another page, without what stands in ours, lets nobody in."""
    cli = Client(here.url, "broker-cli", "http://127.0.0.1:4711/callback")
    browser = await here.signed_in()
    page = await browser.open(cli.url())
    form = next(form for form in page.forms if "continue" in dict(form.buttons))
    sent = form.fields | dict(form.buttons)
    for csrf in ("", "0" * 64):
        refused = await browser.post(form.action, **(sent | {"csrf": csrf}))
        assert (refused.status, refused.onward) == (403, "")


# codes


async def test_a_code_that_comes_again_ends_what_came_of_it(
    here: Installation, console: Client
) -> None:
    """RFC 6749 §4.1.2: with or without the verifier; the record says so."""
    for verifier in (console.verifier, "x" * 43):
        code = await console.code(here, await here.signed_in())
        first = (await console.redeem(code)).body
        replay = Client(here.url, "console", CONSOLE_CALLBACK, verifier)
        assert (await replay.redeem(code)).error == "invalid_grant code_invalid"
        assert (await console.refresh(first["refresh_token"])).error == DEAD
    assert len(await here.audit("refresh.reused")) == 2


async def test_of_many_who_redeem_a_code_nobody_keeps_a_refresh_token(
    here: Installation, console: Client
) -> None:
    """At the same time: one gets tokens at most, and what they could renew has ended."""
    code = await console.code(here, await here.signed_in())
    answers = await asyncio.gather(*(console.redeem(code) for _ in range(5)))
    good = [each for each in answers if each.status == 200]
    assert len(good) <= 1
    for each in good:
        assert (await console.refresh(each.body["refresh_token"])).error == DEAD


@pytest.mark.parametrize(
    "more",
    [
        {"code_verifier": secrets.token_urlsafe(32)},
        {"code_verifier": "short"},
        {"redirect_uri": OTHER_CALLBACK},
        {"redirect_uri": f"{CONSOLE_CALLBACK}/"},
        {"client_id": "other"},
        {"client_id": "broker-cli"},
    ],
)
async def test_a_code_is_for_who_asked_for_it(
    here: Installation, console: Client, more: dict[str, str]
) -> None:
    """Client, redirect URI and verifier; a code with which this was tried is used up."""
    code = await console.code(here, await here.signed_in())
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CONSOLE_CALLBACK,
        "code_verifier": console.verifier,
    }
    assert (await console.token(**(sent | more))).error == "invalid_grant code_invalid"
    assert (await console.token(**sent)).error == "invalid_grant code_invalid"


@pytest.mark.parametrize("name", ["code", "redirect_uri", "code_verifier", "client_id"])
async def test_nothing_of_a_redemption_can_be_left_out(
    here: Installation, console: Client, name: str
) -> None:
    """RFC 6749 §4.1.3, RFC 7636 §4.5; and the code is good still, as nobody has tried it."""
    code = await console.code(here, await here.signed_in())
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CONSOLE_CALLBACK,
        "code_verifier": console.verifier,
    }
    missing = await console.token(**(sent | {name: None}))
    assert missing.error == "invalid_request parameter_missing"
    assert (await console.token(**sent)).status == 200


async def test_a_challenge_is_not_its_own_verifier(here: Installation, console: Client) -> None:
    """Who saw the authorization request cannot redeem the code."""
    code = await console.code(here, await here.signed_in())
    spy = Client(here.url, "console", CONSOLE_CALLBACK, challenge_of(console.verifier))
    assert (await spy.redeem(code)).error == "invalid_grant code_invalid"


async def test_a_code_is_worth_nothing_once_the_person_signed_out(
    here: Installation, console: Client
) -> None:
    """It is bound to the session that it came of."""
    browser = await here.signed_in()
    code = await console.code(here, browser)
    page = await browser.open("/signout")
    await browser.submit(page, "decision", "sign_out")
    assert (await console.redeem(code)).error == "invalid_grant login_ended"


# refresh tokens


async def test_a_used_refresh_token_ends_its_family(here: Installation, console: Client) -> None:
    """RFC 9700 §4.14.2: whoever comes second, thief or owner, ends it for both."""
    first = await console.tokens(here, await here.signed_in())
    newer = (await console.refresh(first["refresh_token"])).body["refresh_token"]
    newest = (await console.refresh(newer)).body["refresh_token"]
    assert (await console.refresh(first["refresh_token"])).error == REUSED
    assert (await console.refresh(newest)).error == DEAD
    assert len(await here.audit("refresh.reused")) == 1


async def test_of_many_who_use_a_refresh_token_at_once_one_is_answered_and_none_goes_on(
    here: Installation, console: Client
) -> None:
    """The others are reuse, which ends the family."""
    token = (await console.tokens(here, await here.signed_in()))["refresh_token"]
    answers = await asyncio.gather(*(console.refresh(token) for _ in range(5)))
    good = [each.body["refresh_token"] for each in answers if each.status == 200]
    assert len(good) <= 1
    assert {each.error for each in answers if each.status != 200} <= {REUSED, DEAD}
    for each in good:
        assert (await console.refresh(each)).error == DEAD


async def test_nobody_ends_a_family_of_which_they_had_no_token(
    here: Installation, console: Client
) -> None:
    """The id stands in access tokens as `sid`; a made-up old token with it is none at all."""
    body = await console.tokens(here, await here.signed_in())
    body = (await console.refresh(body["refresh_token"])).body
    sid = claims_of(body["access_token"])["sid"]
    secret = base64.b64encode(secrets.token_bytes(64)).decode()
    for members in (
        {"exp": 0, "id": sid, "n": 0, "s": secret},
        {"exp": 0, "id": [sid], "n": None, "s": secret},
        {"exp": 0, "id": sid, "n": 0},
        {"exp": 0, "id": sid, "n": 0, "s": 7},
        [sid],
        None,
    ):
        forged = base64.b64encode(json.dumps(members).encode()).decode()
        assert (await console.refresh(forged)).error == DEAD
        assert (await console.post("/revoke", token=forged, client_id="console")).status == 200
    for text in ("=", "é", "a" * 5000, "{}"):
        assert (await console.refresh(text)).error == DEAD
    assert (await console.refresh(body["refresh_token"])).status == 200


async def test_a_refresh_token_is_its_clients(
    here: Installation, console: Client, other: Client
) -> None:
    """Another neither uses nor revokes it, and does not end it by trying."""
    token = (await console.tokens(here, await here.signed_in()))["refresh_token"]
    assert (await other.refresh(token)).error == DEAD
    answer = await other.post("/revoke", token=token, client_id="other")
    assert answer.error == "unauthorized_client token_of_another_client"
    assert (await console.post("/revoke", token=token)).status == 400
    assert (await console.refresh(token)).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"resource": "https://more.example"},
        {"audience": "more"},
        {"scope": "openid profile"},
        {"scope": "openid " + "b" * 40},
    ],
)
async def test_a_refresh_does_not_widen(
    here: Installation, console: Client, more: dict[str, str]
) -> None:
    """RFC 6749 §6: neither audience nor scope nor groups, whatever the person could get now."""
    scope = f"openid email offline_access {here.organization.folder}"
    browser = await here.signed_in()
    await here.organization.bind(person(here.acme), "viewer", here.organization.id)
    body = await console.tokens(here, browser, scope=scope, resource="https://one.example")
    above = {"scope": f"openid {here.organization.id}"}
    for widened in (more, above):
        answer = await console.refresh(body["refresh_token"], **widened)
        assert answer.error == "invalid_scope refresh_widens"
    assert (await console.refresh(body["refresh_token"])).status == 200


# kinds of tokens


async def test_an_id_token_is_no_access_token_and_the_reverse(
    here: Installation, console: Client
) -> None:
    """RFC 8725 §3.11, §3.12: by `typ` and by audience, at the API and at the exchange."""
    body = await console.tokens(here, await here.signed_in())
    headers = {"Authorization": f"Bearer {body['id_token']}"}
    answer = await call("GET", f"{here.url}/iam/v1/groups", headers=headers)
    assert (answer.status, answer.reason) == (401, "access_token_expected")
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    answer = await call("POST", f"{here.url}/sts/exchange", headers=headers)
    assert (answer.status, answer.reason) == (401, "token_is_access_token")
    assert (await call("GET", f"{here.url}/iam/v1/groups", headers=headers)).status == 200


async def test_an_id_token_is_good_for_its_person_alone(
    here: Installation, console: Client
) -> None:
    """No identity is assumed by it, nor when its payload is another or its signature gone."""
    token = (await console.tokens(here, await here.signed_in()))["id_token"]

    async def exchanged(text: str, **more: str) -> Any:
        headers = {"Authorization": f"Bearer {text}"}
        query = f"?{urlencode(more)}" if more else ""
        return await call("POST", f"{here.url}/sts/exchange{query}", headers=headers)

    answer = await exchanged(token, identity=f"{'a' * 40}/{'b' * 16}")
    assert answer.status >= 400
    head, payload, signature = token.split(".")
    claims = claims_of(token) | {"sub": "a" * 40}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert (await exchanged(f"{head}.{forged}.{signature}")).status == 401
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert (await exchanged(f"{none}.{payload}.")).status == 401
    assert (await exchanged(token)).status == 200


# devices


async def test_user_codes_cannot_be_guessed(here: Installation) -> None:
    """RFC 8628 §5.1: a browser has thirty tries in ten minutes, and then none that is right."""
    cli = Client(here.url, "broker-cli", "")
    begun = (await cli.begin_device()).body
    browser = await here.browser()
    page = await browser.open("/device")
    for _ in range(30):
        answer = await browser.submit(page, "user_code", user_code="BCDF-GHJK")
        assert answer.status == 404
    answer = await browser.submit(page, "user_code", user_code=begun["user_code"])
    assert (answer.status, answer.onward) == (429, "")
    assert "too_many_user_codes" in answer.html
    assert int(answer.headers["Retry-After"]) > 0


async def test_an_address_begins_no_flood_of_devices(here: Installation) -> None:
    """Each waits in the state for twenty minutes."""
    cli = Client(here.url, "broker-cli", "")
    statuses = [(await cli.begin_device()).status for _ in range(101)]
    assert statuses == [200] * 100 + [429]


async def test_a_device_code_is_its_clients(here: Installation, console: Client) -> None:
    """Another gets nothing for it, and does not use it up."""
    cli = Client(here.url, "broker-cli", "")
    begun = (await cli.begin_device()).body
    browser = await here.signed_in()
    page = await browser.open("/device")
    page = await browser.submit(page, "user_code", user_code=begun["user_code"])
    await browser.submit(page, "decision", "allow")
    invalid = "invalid_grant device_code_invalid"
    assert (await console.poll(begun["device_code"])).error == invalid
    assert (await cli.poll(begun["user_code"])).error == invalid
    answers = await asyncio.gather(*(cli.poll(begun["device_code"]) for _ in range(5)))
    assert sorted(each.status for each in answers) == [200, 400, 400, 400, 400]


async def test_a_device_that_asks_too_often_is_slowed_down(here: Installation) -> None:
    """RFC 8628 §3.5: whatever the moment, of polls at once one is answered at most."""
    cli = Client(here.url, "broker-cli", "")
    begun = (await cli.begin_device()).body
    answers = [await cli.poll(begun["device_code"]) for _ in range(2)]
    assert [each.body["error"] for each in answers] == ["authorization_pending", "slow_down"]
    assert not await here.audit("exchange")


async def test_nobody_is_made_to_let_a_device_in(here: Installation) -> None:
    """CSRF: neither the code nor the decision is taken from the form of another page."""
    cli = Client(here.url, "broker-cli", "")
    begun = (await cli.begin_device()).body
    browser = await here.signed_in()
    mallory = await here.signed_in()
    page = await mallory.open("/device")
    theirs = page.forms[0].fields["csrf"]
    for csrf in ("", theirs):
        for more in ({}, {"decision": "allow"}):
            answer = await browser.post("/device", csrf=csrf, user_code=begun["user_code"], **more)
            assert (answer.status, answer.onward) == (403, "")
    assert (await cli.poll(begun["device_code"])).body["error"] == "authorization_pending"


async def test_who_is_not_logged_in_decides_nothing(here: Installation) -> None:
    """The decision is a session's."""
    cli = Client(here.url, "broker-cli", "")
    begun = (await cli.begin_device()).body
    browser = await here.browser()
    page = await browser.open("/device")
    csrf = page.forms[0].fields["csrf"]
    answer = await browser.post(
        "/device", csrf=csrf, user_code=begun["user_code"], decision="allow"
    )
    assert answer.status == 401
    assert (await cli.poll(begun["device_code"])).body["error"] == "authorization_pending"


# logout


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "https://console.example/bye/",
        "https://console.example/bye?next=https://evil.example",
        "https://console.example/callback",
        "javascript:alert(1)",
        "//evil.example",
    ],
)
async def test_logout_sends_nobody_elsewhere(
    here: Installation, console: Client, target: str
) -> None:
    """RP-Initiated Logout §3: a page that says so, and the session stays."""
    browser = await here.signed_in()
    token = (await console.tokens(here, browser))["id_token"]
    for more in ({"id_token_hint": token}, {"client_id": "console"}, {}):
        query = urlencode({"post_logout_redirect_uri": target, **more})
        page = await browser.get(f"{here.url}/logout?{query}")
        assert (page.status, page.onward) == (400, "")
    query = urlencode({"post_logout_redirect_uri": "https://console.example/bye"})
    page = await browser.get(f"{here.url}/logout?{query}&client_id=other")
    assert (page.status, page.onward) == (400, "")
    assert (await browser.get("/account")).status == 200


async def test_nobody_is_signed_out_by_another_page(here: Installation) -> None:
    """CSRF: a GET asks, and the form has to be ours."""
    browser = await here.signed_in()
    await browser.get("/logout")
    for csrf in ("", "0" * 64):
        answer = await browser.post("/logout", csrf=csrf, decision="sign_out")
        assert answer.status in {303, 403}
    assert (await browser.get("/account")).status == 200


async def test_no_secret_is_in_a_page_or_kept(here: Installation, console: Client) -> None:
    """Every page of these flows forbids scripts and framing, and is kept by nobody."""
    browser = await here.signed_in()
    for path in ("/device", "/logout", "/authorize?client_id=nobody"):
        page = await browser.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"

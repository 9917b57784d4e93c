"""The authorization code flow (RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1)."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import urlsafe_b64encode

import aiohttp
import jwt
import pytest
from yarl import URL

from broker.iam.model import ClaimMatch
from tests.kit.clients import Client
from tests.kit.people import CLIENT_ID, Installation, claims_of, person


async def test_a_login_at_the_command_line(here: Installation, cli: Client) -> None:
    """Through the provider and back, with the state and the issuer (RFC 9207); no page keeps it."""
    browser = await here.browser()
    page = await cli.let_in(here, browser)
    assert page.onward.startswith(f"{cli.redirect_uri}?code=")
    assert (page.answer["state"], page.answer["iss"]) == ("the state", here.url)
    assert page.headers["Cache-Control"] == "no-store"
    answer = await cli.redeem(page.answer["code"])
    assert answer.status == 200, answer.body
    assert set(answer.body) == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "id_token",
        "refresh_token",
    }
    assert answer.body["scope"] == "openid email profile offline_access"
    access, identity = claims_of(answer.body["access_token"]), claims_of(answer.body["id_token"])
    assert (access["sub"], access["aud"]) == (person(here.acme), here.url)
    assert (access["idp"], access["sid"]) == (here.provider.id, identity["sid"])
    assert (identity["sub"], identity["aud"]) == (access["sub"], "broker-cli")
    assert identity["nonce"] == "the nonce"
    assert (identity["email"], identity["email_verified"]) == ("ann@acme.example", True)
    assert identity["name"] == "Ann Example"
    assert identity["exp"] - identity["iat"] == 3600
    assert jwt.get_unverified_header(answer.body["id_token"])["typ"] == "JWT"


async def test_the_id_token_is_bound_to_the_access_token(here: Installation, cli: Client) -> None:
    """OpenID Connect Core §3.1.3.6: by the left half of its hash; the signature is by our keys."""
    body = await cli.tokens(here, await here.browser())
    keys = jwt.PyJWKClient(f"{here.url}/.well-known/jwks.json")
    key = await asyncio.to_thread(keys.get_signing_key_from_jwt, body["id_token"])
    claims = jwt.decode(body["id_token"], key, algorithms=["ES256"], audience="broker-cli")
    digest = hashlib.sha256(body["access_token"].encode()).digest()
    assert claims["at_hash"] == urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


async def test_claims_follow_the_scope(here: Installation, cli: Client) -> None:
    """Nothing is told that was not asked for, and there are no tokens but those."""
    body = await cli.tokens(here, await here.browser(), scope="openid", nonce=None)
    assert {"email", "name", "nonce"}.isdisjoint(claims_of(body["id_token"]))
    assert "refresh_token" not in body
    body = await cli.tokens(here, await here.browser(), scope=None)
    assert set(body) == {"access_token", "token_type", "expires_in"}


async def test_a_client_on_the_web_goes_on_with_the_session(
    here: Installation, console: Client
) -> None:
    """Single sign-on: no page, and the same session in both tokens."""
    browser = await here.signed_in()
    page = await browser.get(console.url())
    assert (page.status, page.answer["state"]) == (303, "the state")
    first = await console.redeem(page.answer["code"])
    page = await browser.get(console.url(prompt="none"))
    second = await console.redeem(page.answer["code"])
    sids = {claims_of(each.body["id_token"])["sid"] for each in (first, second)}
    assert len(sids) == 1


async def test_a_client_on_a_machine_is_let_in_by_a_click(here: Installation, cli: Client) -> None:
    """RFC 8252 §8.6: any program there could ask, so a session alone is not enough."""
    browser = await here.signed_in()
    page = await browser.open(cli.url())
    assert page.status == 200
    assert "ann@acme.example" in page.text
    page = await browser.submit(page, "continue")
    assert page.onward.startswith(f"{cli.redirect_uri}?code=")
    page = await browser.get(cli.url(prompt="none"))
    assert page.answer["error"] == "interaction_required"


@pytest.mark.parametrize(
    "more", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}]
)
async def test_a_client_can_ask_for_a_new_login(
    here: Installation, console: Client, more: dict[str, str]
) -> None:
    """OpenID Connect Core §3.1.2.1: the session does not count, and `auth_time` is new."""
    browser = await here.signed_in()
    before = claims_of((await console.tokens(here, browser))["id_token"])
    page = await browser.open(console.url(**more))
    assert page.status == 200
    assert not any("continue" in dict(form.buttons) for form in page.forms)
    body = await console.tokens(here, browser, **more)
    after = claims_of(body["id_token"])
    assert after["sid"] != before["sid"]
    assert after["auth_time"] >= before["auth_time"]


async def test_without_a_page_nobody_logs_in(here: Installation, console: Client) -> None:
    """OpenID Connect Core §3.1.2.6: `prompt=none` is an error where a page would be needed."""
    page = await (await here.browser()).get(console.url(prompt="none"))
    assert page.answer["error"] == "login_required"
    assert (page.answer["state"], page.answer["iss"]) == ("the state", here.url)


async def test_the_person_of_a_hint_is_meant(here: Installation, console: Client) -> None:
    """OpenID Connect Core §3.1.2.1: another's session is not used, nor another's login."""
    browser = await here.signed_in()
    token = (await console.tokens(here, browser))["id_token"]
    page = await browser.get(console.url(id_token_hint=token, prompt="none"))
    assert "code" in page.answer
    here.acme.claims |= {"sub": "bob", "email": "bob@acme.example"}
    other = await here.signed_in()
    page = await other.get(console.url(id_token_hint=token, prompt="none"))
    assert page.answer["error"] == "login_required"
    page = await console.let_in(here, other, id_token_hint=token)
    assert page.answer["error"] == "login_required"
    page = await browser.get(console.url(id_token_hint="nonsense"))
    assert page.answer["error"] == "invalid_request"


async def test_the_way_in_can_be_named(here: Installation, cli: Client) -> None:
    """`idp_id` by UIDP or organization, `connection` by name: straight there."""
    for way in (here.provider.id, "acme.example"):
        page = await (await here.browser()).get(cli.url(idp_id=way, login_hint="ann"))
        assert page.onward.startswith(here.acme.address)
    page = await (await here.browser()).get(cli.url(connection="google-oauth2"))
    assert page.onward.startswith(here.google.address)
    page = await (await here.browser()).get(cli.url(connection="nobody"))
    assert page.answer["error"] == "invalid_request"
    page = await (await here.browser()).get(cli.url(idp_id="nobody.example"))
    assert page.answer["error"] == "access_denied"


async def test_a_refusal_at_the_provider_is_told_to_the_client(
    here: Installation, cli: Client
) -> None:
    """RFC 6749 §4.1.2.1; none of the provider's own words."""
    browser = await here.browser()
    page = await browser.get(cli.url(idp_id=here.provider.id))
    callback = f"{here.url}/oauth/callback?error=access_denied&error_description=secret"
    state = URL(page.onward, encoded=True).query["state"]
    page = await browser.get(f"{callback}&state={state}")
    assert page.answer["error"] == "access_denied"
    assert "secret" not in page.onward


async def test_resources_and_groups_narrow_the_access_token(
    here: Installation, cli: Client
) -> None:
    """RFC 8707; a code is for all that was asked, its first token may be for fewer."""
    identity = person(here.acme)
    await here.signed_in()
    await here.organization.bind(identity, "viewer", here.organization.id)
    both = ["https://one.example", "https://two.example"]
    more = {"resource": both, "scope": f"openid {here.organization.id}"}
    body = await cli.tokens(here, await here.browser(), **more)
    claims = claims_of(body["access_token"])
    assert claims["aud"] == both
    assert set(claims["cap"]) == {here.organization.id}
    assert body["scope"] == f"openid {here.organization.id}"
    code = await cli.code(here, await here.browser(), **more)
    answer = await cli.redeem(code, resource=both[1])
    assert claims_of(answer.body["access_token"])["aud"] == both[1]
    code = await cli.code(here, await here.browser(), **more)
    answer = await cli.redeem(code, resource="https://three.example")
    assert answer.error == "invalid_target audience_not_allowed"


async def test_the_authorization_endpoint_takes_a_form(here: Installation, cli: Client) -> None:
    """OpenID Connect Core §3.1.2.1: GET and POST."""
    browser = await here.browser()
    page = await browser.post("/authorize", **dict(URL(cli.url(), encoded=True).query))
    assert page.onward.startswith("/login?interaction=")


async def test_unknown_parameters_are_ignored_there(here: Installation, cli: Client) -> None:
    """RFC 6749 §3.1: but not those that hold others or restrict."""
    browser = await here.browser()
    assert "code" in (await cli.let_in(here, browser, ui_locales="de", display="page")).answer
    for name, error in {
        "request": "request_not_supported",
        "request_uri": "request_uri_not_supported",
        "authorization_details": "invalid_request",
    }.items():
        page = await browser.get(cli.url(**{name: "x"}))
        assert page.answer["error"] == error


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": " ".join(["a" * 40] * 1 + [f"{n:040x}" for n in range(101)])}, "invalid_scope"),
        ({"resource": "no-uri"}, "invalid_target"),
        ({"audience": "customer"}, "invalid_target"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"login_hint": "a\nb"}, "invalid_request"),
        ({"identity": "nobody"}, "invalid_request"),
        ({"idp_id": "a", "connection": "google"}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_to_the_client(
    here: Installation, cli: Client, more: dict[str, str], error: str
) -> None:
    """RFC 6749 §4.1.2.1: at the redirect URI, once that is known to be the client's."""
    page = await (await here.browser()).get(cli.url(**more))
    assert page.onward.startswith(f"{cli.redirect_uri}?error="), page.text
    assert page.answer["error"] == error
    assert page.answer["error_description"]
    assert (page.answer["state"], page.answer["iss"]) == ("the state", here.url)


async def test_discovery_has_the_endpoints(here: Installation, cli: Client) -> None:
    """OpenID Connect Discovery §3, RFC 8414 §2, RFC 8628 §4, RFC 9207 §3."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{here.url}/.well-known/openid-configuration") as response,
    ):
        document = await response.json()
    for name, path in {
        "authorization_endpoint": "/authorize",
        "device_authorization_endpoint": "/device_authorization",
        "userinfo_endpoint": "/userinfo",
        "revocation_endpoint": "/revoke",
        "end_session_endpoint": "/logout",
    }.items():
        assert document[name] == here.url + path
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert {"code", "id_token"} == set(document["response_types_supported"])
    assert {"authorization_code", "refresh_token"} < set(document["grant_types_supported"])
    assert document["scopes_supported"] == ["openid", "email", "profile", "offline_access"]


async def test_an_identity_is_assumed_by_a_login(here: Installation, cli: Client) -> None:
    """Its rules are about the claims of that login; the access token is the identity's alone."""
    rules = ClaimMatch(issuer=here.acme.url, subject="ann", audience=CLIENT_ID)
    identity = await here.organization.identity(rules)
    await here.organization.bind(identity, "viewer")
    browser = await here.signed_in()  # which is not enough
    page = await browser.get(cli.url(identity=identity, idp_id=here.provider.id))
    page = await browser.log_in(page, here.acme)
    answer = await cli.redeem(page.answer["code"])
    assert set(answer.body) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(answer.body["access_token"])
    assert (claims["sub"], set(claims["cap"])) == (identity, {here.organization.folder})
    here.acme.claims["sub"] = "bob"
    page = await browser.get(cli.url(identity=identity, idp_id=here.provider.id))
    page = await browser.log_in(page, here.acme)
    answer = await cli.redeem(page.answer["code"])
    assert (answer.status, answer.body["reason"]) == (400, "identity_refused")

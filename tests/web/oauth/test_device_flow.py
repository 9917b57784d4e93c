"""Devices (RFC 8628), and the ID token with which the platform's own clients go on."""

from __future__ import annotations

import pytest

from broker.oauth.device import ALPHABET
from tests.kit.clients import Client
from tests.kit.people import Browser, Installation, Page, claims_of, person


async def entered(browser: Browser, user_code: str) -> Page:
    """The page that follows the one where the code is typed in."""
    page = await browser.open("/device")
    return await browser.submit(page, "user_code", user_code=user_code)


async def test_a_device_is_let_in(here: Installation, cli: Client) -> None:
    """The person types the code, logs in, compares, and allows; the device gets tokens once."""
    begun = await cli.begin_device(scope="openid email offline_access")
    assert begun.status == 200, begun.body
    assert begun.headers["Cache-Control"] == "no-store"
    assert (begun.body["expires_in"], begun.body["interval"]) == (900, 5)
    assert begun.body["verification_uri"] == f"{here.url}/device"
    user_code = begun.body["user_code"]
    assert len(user_code) == 9
    assert set(user_code) <= {*ALPHABET, "-"}
    assert (await cli.poll(begun.body["device_code"])).error == (
        "authorization_pending device_pending"
    )
    browser = await here.browser()
    page = await browser.go(await entered(browser, user_code.lower().replace("-", " ")))
    page = await browser.submit(page, "organization", organization="acme.example")
    page = await browser.log_in(page, here.acme)
    assert page.status == 200
    for shown in (user_code, "The broker's command line", "127.0.0.1", "ann@acme.example"):
        assert shown in page.text
    page = await browser.submit(page, "decision", "allow")
    assert "signed in" in page.text
    answer = await cli.poll(begun.body["device_code"])
    assert answer.status == 200, answer.body
    assert claims_of(answer.body["access_token"])["sub"] == person(here.acme)
    assert claims_of(answer.body["id_token"])["aud"] == "broker-cli"
    assert (await cli.refresh(answer.body["refresh_token"])).status == 200
    again = await cli.poll(begun.body["device_code"])
    assert again.error == "invalid_grant device_code_invalid"


async def test_who_is_logged_in_has_only_to_allow(here: Installation, cli: Client) -> None:
    """The complete address fills in the code, and a click sends it; nothing happens by itself."""
    begun = (await cli.begin_device()).body
    browser = await here.signed_in()
    page = await browser.get(begun["verification_uri_complete"])
    assert page.forms[0].fields["user_code"] == begun["user_code"]
    assert (await cli.poll(begun["device_code"])).body["error"] == "authorization_pending"
    page = await browser.submit(page, "user_code")
    page = await browser.submit(page, "decision", "allow")
    assert (await cli.poll(begun["device_code"])).status == 200


async def test_a_device_is_turned_away(here: Installation, cli: Client) -> None:
    """RFC 8628 §3.5: `access_denied`; the code is decided on."""
    begun = (await cli.begin_device()).body
    browser = await here.signed_in()
    page = await entered(browser, begun["user_code"])
    page = await browser.submit(page, "decision", "deny")
    assert "did not get access" in page.text
    assert (await cli.poll(begun["device_code"])).error == "access_denied device_denied"
    page = await entered(browser, begun["user_code"])
    assert page.status == 404


async def test_a_device_can_name_the_provider(here: Installation, cli: Client) -> None:
    """The person gets straight there, and a session of another provider does not do."""
    begun = (await cli.begin_device(idp_id=here.provider.id)).body
    browser = await here.signed_in(here.google)
    page = await entered(browser, begun["user_code"])
    page = await browser.log_in(page, here.acme)
    assert "ann@acme.example" in page.text
    await browser.submit(page, "decision", "allow")
    answer = await cli.poll(begun["device_code"])
    assert claims_of(answer.body["access_token"])["idp"] == here.provider.id


async def test_the_platforms_client_exchanges_the_id_token(here: Installation, cli: Client) -> None:
    """At `/sts/exchange` and by RFC 8693, for the person themself, while the login lasts."""
    begun = (await cli.begin_device(redirect_uri="http://127.0.0.1/unused")).body
    browser = await here.signed_in()
    page = await entered(browser, begun["user_code"])
    await browser.submit(page, "decision", "allow")
    token = (await cli.poll(begun["device_code"])).body["id_token"]
    answer = await cli.post("/sts/exchange", bearer=token, aud="https://one.example")
    assert answer.status == 200, answer.body
    claims = claims_of(answer.body["token"])
    assert (claims["sub"], claims["aud"]) == (person(here.acme), "https://one.example")
    assert (claims["idp"], claims["sid"]) == (here.provider.id, claims_of(token)["sid"])
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "client_id": None,
    }
    assert (await cli.token(**exchange)).status == 200
    page = await browser.open("/signout")
    await browser.submit(page, "decision", "sign_out")
    answer = await cli.post("/sts/exchange", bearer=token)
    assert answer.body["details"][0]["reason"] == "login_ended"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client client_unknown"),
        ({"client_id": None}, "invalid_request parameter_missing"),
        ({"client_secret": "x"}, "invalid_client client_secret_unexpected"),
        ({"scope": "openid admin"}, "invalid_scope scope_unknown"),
        ({"audience": "customer"}, "invalid_target audience_not_allowed"),
        ({"invite": "x" * 1025}, "invalid_request authorization_invalid"),
        ({"resource": "no-uri"}, "invalid_target audience_invalid"),
        ({"prompt": "none"}, "invalid_request parameter_unknown"),
        ({"scope": ["openid", "email"]}, "invalid_request parameter_repeated"),
    ],
)
async def test_what_a_device_asks_wrongly_is_told(
    here: Installation, cli: Client, more: dict[str, str], error: str
) -> None:
    """RFC 8628 §3.2: in the words of RFC 6749 §5.2."""
    assert (await cli.begin_device(**more)).error == error


async def test_a_code_that_was_mistyped_is_said_at_the_field(
    here: Installation, cli: Client
) -> None:
    """What was typed stays there, to be corrected."""
    browser = await here.browser()
    page = await entered(browser, "BCDF-GHJK")
    assert page.status == 404
    assert "No device waits" in page.text
    assert page.forms[0].fields["user_code"] == "BCDF-GHJK"

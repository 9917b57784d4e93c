"""`/oauth`, as clients of the platform use it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import pytest
from yarl import URL

from tests.kit.people import DOMAIN, Installation, claims_of, identity_provider, person

REDIRECT = "http://localhost:8123/callback?token=true&error=true"


def asked(**more: str) -> dict[str, str]:
    return {"exit": "redirect", "redirect": REDIRECT, **more}


async def whoami(here: Installation, token: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{here.url}/auth/v1/ok", headers={"Authorization": f"Bearer {token}"}
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def test_a_login_through_an_organizations_provider_ends_with_a_token(
    here: Installation,
) -> None:
    """With `idp_id` the browser goes straight to the provider, and the token is the person's."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=here.provider.id))
    assert page.status == 303
    page = await browser.log_in(page, here.acme)
    assert page.status == 303
    assert page.onward.startswith("http://localhost:8123/callback?token=")
    assert set(page.answer) == {"token"}
    claims = claims_of(page.answer["token"])
    assert claims["sub"] == person(here.acme)
    assert claims["aud"] == here.url
    assert claims["act"] == {"iss": here.acme.url, "sub": "ann", "aud": "broker"}
    assert claims["idp"] == here.provider.id
    assert claims["email"] == "ann@acme.example"
    assert (await whoami(here, page.answer["token"]))["subject"] == person(here.acme)


async def test_a_verified_organization_is_named_instead_of_its_provider(
    here: Installation,
) -> None:
    """`idp_id` takes the name of a verified organization as well."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN))
    page = await browser.log_in(page, here.acme)
    assert claims_of(page.answer["token"])["sub"] == person(here.acme)


@pytest.mark.parametrize("idp_id", ["nobody.example", "0" * 40 + "/" + "0" * 16, "0" * 40, "Ä"])
async def test_what_is_no_provider_is_told_to_the_client(here: Installation, idp_id: str) -> None:
    """An unknown provider ends at the redirect, whose `token` is empty and `status_code` is 404."""
    page = await (await here.browser()).get("/oauth", **asked(idp_id=idp_id))
    assert page.status == 303
    assert page.onward.startswith("http://localhost:8123/callback?error=")
    assert page.answer["status_code"] == "404"
    assert "token" not in page.answer


async def test_a_connection_leads_to_a_login_that_everybody_may_use(here: Installation) -> None:
    """`connection=google-oauth2` goes to Google; who is new there is asked whether to register,
    and gets the token after that, by a page in between since it answers a form.
    """
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(connection="google-oauth2", client_id="auth0"))
    page = await browser.go(await browser.log_in(page, here.google))
    assert "Create your account" in page.text
    page = await browser.submit(page, "decision", "register")
    assert page.status == 200
    assert claims_of(page.answer["token"])["sub"] == person(here.google)
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_who_skips_registration_is_told_that_the_account_is_unknown(
    here: Installation,
) -> None:
    """`skip_registration` ends with 404 at the redirect, by which clients know to register."""
    browser = await here.browser()
    page = await browser.get(
        "/oauth", **asked(connection="google-oauth2", skip_registration="true")
    )
    page = await browser.log_in(page, here.google)
    assert page.answer["status_code"] == "404"
    assert "token" not in page.answer


async def test_who_declines_to_register_is_not_registered(here: Installation) -> None:
    """Cancelling ends like an unknown account, and the question cannot be answered again."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(connection="google-oauth2"))
    question = await browser.go(await browser.log_in(page, here.google))
    page = await browser.submit(question, "decision", "cancel")
    assert page.answer["status_code"] == "404"
    async with here.broker.store.read() as records:
        assert await records.identities.get(person(here.google)) is None
    assert (await browser.submit(question, "decision", "register")).status == 401


async def test_the_token_is_for_the_audiences_that_were_named(here: Installation) -> None:
    """`audience` is a list with commas."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN, audience="https://a,https://b"))
    page = await browser.log_in(page, here.acme)
    assert claims_of(page.answer["token"])["aud"] == ["https://a", "https://b"]


async def test_scopes_narrow_the_token(here: Installation) -> None:
    """`scope` repeats, and clients encode it once more than the query needs."""
    org = here.organization
    ann = await org.person(here.acme.url, "ann")
    await org.bind(ann, "viewer", org.id)
    await org.bind(ann, "owner", org.folder)
    browser = await here.browser()
    url = URL(f"{here.url}/oauth").update_query(
        [*asked(idp_id=DOMAIN).items(), ("scope", quote_plus(org.folder))]
    )
    page = await browser.log_in(await browser.get(str(url)), here.acme)
    assert set(claims_of(page.answer["token"])["cap"]) == {org.folder}


async def test_a_scope_that_the_person_does_not_hold_is_told_to_the_client(
    here: Installation,
) -> None:
    """A refusal after the login ends at the redirect too."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN, scope=here.organization.id))
    page = await browser.log_in(page, here.acme)
    assert page.answer["status_code"] == "403"


async def test_a_refresh_token_comes_with_the_token_where_it_is_asked_for(
    here: Installation,
) -> None:
    """It is base64 of JSON with `exp`, which clients read."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN, create_refresh_token="true"))
    page = await browser.log_in(page, here.acme)
    assert set(page.answer) == {"token", "refresh_token"}
    assert json.loads(base64.b64decode(page.answer["refresh_token"]))["exp"] > 0


async def test_without_a_provider_people_choose_one(here: Installation) -> None:
    """The sign-in page has the logins that everybody may use, and a field for the organization."""
    browser = await here.browser()
    page = await browser.open("/oauth", **asked())
    assert page.status == 200
    assert ("connector", "google") in [b for form in page.forms for b in form.buttons]
    assert "an application on this computer" in page.text
    page = await browser.submit(page, "organization", organization="ann@" + DOMAIN.upper())
    assert page.status == 404
    page = await browser.submit(page, "organization", organization=DOMAIN.upper())
    page = await browser.log_in(page, here.acme)
    assert claims_of(page.answer["token"])["sub"] == person(here.acme)


async def test_a_session_gives_no_token_without_a_click(here: Installation) -> None:
    """Who has logged in is offered to continue; a link alone gets nobody's token."""
    browser = await here.signed_in()
    page = await browser.open("/oauth", **asked())
    assert page.status == 200
    assert "Continue as ann@acme.example" in page.text
    page = await browser.submit(page, "continue")
    assert page.status == 200
    assert claims_of(page.answer["token"])["sub"] == person(here.acme)


async def test_another_broker_url_in_the_same_browser_logs_in_anew(here: Installation) -> None:
    """With `idp_id` the session that there is does not count: the provider is asked."""
    browser = await here.signed_in(here.google)
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN))
    page = await browser.log_in(page, here.acme)
    assert claims_of(page.answer["token"])["sub"] == person(here.acme)


async def test_of_several_providers_of_an_organization_people_choose_one(
    here: Installation,
) -> None:
    """Where a name leads to more than one, the page has a button for each and for no other; the
    session that there is does not count.
    """
    await identity_provider(here.organization, here.google, "Acme, the other one")
    browser = await here.signed_in(here.google)
    page = await browser.open("/oauth", **asked(idp_id=DOMAIN))
    assert "Acme SSO" in page.text
    assert "Acme, the other one" in page.text
    assert "Continue as" not in page.text
    assert ("connector", "google") not in [b for form in page.forms for b in form.buttons]
    page = await browser.submit(page, "connector", here.provider.id)
    page = await browser.log_in(page, here.acme)
    assert claims_of(page.answer["token"])["sub"] == person(here.acme)
    page = await browser.open("/login")
    page = await browser.go(await browser.submit(page, "organization", organization=DOMAIN))
    assert "Acme, the other one" in page.text


@pytest.mark.parametrize(
    "more",
    [
        {"state": "x"},
        {"exit": "close"},
        {"skip_registration": "yes"},
        {"scope": "acme"},
        {"identity": "me"},
        {"connection": "facebook"},
        {"connection": "github"},
        {"connection": "google-oauth2", "idp_id": DOMAIN},
        {"audience": "customer"},
        {"audience": ",".join(f"a{n}" for n in range(11))},
        {"headless_code": "x"},
        {"invite": "x" * 1025},
    ],
    ids=str,
)
async def test_a_wrong_parameter_is_told_to_the_client(
    here: Installation, more: dict[str, str]
) -> None:
    """Once the redirect is known to be good, everything else that is wrong ends there, as 400."""
    page = await (await here.browser()).get("/oauth", **(asked() | more))
    assert (page.status, page.answer.get("status_code")) == (303, "400")
    assert page.onward.startswith("http://localhost:8123/callback?error=")


@pytest.mark.parametrize(
    "query", ["", "redirect=http://evil.example/", f"redirect={REDIRECT}&redirect={REDIRECT}"]
)
async def test_where_the_redirect_is_not_good_a_page_says_so(
    here: Installation, query: str
) -> None:
    """Nobody is sent anywhere: the error is a page."""
    page = await (await here.browser()).get(f"/oauth?{query}")
    assert (page.status, page.onward) == (400, "")
    assert "redirect" in page.text.lower()


async def test_a_provider_that_declines_is_told_to_the_client(here: Installation) -> None:
    """`error=access_denied` of the provider becomes 403 at the redirect, in our words."""
    browser = await here.browser()
    page = await browser.get("/oauth", **asked(idp_id=DOMAIN))
    state = URL(page.onward, encoded=True).query["state"]
    page = await browser.get(
        "/oauth/callback", state=state, error="access_denied", error_description="<b>no</b>"
    )
    assert page.answer["status_code"] == "403"
    assert "no</b>" not in page.answer["error"]


async def test_whether_an_organization_can_be_named(here: Installation) -> None:
    """`/orgcheck` answers with a JSON true or false."""
    async with aiohttp.ClientSession() as session:
        told = []
        for name in (DOMAIN, "nobody.example"):
            async with session.get(f"{here.url}/orgcheck", params={"name": name}) as answer:
                told.append(await answer.json())
        async with session.get(f"{here.url}/orgcheck") as answer:
            assert answer.status == 400
    assert told == [True, False]


async def test_a_login_is_written_down_without_the_address(here: Installation) -> None:
    """The record says who, through whom and from where; an e-mail address is not in it."""
    browser = await here.signed_in()
    (record,) = await here.audit("login")
    assert record["outcome"] == "ok"
    assert record["actor"] == f"{here.acme.url} ann"
    assert record["subject"] == person(here.acme)
    assert record["provider"] == here.provider.id
    assert record["address"] == "127.0.0.1"
    assert record["registered"] is True
    assert "@" not in json.dumps(record)
    del browser

"""`/oauth?identity=`: to become an assumable identity by a login."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from broker.iam.model import ClaimMatch, StaticKeys
from tests.kit.people import CLIENT_ID, DOMAIN, Installation, claims_of, person

REDIRECT = "http://127.0.0.1:8123/"


async def test_a_login_that_passes_the_rules_becomes_the_identity(here: Installation) -> None:
    """The token is the identity's, and the exchange is in the log as every other."""
    rules = ClaimMatch(
        issuer=here.acme.url,
        subject="ann",
        audience=CLIENT_ID,
        claims={"email": "ann@acme.example"},
    )
    identity = await here.organization.identity(rules)
    await here.organization.bind(identity, "viewer")
    browser = await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN, identity=identity)
    page = await browser.log_in(page, here.acme)
    claims = claims_of(page.answer["token"])
    assert claims["sub"] == identity
    assert claims["act"] == {
        "iss": here.acme.url,
        "sub": "ann",
        "aud": CLIENT_ID,
        "email": "ann@acme.example",
    }
    assert set(claims["cap"]) == {here.organization.folder}
    (record,) = await here.audit("exchange")
    assert (record["outcome"], record["dialect"]) == ("ok", "login")


@pytest.mark.parametrize(
    "rules",
    [
        {"issuer": "https://elsewhere.example", "subject": "ann", "audience": CLIENT_ID},
        {"subject": "bob", "audience": CLIENT_ID},
        {"subject": "ann"},
        {"subject": "ann", "audience": CLIENT_ID, "claims": {"email_verified": "false"}},
    ],
    ids=str,
)
async def test_a_login_that_fails_a_rule_does_not(
    here: Installation, rules: dict[str, object]
) -> None:
    """Every rule counts, the audience's too, and the refusal is the exchange's own."""
    match = ClaimMatch(**({"issuer": here.acme.url} | rules))  # type: ignore[arg-type]  # a table
    identity = await here.organization.identity(match)
    browser = await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN, identity=identity)
    page = await browser.log_in(page, here.acme)
    assert page.answer["status_code"] == "403"
    assert "token" not in page.answer
    (record,) = await here.audit("exchange")
    assert (record["outcome"], record["code"]) == ("refused", "identity_refused")


async def test_a_person_is_not_assumed(here: Installation) -> None:
    """Naming a person's own identity gives no way around what holds for people."""
    ann = await here.organization.person(here.acme.url, "ann")
    browser = await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN, identity=ann)
    page = await browser.log_in(page, here.acme)
    assert page.answer["status_code"] == "403"


async def test_an_identity_with_keys_on_record_is_not_assumed(here: Installation) -> None:
    """Its rules are about who holds these keys, and its issuer is a name that anybody chose."""
    keys = StaticKeys(
        issuer=here.acme.url,
        subject="ann",
        audiences=(CLIENT_ID,),
        issuer_keys=json.dumps(here.google.jwks()),
        expiration=datetime.now(UTC) + timedelta(days=1),
    )
    identity = await here.organization.identity(keys)
    browser = await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN, identity=identity)
    page = await browser.log_in(page, here.acme)
    assert page.answer["status_code"] == "403"


async def test_a_session_is_not_enough(here: Installation) -> None:
    """Who has logged in is asked to log in again: rules are about what the provider says now."""
    rules = ClaimMatch(issuer=here.acme.url, subject="ann", audience=CLIENT_ID)
    identity = await here.organization.identity(rules)
    browser = await here.signed_in()
    page = await browser.open("/oauth", redirect=REDIRECT, identity=identity)
    assert "Continue as" not in page.text
    page = await browser.submit(page, "organization", organization=DOMAIN, **{"continue": "1"})
    assert page.onward.startswith(here.acme.address)


async def test_who_assumes_an_identity_is_neither_registered_nor_logged_in(
    here: Installation,
) -> None:
    """Nothing is left of it in the browser."""
    rules = ClaimMatch(issuer=here.acme.url, subject="ann", audience=CLIENT_ID)
    identity = await here.organization.identity(rules)
    browser = await here.browser()
    page = await browser.get("/oauth", redirect=REDIRECT, idp_id=DOMAIN, identity=identity)
    page = await browser.log_in(page, here.acme)
    assert "token" in page.answer
    assert not page.cookies
    async with here.broker.store.read() as records:
        assert await records.identities.get(person(here.acme)) is None

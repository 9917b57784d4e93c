"""Logins through a certified OpenID provider."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from broker.errors import BrokerError, Precondition, Unauthenticated
from broker.iam.uidp import Uidp
from tests.kit.oidc_provider import OidcProvider, running_provider
from tests.upstream.login.party import (
    CALLBACK,
    PROVIDER,
    Party,
    log_in,
    party,
    redirection,
    returned,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = secrets.token_urlsafe(24) + " :%+&="
"""Characters that Basic credentials need encoded."""
ANN: dict[str, Any] = {
    "email": "ann@acme.example",
    "email_verified": True,
    "name": "Ann Ö.",
    "given_name": "Ann",
    "family_name": "Ö.",
    "picture": "https://acme.example/ann.png",
    "groups": ["admins", "staff"],
    "realm_access": {"roles": ["auditor"]},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[OidcProvider]:
    """A provider whose ID tokens have everything."""
    async with running_provider() as running:
        await _clients(running)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sparse() -> AsyncIterator[OidcProvider]:
    """A provider whose ID tokens say no more than who it is: the rest is at userinfo."""
    async with running_provider(algorithm="ES256", claims_in_id_token=False) as running:
        await _clients(running)
        yield running


async def _clients(running: OidcProvider) -> None:
    uris = [CALLBACK]
    await running.add_client("broker", secret=SECRET, redirect_uris=uris)
    await running.add_client("public", redirect_uris=uris)
    await running.account("ann", **ANN)


@pytest.fixture(params=["id_token", "userinfo"])
def either(
    request: pytest.FixtureRequest, provider: OidcProvider, sparse: OidcProvider
) -> OidcProvider:
    """Each of the two."""
    return provider if request.param == "id_token" else sparse


@pytest_asyncio.fixture(loop_scope="module")
async def us() -> AsyncIterator[Party]:
    """The broker's side."""
    async with party() as running:
        yield running


@pytest.mark.parametrize(
    ("client_id", "secret", "pkce"),
    [("broker", SECRET, False), ("broker", SECRET, True), ("public", "", True)],
    ids=["confidential", "confidential-pkce", "public"],
)
async def test_a_login(
    provider: OidcProvider, us: Party, client_id: str, secret: str, pkce: bool
) -> None:
    """A confidential client and a public one learn who came back, with everything that the
    provider vouches for."""
    connector = us.of(provider.issuer, secret, client_id=client_id, pkce_enabled=pkce)
    login = await log_in(connector, provider)
    assert (connector.label, connector.issuer) == ("Acme SSO", provider.issuer)
    assert login.provider == connector.key == PROVIDER
    assert login.organization_provider == PROVIDER
    assert login.identity == Uidp.of_person(provider.issuer, "ann")
    assert login.claims.audience == (client_id,)
    assert (login.email, login.email_verified) == ("ann@acme.example", True)
    assert (login.name, login.given_name, login.family_name) == ("Ann Ö.", "Ann", "Ö.")
    assert login.picture == "https://acme.example/ann.png"
    assert (login.groups, login.groups_overage) == ((), False)


async def test_what_the_browser_is_sent_with(provider: OidcProvider, us: Party) -> None:
    """The authorization request has state, nonce, the scopes once each, and a challenge by S256,
    since the provider says that it can."""
    scopes = ("groups", "email")
    connector = us.of(provider.issuer, SECRET, additional_scopes=scopes)
    # RFC 7636 appendix B
    to = redirection(
        code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        login_hint="ann",
        prompt="login",
    )
    url = URL(await connector.authorization_url(to))
    assert str(url.with_query(None)) == f"{provider.issuer}/auth"
    assert dict(url.query) == {
        "response_type": "code",
        "client_id": "broker",
        "redirect_uri": CALLBACK,
        "scope": "openid email profile groups",
        "state": to.state,
        "nonce": to.nonce,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "login_hint": "ann",
        "prompt": "login",
    }
    assert "scope=openid%20email%20profile%20groups" in str(url)
    assert to.code_verifier not in str(url)
    assert to.code_verifier not in repr(to)


async def test_a_provider_that_wants_the_secret_in_the_body(us: Party) -> None:
    """A client that the provider knows by client_secret_post is one there that does not take
    Basic; the broker does as the metadata say."""
    async with running_provider(auth_methods=["client_secret_post"]) as running:
        await running.account("ann")
        await running.add_client(
            "broker", secret=SECRET, redirect_uris=[CALLBACK], auth_method="client_secret_post"
        )
        connector = us.of(running.issuer, SECRET)
        assert (await log_in(connector, running)).claims.subject == "ann"


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("groups", ("admins", "staff")),
        ("/realm_access/roles", ("auditor",)),
        ("name", ("Ann Ö.",)),
        ("nothing", ()),
    ],
)
async def test_groups(
    either: OidcProvider, us: Party, claim: str, expected: tuple[str, ...]
) -> None:
    """Groups are the values of the claim that the record names, by its name or a JSON pointer, in
    the ID token or at userinfo."""
    connector = us.of(either.issuer, SECRET, additional_scopes=("groups",), groups_claim=claim)
    login = await log_in(connector, either)
    assert (login.groups, login.groups_overage) == (expected, False)


@pytest.mark.parametrize(
    "claims",
    [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}],
    ids=["names", "hasgroups"],
)
async def test_groups_that_are_too_many_for_the_provider(
    provider: OidcProvider, us: Party, claims: dict[str, Any]
) -> None:
    """A provider that leaves the groups out says so, and so does the login."""
    await provider.account("bea", **claims)
    connector = us.of(provider.issuer, SECRET, groups_claim="groups")
    login = await log_in(connector, provider, "bea")
    assert (login.groups, login.groups_overage) == ((), True)
    without = us.of(provider.issuer, SECRET)
    assert not (await log_in(without, provider, "bea")).groups_overage


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({}, ("", False)),
        ({"email": "x@y.example"}, ("x@y.example", False)),
        ({"email": "x@y.example", "email_verified": False}, ("x@y.example", False)),
        ({"email": "x@y.example", "email_verified": 1}, ("x@y.example", False)),
        ({"email": "x@y.example", "email_verified": "false"}, ("x@y.example", False)),
        ({"email": "x@y.example", "email_verified": "true"}, ("x@y.example", True)),
        ({"email": "x@y.example", "email_verified": True}, ("x@y.example", True)),
        ({"email": "no address", "email_verified": True}, ("", False)),
        ({"email": ["x@y.example"], "email_verified": True}, ("", False)),
    ],
    ids=str,
)
async def test_addresses(
    either: OidcProvider, us: Party, claims: Any, email: tuple[str, bool]
) -> None:
    """An e-mail address counts only where the provider says that it is verified; a login without
    one is a login."""
    await either.account("bea", **claims)
    login = await log_in(us.of(either.issuer, SECRET), either, "bea")
    assert login.claims.subject == "bea"
    assert (login.email, login.email_verified) == email
    assert login.verified_email == (email[0] if email[1] else "")


@pytest.mark.parametrize("keep", [True, False])
async def test_keys_that_change_while_somebody_logs_in(
    sparse: OidcProvider, us: Party, keep: bool
) -> None:
    """An ID token by a key that is newer than the broker's copy of the key set is accepted."""
    connector = us.of(sparse.issuer, SECRET)
    await log_in(connector, sparse)
    us.clock.advance(60)
    to = redirection()
    callback = await sparse.authorize(await connector.authorization_url(to))
    await sparse.rotate_keys(keep=keep)
    login = await connector.login(returned(callback, to), now=time.time())
    assert login.claims.subject == "ann"


async def test_a_code_is_good_once(provider: OidcProvider, us: Party) -> None:
    """Who brings a code again is told to log in once more."""
    connector = us.of(provider.issuer, SECRET)
    to = redirection()
    back = returned(await provider.authorize(await connector.authorization_url(to)), to)
    await connector.login(back, now=time.time())
    error = await _refused(connector.login(back, now=time.time()))
    assert isinstance(error, Unauthenticated)
    assert error.code == "login_code_refused"
    assert error.detail is not None
    assert "invalid_grant" in str(error.detail.got)


@pytest.mark.parametrize("wrong", ["code_verifier", "redirect_uri"])
async def test_a_code_is_good_for_its_own_login(
    provider: OidcProvider, us: Party, wrong: str
) -> None:
    """The provider refuses a code with another login's verifier (RFC 7636) or redirect URI."""
    connector = us.of(provider.issuer, SECRET)
    to = redirection()
    callback = await provider.authorize(await connector.authorization_url(to))
    changes = {wrong: getattr(redirection(), wrong) + "x" * 43}
    error = await _refused(connector.login(returned(callback, to, **changes), now=time.time()))
    assert error.code == "login_code_refused"


async def test_a_nonce_of_another_login(provider: OidcProvider, us: Party) -> None:
    """An ID token is good for the login that it was asked for."""
    connector = us.of(provider.issuer, SECRET)
    to = redirection()
    callback = await provider.authorize(await connector.authorization_url(to))
    back = returned(callback, to, nonce=redirection().nonce)
    error = await _refused(connector.login(back, now=time.time()))
    assert error.code == "login_not_verified"
    assert error.detail is not None
    assert error.detail.name == "nonce"


async def test_a_client_that_the_provider_refuses(provider: OidcProvider, us: Party) -> None:
    """A wrong secret is for the operator to correct: they are told so, and the person is not."""
    connector = us.of(provider.issuer, "wrong")
    error = await _refused(log_in(connector, provider))
    assert isinstance(error, Precondition)
    assert error.code == "identity_provider_unsuitable"
    assert "invalid_client" not in error.message
    assert error.detail is not None
    assert "invalid_client" in str(error.detail.got)
    assert "client secret" in error.detail.hint


async def _refused(attempt: Any) -> BrokerError:
    with pytest.raises(BrokerError) as refused:
        await attempt
    return refused.value

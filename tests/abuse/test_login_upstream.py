"""Providers that lie, fail or are mixed up: each test fails when its check is taken out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from typing import Any

import pytest

from broker.errors import BrokerError, Precondition, Unauthenticated, Unavailable
from broker.iam.people import Login
from broker.sdk.testing.issuer import DISCOVERY, JWKS
from broker.upstream.login.connectors import client_of
from tests.kit.issuers import Answer, answers, answers_text, hangs, redirects, sends, trickles
from tests.kit.login_provider import ACCESS_TOKEN, CODE, DrivenProvider, at_hash
from tests.upstream.login.party import Party, party, provider_record, redirection, returned

SECRET = "for the length of a test"
SAID = "what the provider said"


async def log_in(us: Party, provider: DrivenProvider, **record: Any) -> Login:
    """There and back, with a client secret."""
    connector = us.of(provider.url, SECRET, **record)
    to = redirection()
    callback = provider.authorize(await connector.authorization_url(to))
    return await connector.login(returned(callback, to), now=time.time())


async def accepted(provider: DrivenProvider, **record: Any) -> Login:
    """What comes of it at a provider with nothing wrong."""
    async with provider, party() as us:
        return await log_in(us, provider, **record)


async def refusal(
    provider: DrivenProvider, *, record: dict[str, Any] | None = None, **outbound: Any
) -> BrokerError:
    """What the person is told, once it is sure that it holds nothing that the provider said."""
    async with provider, party(outbound=outbound) as us:
        with pytest.raises(BrokerError) as refused:
            await log_in(us, provider, **(record or {}))
    error = refused.value
    for text in (SAID, CODE, SECRET, ACCESS_TOKEN, "mallory"):
        assert text not in error.message
    for text in (CODE, SECRET, ACCESS_TOKEN):
        assert text not in repr(error.detail)
    return error


def _driven(setting: str, value: Any) -> DrivenProvider:
    settings: dict[str, Any] = {setting: value}
    return DrivenProvider(**settings)


def checked(error: BrokerError) -> str:
    assert error.detail is not None
    return error.detail.name


async def test_a_provider_with_nothing_wrong() -> None:
    """What the other tests change one thing of is a login."""
    login = await accepted(DrivenProvider())
    assert login.claims.subject == "ann"


# the ID token


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["x"]}, "nonce"),
        ({"aud": "mallory"}, "aud"),
        ({"aud": ["mallory", "broker2"]}, "aud"),
        ({"azp": "mallory"}, "azp"),
        ({"azp": None}, "azp"),
        ({"aud": ["broker", "mallory"]}, "azp"),
        ({"aud": ["broker", "mallory"], "azp": "mallory"}, "azp"),
        ({"iss": "https://mallory.example"}, "iss"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "ännchen"}, "sub"),
        ({"sub": "ann\n"}, "sub"),
        ({"sub": ""}, "sub"),
        ({"at_hash": at_hash("another token")}, "at_hash"),
        ({"at_hash": None}, "at_hash"),
        ({"exp": 1, "iat": 0, "nbf": 0}, "exp"),
        ({"iat": 4_000_000_000, "exp": 4_000_000_060}, "iat"),
    ],
    ids=str,
)
async def test_id_tokens_that_do_not_hold(claims: dict[str, Any], name: str) -> None:
    """An ID token for another login, client or person, or of another time, is not one of this
    login, though the provider signed it."""
    error = await refusal(DrivenProvider(claims=claims))
    assert isinstance(error, Unauthenticated)
    assert (error.code, checked(error)) == ("login_not_verified", name)


@pytest.mark.parametrize("member", ["nonce", "exp", "aud", "sub"])
async def test_id_tokens_without(member: str) -> None:
    """What an ID token has to say cannot be left out."""
    provider = DrivenProvider()
    provider.without = {member}
    assert (await refusal(provider)).code == "login_not_verified"


@pytest.mark.parametrize(
    "claims",
    [
        {"azp": "broker"},
        {"aud": ["broker"]},
        {"aud": ["broker", "other"], "azp": "broker"},
        {"at_hash": at_hash()},
        {"sub": "x" * 255},
    ],
    ids=str,
)
async def test_id_tokens_that_hold(claims: dict[str, Any]) -> None:
    """What is optional is accepted where it is right."""
    assert (await accepted(DrivenProvider(claims=claims))).provider


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA", "PS512"])
async def test_the_hash_of_an_access_token(algorithm: str) -> None:
    """The hash of the access token is by the algorithm of the ID token."""
    error = await refusal(DrivenProvider(algorithm=algorithm, claims={"at_hash": at_hash("x")}))
    assert checked(error) == "at_hash"
    if algorithm == "ES256":
        return
    digest = hashlib.new("sha384" if algorithm == "ES384" else "sha512", ACCESS_TOKEN.encode())
    half = digest.digest()[: digest.digest_size // 2]
    right = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    await accepted(DrivenProvider(algorithm=algorithm, claims={"at_hash": right}))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_algorithms_that_prove_nothing(algorithm: str) -> None:
    """An ID token without a signature, or by a key that the client knows, is refused, though it
    comes from the token endpoint itself."""
    provider = DrivenProvider()
    provider.header = {"alg": algorithm}
    error = await refusal(provider)
    assert (error.code, checked(error)) == ("login_not_verified", "alg")


async def test_a_key_of_somebody_else() -> None:
    """An ID token by a key that the provider does not publish is refused."""
    other, provider = DrivenProvider(), DrivenProvider()
    provider.on_jwks = answers(other.jwks())
    assert (await refusal(provider)).code == "login_not_verified"


async def test_an_access_token_in_its_place() -> None:
    """A JWT that is typed as an access token is no ID token."""
    provider = DrivenProvider()
    provider.header = {"typ": "at+jwt"}
    assert checked(await refusal(provider)) == "typ"


@pytest.mark.parametrize("token", [None, "", "x", 1, "a.b.c", "x" * 20_000])
async def test_what_is_no_id_token(token: object) -> None:
    """Whatever else is in the place of the ID token is refused."""
    provider = DrivenProvider()
    provider.answer = {"id_token": token}
    assert (await refusal(provider)).code == "login_not_verified"


# who answers


async def test_mixed_up_providers() -> None:
    """An answer that says to come from another provider ends there: its code is sent to nobody
    (RFC 9207)."""
    for iss in ("https://mallory.example", "{url}/", ""):
        provider = DrivenProvider()
        async with provider, party() as us:
            provider.iss = iss.format(url=provider.url)
            with pytest.raises(Unauthenticated) as refused:
                await log_in(us, provider)
        assert refused.value.code == "login_provider_mismatch", iss
        assert not provider.asked


async def test_a_provider_that_does_not_name_itself() -> None:
    """Who does not say that they name themselves need not; who does all the same has to be right."""
    metadata = {"authorization_response_iss_parameter_supported": None}
    provider = DrivenProvider(metadata=metadata)
    provider.iss = ""
    await accepted(provider)
    provider = DrivenProvider(metadata=metadata)
    provider.iss = "https://mallory.example"
    assert (await refusal(provider)).code == "login_provider_mismatch"


@pytest.mark.parametrize("issuer", ["https://mallory.example", "{url}/", None])
async def test_a_document_of_another_issuer(issuer: str | None) -> None:
    """A provider's document names the provider to the letter; else nobody is sent anywhere."""
    provider = DrivenProvider()
    async with provider, party() as us:
        provider.metadata = {"issuer": issuer and issuer.format(url=provider.url)}
        with pytest.raises(Unavailable) as refused:
            await us.of(provider.url).authorization_url(redirection())
    assert refused.value.code == "identity_provider_unavailable"
    assert checked(refused.value) == "discovery"


@pytest.mark.parametrize(
    "url",
    [
        None,
        1,
        "",
        "/auth",
        "javascript:alert(1)",
        "http://mallory.example/auth",
        "https://user@mallory.example/auth",
        "https://mallory.example/auth#fragment",
        "https://mallory.example/auth?a b",
        "https://mallory.example/auth?" + "x" * 2048,
    ],
)
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint"])
async def test_endpoints(name: str, url: object) -> None:
    """No browser is sent, and no code, to what is not an https URL."""
    if name == "userinfo_endpoint" and url is None:
        return  # a provider may have none
    error = await refusal(DrivenProvider(metadata={name: url}))
    assert isinstance(error, Precondition)
    assert (error.code, checked(error)) == ("identity_provider_unsuitable", name)


@pytest.mark.parametrize("name", ["token_endpoint", "userinfo_endpoint"])
async def test_private_addresses(name: str) -> None:
    """A provider cannot have the broker ask inside its own network."""
    provider = DrivenProvider(metadata={name: "https://169.254.169.254/latest/meta-data"})
    error = await refusal(provider)
    assert (error.code, checked(error)) == ("identity_provider_unavailable", name)
    assert error.detail is not None
    assert error.detail.got == "an address that is not public"


async def test_an_endpoint_with_a_query_of_its_own() -> None:
    """Parameters that an authorization endpoint has already stay (RFC 6749 §3.1)."""
    async with DrivenProvider() as provider, party() as us:
        provider.metadata = {"authorization_endpoint": f"{provider.url}/auth?p=b2c"}
        url = await us.of(provider.url, SECRET).authorization_url(redirection())
    assert url.startswith(f"{provider.url}/auth?p=b2c&response_type=code&client_id=broker&")


# what it does not do


WRONG: list[tuple[str, Answer]] = [
    ("html", answers_text(f"<html>{SAID}</html>")),
    ("list", answers([SAID])),
    ("twice", answers_text('{"sub": "ann", "sub": "bea"}', content_type="application/json")),
    ("redirect", redirects("https://mallory.example/token", 307)),
    ("server error", answers_text(f'{{"error": "{SAID}"}}', status=503)),
    ("large", sends(b" " * 1_000_000)),
]


@pytest.mark.parametrize("answer", [answer for _, answer in WRONG], ids=[name for name, _ in WRONG])
@pytest.mark.parametrize("where", ["on_discovery", "on_jwks", "on_token", "on_userinfo"])
async def test_answers_that_are_of_no_use(where: str, answer: Answer) -> None:
    """What a provider answers elsewise than it should ends the login, and is not told."""
    error = await refusal(_driven(where, answer))
    assert isinstance(error, Unavailable)
    assert error.code == "identity_provider_unavailable"


@pytest.mark.parametrize("slow", [hangs, trickles], ids=["hangs", "trickles"])
@pytest.mark.parametrize("where", ["on_discovery", "on_jwks", "on_token", "on_userinfo"])
async def test_a_slow_provider(where: str, slow: Answer) -> None:
    """A provider that does not come to an end is given up."""
    async with asyncio.timeout(30):  # so that a client without a limit fails here
        error = await refusal(_driven(where, slow), timeout=0.3)
    assert error.code == "identity_provider_unavailable"
    assert error.detail is not None
    assert error.detail.got == "no complete answer within 0.3 s"


async def test_a_provider_that_is_down() -> None:
    """A provider that does not listen is unavailable, and is asked again after a pause."""
    provider = DrivenProvider()
    await provider.start()
    await provider.stop()
    async with party() as us:
        for _ in range(2):
            with pytest.raises(Unavailable) as refused:
                await us.of(provider.url, SECRET).authorization_url(redirection())
            assert refused.value.retry_after == 10
        async with provider:
            us.clock.advance(10)
            await log_in(us, provider)


async def test_a_provider_that_fails_is_left_alone() -> None:
    """A provider that has just failed is not asked by everybody who tries again within 10 s."""
    provider = DrivenProvider(on_discovery=answers_text("", status=503))
    async with provider, party() as us:
        for asked in (1, 2):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await us.of(provider.url, SECRET).authorization_url(redirection())
                assert provider.requests[DISCOVERY] == asked
            us.clock.advance(10)


async def test_metadata_outlive_a_failure() -> None:
    """People log in by what a provider said at most a day ago while it says nothing new."""
    provider = DrivenProvider()
    async with provider, party() as us:
        await log_in(us, provider)
        us.clock.advance(86_399)
        provider.on_discovery = answers_text("", status=503)
        url = await us.of(provider.url, SECRET).authorization_url(redirection())
        assert url.startswith(provider.url)
        us.clock.advance(1)
        with pytest.raises(Unavailable):
            await us.of(provider.url, SECRET).authorization_url(redirection())


async def test_one_fetch_for_everybody() -> None:
    """Many who log in at once have the metadata fetched once, and again when ten minutes are
    over."""
    provider = DrivenProvider()
    async with provider, party() as us:
        connector = us.of(provider.url, SECRET)
        for rounds in (1, 2):
            await asyncio.gather(*(connector.authorization_url(redirection()) for _ in range(20)))
            assert provider.requests[DISCOVERY] == rounds
            us.clock.advance(600)


async def test_a_bounded_cache() -> None:
    """Of as many providers as organizations care to name, those used last are kept."""
    async with DrivenProvider() as one, DrivenProvider() as two, party(max_issuers=1) as us:
        for provider in (one, two, two, one):
            await us.of(provider.url, SECRET).authorization_url(redirection())
        assert (one.requests[DISCOVERY], two.requests[DISCOVERY]) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"error": "invalid_grant", "error_description": SAID}, 400, "login_code_refused"),
        (
            {"error": "invalid_client", "error_description": SAID},
            401,
            "identity_provider_unsuitable",
        ),
        ({"error": "unauthorized_client"}, 400, "identity_provider_unsuitable"),
        ({"error": SAID}, 400, "identity_provider_unsuitable"),
        ({"error": {"x": SAID}}, 400, "identity_provider_unsuitable"),
        ({}, 404, "identity_provider_unsuitable"),
        ({"error": "temporarily_unavailable"}, 400, "identity_provider_unavailable"),
        ({"error": "slow_down"}, 429, "identity_provider_unavailable"),
    ],
    ids=str,
)
async def test_errors_of_the_token_endpoint(answer: Any, status: int, code: str) -> None:
    """Who has to do something about an error of the token endpoint is told: the person, the
    operator, or time."""
    text = json.dumps(answer)
    told = answers_text(text, status=status, content_type="application/json")
    assert (await refusal(DrivenProvider(on_token=told))).code == code


async def test_what_the_provider_gives_back_of_ours() -> None:
    """A description that repeats the code or the secret does not reach the operator's log."""
    for ours in (CODE, SECRET):
        answer = {"error": "invalid_grant", "error_description": f"bad: {ours}"}
        told = answers_text(json.dumps(answer), status=400, content_type="application/json")
        await refusal(DrivenProvider(on_token=told))  # which looks for both


# userinfo


async def test_userinfo_of_somebody_else() -> None:
    """What userinfo says counts for the person of the ID token alone."""
    for sub in ("mallory", None, ""):
        provider = DrivenProvider(userinfo={"sub": sub, "email": "m@x.example"})
        error = await refusal(provider)
        assert (error.code, checked(error)) == ("login_not_verified", "userinfo sub")


async def test_an_address_and_who_vouches_for_it() -> None:
    """An address of the ID token is not verified by what userinfo says of another."""
    login = await accepted(
        DrivenProvider(
            claims={"email": "ceo@acme.example", "groups": None},
            userinfo={"email": "m@x.example", "email_verified": True, "groups": ["g"]},
        ),
        groups_claim="groups",
    )
    assert (login.email, login.email_verified) == ("ceo@acme.example", False)
    assert login.groups == ("g",)


async def test_userinfo_is_asked_where_it_is_needed() -> None:
    """Who has everything in the ID token is not asked for more."""
    provider = DrivenProvider(claims={"email": "a@x.example"}, userinfo={})
    await accepted(provider)
    assert not provider.requests["/me"]


@pytest.mark.parametrize("token", [None, 1, "", "a\r\nX-Injected: 1", "x" * 16_385])
async def test_access_tokens_that_fit_no_header(token: object) -> None:
    """An access token that cannot stand in a header is not sent."""
    provider = DrivenProvider(userinfo={"email": "m@x.example"})
    provider.answer = {"access_token": token}
    assert (await accepted(provider)).email == ""
    assert not provider.requests["/me"]


# groups


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        (["g"] * 1000, ""),
        ([str(n) for n in range(1001)], "login_groups_too_many"),
        (["g" * 512], ""),
        (["g" * 513], "login_groups_too_many"),
        (["g", 1], "identity_provider_unsuitable"),
        ({"g": True}, "identity_provider_unsuitable"),
        (True, "identity_provider_unsuitable"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("where", ["claims", "userinfo"])
async def test_groups(where: str, groups: Any, code: str) -> None:
    """A groups claim beyond all reason, or of another kind, is refused with a word to say so."""
    provider = _driven(where, {"groups": groups})
    if not code:
        assert (await accepted(provider, groups_claim="groups")).groups
        return
    error = await refusal(provider, record={"groups_claim": "groups"})
    assert error.code == code


# the client


async def test_how_a_client_shows_who_it_is() -> None:
    """A secret goes where the provider says that it takes it: into the header, form-encoded (RFC
    6749 §2.3.1), or into the body."""
    secret = "p:% +ü"
    for methods, in_body in (
        (None, False),
        (["client_secret_post", "client_secret_basic"], False),
        (["client_secret_post"], True),
    ):
        provider = DrivenProvider(metadata={"token_endpoint_auth_methods_supported": methods})
        async with provider, party() as us:
            connector = us.of(provider.url, secret)
            to = redirection()
            callback = provider.authorize(await connector.authorization_url(to))
            await connector.login(returned(callback, to), now=time.time())
        (form,), (header,) = provider.asked, provider.authorized
        assert form["grant_type"] == "authorization_code"
        assert form["code_verifier"] == to.code_verifier
        if in_body:
            assert (form["client_id"], form["client_secret"], header) == ("broker", secret, None)
        else:
            assert header is not None
            pair = base64.b64decode(header.removeprefix("Basic "))
            assert pair == b"broker:p%3A%25+%2B%C3%BC"
            assert not {"client_id", "client_secret"} & form.keys()


async def test_a_provider_that_wants_more() -> None:
    """A provider that takes neither way of a secret is told to be unsuitable."""
    metadata = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    error = await refusal(DrivenProvider(metadata=metadata))
    assert checked(error) == "token_endpoint_auth_methods_supported"


@pytest.mark.parametrize(
    ("methods", "secret", "pkce", "outcome"),
    [
        (["S256"], SECRET, False, "challenge"),
        (["plain"], SECRET, False, "none"),
        (None, SECRET, False, "none"),
        (None, SECRET, True, "challenge"),
        (["plain"], SECRET, True, "refused"),
        ([], SECRET, True, "refused"),
        (None, "", False, "challenge"),
        (["plain"], "", False, "refused"),
    ],
)
async def test_pkce(methods: Any, secret: str, pkce: bool, outcome: str) -> None:
    """PKCE is used where the provider can and where it must be, never by `plain`, and a provider
    that says that it cannot is not asked to do without."""
    provider = DrivenProvider(metadata={"code_challenge_methods_supported": methods})
    async with provider, party() as us:
        connector = us.of(provider.url, secret, pkce_enabled=pkce)
        to = redirection()
        if outcome == "refused":
            with pytest.raises(Precondition) as refused:
                await connector.authorization_url(to)
            assert checked(refused.value) == "code_challenge_methods_supported"
            return
        url = await connector.authorization_url(to)
        await connector.login(returned(provider.authorize(url), to), now=time.time())
    assert ("code_challenge_method=S256" in url) == (outcome == "challenge")
    (form,) = provider.asked
    assert ("code_verifier" in form) == (outcome == "challenge")
    assert form.get("client_id") == (None if secret else "broker")


async def test_keys_that_change_between_there_and_back() -> None:
    """A key that the provider made while somebody was at its page is fetched."""
    provider = DrivenProvider()
    async with provider, party() as us:
        await log_in(us, provider)
        provider.rotate(keep=False)
        us.clock.advance(30)
        await log_in(us, provider)
        assert provider.requests[JWKS] == 2


async def test_representations_keep_secrets() -> None:
    """Codes, verifiers and secrets are in no representation of what carries them."""
    to = redirection()
    back = returned(f"https://x/?code={CODE}&state={to.state}", to)
    assert to.code_verifier not in repr(to) + repr(back)
    assert CODE not in repr(back)
    assert SECRET not in repr(client_of(provider_record("https://id.example"), SECRET))

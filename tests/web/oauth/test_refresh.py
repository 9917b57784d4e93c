"""Refresh tokens (RFC 6749 §6), over HTTP and over gRPC's messages; revocation (RFC 7009)."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from yarl import URL

from broker.contract.proto.oidc.v1.security_token_service_pb2 import (
    ExchangeRefreshTokenRequest,
    TokenPair,
)
from tests.kit.clients import Client
from tests.kit.grpc_calls import CONTRACT, bearer, call, channel
from tests.kit.people import Installation, claims_of, installation, mapped, person

REFRESH = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/ExchangeRefreshToken"]


def read(token: str) -> dict[str, Any]:
    """As clients read it: base64 of the standard alphabet, JSON, `exp`."""
    members: dict[str, Any] = json.loads(base64.b64decode(token, validate=True))
    return members


async def test_a_login_goes_on(here: Installation, cli: Client) -> None:
    """New tokens for the same person and client; the browser's session is not needed for it."""
    browser = await here.browser()
    first = await cli.tokens(here, browser)
    assert read(first["refresh_token"])["exp"] - time.time() > 604_000
    page = await browser.open("/signout")
    await browser.submit(page, "decision", "sign_out")
    answer = await cli.refresh(first["refresh_token"])
    assert answer.status == 200, answer.body
    assert answer.body["refresh_token"] != first["refresh_token"]
    access, identity = claims_of(answer.body["access_token"]), claims_of(answer.body["id_token"])
    assert (access["sub"], access["idp"]) == (person(here.acme), here.provider.id)
    assert access["sid"] == identity["sid"] == read(first["refresh_token"])["id"]
    assert identity["auth_time"] == claims_of(first["id_token"])["auth_time"]
    assert "nonce" not in identity
    assert (identity["email"], identity["email_verified"]) == ("ann@acme.example", True)
    assert (await cli.refresh(answer.body["refresh_token"])).status == 200


async def test_a_refresh_narrows(here: Installation, cli: Client) -> None:
    """RFC 6749 §6, RFC 8707 §2.2: for that answer alone; what was granted stays."""
    await here.signed_in()
    org = here.organization
    await org.bind(person(here.acme), "viewer", org.id)
    both = ["https://one.example", "https://two.example"]
    body = await cli.tokens(here, await here.browser(), resource=both)
    answer = await cli.refresh(
        body["refresh_token"],
        resource=both[1],
        scope=f"openid {org.id}",
        capabilities="groups.list",
    )
    claims = claims_of(answer.body["access_token"])
    assert (claims["aud"], set(claims["cap"])) == (both[1], {org.id})
    assert "email" not in claims_of(answer.body["id_token"])
    answer = await cli.refresh(answer.body["refresh_token"])
    assert claims_of(answer.body["access_token"])["aud"] == both
    assert answer.body["scope"].startswith("openid email profile offline_access")


async def test_a_failed_refresh_uses_nothing_up(here: Installation, cli: Client) -> None:
    """What a person does not hold is refused, and the token is good as before."""
    body = await cli.tokens(here, await here.browser())
    refused = await cli.refresh(body["refresh_token"], scope=f"openid {'a' * 40}")
    assert refused.error == "invalid_scope scope_not_held"
    assert (await cli.refresh(body["refresh_token"])).status == 200


async def test_who_is_gone_does_not_go_on(here: Installation, cli: Client) -> None:
    """The person is looked up at every refresh."""
    body = await cli.tokens(here, await here.browser())
    async with here.broker.store.write() as records:
        for binding in await records.bindings.of_identity(person(here.acme)):
            await records.bindings.delete(binding.id)
        await records.identities.delete(person(here.acme))
    assert (await cli.refresh(body["refresh_token"])).error == "invalid_grant refresh_token_invalid"


async def test_a_login_with_roles_of_groups_does_not_go_on(tmp_path: Path) -> None:
    """They hold for that login: nothing renews it, and the answer does not say otherwise."""
    async with installation(tmp_path, groups_claim="groups") as here:
        mapping = await mapped(here, "admins", "editor")
        here.acme.claims["groups"] = ["admins"]
        cli = Client(here.url, "broker-cli", "http://127.0.0.1:4711/callback")
        body = await cli.tokens(here, await here.browser())
        assert claims_of(body["access_token"])["group_mappings"] == [mapping.id]
        assert "refresh_token" not in body
        assert body["scope"] == f"openid email profile {here.organization.folder}"


async def test_a_refresh_token_is_revoked(here: Installation, cli: Client) -> None:
    """RFC 7009 §2.1, §2.2: with its whole family; one that is none is as good as revoked."""
    first = await cli.tokens(here, await here.browser())
    newer = (await cli.refresh(first["refresh_token"])).body["refresh_token"]
    answer = await cli.post("/revoke", token=newer, client_id=cli.id, token_type_hint="whatever")
    assert (answer.status, answer.body) == (200, {})
    assert (await cli.refresh(newer)).error == "invalid_grant refresh_token_invalid"
    for token in (newer, "nonsense", base64.b64encode(b"[]").decode()):
        assert (await cli.post("/revoke", token=token, client_id=cli.id)).status == 200
    assert [each["actor"] for each in await here.audit("refresh.revoked")] == [person(here.acme)]


async def test_an_older_token_revokes_too(here: Installation, cli: Client) -> None:
    """Whoever had any of a family may end it."""
    first = await cli.tokens(here, await here.browser())
    newer = (await cli.refresh(first["refresh_token"])).body["refresh_token"]
    assert (await cli.post("/revoke", token=first["refresh_token"], client_id=cli.id)).status == 200
    assert (await cli.refresh(newer)).status == 400


async def test_access_tokens_are_not_revoked(here: Installation, cli: Client) -> None:
    """RFC 7009 §2.2.1: nobody is asked about them, and they end within the hour."""
    body = await cli.tokens(here, await here.browser())
    for name in ("access_token", "id_token"):
        answer = await cli.post("/revoke", token=body[name], client_id=cli.id)
        assert answer.error == "unsupported_token_type token_not_revocable"


async def test_the_account_ends_what_goes_on(here: Installation, cli: Client) -> None:
    """The person sees the client by its name, and takes back what it has."""
    browser = await here.browser()
    body = await cli.tokens(here, browser)
    page = await browser.open("/account")
    assert "The broker's command line" in page.text
    form = next(each for each in page.forms if each.action.endswith("/applications/end"))
    await browser.post(form.action, **form.fields, **dict(form.buttons))
    assert (await cli.refresh(body["refresh_token"])).error == "invalid_grant refresh_token_invalid"


async def platform_token(here: Installation, cli: Client, audience: str = "") -> str:
    """The refresh token of a login by `/oauth`."""
    browser = await here.browser()
    page = await browser.open(
        "/oauth",
        exit="redirect",
        redirect="http://127.0.0.1:4711/callback",
        idp_id=here.provider.id,
        create_refresh_token="true",
        **({"audience": audience} if audience else {}),
    )
    page = await browser.log_in(page, here.acme)
    return page.answer["refresh_token"]


async def test_the_platforms_dialect_renews(here: Installation, cli: Client) -> None:
    """A pair of tokens, at both paths, by query, form or JSON; for audiences that were granted."""
    one, two = "https://one.example", "https://two.example"
    token = await platform_token(here, cli, f"{one},{two}")
    for path, sent in (
        ("/sts/exchange_refresh_token", {"aud": one}),
        ("/sts/access_token", {"aud": two, "scope": ""}),
        ("/sts/access_token", {}),
    ):
        answer = await cli.post(path, bearer=token, **sent)
        assert answer.status == 200, answer.body
        pair = answer.body
        assert claims_of(pair["token"]["token"])["aud"] == sent.get("aud", [one, two])
        assert pair["token"]["expiry"].endswith("Z")
        token = pair["refreshToken"]["token"]
        assert read(token)["n"] > 0
    answer = await cli.post("/sts/access_token", bearer=token, aud="https://three.example")
    assert answer.body["details"][0]["reason"] == "refresh_widens"
    assert (await cli.post("/revoke", token=token)).status == 200


async def test_tokens_of_either_dialect_are_its_own(here: Installation, cli: Client) -> None:
    """A client's token is not taken from somebody who names no client, nor the other way round."""
    named = (await cli.tokens(here, await here.browser()))["refresh_token"]
    unnamed = await platform_token(here, cli)
    answer = await cli.post("/sts/exchange_refresh_token", bearer=named)
    assert answer.body["details"][0]["reason"] == "refresh_token_invalid"
    assert (await cli.refresh(unnamed)).error == "invalid_grant refresh_token_invalid"
    assert (await cli.refresh(named)).status == 200
    missing = await cli.post("/sts/exchange_refresh_token")
    assert (missing.status, missing.body["details"][0]["reason"]) == (401, "token_missing")


async def test_every_refresh_is_written_down(here: Installation, cli: Client) -> None:
    """Good ones as tokens for a login, refused ones as refusals; none with a token inside."""
    body = await cli.tokens(here, await here.browser())
    await cli.refresh(body["refresh_token"])
    await cli.refresh("nonsense")
    granted = await here.audit("refresh.granted")
    assert [each["client_id"] for each in granted] == ["broker-cli"]
    minted = [each["dialect"] for each in await here.audit("login.token")]
    assert minted == ["authorization-code", "refresh-token"]
    refused = (await here.audit("exchange"))[-1]
    assert (refused["code"], refused["outcome"]) == ("refresh_token_invalid", "refused")
    everything = json.dumps([granted, await here.audit("login.token"), refused])
    assert read(body["refresh_token"])["s"] not in everything


async def test_grpc_renews_as_http_does(here: Installation, cli: Client) -> None:
    """The same pair, one generation later, and the same refusals."""
    token = await platform_token(here, cli)
    port = URL(here.url).port
    assert port is not None
    async with channel(port) as opened:
        widened = ExchangeRefreshTokenRequest(aud=["https://elsewhere.example"])
        answer = await call(opened, REFRESH, widened, metadata=bearer(token))
        assert answer.info.reason == "refresh_widens"
        answer = await call(opened, REFRESH, metadata=bearer(token))
        pair = answer.response
        assert isinstance(pair, TokenPair)
        assert claims_of(pair.token.token)["sub"] == person(here.acme)
        assert read(pair.refresh_token.token)["n"] == 1
        assert pair.refresh_token.expiry.seconds == read(pair.refresh_token.token)["exp"]
        answer = await call(opened, REFRESH, metadata=bearer(token))
        assert answer.info.reason == "refresh_token_reused"
        assert (await call(opened, REFRESH)).info.reason == "token_missing"

"""Clients of other people's making get a token by RFC 7523, as a grant and as a client's."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential, WorkloadIdentityCredential

from broker.app import KEY_FILE
from broker.iam.model import StaticKeys
from broker.iam.uidp import Uidp
from broker.issuer.wrapping import KeyFile
from broker.oauth import assertions
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit import node
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.organizations import organization

AUDIENCE = "https://service.example"


def claims_of(token: str) -> dict[str, Any]:
    """Of a minted token."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.parametrize(
    "grant",
    [
        "openid-client jwt-bearer",
        "openid-client client_credentials",
        "oauth4webapi client_credentials",
    ],
)
async def test_clients_of_npm(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, grant: str
) -> None:
    """openid-client and oauth4webapi, which discover the broker and check what it answers."""
    wanted = {"issuer": broker.url, "identity": ci, "audience": AUDIENCE, "grant": grant}
    answer = await node.run("grants.mjs", {**wanted, "token": issuer.token(issuer.github_claims())})
    assert "error" not in answer, answer
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    claims = claims_of(answer["access_token"])
    assert (claims["sub"], claims["aud"]) == (ci, AUDIENCE)
    other = issuer.token(issuer.github_claims(ref="refs/heads/other"))
    refused = await node.run("grants.mjs", {**wanted, "token": other})
    error = "invalid_client" if "client_credentials" in grant else "invalid_grant"
    assert (refused["error"], refused["status"]) == (error, 400)
    assert "does not exist or its rules do not accept" in refused["description"]


async def test_authlib_sends_a_client_assertion(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Authlib's session, with a client authentication that adds what the platform gave."""

    def with_assertion(auth: object, method: str, uri: str, headers: Any, body: str) -> Any:
        added = {
            "client_id": ci,
            "client_assertion_type": assertions.JWT_CLIENT_ASSERTION,
            "client_assertion": issuer.token(issuer.github_claims()),
        }
        return uri, headers, "&".join([body, *(f"{name}={one}" for name, one in added.items())])

    with OAuth2Session(client_id=ci, token_endpoint_auth_method=with_assertion) as session:
        url = f"{broker.url}/token"
        answer = await asyncio.to_thread(
            session.fetch_token, url, grant_type="client_credentials", audience=AUDIENCE
        )
    claims = claims_of(answer["access_token"])
    assert (claims["sub"], claims["aud"]) == (ci, AUDIENCE)
    assert answer["expires_in"] == 3600


async def test_authlib_sends_a_jwt_as_a_grant(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Authlib's assertion session, which would sign the JWT itself, with one that is signed."""

    class Signed(AssertionSession):  # type: ignore[misc]  # Authlib has no types
        ASSERTION_METHODS = {  # noqa: RUF012 - Authlib's attribute
            assertions.JWT_BEARER: lambda **_: issuer.token(issuer.github_claims())
        }

    with Signed(
        token_endpoint=f"{broker.url}/token",
        issuer="",
        subject="",
        grant_type=assertions.JWT_BEARER,
        client_id=ci,
    ) as session:
        answer = await asyncio.to_thread(session.refresh_token)
    assert claims_of(answer["access_token"])["sub"] == ci


@dataclass(frozen=True, slots=True)
class Tenant:
    """A broker as clients of Entra ID see it, and an identity whose issuer's keys are static.

    It speaks TLS, since they insist on it, and so fetches no keys from an issuer without.
    """

    issuer: LocalIssuer
    identity: Uidp
    authority: dict[str, Any]
    """Keyword arguments of a credential."""


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    """One of this test's."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    ca, chain, key = (tmp_path / name for name in ("ca.pem", "chain.pem", "key.pem"))
    authority.cert_pem.write_to_path(ca)
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    KeyFile.create(tmp_path / "keys" / KEY_FILE, secrets.token_bytes)
    async with running_broker(
        tmp_path,
        BROKER_ISSUER="https://broker.example",
        BROKER_TLS_CERTIFICATE=str(chain),
        BROKER_TLS_KEY=str(key),
    ) as broker:
        issuer = LocalIssuer(issuer="https://private.cluster.example", audience=broker.url)
        keys = StaticKeys(
            issuer=issuer.url,
            subject="system:serviceaccount:ns:name",
            issuer_keys=json.dumps(issuer.jwks()),
            expiration=datetime.now(UTC) + timedelta(days=1),
        )
        url = f"https://127.0.0.1:{broker.settings.port}"
        identity = await (await organization(broker.store)).identity(keys)
        where = {"authority": url, "tenant_id": "broker", "connection_verify": str(ca)}
        yield Tenant(issuer, identity, where)


@pytest.mark.parametrize("kind", ["assertion", "workload identity"])
async def test_azure_identity(tenant: Tenant, tmp_path: Path, kind: str) -> None:
    """Its credentials, with the broker as authority and `broker` as tenant."""
    token = tenant.issuer.token({"sub": "system:serviceaccount:ns:name"})
    (tmp_path / "upstream.jwt").write_text(token)
    wanted = {"client_id": tenant.identity, **tenant.authority}
    with (
        ClientAssertionCredential(func=lambda: token, **wanted)
        if kind == "assertion"
        else WorkloadIdentityCredential(token_file_path=str(tmp_path / "upstream.jwt"), **wanted)
    ) as credential:
        got = await asyncio.to_thread(credential.get_token, "api://registry/.default")
    claims = claims_of(got.token)
    assert (claims["sub"], claims["aud"]) == (tenant.identity, "api://registry")
    assert abs(got.expires_on - claims["exp"]) < 60


async def test_azure_identity_understands_a_refusal(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Its error has our sentence and our reason."""
    # a line that is kept would keep the error, its answer and the connection of that
    caplog.set_level(logging.CRITICAL, "azure.identity")
    token = tenant.issuer.token({"sub": "system:serviceaccount:ns:other"})
    wanted = {"client_id": tenant.identity, **tenant.authority}

    def refusal() -> str:
        with (
            ClientAssertionCredential(func=lambda: token, **wanted) as credential,
            pytest.raises(ClientAuthenticationError) as caught,
        ):
            credential.get_token("api://registry/.default")
        return str(caught.value)

    told = await asyncio.to_thread(refusal)
    gc.collect()  # the error, which is in a cycle
    assert "invalid_client" in told
    assert "its rules do not accept" in told
    assert "identity_refused" in told

"""A directory that provisions users: a client of SCIM, made from the RFCs."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from broker.directory.scim_credentials import token_sha256
from broker.iam.model import CorrelationRule, IdentityProvider, ScimCredential
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.kit.people import Installation

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint answered."""

    status: int
    headers: Any
    body: Any

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and scimType of an error, whose form is checked."""
        assert self.headers["Content-Type"] == "application/scim+json"
        assert self.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert self.body["status"] == str(self.status)
        assert self.body["detail"]
        return self.status, self.body.get("scimType", "")


@dataclass(frozen=True, slots=True)
class Directory:
    """At one identity provider's endpoint."""

    url: str
    session: aiohttp.ClientSession
    provider: Uidp
    token: str = field(repr=False)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """`body`: JSON values, or bytes as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self.session.request(
            method,
            f"{self.url}/scim/v2/{self.provider}{path}",
            params=query,
            data=data,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/scim+json",
                **(headers or {}),
            },
        ) as response:
            text = await response.read()
            return Answer(response.status, response.headers, json.loads(text) if text else None)

    async def create(self, **more: Any) -> Json:
        """A user who is there then."""
        answer = await self.ask("POST", "/Users", user(**more))
        assert answer.status == 201, answer.body
        return dict(answer.body)

    async def patch(self, user_id: str, *operations: Json) -> Answer:
        """Operations, one after another."""
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return await self.ask("PATCH", f"/Users/{user_id}", body)

    async def find(self, text: str = "", **query: Any) -> Json:
        """A list."""
        asked: dict[str, Any] = {**({"filter": text} if text else {}), **query}
        answer = await self.ask("GET", "/Users", **asked)
        assert answer.status == 200, answer.body
        return dict(answer.body)

    def of(self, **more: Any) -> Directory:
        """Another token, another provider."""
        return replace(self, **more)


def user(**more: Any) -> Json:
    """Somebody to provision."""
    name = secrets.token_hex(4)
    return {
        "schemas": [USER],
        "userName": f"{name}@acme.example",
        "externalId": name,
        "active": True,
        **more,
    }


async def turned_on(
    store: Store,
    provider: IdentityProvider,
    rule: CorrelationRule = CorrelationRule.SUB_EQUALS_EXTERNAL_ID,
    **more: Any,
) -> str:
    """SCIM is on for the provider; its token. `more`: of the credential."""
    token = f"cgscim_{secrets.token_hex(32)}"
    values: dict[str, Any] = {
        "identity_provider": provider.id,
        "enabled": True,
        "secret_sha256": token_sha256(token),
        "updated_at": datetime.now(UTC),
    }
    async with store.write() as records:
        await records.identity_providers.update(replace(provider, correlation_rule=rule))
        await records.scim_credentials.put(ScimCredential(**values | more))
    return token


@asynccontextmanager
async def connected(here: Installation) -> AsyncIterator[Directory]:
    """The directory of the installation's provider, for which SCIM is turned on."""
    token = await turned_on(here.broker.store, here.provider)
    async with aiohttp.ClientSession() as session:
        yield Directory(here.url, session, here.provider.id, token)

"""Calling a broker the way that clients do, and reading what it minted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

from broker.audit.record import AuditRecord
from broker.oauth import assertions, token_exchange
from tests.kit.brokers import RunningBroker


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def reason(self) -> str:
        """The error code, in either dialect."""
        if "details" in self.body:
            return str(self.body["details"][0]["reason"])
        return str(self.body["reason"])

    @property
    def stage(self) -> str | None:
        """The stage that refused, in either dialect."""
        if "details" in self.body:
            return self.body["details"][0]["metadata"].get("stage")  # type: ignore[no-any-return]
        return self.body.get("stage")  # type: ignore[no-any-return]

    @property
    def request_id(self) -> str:
        """Of the header."""
        return self.headers["X-Request-Id"]

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the minted token, which is not verified here."""
        token = self.body.get("token") or self.body["access_token"]
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return claims


async def call(
    method: str,
    url: str,
    *,
    data: Any = None,
    params: Any = None,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
) -> Answer:
    """One request."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, url, data=data, params=params, headers=headers, allow_redirects=False
        ) as response,
    ):
        body = await response.read()
        return Answer(response.status, response.headers.copy(), json.loads(body))


async def exchange(
    broker: RunningBroker, token: str, identity: str = "", /, **parameters: Any
) -> Answer:
    """`POST /sts/exchange`; a parameter with a list repeats."""
    form = [("identity", identity)] if identity else []
    for name, value in parameters.items():
        form += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return await call(
        "POST",
        f"{broker.url}/sts/exchange",
        data=form or None,
        headers={"Authorization": f"Bearer {token}"},
    )


async def oauth(
    broker: RunningBroker,
    token: str,
    client_id: str | None = None,
    /,
    headers: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Answer:
    """`POST /token`, RFC 8693; None leaves a parameter out, a list repeats it."""
    form: dict[str, Any] = {
        "grant_type": token_exchange.GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": token_exchange.JWT,
        "client_id": client_id or None,
    }
    return await granted(broker, form | parameters, headers)


async def jwt_bearer(
    broker: RunningBroker,
    token: str,
    client_id: str | None = None,
    /,
    headers: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Answer:
    """`POST /token`, RFC 7523 §2.1."""
    form = {
        "grant_type": assertions.JWT_BEARER,
        "assertion": token,
        "client_id": client_id or None,
    }
    return await granted(broker, form | parameters, headers)


async def client_credentials(
    broker: RunningBroker,
    token: str,
    client_id: str | None = None,
    /,
    headers: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Answer:
    """`POST /token`, RFC 6749 §4.4 with the client assertion of RFC 7523 §2.2."""
    form = {
        "grant_type": assertions.CLIENT_CREDENTIALS,
        "client_assertion": token,
        "client_assertion_type": assertions.JWT_CLIENT_ASSERTION,
        "client_id": client_id or None,
    }
    return await granted(broker, form | parameters, headers)


async def granted(
    broker: RunningBroker, form: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Answer:
    """`POST /token`; None leaves a parameter out, a list repeats it."""
    pairs = [
        (name, one)
        for name, value in form.items()
        if value is not None
        for one in (value if isinstance(value, list) else [value])
    ]
    return await call("POST", f"{broker.url}/token", data=pairs, headers=headers or {})


async def record_of(broker: RunningBroker, answer: Answer) -> AuditRecord:
    """The one audit record of a request."""
    async with broker.store.read() as records:
        found = await records.audit.find(request_id=answer.request_id)
    assert len(found) == 1, f"{len(found)} records for one request"
    return found[0]

"""Calling the API by its contract, over HTTP or over gRPC, the way that clients do.

Requests and responses are proto3 JSON objects on both, so that one story can be told to either.
The HTTP side builds its URLs from the contract's rules by itself, not with the broker's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import code_pb2, error_details_pb2, status_pb2

from broker.contract.methods import Contract, Method
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import exchange

CONTRACT = Contract.load()
_VARIABLE = re.compile(r"\{([a-z_.]+)=\*+\}")

_DEFECTS = frozenset({code_pb2.UNKNOWN, code_pb2.INTERNAL, code_pb2.DATA_LOSS})
"""Whatever a caller sends, these are no answer."""

Json = dict[str, Any]


class Refused(Exception):
    """The broker said no."""

    def __init__(self, code: int, message: str, reason: str, metadata: Mapping[str, str]) -> None:
        super().__init__(f"{code_pb2.Code.Name(code)} {reason}: {message}")
        assert code not in _DEFECTS, f"a defect of the broker: {self}"
        self.code = code
        """Of google.rpc.Code."""
        self.message = message
        self.reason = reason
        self.metadata = metadata

    @property
    def field(self) -> str:
        """What of the request was at fault; empty where nothing of it was."""
        return self.metadata.get("field", "")


class Expected:
    """What `refused` caught, once its block has ended."""

    error: Refused


@contextmanager
def refused(code: int, reason: str = "", *, field: str | None = None) -> Iterator[Expected]:
    """The block is refused with this code (google.rpc.Code), reason and field."""
    expected = Expected()
    with pytest.raises(Refused) as caught:
        yield expected
    error = expected.error = caught.value
    assert error.code == code, str(error)
    assert error.reason == reason or not reason, str(error)
    assert error.field == field or field is None, f"{error} ({error.field})"
    assert error.metadata.get("request_id"), "a refusal names its request"


class Wire(Protocol):
    """One way to the broker."""

    async def call(self, method: Method, request: Json, token: str | None) -> Json:
        """The response. Raises `Refused`."""
        ...


@dataclass(frozen=True)
class Caller:
    """Somebody with a token. Calls are `SERVICE/METHOD` with the service's name as far as it
    differs: `Groups/Create`, `v2.GroupsService/ListGroups`."""

    wire: Wire
    token: str | None = field(repr=False)
    identity: str = ""

    async def __call__(self, name: str, /, **request: Any) -> Json:
        return await self.wire.call(method(name), request, self.token)

    def on(self, wire: Wire) -> Caller:
        """The same, by another way."""
        return Caller(wire, self.token, self.identity)


def method(name: str) -> Method:
    """By the end of its path."""
    for prefix in ("", "iam.", "events.", "auth.", "oidc.", "ping."):
        found = CONTRACT.methods.get(f"/chainguard.platform.{prefix}{name}")
        if found is not None:
            return found
    return CONTRACT.methods[f"/{name}"]


@dataclass(frozen=True)
class Http:
    """The transcoded API."""

    url: str
    session: aiohttp.ClientSession

    async def call(self, method: Method, request: Json, token: str | None) -> Json:
        """Raises `Refused`."""
        rule = method.http[0]
        message = ParseDict(request, method.request())
        whole = MessageToDict(message, preserving_proto_field_name=True)
        path = _VARIABLE.sub(lambda v: quote(_take(whole, v.group(1)), safe="/"), rule.template)
        body: Any = None
        if rule.body == "*":
            body, whole = whole, {}
        elif rule.body:
            is_list = method.request.DESCRIPTOR.fields_by_name[rule.body].is_repeated
            body = whole.pop(rule.body, [] if is_list else {})
        async with self.session.request(
            rule.verb,
            self.url + path,
            params=list(_query("", whole)),
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token is not None else {},
        ) as response:
            answer = json.loads(await response.read())
            if response.status != 200:
                info = answer["details"][0]
                raise Refused(
                    answer["code"], answer["message"], info["reason"], info.get("metadata", {})
                )
            return dict(answer)


@dataclass(frozen=True)
class Grpc:
    """The same in binary."""

    channel: grpc.aio.Channel

    async def call(self, method: Method, request: Json, token: str | None) -> Json:
        """Raises `Refused`."""
        stub = self.channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()
        message = ParseDict(request, method.request())
        try:
            response = await stub(message, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise _refused(error) from None
        return MessageToDict(response, always_print_fields_with_no_presence=True)


@asynccontextmanager
async def wires(broker: RunningBroker) -> AsyncIterator[dict[str, Wire]]:
    """Both, to the one port."""
    host = broker.url.partition("://")[2]
    async with aiohttp.ClientSession() as session, grpc.aio.insecure_channel(host) as channel:
        yield {"http": Http(broker.url, session), "grpc": Grpc(channel)}


async def login(
    broker: RunningBroker, issuer: LocalIssuer, wire: Wire, subject: str, **parameters: Any
) -> Caller:
    """A registered person, by an exchange of their provider's token."""
    answer = await exchange(broker, issuer.token({"sub": subject}), **parameters)
    assert answer.status == 200, answer.body
    return Caller(wire, answer.body["token"], answer.claims["sub"])


def _take(whole: Json, path: str) -> str:
    *outer, last = path.split(".")
    at = whole
    for name in outer:
        at = at.get(name, {})
    return str(at.get(last, ""))


def _query(prefix: str, value: Any) -> Any:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _query(f"{prefix}.{name}" if prefix else name, member)
    elif isinstance(value, list):
        for member in value:
            yield prefix, str(member)
    else:
        yield prefix, str(value).lower() if isinstance(value, bool) else str(value)


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    reason, metadata = "", {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
            info = error_details_pb2.ErrorInfo()
            if status.details and status.details[0].Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
    return Refused(error.code().value[0], error.details() or "", reason, metadata)

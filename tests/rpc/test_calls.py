"""Calls over gRPC: what is answered, what is told of failures, what is logged."""

from __future__ import annotations

import json

import grpc
import grpc.aio
import pytest

from broker.api.status import told
from broker.contract.proto.iam.v1 import groups_pb2
from broker.contract.proto.iam.v2 import groups_pb2 as v2_pb
from broker.contract.proto.oidc.v1 import security_token_service_pb2 as sts_pb
from broker.errors import Unavailable
from broker.iam.uidp import Uidp
from broker.rpc.metadata import address
from broker.rpc.status import status
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.grpc_calls import (
    CONTRACT,
    PING,
    Metadata,
    Outcome,
    UnaryUnary,
    bearer,
    call,
    health,
    reflection,
)
from tests.kit.organizations import Organization

LIST = CONTRACT.methods["/chainguard.platform.iam.Groups/List"]
EXCHANGE = CONTRACT.methods["/chainguard.platform.oidc.SecurityTokenService/Exchange"]
SECRET = "geheim-geheim-geheim"


async def test_a_method_that_needs_no_token_answers(wire: grpc.aio.Channel) -> None:
    """Ping, with an id of the call in the trailers."""
    outcome = await call(wire)
    assert (outcome.code, outcome.response) == (grpc.StatusCode.OK, PING.response(response="pong"))
    assert outcome.request_id != (await call(wire)).request_id


async def test_every_method_of_every_version_is_there(wire: grpc.aio.Channel) -> None:
    """None is unknown to the server; those that need a token say so."""
    versions = set()
    for method in CONTRACT.methods.values():
        outcome = await call(wire, method)
        assert outcome.request_id, method.path
        if outcome.code is grpc.StatusCode.UNAUTHENTICATED:
            assert outcome.info.reason == "token_missing"
            versions.add(method.version)
    assert versions == {"v1", "v2", "v2beta1"}


async def test_the_beta_reads_what_version_1_has(
    wire: grpc.aio.Channel, owner: Metadata, acme: Organization
) -> None:
    """The same record, by the same bytes as version 2."""
    outcome = await call(wire, LIST, groups_pb2.GroupFilter(id=acme.folder), metadata=owner)
    assert isinstance(outcome.response, groups_pb2.GroupList)
    (group,) = outcome.response.items
    for version in ("v2", "v2beta1"):
        method = CONTRACT.methods[f"/chainguard.platform.iam.{version}.GroupsService/GetGroup"]
        request = v2_pb.GetGroupRequest(uid=acme.folder)
        outcome = await call(wire, method, request, metadata=owner)
        assert outcome.code is grpc.StatusCode.OK, outcome.text
        assert isinstance(outcome.response, v2_pb.Group)
        assert (outcome.response.uid, outcome.response.name) == (group.id, group.name)


async def test_an_unknown_method_is_unimplemented(wire: grpc.aio.Channel) -> None:
    """As gRPC has it."""
    stub: UnaryUnary = wire.unary_unary("/chainguard.platform.iam.Groups/Nope")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_refusal_has_details(wire: grpc.aio.Channel, owner: Metadata) -> None:
    """google.rpc.Status: code and text once more, ErrorInfo with field and id of the call."""
    request = groups_pb2.GroupFilter(uidp={"children_of": "Acme"})
    outcome = await call(wire, LIST, request, metadata=owner)
    assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (outcome.status.code, outcome.status.message) == (3, outcome.text)
    assert (outcome.info.domain, outcome.info.reason) == ("broker", "uidp_malformed")
    assert dict(outcome.info.metadata) == {
        "request_id": outcome.request_id,
        "field": "uidp.children_of",
    }
    assert outcome.retry_after is None


async def test_a_refused_exchange_names_its_stage(
    broker: RunningBroker, wire: grpc.aio.Channel, issuer: LocalIssuer, ci: Uidp
) -> None:
    """As over HTTP; the record says whence it came, though it came over the port of HTTP."""
    token = issuer.token(issuer.github_claims(ref="refs/heads/other"))
    request = sts_pb.ExchangeRequest(identity=ci)
    outcome = await call(wire, EXCHANGE, request, metadata=bearer(token))
    assert outcome.code is grpc.StatusCode.PERMISSION_DENIED
    assert outcome.info.metadata["stage"] == "identity"
    async with broker.store.read() as records:
        (record,) = await records.audit.find(request_id=outcome.request_id)
    assert record.code == outcome.info.reason
    assert json.loads(record.detail)["address"] == "127.0.0.1"


def test_when_to_try_again_is_told() -> None:
    """google.rpc.RetryInfo beside the ErrorInfo."""
    error = Unavailable("store_busy", "the store is busy", retry_after=7)
    encoded = status(told(error, "id")).SerializeToString()
    outcome = Outcome(grpc.StatusCode.UNAVAILABLE, "", None, {"grpc-status-details-bin": encoded})
    assert (outcome.retry_after, outcome.info.reason) == (7, "store_busy")


@pytest.mark.parametrize(
    "metadata",
    [
        (("authorization", "Basic Og=="),),
        (("authorization", "Bearer"),),
        (("authorization", "Bearer  "),),
        (("authorization", ""),),
        (*bearer(SECRET), *bearer(SECRET)),
    ],
    ids=["basic", "no token", "blanks", "empty", "twice"],
)
async def test_what_is_no_bearer_token_is_refused(
    wire: grpc.aio.Channel, metadata: Metadata
) -> None:
    """RFC 6750 §2.1, also where none is needed: the caller meant to send one."""
    for method in (LIST, PING):
        outcome = await call(wire, method, metadata=metadata)
        assert outcome.code is grpc.StatusCode.UNAUTHENTICATED
        assert outcome.info.reason == "token_missing"
        assert SECRET not in outcome.text


async def test_the_scheme_is_bearer_in_any_case(wire: grpc.aio.Channel) -> None:
    """RFC 9110 §11.1: what follows is looked at, and is no token of ours."""
    outcome = await call(wire, LIST, metadata=(("authorization", f"bEARER {SECRET}"),))
    assert outcome.code is grpc.StatusCode.UNAUTHENTICATED
    assert outcome.info.reason != "token_missing"


@pytest.mark.parametrize("encoded", [b"\xff", b"\x0a\x02\xff\xfe"], ids=["no field", "no UTF-8"])
async def test_what_is_no_message_is_refused(
    wire: grpc.aio.Channel, owner: Metadata, encoded: bytes
) -> None:
    """With the name of the message that was expected."""
    outcome = await call(wire, LIST, encoded, metadata=owner)
    assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT
    assert outcome.info.reason == "message_malformed"
    assert "chainguard.platform.iam.GroupFilter" in outcome.text


def padding(size: int) -> bytes:
    """A message of `size` bytes: one field that nobody knows."""
    content = size - 5
    length = bytes([content & 127 | 128, content >> 7 & 127 | 128, content >> 14])
    return b"\xfa\x7f" + length + bytes(content)


async def test_a_request_of_256_kib_is_the_largest(wire: grpc.aio.Channel) -> None:
    """One byte more, and 4 MB, are refused before they are read."""
    largest = 256 * 1024
    assert (await call(wire, request=padding(largest))).code is grpc.StatusCode.OK
    for size in (largest + 1, 4_000_000):
        encoded = padding(size) if size < 2_000_000 else bytes(size)
        assert (await call(wire, request=encoded)).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await call(wire)).code is grpc.StatusCode.OK


async def test_a_token_that_is_too_long_is_told_so(wire: grpc.aio.Channel) -> None:
    """One of 20 KB arrives and is refused by name; one of 40 KB is more than metadata may be."""
    outcome = await call(wire, LIST, metadata=bearer("x" * 20_000))
    assert outcome.code is grpc.StatusCode.UNAUTHENTICATED
    assert outcome.info.reason
    outcome = await call(wire, LIST, metadata=bearer("x" * 40_000))
    assert outcome.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await call(wire)).code is grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4711", "fe80::1"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:4711", "192.0.2.1"),
        ("unix-abstract:broker-x/7/2001:db8::1", "2001:db8::1"),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_the_address_is_read_from_the_peer(peer: str, expected: str) -> None:
    """As gRPC writes it; none for who is at the Unix socket itself."""
    assert address(peer) == expected


async def test_health(wire: grpc.aio.Channel) -> None:
    """The server and each service; an unknown one is not found."""
    for service in ("", *CONTRACT.services):
        assert await health(wire, service) == "SERVING"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(wire, "no.such.Service")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection(wire: grpc.aio.Channel, version: str) -> None:
    """Every service is listed, and the files that describe it are given, the beta's too."""
    listed = await reflection(wire, version, list_services="")
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {*CONTRACT.services, "grpc.health.v1.Health"}
    for name in names:
        answer = await reflection(wire, version, file_containing_symbol=name)
        assert answer.file_descriptor_response.file_descriptor_proto, name
    unknown = await reflection(wire, version, file_containing_symbol="no.such.Service")
    assert unknown.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_a_described_method_can_be_called(
    wire: grpc.aio.Channel, owner: Metadata, acme: Organization
) -> None:
    """With nothing but what reflection gives, as grpcurl does."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    service = "chainguard.platform.iam.v2beta1.GroupsService"
    answer = await reflection(wire, file_containing_symbol=service)
    files = {}
    for encoded in answer.file_descriptor_response.file_descriptor_proto:
        file = descriptor_pb2.FileDescriptorProto.FromString(encoded)
        files[file.name] = file
    pool = descriptor_pool.DescriptorPool()

    def add(name: str) -> None:
        file = files.pop(name, None)
        if file is not None:
            for dependency in file.dependency:
                add(dependency)
            pool.Add(file)

    for name in tuple(files):
        add(name)
    method = pool.FindServiceByName(service).methods_by_name["GetGroup"]
    request = message_factory.GetMessageClass(method.input_type)(uid=acme.folder)
    stub: UnaryUnary = wire.unary_unary(
        f"/{service}/GetGroup",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    assert (await stub(request, metadata=owner)).name == "shop"

"""v2beta1 is v2 under another name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from broker.contract.methods import Contract, descriptions
from broker.contract.options import HttpRule
from broker.contract.proto.iam.v2 import identities_pb2

CONTRACT = Contract.load()


def _proto(file: FileDescriptor) -> FileDescriptorProto:
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    return copy


def test_every_method_of_v2_has_its_twin() -> None:
    """The same in all but path, service and version, the message classes included."""
    stable = {m.path: m for m in CONTRACT.methods.values() if m.version == "v2"}
    beta = [m for m in CONTRACT.methods.values() if m.version == "v2beta1"]
    assert len(beta) == len(stable) == 56
    for method in beta:
        twin = stable[method.stable_path]
        assert method.path == twin.path.replace(".v2.", ".v2beta1.")
        back = tuple(
            HttpRule(rule.verb, rule.template.replace("/v2beta1/", "/v2/"), rule.body)
            for rule in method.http
        )
        assert all("/v2beta1/" in rule.template for rule in method.http)
        assert (
            replace(method, http=back, path=twin.path, service=twin.service, version="v2") == twin
        )


def test_the_files_differ_in_nothing_but_the_name() -> None:
    """Renamed back, the descriptors of v2beta1 are those of v2."""
    files = {file.name: file for file in CONTRACT.file_descriptors}
    beta = [name for name in files if "/v2beta1/" in name]
    assert len(beta) == 10
    for name in beta:
        twin = files[name.replace("/v2beta1/", "/v2/")]
        assert str(_proto(files[name])).replace("v2beta1", "v2") == str(_proto(twin))


def test_messages_have_the_same_bytes_and_the_same_json() -> None:
    """What v2 writes, a client of v2beta1 reads."""
    identity = identities_pb2.Identity(
        uid="u",
        claim_match={"issuer": "https://issuer.example", "claims": {"ref": "main"}},
    )
    name = "chainguard.platform.iam.v2beta1.Identity"
    pool = CONTRACT.descriptor_pool()
    twin = GetMessageClass(pool.FindMessageTypeByName(name)).FromString(
        identity.SerializeToString()
    )
    assert MessageToDict(twin) == MessageToDict(identity)


def test_every_service_can_be_described() -> None:
    """A pool for reflection has all three versions, what they import, and what is added to it."""
    health: Any = health_pb2.DESCRIPTOR
    pool = CONTRACT.descriptor_pool(health)
    assert CONTRACT.versions == ("v1", "v2", "v2beta1")
    assert len(CONTRACT.services) == 38
    for service in (*CONTRACT.services, "grpc.health.v1.Health"):
        file = pool.FindFileContainingSymbol(service)
        for dependency in file.dependencies:
            assert pool.FindFileByName(dependency.name) is not None


def test_it_has_the_descriptions_of_v2() -> None:
    """By its own names."""
    described = descriptions()
    of_v2 = described["chainguard.platform.iam.v2.Group.name"]
    assert described["chainguard.platform.iam.v2beta1.Group.name"] == of_v2

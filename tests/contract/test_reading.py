"""Reading options: what is not declared, or not completely, cannot be served."""

from __future__ import annotations

from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from broker.contract.capabilities import CapabilityNumbers
from broker.contract.methods import Contract
from broker.contract.proto.annotations import auth_pb2
from broker.contract.proto.capabilities import capabilities_pb2
from broker.errors import Invalid
from broker.iam.capabilities import CapabilityTable

IAM: Any = auth_pb2.iam
SCOPE: Any = auth_pb2.iam_scope
HTTP: Any = annotations_pb2.http
STRING = FieldDescriptorProto.TYPE_STRING
REPEATED = FieldDescriptorProto.LABEL_REPEATED
NEEDS_GROUPS_LIST = auth_pb2.IAM(
    enabled={"capabilities": [capabilities_pb2.Capability.CAP_IAM_GROUPS_LIST]}
)


def _file(iam: auth_pb2.IAM | None, *scopes: str, repeated: bool = False) -> FileDescriptorProto:
    """`test.Service/Call`, whose request has a string marked as scope for each of these names."""
    file = FileDescriptorProto(name="test.proto", package="test", syntax="proto3")
    request = file.message_type.add(name="Request")
    for number, name in enumerate(scopes, start=1):
        field = request.field.add(name=name, number=number, type=STRING)
        field.options.Extensions[SCOPE] = True
        if repeated:
            field.label = REPEATED
    service = file.service.add(name="Service")
    method = service.method.add(name="Call", input_type="test.Request", output_type="test.Request")
    if iam is not None:
        method.options.Extensions[IAM].CopyFrom(iam)
    return file


def _built(file: FileDescriptorProto) -> FileDescriptor:
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(file.name)


@pytest.mark.parametrize(
    ("iam", "scopes", "fault"),
    [
        (None, ("group",), "no authorization is declared"),
        (auth_pb2.IAM(), ("group",), "authorization is neither"),
        (NEEDS_GROUPS_LIST, (), "0 fields are the scope"),
        (NEEDS_GROUPS_LIST, ("group", "parent"), "2 fields are the scope"),
        (auth_pb2.IAM(enabled={"capabilities": [3]}), ("group",), r"capabilities \[3\] have no"),
    ],
)
def test_a_method_without_complete_authorization_is_refused(
    iam: auth_pb2.IAM | None, scopes: tuple[str, ...], fault: str
) -> None:
    """The API does not load, and the message names the method."""
    with pytest.raises(ValueError, match=rf"test\.Service\.Call: {fault}"):
        Contract.read([_built(_file(iam, *scopes))], {})


def test_a_scope_that_could_be_many_is_refused() -> None:
    """A list of UIDPs has no single group at which to ask."""
    with pytest.raises(ValueError, match="only a string or a message can be the scope"):
        Contract.read([_built(_file(NEEDS_GROUPS_LIST, "groups", repeated=True))], {})


def test_what_is_declared_is_read() -> None:
    """Authorization, further HTTP bindings and descriptions, from a file of one method."""
    file = _file(NEEDS_GROUPS_LIST, "group")
    rule = file.service[0].method[0].options.Extensions[HTTP]
    rule.post, rule.body = "/test/{group=**}", "*"
    rule.additional_bindings.add(get="/test")
    contract = Contract.read([_built(file)], {"test.Service.Call": "Calls."})
    method = contract.methods["/test.Service/Call"]
    assert (method.version, method.stable_path) == ("v1", method.path)
    assert [(r.verb, r.template, r.body) for r in method.http] == [
        ("POST", "/test/{group=**}", "*"),
        ("GET", "/test", ""),
    ]
    assert method.authorization.capabilities == ("groups.list",)
    assert method.authorization.scope_path == ("group",)
    assert method.event is None
    assert method.description == "Calls."


def test_a_verb_that_no_field_stands_for_is_refused() -> None:
    """google.api.http has `custom` for others; nothing here routes them."""
    file = _file(auth_pb2.IAM(disabled={}))
    file.service[0].method[0].options.Extensions[HTTP].custom.kind = "HEAD"
    with pytest.raises(ValueError, match="only the verbs that have a field"):
        Contract.read([_built(file)], {})


def test_capabilities_travel_by_number() -> None:
    """Built-in ones as the enum has them, the operator's own as 1,000,000 plus their bit."""
    numbers = CapabilityNumbers(CapabilityTable.load({"deploy.create": 1024}))
    assert numbers.number("groups.create") == 101
    assert numbers.name(101) == "groups.create"
    assert numbers.number("deploy.create") == 1_001_024
    assert numbers.name(1_001_024) == "deploy.create"


@pytest.mark.parametrize("number", [0, 1, 1_000_001, 1_001_024, -1])
def test_a_capability_number_that_nobody_has_is_refused(number: int) -> None:
    """Zero too: it is what a client sends that knows no better."""
    with pytest.raises(Invalid, match=f"capability number {number} does not exist"):
        CapabilityNumbers(CapabilityTable.load()).name(number)


def test_a_capability_name_that_nobody_has_is_refused() -> None:
    """Before it becomes a number."""
    with pytest.raises(Invalid, match=r"'groups\.creat' does not exist"):
        CapabilityNumbers(CapabilityTable.load()).number("groups.creat")


def test_reflection_tells_the_names_in_json() -> None:
    """Tools that learn of the API by reflection write a field as the API does over HTTP."""
    for file in Contract.load().file_descriptors:
        told = FileDescriptorProto.FromString(file.serialized_pb)
        for message in told.message_type:
            known = file.message_types_by_name[message.name].fields_by_name
            for field in message.field:
                assert field.json_name == known[field.name].camelcase_name

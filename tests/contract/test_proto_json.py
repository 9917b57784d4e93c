"""JSON of messages, against protobuf's own mapping and against what it leaves open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict, Parse, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.json_input import from_json
from broker.contract.methods import Contract
from broker.contract.proto.iam.v1 import identities_pb2
from broker.contract.proto.iam.v2 import account_associations_pb2, groups_pb2, role_bindings_pb2
from broker.contract.proto_json import to_json
from broker.errors import Invalid
from tests.kit.messages import messages


def _types() -> list[type[Message]]:
    """Every message that travels: requests, responses and what is in them."""
    seen: dict[str, type[Message]] = {}

    def visit(message: Any) -> None:
        if message.full_name in seen or message.GetOptions().map_entry:
            return
        seen[message.full_name] = GetMessageClass(message)
        for field in message.fields:
            for inner in _within(field.message_type):
                visit(inner)

    for method in Contract.load().methods.values():
        visit(method.request.DESCRIPTOR)
        visit(method.response.DESCRIPTOR)
    return list(seen.values())


def _within(message: Descriptor | None) -> Iterator[Descriptor]:
    if message is None:
        return
    yield message
    if message.GetOptions().map_entry:
        yield from _within(message.fields_by_name["value"].message_type)


TYPES: Final = [kind for kind in _types() if not kind.DESCRIPTOR.full_name.startswith("google.")]
ANY: Final = st.sampled_from(TYPES).flatmap(messages)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.DESCRIPTOR.full_name)
def test_an_empty_message_is_written_as_protobuf_writes_it(kind: type[Message]) -> None:
    """Every type of the contract, with the fields that are there also when they are empty."""
    assert to_json(kind()) == MessageToDict(kind(), always_print_fields_with_no_presence=True)


@given(ANY)
def test_messages_are_written_as_protobuf_writes_them(message: Message) -> None:
    """Whatever is in them: the clients' own code reads it."""
    assert to_json(message) == MessageToDict(message, always_print_fields_with_no_presence=True)


@given(ANY, st.booleans(), st.booleans())
def test_messages_are_read_as_protobuf_reads_them(
    message: Message, as_in_proto: bool, complete: bool
) -> None:
    """What the clients' own code writes: either spelling, empty fields written or left out."""
    document = MessageToDict(
        message,
        preserving_proto_field_name=as_in_proto,
        always_print_fields_with_no_presence=complete,
    )
    read = from_json(document, type(message))
    assert read == Parse(json.dumps(document), type(message)()) == message


@given(ANY)
def test_what_is_written_is_read_back(message: Message) -> None:
    """The two directions are one mapping."""
    assert from_json(json.loads(json.dumps(to_json(message))), type(message)) == message


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


FIELDS: Final = [(kind, field.json_name) for kind in TYPES for field in kind.DESCRIPTOR.fields]


@given(st.sampled_from(FIELDS), JSON)
def test_a_wrong_value_anywhere_is_refused_or_is_right(
    place: tuple[type[Message], str], value: Any
) -> None:
    """Any JSON in the place of a field's value: never anything but an error that names the field,
    or a value that protobuf reads alike."""
    kind, name = place
    refusal, read = _outcome({name: value}, kind)
    if refusal is None:
        assert read == ParseDict({name: value}, kind())
        return
    assert refusal.field is not None
    assert refusal.field.startswith(name)
    assert refusal.message.startswith(refusal.field)
    assert refusal.message.isprintable()


def _outcome(document: Any, kind: type[Message]) -> tuple[Invalid | None, Message | None]:
    try:
        return None, from_json(document, kind)
    except Invalid as error:
        return error, None


IDENTITY: Final = identities_pb2.Identity
BINDINGS: Final = role_bindings_pb2.BatchCreateRoleBindingsRequest
ACCOUNTS: Final = account_associations_pb2.AccountAssociation


@pytest.mark.parametrize(
    ("document", "kind", "path", "code"),
    [
        ([], IDENTITY, None, "field_invalid"),
        ("name", IDENTITY, None, "field_invalid"),
        ({"nam": "x"}, IDENTITY, "nam", "field_unknown"),
        ({"Name": "x"}, IDENTITY, "Name", "field_unknown"),
        ({"x\ny": 1}, IDENTITY, "x?y", "field_unknown"),
        ({"claimMatch": {"isuer": "x"}}, IDENTITY, "claimMatch.isuer", "field_unknown"),
        ({"claim_match": {"issuer": 5}}, IDENTITY, "claim_match.issuer", "field_invalid"),
        ({"claimMatch": []}, IDENTITY, "claimMatch", "field_invalid"),
        ({"claimMatch": {"claims": {"a": 1}}}, IDENTITY, "claimMatch.claims.a", "field_invalid"),
        ({"claimMatch": {"claims": []}}, IDENTITY, "claimMatch.claims", "field_invalid"),
        ({"claimMatch": {}, "static": {}}, IDENTITY, "static", "field_invalid"),
        ({"claimMatch": {}, "claim_match": {}}, IDENTITY, "claim_match", "field_invalid"),
        ({"createdAt": "yesterday"}, IDENTITY, "createdAt", "field_invalid"),
        ({"createdAt": "2026-02-30T00:00:00Z"}, IDENTITY, "createdAt", "field_invalid"),
        ({"createdAt": "2026-01-01t00:00:00z"}, IDENTITY, "createdAt", "field_invalid"),
        ({"createdAt": 5}, IDENTITY, "createdAt", "field_invalid"),
        ({"servicePrincipal": "NOBODY"}, IDENTITY, "servicePrincipal", "field_invalid"),
        ({"servicePrincipal": 2**31}, IDENTITY, "servicePrincipal", "field_invalid"),
        ({"requests": {}}, BINDINGS, "requests", "field_invalid"),
        ({"requests": [None]}, BINDINGS, "requests[0]", "field_invalid"),
        ({"requests": [{}, {"parent": 1}]}, BINDINGS, "requests[1].parent", "field_invalid"),
        (
            {"github": {"appInstallations": {"1": {}, "01": {}}}},
            ACCOUNTS,
            "github.appInstallations.01",
            "field_invalid",
        ),
        (
            {"github": {"appInstallations": {"x": {}}}},
            ACCOUNTS,
            "github.appInstallations.x",
            "field_invalid",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(
    document: Any, kind: type[Message], path: str | None, code: str
) -> None:
    """By the path to it as it was written, with what was expected."""
    with pytest.raises(Invalid) as refused:
        from_json(document, kind)
    assert (refused.value.field, refused.value.code) == (path, code)
    assert (
        "expected" in refused.value.message
        or "given" in refused.value.message
        or ("is not one of" in refused.value.message)
    )


def test_names_are_cut_short_in_messages() -> None:
    """A member of any length does not come back whole."""
    with pytest.raises(Invalid) as refused:
        from_json({"geheim" * 1000: 1}, IDENTITY)
    assert len(refused.value.message) < 600


def test_masks_are_read_in_both_spellings() -> None:
    """As JSON has them, and as the fields are called in the .proto file."""
    request = groups_pb2.UpdateGroupRequest
    both = [from_json({"updateMask": m}, request) for m in ("resourceLimits", "resource_limits")]
    assert [list(message.update_mask.paths) for message in both] == [["resource_limits"]] * 2


def test_numbers_and_names_of_enums_are_alike() -> None:
    """As clients of other languages write them."""
    for value in (2, "2", "INGESTER", 2.0):
        read = from_json({"servicePrincipal": value}, IDENTITY)
        assert read.service_principal == identities_pb2.INGESTER

"""HTTP requests as messages: every rule of the contract there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.contract.methods import Contract
from broker.contract.options import HttpRule
from broker.errors import Invalid
from broker.web.api import operations
from broker.web.path_routing import Found, PathRouter
from broker.web.transcoding import Operation
from tests.kit.messages import TEXT, messages

CONTRACT: Final = Contract.load()
OPERATIONS: Final = list(operations(CONTRACT))
ROUTER: Final = PathRouter((one.rule.verb, one.template, one) for one in OPERATIONS)
UIDP: Final = f"{'ab' * 20}/{'cd' * 8}"


def _name(operation: Operation) -> str:
    return f"{operation.rule.verb} {operation.rule.template}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_every_field_of_a_request_can_be_sent(operation: Operation) -> None:
    """In the path, in the query or in the body: what gRPC can say, HTTP can."""
    request: Any = operation.method.request.DESCRIPTOR
    if operation.rule.body == "*":
        return
    in_query = {field.name for field in operation.query_fields}
    in_path = set(operation.template.variable[:1])
    in_body = {operation.rule.body} - {""}
    assert in_query | in_path | in_body == {field.name for field in request.fields}


@given(st.data())
def test_every_rule_goes_there_and_back(data: st.DataObject) -> None:
    """A URL and a body built from any message, and read again, are the message."""
    operation = data.draw(st.sampled_from(OPERATIONS))
    message = data.draw(messages(operation.method.request))
    variable = operation.template.variable
    value = data.draw(TEXT.filter(bool)) if variable else ""
    if variable and not operation.template.takes_slashes:
        value = value.replace("/", "-")
    _put(message, variable, value)
    _leave_out_what_a_query_cannot_say(operation, message)
    path = "/" + "/".join([*operation.template.literals, *([quote(value)] if value else [])])
    path += f":{operation.template.verb}" if operation.template.verb else ""
    assume(not _is_taken_by_a_longer_rule(operation, value))
    query, body = _query_and_body(operation, message)
    found = ROUTER.find(operation.rule.verb, path)
    assert isinstance(found, Found)
    assert found.target is operation
    read = operation.message(
        found.value,
        parse_qs(urlencode(query), keep_blank_values=True),
        json.loads(json.dumps(body)),
    )
    if operation.rule.verb == "PATCH" and not message.update_mask.paths:  # type: ignore[attr-defined]  # every PATCH has one
        read.ClearField("update_mask")  # it is made of the body's members, see below
        message.ClearField("update_mask")
    assert read == message


def _put(message: Any, path: tuple[str, ...], value: str) -> None:
    if not path:
        return
    for name in path[:-1]:
        message = getattr(message, name)
    setattr(message, path[-1], value)


def _leave_out_what_a_query_cannot_say(operation: Operation, message: Any) -> None:
    """That a message is there and empty, and that an element of a list is empty."""
    for field in operation.query_fields:
        holder = getattr(message, field.name)
        if field.is_repeated:
            holder[:] = [one for one in holder if one != ""]
        elif field.message_type is not None and message.HasField(field.name):
            for inner in field.message_type.fields:
                if inner.is_repeated:
                    values = getattr(holder, inner.name)
                    values[:] = [one for one in values if one != ""]
            if not holder.ByteSize():
                message.ClearField(field.name)


def _is_taken_by_a_longer_rule(operation: Operation, value: str) -> bool:
    """Whether the value begins as the literals of another rule go on."""
    mine = operation.template.literals
    for other in OPERATIONS:
        literals = other.template.literals
        if len(literals) > len(mine) and literals[: len(mine)] == mine:
            rest = literals[len(mine) :]
            if tuple(value.split("/"))[: len(rest)] == rest:
                return True
    return False


def _query_and_body(operation: Operation, message: Message) -> tuple[list[tuple[str, str]], Any]:
    """What is not in the path."""
    rest = type(message)()
    rest.CopyFrom(message)
    if len(operation.template.variable) == 1:
        rest.ClearField(operation.template.variable[0])
    document = MessageToDict(rest)
    if operation.rule.body == "*":
        return [], document
    body = None
    if operation.body_field is not None:
        body = document.pop(operation.body_field.json_name, None)
    return list(_flat("", document)), body


def _flat(prefix: str, document: Any) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
            continue
        for one in value if isinstance(value, list) else [value]:
            yield f"{prefix}{name}", str(one).lower() if isinstance(one, bool) else str(one)


def _operation(name: str) -> Operation:
    (found,) = [one for one in OPERATIONS if one.method.path.endswith(f".{name}")]
    return found


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("iam.v2.GroupsService/GetGroup", HttpRule("GET", "/x/{id=**}", "")),
        ("iam.v2.GroupsService/GetGroup", HttpRule("GET", "/x/{uid.id=**}", "")),
        ("iam.v2.GroupsService/UpdateGroup", HttpRule("PATCH", "/x/{group=**}", "")),
        ("iam.v2.GroupsService/ListGroups", HttpRule("GET", "/x/{page_size=**}", "")),
        ("iam.v2.GroupsService/ListGroups", HttpRule("GET", "/x/{uidp.ids=**}", "")),
    ],
)
def test_a_variable_is_a_string_of_the_request(name: str, rule: HttpRule) -> None:
    """Checked at start."""
    with pytest.raises((ValueError, KeyError)):
        Operation(_operation(name).method, rule)


@pytest.mark.parametrize(
    ("name", "body", "paths"),
    [
        ("iam.v2.GroupsService/UpdateGroup", {}, []),
        ("iam.v2.GroupsService/UpdateGroup", {"uid": UIDP}, []),
        ("iam.v2.GroupsService/UpdateGroup", {"uid": UIDP, "name": "x"}, ["name"]),
        ("iam.v2.GroupsService/UpdateGroup", {"name": "", "description": None}, ["name", "description"]),
        ("iam.v2.GroupsService/UpdateGroup", {"resourceLimits": {"a": 1}}, ["resource_limits"]),
        ("iam.v2.GroupsService/UpdateGroup", {"resource_limits": {}}, ["resource_limits"]),
        ("iam.v2.GroupsService/UpdateGroup", {"createTime": "2026-01-01T00:00:00Z"}, ["create_time"]),
        (
            "iam.v2.IdentitiesService/UpdateIdentity",
            {"claimMatch": {"subject": "x", "claims": {"a": "b"}}, "name": "y"},
            ["claim_match.subject", "claim_match.claims", "name"],
        ),
        ("iam.v2.IdentitiesService/UpdateIdentity", {"claimMatch": {}}, ["claim_match"]),
        ("iam.v2.IdentitiesService/UpdateIdentity", {"claimMatch": None}, ["claim_match"]),
        ("iam.v2.RoleBindingsService/UpdateRoleBinding", {"role": {"uid": "x"}}, ["role.uid"]),
        (
            "iam.v2.IdentitiesService/UpdateIdentityMetadata",
            {"identityMetadata": {"jobTitle": "x"}},
            ["job_title"],
        ),
        ("iam.v2.IdentitiesService/UpdateIdentityMetadata", {}, []),
    ],
)  # fmt: skip
def test_a_patch_without_a_mask_changes_what_its_body_has(
    name: str, body: Any, paths: list[str]
) -> None:
    """Members in messages by their path, maps and lists whole, without what the URL says."""
    operation = _operation(name)
    value = UIDP if operation.template.variable else ""
    message: Any = operation.message(value, {}, body)
    assert list(message.update_mask.paths) == paths


def test_a_mask_that_is_given_is_the_mask() -> None:
    """In the query, in either spelling; the body may hold more than it names."""
    operation = _operation("iam.v2.GroupsService/UpdateGroup")
    for name in ("updateMask", "update_mask"):
        message: Any = operation.message(UIDP, {name: ["name"]}, {"name": "x", "description": "y"})
        assert list(message.update_mask.paths) == ["name"]


def test_the_path_and_the_body_must_agree() -> None:
    """On what both of them say; either may leave it out."""
    update = _operation("iam.Groups/Update")
    patch = _operation("iam.v2.GroupsService/UpdateGroup")
    for operation, name, holder in ((update, "id", ""), (patch, "uid", "group")):
        for value, body in ((UIDP, {name: UIDP}), (UIDP, {}), ("", {name: UIDP})):
            message: Any = operation.message(value, {}, body)
            assert getattr(getattr(message, holder) if holder else message, name) == UIDP
        with pytest.raises(Invalid) as refused:
            operation.message(UIDP, {}, {name: "other"})
        assert refused.value.field == f"{holder}.{name}".strip(".")


def test_an_array_can_be_a_body() -> None:
    """Where the rule makes a repeated field the body."""
    operation = _operation("iam.RoleBindings/CreateBatch")
    message: Any = operation.message(UIDP, {}, [{"role": "a"}, {"role": "b"}])
    assert (message.parent, [one.role for one in message.role_bindings]) == (UIDP, ["a", "b"])
    with pytest.raises(Invalid, match=r"\[1\]\.rule: no such field"):
        operation.message(UIDP, {}, [{"role": "a"}, {"rule": "b"}])


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"nam": ["x"]}, "parameter_unknown", "nam"),
        ({"nam": [""]}, "parameter_unknown", "nam"),
        ({"name.x": ["x"]}, "parameter_unknown", "name.x"),
        ({"uidp": ["x"]}, "parameter_unknown", "uidp"),
        ({"uidp.": ["x"]}, "parameter_unknown", "uidp."),
        ({"uidp.x": ["x"]}, "parameter_unknown", "uidp.x"),
        ({"uidp.ids.x": ["x"]}, "parameter_unknown", "uidp.ids.x"),
        ({"": ["x"]}, "parameter_unknown", None),
        ({"a\nb" * 99: ["x"]}, "parameter_unknown", None),
        ({"name": ["x", "x"]}, "parameter_repeated", "name"),
        ({"pageSize": ["1"], "page_size": ["1"]}, "field_invalid", "page_size"),
        ({"pageSize": ["ten"]}, "field_invalid", "pageSize"),
        ({"pageSize": ["2147483648"]}, "field_invalid", "pageSize"),
        ({"pageSize": ["1.5"]}, "field_invalid", "pageSize"),
        ({"uidp.inRoot": ["yes"]}, "field_invalid", "uidp.inRoot"),
        ({"uidp.in_root": ["True"]}, "field_invalid", "uidp.in_root"),
    ],
)
def test_wrong_queries_are_refused(
    query: dict[str, list[str]], code: str, field: str | None
) -> None:
    """By the name as it was written, never with more of it than fits on a line."""
    with pytest.raises(Invalid) as refused:
        _operation("iam.v2.GroupsService/ListGroups").message("", query, None)
    assert refused.value.code == code
    assert field is None or refused.value.field == field
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


def test_an_empty_parameter_counts_as_left_out() -> None:
    """As forms of browsers and generated clients send what was not filled in."""
    query = {"name": [""], "pageSize": [""], "uidp.ids": ["", "x"], "uidp.inRoot": [""]}
    message: Any = _operation("iam.v2.GroupsService/ListGroups").message("", query, None)
    assert MessageToDict(message) == {"uidp": {"ids": ["x"]}}

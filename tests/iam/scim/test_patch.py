"""Patches of users (RFC 7644 §3.5.2)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.scim.patch import PATCH_URN, operations_of, patched
from broker.iam.scim.schema import BY_NAME, ENTERPRISE_URN, USER_URN
from broker.iam.scim.values import checked, user_of

ANN: dict[str, Any] = {
    "externalId": "00u1",
    "userName": "ann@acme.example",
    "active": True,
    "name": {"givenName": "Ann", "familyName": "Example"},
    "emails": [
        {"value": "ann@acme.example", "type": "work", "primary": True},
        {"value": "ann@home.example", "type": "home"},
    ],
    ENTERPRISE_URN: {"department": "Ops"},
}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    body = {"schemas": [PATCH_URN], "Operations": list(operations)}
    before = deepcopy(ANN)
    after = patched(ANN, operations_of(body))
    assert before == ANN, "what there was is left as it was"
    return after


def op(op: str, path: str | None = None, value: Any = None) -> dict[str, Any]:
    members = {"op": op, "path": path, "value": value}
    return {name: each for name, each in members.items() if each is not None}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (op("add", "title", "Boss"), {"title": "Boss"}),
        (op("REPLACE", "USERNAME", "a@b"), {"userName": "a@b"}),
        (op("replace", f"{USER_URN}:title", "Boss"), {"title": "Boss"}),
        (op("replace", "name.givenName", "Anna"), {"name": ANN["name"] | {"givenName": "Anna"}}),
        (op("replace", "name", {"givenname": "A"}), {"name": ANN["name"] | {"givenName": "A"}}),
        (op("remove", "name.givenName"), {"name": {"familyName": "Example"}}),
        (op("remove", "name"), {"name": None}),
        (op("remove", 'emails[type eq "home"]'), {"emails": ANN["emails"][:1]}),
        (op("remove", 'emails[type eq "none"]'), {}),
        (op("remove", "emails"), {"emails": None}),
        (op("replace", "emails", []), {"emails": None}),
        (op("add", "emails", [ANN["emails"][1]]), {}),
        (op("replace", "emails", [{"value": "x"}]), {"emails": [{"value": "x"}]}),
        (op("remove", "emails.type"),
         {"emails": [{"value": "ann@acme.example", "primary": True},
                     {"value": "ann@home.example"}]}),
        (op("replace", 'emails[primary eq true].value', "x"),
         {"emails": [ANN["emails"][0] | {"value": "x"}, ANN["emails"][1]]}),
        (op("replace", 'emails[type eq "home"].primary', "True"),
         {"emails": [ANN["emails"][0] | {"primary": False},
                     ANN["emails"][1] | {"primary": True}]}),
        (op("add", "emails", {"value": "x", "primary": True}),
         {"emails": [ANN["emails"][0] | {"primary": False}, ANN["emails"][1],
                     {"value": "x", "primary": True}]}),
        (op("replace", 'emails[type eq "home"]', {"value": "x"}),
         {"emails": [ANN["emails"][0], {"value": "x"}]}),
        (op("add", 'emails[type eq "home"]', {"display": "x"}),
         {"emails": [ANN["emails"][0], ANN["emails"][1] | {"display": "x"}]}),
        (op("replace", 'roles[primary eq "True" and type eq "x"].value', "r"),
         {"roles": [{"primary": True, "type": "x", "value": "r"}]}),
        (op("replace", f"{ENTERPRISE_URN}:manager.displayName", "Bob"),
         {ENTERPRISE_URN: {"department": "Ops", "manager": {"displayName": "Bob"}}}),
        (op("remove", f"{ENTERPRISE_URN}:department"), {ENTERPRISE_URN: None}),
        (op("remove", ENTERPRISE_URN), {ENTERPRISE_URN: None}),
        (op("replace", "password", "secret"), {}),
        (op("replace", None, {"groups": [], "id": "x", "meta": {}, "unknown": 1}), {}),
        (op("replace", None, {f"{USER_URN}:title": "Boss"}), {"title": "Boss"}),
    ],
    ids=lambda each: str(each.get("path")) if "op" in each else "",
)  # fmt: skip
def test_an_operation(operation: dict[str, Any], expected: dict[str, Any]) -> None:
    """Does what it says, and nothing besides."""
    after = {name: each for name, each in (ANN | expected).items() if each is not None}
    assert patch(operation) == after


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (op("remove"), "scim_no_target"),
        (op("replace", 'emails[type eq "a" or type eq "b"].value', "x"), "scim_no_target"),
        (op("replace", None, "x"), "scim_value_invalid"),
        (op("remove", "userName"), "scim_value_invalid"),
        (op("remove", "externalId"), "scim_value_invalid"),
        (op("remove", "active"), "scim_value_invalid"),
        (op("replace", None, {"active": None}), "scim_value_invalid"),
        (op("replace", "active"), "scim_value_invalid"),
        (op("replace", "active", "maybe"), "scim_value_invalid"),
        (op("replace", "active", [False]), "scim_value_invalid"),
        (op("replace", "userName", "  "), "scim_value_invalid"),
        (op("replace", "userName", "x" * 257), "scim_value_invalid"),
        (op("replace", "title", 7), "scim_value_invalid"),
        (op("replace", "emails", [7]), "scim_value_invalid"),
        (op("add", "emails", [{"value": str(n)} for n in range(49)]), "scim_value_invalid"),
        (op("replace", "id", "x"), "scim_attribute_read_only"),
        (op("replace", "meta.version", "x"), "scim_attribute_read_only"),
        (op("add", "groups", []), "scim_attribute_read_only"),
        (op("replace", "unknown", "x"), "scim_path_invalid"),
        (op("replace", "name.unknown", "x"), "scim_path_invalid"),
        (op("replace", "emails[", "x"), "scim_path_invalid"),
        (op("replace", "emails]", "x"), "scim_path_invalid"),
        (op("replace", 'name[givenName eq "Ann"]', "x"), "scim_path_invalid"),
        (op("replace", "__class__", "x"), "scim_path_invalid"),
        (op("replace", "emails.value.value", "x"), "scim_path_invalid"),
        (op("replace", "urn:other:title", "x"), "scim_path_invalid"),
        (op("replace", "x" * 2000, "x"), "scim_path_invalid"),
        (op("replace", "emails[type co \"w\"].value", "x"), "scim_filter_invalid"),
        (op("replace", 'emails[unknown eq "w"].value', "x"), "scim_filter_invalid"),
        (op("move", "title", "x"), "scim_syntax_invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_an_operation_that_is_refused(operation: dict[str, Any], code: str) -> None:
    """With the error that RFC 7644 §3.12 has for it."""
    with pytest.raises(Invalid) as refused:
        patch(operation)
    assert refused.value.code == code


def test_operations_are_done_one_after_another() -> None:
    """The later ones see what the earlier did."""
    after = patch(
        op("add", 'emails[type eq "other"].value', "x"),
        op("replace", 'emails[type eq "other"].display', "X"),
        op("remove", 'emails[type eq "work"]'),
    )
    assert after["emails"] == [ANN["emails"][1], {"type": "other", "value": "x", "display": "X"}]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"schemas": [PATCH_URN]},
        {"schemas": [PATCH_URN], "Operations": []},
        {"schemas": [PATCH_URN], "Operations": [op("add", "title", "x")] * 101},
        {"schemas": [PATCH_URN], "Operations": [7]},
        {"schemas": [PATCH_URN], "Operations": [{"op": "add", "path": 7}]},
        {"schemas": PATCH_URN, "Operations": [op("add", "title", "x")]},
        {"schemas": [PATCH_URN], "Operations": [op("add")], "operations": []},
        {"Operations": [op("add", "title", "x")]},
    ],
    ids=str,
)
def test_what_is_no_patch(body: Any) -> None:
    """Is refused before anything is changed."""
    with pytest.raises(Invalid) as refused:
        operations_of(body)
    assert refused.value.code == "scim_syntax_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [*(each.name for each in BY_NAME.values()), "name.givenName", "emails.value",
     'emails[type eq "work"]', 'emails[type eq "x"].primary', ENTERPRISE_URN,
     f"{ENTERPRISE_URN}:manager", f"{ENTERPRISE_URN}:manager.value"]
)  # fmt: skip
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove"])},
    optional={"path": PATHS | st.text(max_size=12), "value": JSON},
)


@given(st.lists(OPERATIONS, min_size=1, max_size=5))
def test_any_patch_gives_a_user_or_is_refused(operations: list[dict[str, Any]]) -> None:
    """And a user who could have been sent as a whole."""
    try:
        after = patch(*operations)
    except Invalid:
        return
    assert checked(after) == after
    assert user_of({"schemas": [USER_URN], **after}) == after
    assert {"externalId", "userName", "active"} <= set(after)


@given(st.dictionaries(st.sampled_from([*BY_NAME, "ID", "password"]) | st.text(), JSON))
def test_any_body_is_a_user_or_refused(body: dict[str, Any]) -> None:
    """And what comes of it has nothing that the schema has not."""
    try:
        user = user_of(ANN | body | {"schemas": [USER_URN]})
    except Invalid:
        return
    assert set(user) <= {each.name for each in BY_NAME.values()} | {ENTERPRISE_URN}

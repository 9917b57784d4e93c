"""The contract against the facts: every service, method, route, field, enum, capability, event."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from broker.contract.methods import Contract, Method
from broker.contract.proto.annotations import auth_pb2, events_pb2
from broker.contract.proto.capabilities import capabilities_pb2
from broker.iam.capabilities import CapabilityTable
from tests.contract.facts import OWN, ROW, enums, field_type, messages, rows

CONTRACT = Contract.load()
BETA = ".v2beta1"


def _as_row(method: Method) -> ROW:
    event = method.event
    rules = [
        f"{rule.verb} {rule.template}" + (f" body {rule.body}" if rule.body else "")
        for rule in method.http
    ]
    return {
        "service": method.service,
        "method": method.name,
        "request": method.request.DESCRIPTOR.full_name,
        "response": method.response.DESCRIPTOR.full_name,
        "http": "; ".join(rules),
        "needs": method.authorization.kind,
        "capabilities": " ".join(method.authorization.capabilities),
        "unscoped": "unscoped" if method.authorization.unscoped else "",
        "event": event.type if event else "",
        "extensions": " ".join(event.extensions) if event else "",
        "audience": event.audience if event else "",
    }


def test_every_method_is_as_the_facts_have_it() -> None:
    """Request, response, HTTP rules, capabilities, event; none is missing, none is made up."""
    found = [
        _as_row(method)
        for method in CONTRACT.methods.values()
        if method.version != "v2beta1" and not method.service.startswith(OWN)
    ]
    expected = rows("methods")
    assert {row["service"] for row in found} == {row["service"] for row in expected}
    by_name = {(row["service"], row["method"]): row for row in found}
    assert len(by_name) == len(found) == len(expected) == 111
    for row in expected:
        assert by_name[row["service"], row["method"]] == row


def test_every_field_is_as_the_facts_have_it() -> None:
    """Number, name, label, type, oneof, iam_scope, deprecation; and no field besides."""
    scope: Any = auth_pb2.iam_scope
    found = []
    for message in messages(CONTRACT.file_descriptors):
        if BETA in message.full_name:
            continue
        if not message.fields:
            found.append((message.full_name, "", "", "", "", "", ""))
        for field in message.fields:
            options = field.GetOptions()
            marks = ["iam_scope"] * options.Extensions[scope] + ["deprecated"] * options.deprecated
            found.append(
                (
                    message.full_name,
                    str(field.number),
                    field.name,
                    "repeated" if field.is_repeated else "single",
                    field_type(field),
                    field.containing_oneof.name if field.containing_oneof else "",
                    " ".join(marks),
                )
            )
    assert sorted(found) == sorted(tuple(row.values()) for row in rows("fields"))


def test_every_enum_value_is_as_the_facts_have_it() -> None:
    """Number and name; the capabilities have a table of their own."""
    found = [
        (enum.full_name, str(value.number), value.name)
        for enum in enums(CONTRACT.file_descriptors)
        if BETA not in enum.full_name and enum.full_name != "chainguard.capabilities.Capability"
        for value in enum.values
    ]
    assert sorted(found) == sorted(tuple(row.values()) for row in rows("enums"))


def test_every_capability_is_as_its_table_has_it() -> None:
    """Number, enum name, name, bit, and whether it is deprecated or internal."""
    found = {}
    for value in capabilities_pb2.Capability.DESCRIPTOR.values:
        options: Any = value.GetOptions()
        flags = ["internal_only"] * options.Extensions[capabilities_pb2.internal_only]
        flags += ["deprecated"] * options.deprecated
        name = options.Extensions[capabilities_pb2.name]
        bit = options.Extensions[capabilities_pb2.bit]
        found[str(value.number)] = (value.name, name, str(bit), " ".join(flags))
    assert found.pop("0") == ("UNKNOWN", "", "0", "")
    table = files("broker.iam").joinpath("data/capabilities.tsv").read_text()
    expected = {
        row["number"]: (row["enum_name"], row["name"], row["bit"], row["flags"])
        for row in csv.DictReader(table.splitlines(), delimiter="\t")
    }
    assert found == expected
    assert len(found) == len(CapabilityTable.load().names)


@pytest.mark.parametrize(
    ("extension", "extended", "number"),
    [
        (auth_pb2.iam, "google.protobuf.MethodOptions", 189350641),
        (auth_pb2.iam_scope, "google.protobuf.FieldOptions", 189350642),
        (events_pb2.events, "google.protobuf.MethodOptions", 401635080),
        (capabilities_pb2.name, "google.protobuf.EnumValueOptions", 189350643),
        (capabilities_pb2.bit, "google.protobuf.EnumValueOptions", 20221109),
        (capabilities_pb2.internal_only, "google.protobuf.EnumValueOptions", 189350644),
    ],
)
def test_options_have_the_numbers_that_clients_know(
    extension: Any, extended: str, number: int
) -> None:
    """Who reads the descriptors by reflection finds the annotations."""
    assert (extension.containing_type.full_name, extension.number) == (extended, number)


def test_an_update_of_v2_is_authorized_by_the_uid_inside_the_record() -> None:
    """The scope lies in a message of the request, and its path leads there."""
    updates = {
        method.name: method.authorization.scope_path
        for method in CONTRACT.methods.values()
        if method.version == "v2" and method.authorization.kind == "capabilities"
        if method.name.startswith("Update")
    }
    assert updates == {
        "UpdateAccountAssociation": ("account_association", "uid"),
        "UpdateGroup": ("group", "uid"),
        "UpdateIdentity": ("identity", "uid"),
        "UpdateIdentityProvider": ("identity_provider", "uid"),
        "UpdateRole": ("role", "uid"),
        "UpdateRoleBinding": ("role_binding", "uid"),
    }


def test_what_the_platform_has_not_is_apart() -> None:
    """Our own methods have a package and paths of their own, which no client of its can meet."""
    own = [method for method in CONTRACT.methods.values() if method.service.startswith(OWN)]
    names = ("service", "method", "http", "needs", "capabilities")
    assert [tuple(_as_row(method)[name] for name in names) for method in own] == [
        (
            "broker.v1.Explain",
            "ExplainIdentity",
            "POST /broker/v1/identities/{uid=**}:explain body *",
            "capabilities",
            "identity.list",
        ),
        (
            "broker.v1.AccessRequests",
            "ListAccessRequests",
            "GET /broker/v1/accessRequests/{group=**}",
            "capabilities",
            "role_bindings.create",
        ),
        (
            "broker.v1.AccessRequests",
            "ApproveAccessRequest",
            "POST /broker/v1/accessRequests/{uid=**}:approve body *",
            "capabilities",
            "role_bindings.create",
        ),
        (
            "broker.v1.AccessRequests",
            "DenyAccessRequest",
            "POST /broker/v1/accessRequests/{uid=**}:deny body *",
            "capabilities",
            "role_bindings.create",
        ),
        (
            "broker.v1.IdentityProviderTests",
            "TestIdentityProvider",
            "POST /broker/v1/identityProviders/{uid=**}:test body *",
            "capabilities",
            "identity_providers.list",
        ),
        (
            "broker.v1.LoginPolicies",
            "GetLoginPolicy",
            "GET /broker/v1/loginPolicies/{group=**}",
            "capabilities",
            "groups.list",
        ),
        (
            "broker.v1.LoginPolicies",
            "UpdateLoginPolicy",
            "PATCH /broker/v1/loginPolicies/{policy.group=**} body policy",
            "capabilities",
            "groups.update",
        ),
        ("broker.v1.Sessions", "ListSessions", "GET /broker/v1/sessions", "token", ""),
        (
            "broker.v1.Sessions",
            "RevokeSession",
            "DELETE /broker/v1/sessions/{uid=*}",
            "token",
            "",
        ),
    ]
    for method in own:
        row = _as_row(method)
        assert row["event"] == "" or row["event"].startswith("dev.broker.api.")
        assert row["unscoped"] == ""
    token: Any = own[0].request.DESCRIPTOR.fields_by_name["token"]
    assert token.GetOptions().debug_redact


def test_a_scope_is_given_exactly_where_capabilities_are_needed_at_one() -> None:
    """Unscoped methods and those that need no capability have no scope to look at."""
    for method in CONTRACT.methods.values():
        needs = method.authorization
        scoped = needs.kind == "capabilities" and not needs.unscoped
        assert bool(needs.scope_path) == scoped, method.path


def test_http_variables_and_bodies_are_fields_of_the_request() -> None:
    """`{group.uid=**}` and body `group` lead to fields that exist; a variable's is a string."""
    for method in CONTRACT.methods.values():
        for rule in method.http:
            message: Any = method.request.DESCRIPTOR
            if rule.body not in {"", "*"}:
                assert rule.body in message.fields_by_name, method.path
            if "{" not in rule.template:
                continue
            variable = rule.template.partition("{")[2].partition("=")[0]
            *above, last = variable.split(".")
            for name in above:
                message = message.fields_by_name[name].message_type
            assert field_type(message.fields_by_name[last]) == "string", method.path

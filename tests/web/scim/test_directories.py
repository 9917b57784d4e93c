"""Requests as Entra ID and Okta make them, by what each documents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.scim import ENTERPRISE, PATCH, USER, Answer, Directory, user

ENTRA: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "6c3f1a52-5c11-4e77-b0a2-0a5b0b8f5a11",
    "userName": "Ann@acme.example",
    "active": True,
    "displayName": "Ann Example",
    "emails": [{"primary": True, "type": "work", "value": "Ann@acme.example"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ann Example", "familyName": "Example", "givenName": "Ann"},
    "title": "Engineer",
}


async def entra_patch(directory: Directory, user_id: str, *operations: dict[str, Any]) -> Answer:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return await directory.ask("PATCH", f"/Users/{user_id}", body)


async def test_entra_tests_the_connection(directory: Directory) -> None:
    """It looks for somebody who cannot be there, and wants an empty list, with its own switch."""
    answer = await directory.ask(
        "GET",
        "/Users",
        filter='userName eq "cb3ef5a4-2d0b-4ad1-9a58-a9d2ef1d3a7e"',
        aadOptscim062020="",
    )
    assert answer.status == 200
    assert answer.body["totalResults"] == 0
    assert answer.body["Resources"] == []


async def test_entra_provisions_and_updates(directory: Directory) -> None:
    """Capitalised operations, a manager as a bare id, values by a filter that finds none yet."""
    made = await directory.ask("POST", "/Users", ENTRA)
    assert made.status == 201
    found = await directory.find(f'externalId eq "{ENTRA["externalId"]}"')
    assert [each["id"] for each in found["Resources"]] == [made.body["id"]]
    answer = await entra_patch(
        directory,
        made.body["id"],
        {"op": "Replace", "path": "displayName", "value": "Ann E."},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ann.e@acme.example"},
        {"op": "Add", "path": 'emails[type eq "other"].value', "value": "ann@home.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 30 1"},
        {"op": "Replace", "path": 'addresses[type eq "work"].locality', "value": "Berlin"},
        {"op": "Add", "path": "name.givenName", "value": "Anna"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Ops"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "26118915-6090"},
        {"op": "Remove", "path": "title"},
    )
    assert answer.status == 200, answer.body
    after = answer.body
    assert after["displayName"] == "Ann E."
    assert after["emails"] == [
        {"primary": True, "type": "work", "value": "ann.e@acme.example"},
        {"type": "other", "value": "ann@home.example"},
    ]
    assert after["phoneNumbers"] == [{"type": "mobile", "value": "+49 30 1"}]
    assert after["addresses"] == [{"type": "work", "locality": "Berlin"}]
    assert after["name"] == ENTRA["name"] | {"givenName": "Anna"}
    assert after[ENTERPRISE] == {"department": "Ops", "manager": {"value": "26118915-6090"}}
    assert "title" not in after
    assert ENTERPRISE in after["schemas"]


async def test_entra_without_paths(directory: Directory) -> None:
    """Its newer form: one operation, whose value names paths."""
    made = (await directory.ask("POST", "/Users", ENTRA)).body
    value = {
        "displayName": "Ann E.",
        "name.familyName": "E.",
        'emails[type eq "work"].value': "ann.e@acme.example",
        f"{ENTERPRISE}:employeeNumber": "7",
        ENTERPRISE: {"division": "North"},
        "unknown": 1,
        "password": "never kept",
    }
    after = (await entra_patch(directory, made["id"], {"op": "Add", "value": value})).body
    assert after["displayName"] == "Ann E."
    assert after["name"]["familyName"] == "E."
    assert after["emails"][0]["value"] == "ann.e@acme.example"
    assert after[ENTERPRISE] == {"employeeNumber": "7", "division": "North"}
    assert "never kept" not in str(after)


@pytest.mark.parametrize("value", ["False", "false", False])
@pytest.mark.parametrize("path", ["active", None])
async def test_entra_and_okta_deactivate(
    directory: Directory, value: object, path: str | None
) -> None:
    """A boolean, or a string that reads as one; with a path, or as the value of none."""
    made = await directory.create(**ENTRA)
    operation = {"op": "Replace", "path": path, "value": value}
    if path is None:
        operation = {"op": "replace", "value": {"active": value}}
    answer = await entra_patch(directory, made["id"], operation)
    assert answer.body["active"] is False
    back = await entra_patch(directory, made["id"], operation | {"value": "True", "path": "active"})
    assert back.body["active"] is True


async def test_okta_provisions_and_updates(directory: Directory) -> None:
    """It looks by userName, sends a password and groups (which are not kept), and replaces."""
    found = await directory.find('userName eq "ann@acme.example"', startIndex="1", count="100")
    assert found["Resources"] == []
    sent = {
        "schemas": [USER],
        "userName": "ann@acme.example",
        "name": {"givenName": "Ann", "familyName": "Example"},
        "emails": [{"primary": True, "value": "ann@acme.example", "type": "work"}],
        "displayName": "Ann Example",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    made = await directory.ask("POST", "/Users", sent)
    assert made.status == 201
    assert not {"password", "groups"} & set(made.body)
    whole = made.body | {"name": {"givenName": "Anna", "familyName": "Example"}, "active": False}
    after = await directory.ask("PUT", f"/Users/{made.body['id']}", whole)
    assert after.body["name"]["givenName"] == "Anna"
    assert after.body["active"] is False
    assert after.body["id"] == made.body["id"]


async def test_json_by_either_name(directory: Directory) -> None:
    """`application/json` as well, with a character set."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    assert (await directory.ask("POST", "/Users", user(), headers=kind)).status == 201
    kind = {"Content-Type": "text/plain"}
    assert (await directory.ask("POST", "/Users", user(), headers=kind)).refusal == (415, "")

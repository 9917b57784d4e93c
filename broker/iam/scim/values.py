"""From what a directory sent to values as the schema has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from broker.iam.scim.refusals import syntax_invalid, value_invalid
from broker.iam.scim.schema import (
    BY_NAME,
    ENTERPRISE_BY_NAME,
    ENTERPRISE_URN,
    MAX_VALUES,
    USER_URN,
    Attribute,
)

MAX_USER: Final = 64 * 1024
"""Bytes of a user as JSON, which patches could let grow."""

User = dict[str, Any]
"""A user as JSON, in canonical spelling: known attributes alone, none without a value."""


def user_of(body: object) -> User:
    """A whole user as it was sent (RFC 7644 §3.3, §3.5.1). What is not in the schema is ignored.

    `active` is always there. Raises `Invalid`: `scim_syntax_invalid`, `scim_value_invalid`.
    """
    if not isinstance(body, dict):
        raise syntax_invalid("the body: expected a JSON object")
    _expect_schema(body.get("schemas"))
    return checked(body)


def checked(body: Mapping[str, Any]) -> User:
    """The same of what has no `schemas`."""
    user: User = {"active": True}
    for name, value in spelled(body).items():
        if name == ENTERPRISE_URN.lower():
            if extension := _extension(value):
                user[ENTERPRISE_URN] = extension
            continue
        attribute = BY_NAME.get(name)
        known = canonical(attribute, value) if attribute else None
        if attribute is not None and known is not None:
            user[attribute.name] = known
    for attribute in BY_NAME.values():
        if attribute.required and not str(user.get(attribute.name, "")).strip():
            raise value_invalid(attribute.name, "is required")
    if len(json.dumps(user, ensure_ascii=False).encode()) > MAX_USER:
        raise value_invalid("emails", f"the user would be larger than {MAX_USER // 1024} KiB")
    return user


def canonical(attribute: Attribute, value: object, *, within: str = "") -> Any:
    """The value of an attribute; None when there is none (RFC 7643 §2.5).

    Raises `Invalid` (`scim_value_invalid`, `scim_syntax_invalid`).
    """
    name = f"{within}{attribute.name}"
    if not attribute.multi_valued:
        return _one(attribute, value, name)
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise value_invalid(name, f"more than {MAX_VALUES} values")
    found = [known for each in values if (known := _one(attribute, each, name)) is not None]
    return with_one_primary(found) or None


def with_one_primary(values: list[Any]) -> list[Any]:
    """At most one value is `primary` (RFC 7643 §2.4): the last that says so."""
    primaries = [at for at, value in enumerate(values) if value.get("primary") is True]
    return [
        value | {"primary": False} if at in primaries[:-1] else value
        for at, value in enumerate(values)
    ]


def spelled(body: Mapping[str, Any]) -> dict[str, Any]:
    """Members by their names in lower case. Raises `Invalid` when two are the same name."""
    members = {name.lower(): value for name, value in body.items()}
    if len(members) < len(body):
        raise syntax_invalid("the body: an attribute is there twice; case does not count")
    return members


def _one(attribute: Attribute, value: object, name: str) -> Any:
    if value is None:
        return None
    match attribute.type:
        case "complex":
            return _complex(attribute, value, name)
        case "boolean":
            return _boolean(value, name)
        case _:
            return _text(value, name, attribute.limit)


def _complex(attribute: Attribute, value: object, name: str) -> Any:
    if isinstance(value, str):  # Entra ID sends a manager as the bare id
        value = {"value": value}
    if not isinstance(value, dict):
        raise value_invalid(name, "expected an object")
    members = spelled(value)
    found = {
        each.name: known
        for each in attribute.members
        if (known := canonical(each, members.get(each.name.lower()), within=f"{name}.")) is not None
    }
    return found or None


def _boolean(value: object, name: str) -> bool:
    if isinstance(value, str):  # Entra ID sends "True" and "False"
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        raise value_invalid(name, "expected true or false")
    return value


def _text(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise value_invalid(name, f"expected a string of at most {limit} characters")
    return value


def _extension(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise value_invalid(ENTERPRISE_URN, "expected an object")
    return {
        attribute.name: known
        for name, each in spelled(value).items()
        if (attribute := ENTERPRISE_BY_NAME.get(name)) is not None
        and (known := canonical(attribute, each)) is not None
    }


def _expect_schema(schemas: object) -> None:
    names = schemas if isinstance(schemas, list) else []
    if USER_URN.lower() not in {name.lower() for name in names if isinstance(name, str)}:
        raise syntax_invalid(f"schemas: expected a list with {USER_URN}")

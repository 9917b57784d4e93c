"""A user as SCIM shows it, and as it is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from broker.iam.model import ScimUser
from broker.iam.scim.schema import ENTERPRISE_URN, USER_URN
from broker.iam.scim.values import User

_OWN: Final = frozenset({"externalId", "userName", "active"})
_ALWAYS: Final = frozenset({"id", "schemas"})


def members(user: ScimUser) -> User:
    """What a directory has said of somebody, all of it."""
    return {
        "externalId": user.external_id,
        "userName": user.user_name,
        "active": user.active,
        **user.attributes,
    }


def with_members(base: ScimUser, said: Mapping[str, Any]) -> ScimUser:
    """The record when that is what the directory says."""
    return replace(
        base,
        external_id=said["externalId"],
        user_name=said["userName"],
        active=said["active"],
        attributes={name: value for name, value in said.items() if name not in _OWN},
    )


def etag(user: ScimUser) -> str:
    """A weak one (RFC 7232 §2.3): the same user may be shown with more attributes, or fewer."""
    return f'W/"{user.version}"'


def resource(user: ScimUser, location: str) -> dict[str, Any]:
    """RFC 7643 §3, §4.1. `location`: URL of the endpoint's users."""
    schemas = [USER_URN, *([ENTERPRISE_URN] if ENTERPRISE_URN in user.attributes else [])]
    return {
        "schemas": schemas,
        "id": user.id,
        **members(user),
        "meta": {
            "resourceType": "User",
            "created": _time(user.created_at),
            "lastModified": _time(user.updated_at),
            "location": f"{location}/{user.id}",
            "version": etag(user),
        },
    }


def projected(
    whole: dict[str, Any], wanted: Collection[str], unwanted: Collection[str]
) -> dict[str, Any]:
    """RFC 7644 §3.4.2.5, §3.9: `attributes`, or all but `excludedAttributes`; names that are not
    there are ignored. `id` and `schemas` always stay.
    """
    if not wanted and not unwanted:
        return whole
    names, pick = _names(wanted or unwanted), _part if wanted else _rest
    return {
        name: kept
        for name, value in whole.items()
        if (kept := value if name in _ALWAYS else pick(name, value, names)) is not None
    }


def _names(given: Collection[str]) -> frozenset[str]:
    return frozenset(name.lower().removeprefix(f"{USER_URN.lower()}:") for name in given)


def _inner(name: str, names: frozenset[str]) -> frozenset[str]:
    """Those of `names` that are of sub-attributes of `name`, without that."""
    start = f"{name.lower()}:" if name == ENTERPRISE_URN else f"{name.lower()}."
    return frozenset(each[len(start) :] for each in names if each.startswith(start))


def _part(name: str, value: Any, names: frozenset[str]) -> Any:
    if name.lower() in names:
        return value
    inner = _inner(name, names)
    match value:
        case dict() if inner:
            found = {k: v for k, each in value.items() if (v := _part(k, each, inner)) is not None}
            return found or None
        case list() if inner:
            return [{k: v for k, v in each.items() if k.lower() in inner} for each in value]
        case _:
            return None


def _rest(name: str, value: Any, names: frozenset[str]) -> Any:
    if name.lower() in names:
        return None
    inner = _inner(name, names)
    match value:
        case dict() if inner:
            return {k: v for k, each in value.items() if (v := _rest(k, each, inner)) is not None}
        case list() if inner:
            return [{k: v for k, v in each.items() if k.lower() not in inner} for each in value]
        case _:
            return value


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Patches of a user (RFC 7644 §3.5.2), as Entra ID and Okta write them.

Both leave the letter of the RFC: operations are capitalised, booleans are strings, and a `replace`
whose filter finds nothing is meant to add (RFC: `noTarget`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from broker.iam.scim.filters import All, Equal, Filter
from broker.iam.scim.paths import Path, known_path, parse_path
from broker.iam.scim.refusals import no_target, syntax_invalid, value_invalid
from broker.iam.scim.schema import (
    ENTERPRISE_BY_NAME,
    ENTERPRISE_URN,
    MAX_VALUES,
    Attribute,
)
from broker.iam.scim.values import User, canonical, checked, spelled, with_one_primary

PATCH_URN: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. `op` is `add`, `replace` or `remove`; `path` None: of the whole user."""

    op: str
    path: str | None
    value: Any


def operations_of(body: object) -> tuple[Operation, ...]:
    """The operations of a request. Raises `Invalid` (`scim_syntax_invalid`)."""
    members = spelled(body) if isinstance(body, dict) else {}
    schemas, operations = members.get("schemas"), members.get("operations")
    names = schemas if isinstance(schemas, list) else []
    if PATCH_URN.lower() not in {name.lower() for name in names if isinstance(name, str)}:
        raise syntax_invalid(f"schemas: expected a list with {PATCH_URN}")
    if not isinstance(operations, list) or not 1 <= len(operations) <= MAX_OPERATIONS:
        raise syntax_invalid(f"Operations: expected a list of 1 to {MAX_OPERATIONS}")
    return tuple(_operation(each) for each in operations)


def patched(user: Mapping[str, Any], operations: Iterable[Operation]) -> User:
    """The user when all operations are done, one after another.

    Raises `Invalid`: `scim_value_invalid`, `scim_path_invalid`, `scim_no_target`,
    `scim_attribute_read_only`, `scim_filter_invalid`.
    """
    after = deepcopy(dict(user))
    for operation in operations:
        _apply(after, operation)
    return checked(after)


def _operation(item: object) -> Operation:
    members = spelled(item) if isinstance(item, dict) else {}
    op, path = members.get("op"), members.get("path")
    if not isinstance(op, str) or op.lower() not in {"add", "replace", "remove"}:
        raise syntax_invalid("op: expected add, replace or remove")
    if not isinstance(path, str | None):
        raise syntax_invalid("path: expected a string")
    return Operation(op.lower(), path or None, members.get("value"))


def _apply(user: User, operation: Operation) -> None:
    if operation.path is None:
        _whole(user, operation)
    elif operation.path.lower() == ENTERPRISE_URN.lower():
        _extension(user, operation)
    elif (path := parse_path(operation.path)) is not None:
        _one(user, path, operation.op, operation.value)


def _whole(user: User, operation: Operation) -> None:
    """RFC 7644 §3.5.2.1, §3.5.2.3: the value has the attributes. What is unknown is ignored, as
    where a whole user is sent.
    """
    if operation.op == "remove":
        raise no_target("a removal needs one")
    if not isinstance(operation.value, dict):
        raise value_invalid("value", "expected an object, as there is no path")
    for name, value in operation.value.items():
        if name.lower() == ENTERPRISE_URN.lower():
            _extension(user, Operation(operation.op, name, value))
        elif (path := known_path(name)) is not None:  # also `name.givenName`, as Entra ID says it
            _one(user, path, operation.op, value)


def _extension(user: User, operation: Operation) -> None:
    if operation.op == "remove":
        user.pop(ENTERPRISE_URN, None)
        return
    if not isinstance(operation.value, dict):
        raise value_invalid(ENTERPRISE_URN, "expected an object")
    for name, value in spelled(operation.value).items():
        if (attribute := ENTERPRISE_BY_NAME.get(name)) is not None:
            _one(user, Path(attribute=attribute, is_enterprise=True), operation.op, value)


def _one(user: User, path: Path, op: str, value: Any) -> None:
    holder: dict[str, Any] = user.setdefault(ENTERPRISE_URN, {}) if path.is_enterprise else user
    name = path.attribute.name
    if op == "remove" or value is None:
        after = _without(holder.get(name), path)
    elif path.attribute.multi_valued:
        after = _values(holder.get(name, []), path, op, value)
    else:
        after = _value(holder.get(name), path, value)
    if after in (None, {}, []):
        _expect_removable(path)
        holder.pop(name, None)
    else:
        holder[name] = after
    if path.is_enterprise and not holder:
        del user[ENTERPRISE_URN]


def _expect_removable(path: Path) -> None:
    # a removed `active` would read as true, and let somebody in again
    if path.attribute.required or path.attribute.name == "active":
        raise value_invalid(path.attribute.name, "cannot be removed")


def _without(value: Any, path: Path) -> Any:
    if value is None or (path.member is None and path.filter is None):
        return None
    if not path.attribute.multi_valued:
        return _less(value, path.member)
    left = [
        _less(each, path.member) if path.filter is None or path.filter.holds(each) else each
        for each in value
    ]
    return [each for each in left if each]


def _less(value: dict[str, Any], member: Attribute | None) -> dict[str, Any]:
    return {} if member is None else {k: v for k, v in value.items() if k != member.name}


def _value(old: Any, path: Path, value: Any) -> Any:
    """Of an attribute with one value. A complex one keeps what is not named."""
    if path.member is not None:
        return (old or {}) | _members(path.member, value, path)
    new = canonical(path.attribute, value)
    if path.attribute.type == "complex":
        return (old or {}) | (new or {})
    return new


def _values(old: list[Any], path: Path, op: str, value: Any) -> list[Any]:
    """Of an attribute that may have several."""
    if path.filter is not None or path.member is not None:
        after = _selected(old, path, op, value)
    else:
        new = canonical(path.attribute, value) or []
        after = new if op == "replace" else [*old, *(each for each in new if each not in old)]
    if len(after) > MAX_VALUES:
        raise value_invalid(path.attribute.name, f"more than {MAX_VALUES} values")
    return with_one_primary(after)


def _selected(old: list[Any], path: Path, op: str, value: Any) -> list[Any]:
    change = _change(path, value)
    keeps = path.member is not None or op == "add"
    found = [at for at, each in enumerate(old) if path.filter is None or path.filter.holds(each)]
    if not found:
        return [*old, _described(path.filter) | change]
    changed = [
        ((each if keeps else {}) | change) if at in found else each for at, each in enumerate(old)
    ]
    if change.get("primary") is True:  # the one that was changed, wherever it stands
        last = found[-1]
        changed = [
            each | {"primary": False} if at != last and each.get("primary") is True else each
            for at, each in enumerate(changed)
        ]
    return changed


def _change(path: Path, value: Any) -> dict[str, Any]:
    if path.member is not None:
        return _members(path.member, value, path)
    found = canonical(path.attribute, [value])
    return dict(found[0]) if found else {}


def _members(member: Attribute, value: Any, path: Path) -> dict[str, Any]:
    known = canonical(member, value, within=f"{path.attribute.name}.")
    return {} if known is None else {member.name: known}


def _described(wanted: Filter | None) -> dict[str, Any]:
    """What a value has that the filter would have found. Raises `Invalid` (`scim_no_target`) when
    that is not one thing.
    """
    match wanted:
        case None:
            return {}
        case Equal(attribute, value):
            return {attribute.name: value}
        case All(parts):
            found: dict[str, Any] = {}
            for part in parts:
                found |= _described(part)
            return found
        case _:
            raise no_target("the filter finds no value")

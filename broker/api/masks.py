"""Update masks (AIP-134, AIP-161): which fields of a message change a record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from broker.errors import Invalid

EVERYTHING: Final = "*"

_Message = TypeVar("_Message", bound=Message)


def patched(
    current: _Message, patch: _Message, mask: FieldMask, settable: Collection[str]
) -> _Message:
    """`current` with the fields of `patch` that the mask names.

    An empty mask stands for every field that `patch` has, `*` for every one in `settable`. A
    named field that `patch` has not is cleared; lists and maps are replaced whole. Fields
    outside of `settable` are the server's and are passed over (AIP-203). Raises `Invalid`
    (`update_mask_invalid`) for a path that does not exist.
    """
    result = type(current)()
    result.CopyFrom(current)
    for path in _paths(patch, mask.paths, settable):
        parts = path.split(".")
        _check(parts, patch.DESCRIPTOR, path)
        if parts[0] in settable:
            _apply(parts, patch, result)
    return result


def _paths(patch: Message, paths: Iterable[str], settable: Collection[str]) -> list[str]:
    named = list(paths)
    if EVERYTHING in named:
        return list(settable)
    return named or [field.name for field, _ in patch.ListFields()]


def _check(parts: list[str], message: Any, path: str) -> None:
    at: Any = message
    for part in parts:
        field = at.fields_by_name.get(part) if at is not None else None
        if field is None:
            raise Invalid(
                "update_mask_invalid",
                f"update_mask: no field {path[:100]!r}; expected names of {message.name}'s fields",
                field="update_mask",
            )
        at = None if field.is_repeated else field.message_type


def _apply(parts: list[str], source: Message, target: Message) -> None:
    name, *rest = parts
    field: Any = source.DESCRIPTOR.fields_by_name[name]
    if rest:
        # nothing to take over, and naming a part of it must not bring it into being
        if source.HasField(name) or target.HasField(name):
            _apply(rest, getattr(source, name), getattr(target, name))
    elif field.is_repeated:
        target.ClearField(name)
        getattr(target, name).MergeFrom(getattr(source, name))
    elif not field.has_presence:
        setattr(target, name, getattr(source, name))
    elif not source.HasField(name):
        target.ClearField(name)
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(getattr(source, name))
    else:
        setattr(target, name, getattr(source, name))

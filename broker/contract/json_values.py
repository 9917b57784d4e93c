"""Scalars and well-known types of JSON as protobuf has them, and what is said when they are not."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

Read = Callable[[Any], Any]
"""A value of JSON to a value of protobuf. Raises `Fault`."""

Merge = Callable[[Any, Any], None]
"""Takes a value of JSON and the message that it is put into. Raises `Fault`."""

_SHOWN: Final = 64
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_DURATION: Final = re.compile(r"-?\d{1,12}(\.\d{1,9})?s", re.ASCII)
_MASK: Final = re.compile(r"[A-Za-z0-9_.*]+(,[A-Za-z0-9_.*]+)*", re.ASCII)
_CAPITAL: Final = re.compile(r"[A-Z]")
_TO_BASE64: Final = str.maketrans("-_", "+/")


class Fault(Exception):
    """What is wrong with a value, and where: the path grows on the way out."""

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.unknown = unknown
        """Whether there is no field of this name, rather than a bad value in one."""
        self.path = ""

    def within(self, step: str) -> Fault:
        """The same, seen from one level further out."""
        self.path = f"{step}{'' if self.path.startswith('[') or not self.path else '.'}{self.path}"
        return self


def shown(name: str) -> str:
    """A name that somebody sent, fit for a message."""
    printable = "".join(c if " " <= c <= "~" else "?" for c in name[:_SHOWN])
    return printable if len(name) <= _SHOWN else f"{printable}…"


def value_reader(field: FieldDescriptor) -> Read:
    """For a field that holds no message. Raises ValueError for a type that is not supported."""
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return _string
        case FieldDescriptor.TYPE_BOOL:
            return _bool
        case FieldDescriptor.TYPE_INT32:
            return lambda value: _integer(value, 32)
        case FieldDescriptor.TYPE_INT64:
            return lambda value: _integer(value, 64)
        case FieldDescriptor.TYPE_BYTES:
            return _bytes
    raise ValueError(f"{field.full_name}: this type is not supported in JSON")


def _string(value: object) -> str:
    if type(value) is not str:
        raise Fault(f"expected a string, not {type_name(value)}")
    return value


def _bool(value: object) -> bool:
    if type(value) is not bool:
        raise Fault(f"expected true or false, not {type_name(value)}")
    return value


def _integer(value: object, bits: int) -> int:
    if type(value) is str and _INTEGER.fullmatch(value):
        number = int(value)
    elif type(value) is int:
        number = value
    elif type(value) is float and value.is_integer():
        number = int(value)
    else:
        raise Fault(f"expected an integer, not {type_name(value)}")
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise Fault(f"expected an integer of {bits} bits")
    return number


def _bytes(value: object) -> bytes:
    text = _string(value).rstrip("=").translate(_TO_BASE64)
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Fault("expected base64") from None


def _enum_reader(enum: EnumDescriptor) -> Read:
    numbers = {value.name: value.number for value in enum.values}

    def read(value: object) -> int:
        if type(value) is str:
            if value in numbers:
                return numbers[value]
            if not _INTEGER.fullmatch(value):
                raise Fault(f"{shown(value)!r} is not one of {listed(list(numbers))}")
        return _integer(value, 32)

    return read


def _well_known(pattern: re.Pattern[str], expected: str) -> Merge:
    def merge(value: object, message: Any) -> None:
        text = _string(value)
        try:
            if not pattern.fullmatch(text):
                raise ValueError(expected)
            message.FromJsonString(text)
        except ValueError:
            raise Fault(f"expected {expected}") from None

    return merge


def _merge_mask(value: object, message: Any) -> None:
    text = _string(value)
    if text and not _MASK.fullmatch(text):
        raise Fault("expected names of fields with commas between, such as name,description")
    message.paths.extend(
        _CAPITAL.sub(lambda capital: f"_{capital.group().lower()}", path)
        for path in text.split(",")
        if path
    )


def _merge_empty(value: object, message: object) -> None:
    del message
    if type(value) is not dict:
        raise Fault(f"expected an object, not {type_name(value)}")
    for key in value:
        raise Fault("expected no fields", unknown=True).within(shown(key))


WELL_KNOWN: Final[Mapping[str, Merge]] = {
    "google.protobuf.Timestamp": _well_known(
        _TIMESTAMP, "a time of RFC 3339 such as 2026-01-31T12:00:00Z"
    ),
    "google.protobuf.Duration": _well_known(_DURATION, "seconds with an s, such as 3600s"),
    "google.protobuf.FieldMask": _merge_mask,
    "google.protobuf.Empty": _merge_empty,
}


def type_name(value: object) -> str:
    """As JSON calls it, with an article."""
    return _TYPES.get(type(value), "a value")


def listed(names: Iterable[str]) -> str:
    """The first twenty."""
    some = list(names)
    return ", ".join(some[:20]) + (f" and {len(some) - 20} more" if len(some) > 20 else "")


_TYPES: Final = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}

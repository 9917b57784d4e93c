"""Messages as JSON: the proto3 JSON mapping (protobuf.dev/programming-guides/json).

`json_format` of protobuf looks at every descriptor anew for every message. Here each message type
is compiled once into a list of steps, which takes a third of the time; a test holds the two
against each other over every type of the contract. The way back is in `broker.contract.json_input`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

_Write = Callable[[Any], Any]
"""A value of protobuf to a value of JSON."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the offset is written by hand, which is faster

_PLAIN: Final = frozenset(
    {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_INT32}
)
"""Types that JSON has as they are."""


def to_json(message: Message) -> dict[str, Any]:
    """Names in lowerCamelCase; fields without presence are there also when they are empty."""
    written: dict[str, Any] = _writer(message.DESCRIPTOR)(message)
    return written


def map_entry(field: FieldDescriptor) -> Descriptor | None:
    """What a map is on the wire, repeated: a message of `key` and `value`; None for others."""
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


class _Step(NamedTuple):
    """What is done for a field."""

    key: str
    name: str
    write: _Write | None
    """None where the value stays as it is."""
    has_presence: bool


class _MessageWriter:
    def __init__(self) -> None:
        self.steps: Sequence[_Step] = ()  # filled in later, since a type may hold itself

    def __call__(self, message: Message) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, name, write, has_presence in self.steps:
            if has_presence and not message.HasField(name):
                continue
            value = getattr(message, name)
            written[key] = value if write is None else write(value)
        return written


@cache  # a pure function of the descriptor; there are as many as message types
def _writer(message: Descriptor) -> _Write:
    return _compile(message, {})


def _compile(message: Descriptor, known: dict[str, _Write]) -> _Write:
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    if message.full_name not in known:
        writer = known[message.full_name] = _MessageWriter()
        writer.steps = [
            _Step(field.json_name, field.name, _field_writer(field, known), field.has_presence)
            for field in message.fields
        ]
    return known[message.full_name]


def _field_writer(field: FieldDescriptor, known: dict[str, _Write]) -> _Write | None:
    if (entry := map_entry(field)) is not None:
        return _map_writer(entry, known)
    write = _value_writer(field, known)
    if not field.is_repeated:
        return write
    return list if write is None else lambda values: [write(value) for value in values]


def _map_writer(entry: Descriptor, known: dict[str, _Write]) -> _Write:
    key = entry.fields_by_name["key"]
    write = _value_writer(entry.fields_by_name["value"], known)
    if key.type == FieldDescriptor.TYPE_BOOL:
        raise ValueError(f"{entry.full_name}: keys that are bools are not supported")
    if write is None and key.type == FieldDescriptor.TYPE_STRING:
        return dict
    return lambda values: {
        str(key): value if write is None else write(value) for key, value in values.items()
    }


def _value_writer(field: FieldDescriptor, known: dict[str, _Write]) -> _Write | None:
    if field.message_type is not None:
        return _compile(field.message_type, known)
    if field.enum_type is not None:
        return _enum_writer(field.enum_type)
    match field.type:
        case kind if kind in _PLAIN:
            return None
        case FieldDescriptor.TYPE_INT64:
            return str
        case FieldDescriptor.TYPE_BYTES:
            return lambda value: b64encode(value).decode()
    raise ValueError(f"{field.full_name}: this type is not supported in JSON")


def _enum_writer(enum: EnumDescriptor) -> _Write:
    names: Mapping[int, str] = {number: v.name for number, v in enum.values_by_number.items()}
    return lambda number: names.get(number, number)


def timestamp_text(timestamp: Any) -> str:
    """RFC 3339 in UTC, with as many of 0, 3, 6 and 9 digits of a second as it needs."""
    micros, nanos = divmod(timestamp.nanos, 1000)
    moment = _EPOCH + timedelta(0, timestamp.seconds, micros)
    if nanos:
        return f"{moment.isoformat(timespec='seconds')}.{timestamp.nanos:09}Z"
    text = moment.isoformat()
    if micros and not micros % 1000:
        text = text[:-3]
    return f"{text}Z"


_WELL_KNOWN: Final[Mapping[str, _Write]] = {
    "google.protobuf.Timestamp": timestamp_text,
    "google.protobuf.Duration": lambda duration: duration.ToJsonString(),
    "google.protobuf.FieldMask": lambda mask: mask.ToJsonString(),
    "google.protobuf.Empty": lambda empty: {},  # noqa: ARG005 - every writer takes a value
}

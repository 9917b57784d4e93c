"""JSON as messages: the proto3 JSON mapping, read strictly, with errors that say what to change.

Names in lowerCamelCase or as in the .proto file. Refused, each with the path to it: what no field
has as its name, a field twice, two of a oneof, a value of the wrong type or out of range. Null
stands for a field that is left out. Nothing of the input is quoted but names, cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from broker.contract.json_values import (
    WELL_KNOWN,
    Fault,
    Merge,
    Read,
    listed,
    shown,
    type_name,
    value_reader,
)
from broker.contract.proto_json import map_entry
from broker.errors import Invalid

_Message = TypeVar("_Message", bound=Message)

_Put = Callable[[Any, Any], None]
"""Takes a message and a value of JSON, which is not null, and puts it into a field."""


def merge_json(document: object, message: Message) -> None:
    """Put a JSON value into a message that has none of these fields yet.

    Raises `Invalid` (`field_invalid`, `field_unknown`) with the path as the caller wrote it; the
    message is then of no use.
    """
    try:
        _reader(message.DESCRIPTOR)(document, message)
    except Fault as fault:
        raise _invalid(fault) from None


def merge_field(value: object, message: Message, field: FieldDescriptor, written: str) -> None:
    """Put a JSON value into one field, which errors call `written`. Raises `Invalid`."""
    if value is None:
        return
    try:
        _putter(field)(message, value)
    except Fault as fault:
        raise _invalid(fault.within(written) if written else fault) from None


def from_json(document: object, kind: type[_Message]) -> _Message:
    """A message of this type. Raises as `merge_json`."""
    message = kind()
    merge_json(document, message)
    return message


def fields_by_spelling(fields: Iterable[FieldDescriptor]) -> Mapping[str, FieldDescriptor]:
    """Under the name of the .proto file, and in lowerCamelCase."""
    return {spelling: field for field in fields for spelling in (field.name, field.json_name)}


def _invalid(fault: Fault) -> Invalid:
    path = fault.path or "the body"
    if fault.unknown:
        return Invalid("field_unknown", f"{path}: {fault.text}", field=fault.path or None)
    return Invalid("field_invalid", f"{path}: {fault.text}", field=fault.path or None)


class _MessageReader:
    def __init__(self) -> None:
        self.fields: Mapping[str, tuple[FieldDescriptor, _Put]] = {}

    def __call__(self, document: object, message: Message) -> None:
        if type(document) is not dict:
            raise Fault(f"expected an object, not {type_name(document)}")
        seen: dict[str, str] = {}
        for key, value in document.items():
            known = self.fields.get(key)
            if known is None:
                raise Fault(self._unknown(), unknown=True).within(shown(key))
            field, put = known
            _once(field, key, value, seen)
            if value is None:
                continue
            try:
                put(message, value)
            except Fault as fault:
                raise fault.within(key) from None

    def _unknown(self) -> str:
        names = sorted({field.json_name for field, _ in self.fields.values()})
        return f"no such field; expected {listed(names)}" if names else "expected no fields"


def _once(field: FieldDescriptor, key: str, value: object, seen: dict[str, str]) -> None:
    if field.name in seen:
        raise Fault(f"given twice, as {seen[field.name]} too").within(key)
    seen[field.name] = key
    group = field.containing_oneof
    if group is None or value is None:
        return
    of_group = f"oneof {group.name}"
    if of_group in seen:
        raise Fault(f"only one of {seen[of_group]} and {key} can be given").within(key)
    seen[of_group] = key


@cache  # a pure function of the descriptor; there are as many as message types
def _reader(message: Descriptor) -> Merge:
    return _compile(message, {})


@cache
def _putter(field: FieldDescriptor) -> _Put:
    return _compile_field(field, {})


def _compile(message: Descriptor, known: dict[str, Merge]) -> Merge:
    if message.full_name in WELL_KNOWN:
        return WELL_KNOWN[message.full_name]
    if message.full_name not in known:
        reader = known[message.full_name] = _MessageReader()
        reader.fields = {
            name: (field, _compile_field(field, known))
            for name, field in fields_by_spelling(message.fields).items()
        }
    return known[message.full_name]


def _compile_field(field: FieldDescriptor, known: dict[str, Merge]) -> _Put:
    name = field.name
    if (entry := map_entry(field)) is not None:
        return _map_putter(name, entry, known)
    if field.message_type is not None:
        merge = _compile(field.message_type, known)
        return _messages_putter(name, merge) if field.is_repeated else _message_putter(name, merge)
    read = value_reader(field)
    if field.is_repeated:
        return lambda message, value: getattr(message, name).extend(_each(value, read))
    return lambda message, value: setattr(message, name, read(value))


def _message_putter(name: str, merge: Merge) -> _Put:
    def put(message: Any, value: object) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        merge(value, inner)

    return put


def _messages_putter(name: str, merge: Merge) -> _Put:
    def put(message: Any, value: object) -> None:
        holder = getattr(message, name)
        _each(value, lambda one: merge(one, holder.add()))

    return put


def _each(value: object, read: Read) -> list[Any]:
    if type(value) is not list:
        raise Fault(f"expected an array, not {type_name(value)}")
    index = 0
    try:
        done = []
        for index, one in enumerate(value):  # noqa: B007 - the fault tells where it was
            done.append(read(one))
    except Fault as fault:
        raise fault.within(f"[{index}]") from None
    return done


def _map_putter(name: str, entry: Descriptor, known: dict[str, Merge]) -> _Put:
    read_key = value_reader(entry.fields_by_name["key"])
    of_value = entry.fields_by_name["value"]
    merge = _compile(of_value.message_type, known) if of_value.message_type is not None else None
    read = None if merge is not None else value_reader(of_value)

    def put_one(holder: Any, text: str, value: object) -> None:
        key = read_key(text)
        if key in holder:
            raise Fault("given twice, in two spellings")
        if read is not None:
            holder[key] = read(value)
        elif merge is not None:
            merge(value, holder[key])

    def put(message: Any, value: object) -> None:
        if type(value) is not dict:
            raise Fault(f"expected an object, not {type_name(value)}")
        holder = getattr(message, name)
        for key, one in value.items():
            try:
                put_one(holder, key, one)
            except Fault as fault:
                raise fault.within(shown(key)) from None

    return put

"""Messages of the contract as JSON Schema (2020-12, which OpenAPI 3.1 has)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from broker.contract.proto_json import map_entry

Schema = dict[str, Any]

PACKAGE: Final = "chainguard.platform."
INTEGER: Final = r"^-?[0-9]+$"

_SCALARS: Final[Mapping[int, Schema]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64", "pattern": INTEGER},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}

_WELL_KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["3600s"],
    },
    "google.protobuf.FieldMask": {"type": "string", "examples": ["name,description"]},
    "google.protobuf.Empty": {"type": "object", "additionalProperties": False},
}

OPEN_ENUMS: Final = frozenset({"chainguard.capabilities.Capability"})
"""Enums that an installation adds to; JSON shows its own values as numbers."""


def schema_name(full_name: str) -> str:
    """`iam.v2.Group` for `chainguard.platform.iam.v2.Group`."""
    return full_name.removeprefix(PACKAGE).removeprefix("chainguard.")


class Schemas:
    """The schemas that were referred to. `described`: full name → description."""

    def __init__(self, described: Mapping[str, str]) -> None:
        self._described = described
        self.components: dict[str, Schema] = {}
        """By name, as under `#/components/schemas`."""

    def of_message(self, message: Descriptor) -> Schema:
        """Where it is used: a reference, or what JSON has for a type of protobuf's own."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        name = schema_name(message.full_name)
        if name not in self.components:
            self.components[name] = {}  # a message may hold itself
            self.components[name] = self._object(message)
        return _reference(name)

    def of_field(self, field: FieldDescriptor) -> Schema:
        """With the field's description."""
        return self._of_type(field) | self._notes(field)

    def _object(self, message: Descriptor) -> Schema:
        schema: Schema = {
            "type": "object",
            "description": self._described.get(message.full_name, ""),
            "properties": {field.json_name: self.of_field(field) for field in message.fields},
            "additionalProperties": False,
        }
        if not schema["description"]:
            del schema["description"]
        return schema

    def _notes(self, field: FieldDescriptor) -> Schema:
        notes: Schema = {}
        texts = [self._described.get(field.full_name, ""), self._oneof(field)]
        if text := "\n\n".join(text for text in texts if text):
            notes["description"] = text
        if field.GetOptions().deprecated:
            notes["deprecated"] = True
        return notes

    def _oneof(self, field: FieldDescriptor) -> str:
        group = field.containing_oneof
        if group is None:
            return ""
        names = ", ".join(f"`{other.json_name}`" for other in group.fields)
        return f"At most one of {names} can be set."

    def _of_type(self, field: FieldDescriptor) -> Schema:
        entry = map_entry(field)
        if entry is not None:
            return self._map(entry)
        one = self._of_value(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _of_value(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        return dict(_SCALARS[field.type])

    def _map(self, entry: Descriptor) -> Schema:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        schema: Schema = {"type": "object", "additionalProperties": self._of_value(value)}
        if key.type != FieldDescriptor.TYPE_STRING:
            schema["propertyNames"] = {"pattern": INTEGER}
        return schema

    def _enum(self, enum: EnumDescriptor) -> Schema:
        name = schema_name(enum.full_name)
        if name not in self.components:
            named: Schema = {"type": "string", "enum": [value.name for value in enum.values]}
            if enum.full_name in OPEN_ENUMS:
                named = {"anyOf": [named, {"type": "integer", "format": "int32"}]}
            self.components[name] = named | {"description": "\n\n".join(self._values(enum))}
        return _reference(name)

    def _values(self, enum: EnumDescriptor) -> Iterator[str]:
        yield self._described.get(enum.full_name, "")
        for value in enum.values:
            if text := self._described.get(f"{enum.full_name}.{value.name}"):
                yield f"`{value.name}`: {text}"


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}

"""What clients of the API rely on, written down apart from the contract that is tested by it.

`methods.tsv`, `fields.tsv` and `enums.tsv` have a row for each method, field and enum value of v1
and v2 of the platform's API. A message without fields has a row with its name alone.
`chainguard.capabilities.Capability` is in `broker/iam/data/capabilities.tsv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor

HERE: Final = Path(__file__).parent

ROW = dict[str, str]


def rows(table: str) -> list[ROW]:
    """The rows of a table, each by the names of its columns; what is missing is empty."""
    with (HERE / f"{table}.tsv").open(newline="") as file:
        return [dict(row) for row in csv.DictReader(file, delimiter="\t", restval="")]


PLATFORM: Final = "chainguard."
OWN: Final = "broker."
"""Packages of what this service has and the platform has not; no table is about them."""


def messages(
    files: tuple[FileDescriptor, ...], packages: str | tuple[str, ...] = PLATFORM
) -> Iterator[Descriptor]:
    """Every message of these packages, nested ones too, without the entries of maps."""
    for file in _of(files, packages):
        for message in file.message_types_by_name.values():
            yield from _nested(message)


def enums(
    files: tuple[FileDescriptor, ...], packages: str | tuple[str, ...] = PLATFORM
) -> Iterator[EnumDescriptor]:
    """Every enum of these packages, nested ones too."""
    for file in _of(files, packages):
        yield from file.enum_types_by_name.values()
    for message in messages(files, packages):
        yield from message.enum_types


def field_type(field: FieldDescriptor) -> str:
    """As the tables write it: `string`, `map<string,int32>`, a full name."""
    message: Descriptor | None = field.message_type
    if message is not None:
        if message.GetOptions().map_entry:
            key, value = message.fields_by_name["key"], message.fields_by_name["value"]
            return f"map<{field_type(key)},{field_type(value)}>"
        return str(message.full_name)
    enum: EnumDescriptor | None = field.enum_type
    return str(enum.full_name) if enum is not None else _SCALARS[field.type]


_SCALARS: Final = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
}


def _of(
    files: tuple[FileDescriptor, ...], packages: str | tuple[str, ...]
) -> Iterator[FileDescriptor]:
    return (file for file in files if file.package.startswith(packages))


def _nested(message: Descriptor) -> Iterator[Descriptor]:
    if message.GetOptions().map_entry:
        return
    yield message
    for inner in message.nested_types:
        yield from _nested(inner)

"""The comments of .proto files as descriptions, by the full name of what they stand above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

Place = tuple[tuple[int, ...], str]
"""A declaration's path in its file, as SourceCodeInfo has it, and its full name."""

_FILE = FileDescriptorProto
_MESSAGE = DescriptorProto


def descriptions_in(image: FileDescriptorSet) -> Mapping[str, str]:
    """Full name of a service, method, message, field, oneof, enum or value → its comment.

    A value's full name is that of its enum and its own, `pkg.Enum.VALUE` (protobuf itself scopes
    values beside their enum). Lines of a paragraph are joined; paragraphs stay apart by an empty
    line. What has no comment is left out.
    """
    found: dict[str, str] = {}
    for file in image.file:
        comments = {
            tuple(location.path): location.leading_comments
            for location in file.source_code_info.location
        }
        for path, name in _declarations(file):
            if comment := comments.get(path, "").strip():
                found[name] = _joined(comment)
    return found


def _joined(comment: str) -> str:
    paragraphs: list[list[str]] = [[]]
    for line in comment.splitlines():
        if text := line.strip():
            paragraphs[-1].append(text)
        else:
            paragraphs.append([])
    return "\n\n".join(" ".join(lines) for lines in paragraphs if lines)


def _declarations(file: FileDescriptorProto) -> Iterator[Place]:
    for index, service in enumerate(file.service):
        yield from _service(service, (_FILE.SERVICE_FIELD_NUMBER, index), file.package)
    for index, message in enumerate(file.message_type):
        yield from _message(message, (_FILE.MESSAGE_TYPE_FIELD_NUMBER, index), file.package)
    for index, enum in enumerate(file.enum_type):
        yield from _enum(enum, (_FILE.ENUM_TYPE_FIELD_NUMBER, index), file.package)
    for index, extension in enumerate(file.extension):
        yield (_FILE.EXTENSION_FIELD_NUMBER, index), f"{file.package}.{extension.name}"


def _service(service: ServiceDescriptorProto, path: Sequence[int], scope: str) -> Iterator[Place]:
    name = f"{scope}.{service.name}"
    yield tuple(path), name
    for index, method in enumerate(service.method):
        number = ServiceDescriptorProto.METHOD_FIELD_NUMBER
        yield (*path, number, index), f"{name}.{method.name}"


def _message(message: DescriptorProto, path: Sequence[int], scope: str) -> Iterator[Place]:
    name = f"{scope}.{message.name}"
    yield tuple(path), name
    for index, field in enumerate(message.field):
        yield (*path, _MESSAGE.FIELD_FIELD_NUMBER, index), f"{name}.{field.name}"
    for index, oneof in enumerate(message.oneof_decl):
        yield (*path, _MESSAGE.ONEOF_DECL_FIELD_NUMBER, index), f"{name}.{oneof.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _message(nested, (*path, _MESSAGE.NESTED_TYPE_FIELD_NUMBER, index), name)
    for index, enum in enumerate(message.enum_type):
        yield from _enum(enum, (*path, _MESSAGE.ENUM_TYPE_FIELD_NUMBER, index), name)


def _enum(enum: EnumDescriptorProto, path: Sequence[int], scope: str) -> Iterator[Place]:
    name = f"{scope}.{enum.name}"
    yield tuple(path), name
    for index, value in enumerate(enum.value):
        number = EnumDescriptorProto.VALUE_FIELD_NUMBER
        yield (*path, number, index), f"{name}.{value.name}"

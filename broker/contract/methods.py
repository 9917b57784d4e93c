"""The methods of the API, read from the descriptors."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import Self

from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from broker.contract import beta, proto
from broker.contract.options import Authorization, Event, HttpRule, authorization, event, http_rules


@dataclass(frozen=True, slots=True)
class Method:
    """One method of one version of the API."""

    service: str
    """Full name: `chainguard.platform.iam.v2.GroupsService`."""
    name: str
    version: str
    """`v1`, `v2` or `v2beta1`."""
    path: str
    """As gRPC has it: `/chainguard.platform.iam.v2.GroupsService/GetGroup`."""
    stable_path: str
    """That of the method which it is a copy of; its own unless it belongs to v2beta1."""
    request: type[Message]
    response: type[Message]
    """v2beta1 has the message classes of v2."""
    http: tuple[HttpRule, ...]
    """Empty for a method that only gRPC has."""
    authorization: Authorization
    event: Event | None
    description: str


class Contract:
    """Every method of every version.

    Raises ValueError from `read` and `load` when a method does not declare its authorization.
    """

    def __init__(
        self, methods: Iterable[Method], file_descriptors: Iterable[FileDescriptor]
    ) -> None:
        self.methods: Mapping[str, Method] = {method.path: method for method in methods}
        """By gRPC path, in the order of declaration, service by service."""
        self.file_descriptors = tuple(file_descriptors)
        """The files of the contract, dependencies first, those of v2beta1 included."""

    @classmethod
    def load(cls) -> Self:
        """The API of this installation."""
        return cls.read(_declared_files(), descriptions())

    @classmethod
    def read(cls, declared: Iterable[FileDescriptor], described: Mapping[str, str]) -> Self:
        """The API that these files declare, and the beta of those that have one.

        `described`: full name → description. A method without one has an empty description.
        """
        pool = DescriptorPool()
        added: dict[str, FileDescriptor] = {}
        methods: list[Method] = []
        for file in declared:
            _add(pool, file, added)
            methods.extend(_methods(added[file.name], file, described))
            if beta.is_stable(file.package):
                derived = beta.beta_of(_as_proto(file))
                added[derived.name] = _add_to(pool, derived)
                methods.extend(_methods(added[derived.name], file, described))
        return cls(methods, added.values())

    @property
    def services(self) -> tuple[str, ...]:
        """Their full names, each once."""
        return tuple(dict.fromkeys(method.service for method in self.methods.values()))

    @property
    def versions(self) -> tuple[str, ...]:
        """`v1`, `v2`, `v2beta1`."""
        return tuple(sorted({method.version for method in self.methods.values()}))

    def descriptor_pool(self, *more: FileDescriptor) -> DescriptorPool:
        """A new pool with the contract's files and `more` (health, reflection), for reflection."""
        pool = DescriptorPool()
        added: dict[str, FileDescriptor] = {}
        for file in (*self.file_descriptors, *more):
            _add(pool, file, added)
        return pool


def descriptions() -> Mapping[str, str]:
    """Full name of a service, method, message, field, oneof, enum or value → its description.

    A value's full name is that of its enum and its own: `pkg.Enum.VALUE`. In Markdown; paragraphs
    are apart by an empty line. v2beta1 has those of v2.
    """
    text = files("broker.contract").joinpath("proto/descriptions.json").read_text("utf-8")
    stable: dict[str, str] = json.loads(text)
    return stable | {beta.beta_name(name): description for name, description in stable.items()}


def _declared_files() -> Iterator[FileDescriptor]:
    for module in pkgutil.walk_packages(proto.__path__, f"{proto.__name__}."):
        if module.name.endswith("_pb2"):
            yield import_module(module.name).DESCRIPTOR


def _methods(
    file: FileDescriptor, declared: FileDescriptor, described: Mapping[str, str]
) -> Iterator[Method]:
    """Of `file`, which is `declared` or its beta; message classes are those of `declared`."""
    for service in file.services_by_name.values():
        for method in service.methods:
            yield _method(method, declared.pool, described)


def _method(
    method: MethodDescriptor, classes: DescriptorPool, described: Mapping[str, str]
) -> Method:
    service = method.containing_service
    path = f"/{service.full_name}/{method.name}"
    return Method(
        service=service.full_name,
        name=method.name,
        version=_version(service.file.package),
        path=path,
        stable_path=beta.stable_name(path),
        request=_message_class(method.input_type, classes),
        response=_message_class(method.output_type, classes),
        http=http_rules(method),
        authorization=authorization(method),
        event=event(method),
        description=described.get(method.full_name, ""),
    )


def _version(package: str) -> str:
    last = package.rpartition(".")[2]
    return last if last in {beta.STABLE, beta.BETA} else "v1"


def _message_class(message: Descriptor, classes: DescriptorPool) -> type[Message]:
    return GetMessageClass(classes.FindMessageTypeByName(beta.stable_name(message.full_name)))


def _as_proto(file: FileDescriptor) -> FileDescriptorProto:
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        _name_for_json(message)
    return copy


def _name_for_json(message: DescriptorProto) -> None:
    """What protoc writes and the runtime leaves out: tools that learn of the API by reflection
    take a field's name in JSON from there.
    """
    for field in message.field:
        head, *rest = field.name.split("_")
        field.json_name = head + "".join(part[:1].upper() + part[1:] for part in rest)
    for nested in message.nested_type:
        _name_for_json(nested)


def _add(pool: DescriptorPool, file: FileDescriptor, added: dict[str, FileDescriptor]) -> None:
    if file.name in added:
        return
    for dependency in file.dependencies:
        _add(pool, dependency, added)
    added[file.name] = _add_to(pool, _as_proto(file))


def _add_to(pool: DescriptorPool, file: FileDescriptorProto) -> FileDescriptor:
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(file.name)

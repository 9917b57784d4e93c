"""`v2beta1`, derived from `v2`.

The two have the same shape, name for name and number for number, so messages have the same bytes
and the same JSON; only package and HTTP paths differ. It has no .proto files: a second copy could
drift.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

STABLE: Final = "v2"
BETA: Final = "v2beta1"

_VERBS: Final = ("get", "put", "post", "delete", "patch")


def is_stable(package: str) -> bool:
    """Whether this package has a beta."""
    return package.endswith(f".{STABLE}")


def stable_name(name: str) -> str:
    """The full name in `v2` of what has this full name in `v2beta1`; others stay as they are."""
    return name.replace(f".{BETA}.", f".{STABLE}.")


def beta_name(name: str) -> str:
    """The reverse of `stable_name`."""
    return name.replace(f".{STABLE}.", f".{BETA}.")


def beta_of(stable: FileDescriptorProto) -> FileDescriptorProto:
    """The same file under the package, path and HTTP routes of `v2beta1`."""
    beta = FileDescriptorProto()
    beta.CopyFrom(stable)
    beta.name = _moved(stable.name)
    beta.package = f"{stable.package.removesuffix(STABLE)}{BETA}"
    for index, dependency in enumerate(stable.dependency):
        beta.dependency[index] = _moved(dependency)
    _rename(beta.message_type)
    for service in beta.service:
        for method in service.method:
            method.input_type = beta_name(method.input_type)
            method.output_type = beta_name(method.output_type)
            _reroute(method.options)
    return beta


def _moved(path: str) -> str:
    return path.replace(f"/{STABLE}/", f"/{BETA}/")


def _rename(messages: Iterable[DescriptorProto]) -> None:
    for message in messages:
        for field in message.field:
            if field.type_name:
                field.type_name = beta_name(field.type_name)
        _rename(message.nested_type)


def _reroute(options: Any) -> None:
    handle: Any = annotations_pb2.http
    if not options.HasExtension(handle):
        return
    declared: http_pb2.HttpRule = options.Extensions[handle]
    for rule in (declared, *declared.additional_bindings):
        for verb in _VERBS:
            if rule.HasField(verb):
                setattr(rule, verb, _moved(getattr(rule, verb)))

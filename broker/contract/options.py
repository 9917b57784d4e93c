"""What a method declares beside its messages: routes, authorization, event.

Read from the options of its descriptor: `google.api.http`, `chainguard.annotations.iam` and
`chainguard.annotations.events`; the field where the capabilities are needed from the
`chainguard.annotations.iam_scope` marks in its request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from broker.contract.proto.annotations import auth_pb2, events_pb2
from broker.contract.proto.capabilities import capabilities_pb2


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One HTTP binding of a method, as google.api.http has it."""

    verb: str
    """In capitals: GET, POST, PUT, PATCH, DELETE."""
    template: str
    """`/iam/v1/groups/{parent=**}`: a variable names a field of the request; `**` takes slashes."""
    body: str
    """`*` for the whole request, a field's name for that field, empty for none."""


class Need(StrEnum):
    """What a caller must bring."""

    NONE = "none"
    """No access token; the method sees to itself."""
    TOKEN = "token"  # noqa: S105 - the name of a need
    """A valid access token, whatever it allows."""
    CAPABILITIES = "capabilities"
    """A valid access token with all of the listed capabilities."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a call needs, and where."""

    kind: Need
    capabilities: tuple[str, ...]
    """By name, such as `groups.create`. Empty unless the kind is CAPABILITIES."""
    unscoped: bool
    """No field says where: the answer is narrowed to the groups where the token has them."""
    scope_path: tuple[str, ...]
    """Field names from the request down to the string with the UIDP where they are needed.

    `("id",)`, `("group", "uid")`. The token may have them there or at an ancestor. Empty when the
    method is unscoped or needs no capabilities.
    """


class Audience(StrEnum):
    """Who may see an event."""

    INTERNAL = "INTERNAL"
    """The operator alone."""
    CUSTOMER = "CUSTOMER"
    """The subscribers of the group that it happened in, too."""


@dataclass(frozen=True, slots=True)
class Event:
    """The CloudEvent that a successful call emits."""

    type: str
    extensions: tuple[str, ...]
    """Names of its extension attributes, such as `group`."""
    audience: Audience


def http_rules(method: MethodDescriptor) -> tuple[HttpRule, ...]:
    """Its HTTP bindings, the first one first; empty when it has none."""
    options = method.GetOptions()
    handle = annotations_pb2.http
    if not _has(options, handle):
        return ()
    declared: http_pb2.HttpRule = _get(options, handle)
    return tuple(
        HttpRule(rule.WhichOneof("pattern").upper(), _template(rule), rule.body)
        for rule in (declared, *declared.additional_bindings)
    )


def authorization(method: MethodDescriptor) -> Authorization:
    """What a call of it needs. Raises ValueError when that is not declared, or not completely."""
    options = method.GetOptions()
    if not _has(options, auth_pb2.iam):
        raise ValueError(f"{method.full_name}: no authorization is declared")
    declared: auth_pb2.IAM = _get(options, auth_pb2.iam)
    match declared.WhichOneof("mode"):
        case "disabled":
            return Authorization(Need.NONE, (), unscoped=False, scope_path=())
        case "enabled":
            return _enabled(method, declared.enabled)
        case _:
            raise ValueError(f"{method.full_name}: authorization is neither enabled nor disabled")


def event(method: MethodDescriptor) -> Event | None:
    """The event that a success emits, if any."""
    options = method.GetOptions()
    if not _has(options, events_pb2.events):
        return None
    declared: events_pb2.EventAttributes = _get(options, events_pb2.events)
    audience = events_pb2.EventAttributes.Audience.Name(declared.audience)
    return Event(declared.type, tuple(declared.extensions), Audience(audience))


def capability_names(enum: EnumDescriptor) -> dict[int, str]:
    """Number of a value of chainguard.capabilities.Capability → the capability's name."""
    return {
        value.number: str(_get(value.GetOptions(), capabilities_pb2.name))
        for value in enum.values
        if _has(value.GetOptions(), capabilities_pb2.name)
    }


def scope_paths(message: Descriptor) -> Iterator[tuple[str, ...]]:
    """The paths to strings that are marked as the scope, through messages that are marked too."""
    for field in message.fields:
        if not _get(field.GetOptions(), auth_pb2.iam_scope):
            continue
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
            yield (field.name,)
        elif field.message_type is not None and not field.is_repeated:
            for rest in scope_paths(field.message_type):
                yield (field.name, *rest)
        else:
            raise ValueError(f"{field.full_name}: only a string or a message can be the scope")


def _enabled(method: MethodDescriptor, rules: auth_pb2.IAM.Rules) -> Authorization:
    names = capability_names(capabilities_pb2.Capability.DESCRIPTOR)
    unnamed = [number for number in rules.capabilities if number not in names]
    if unnamed:
        raise ValueError(f"{method.full_name}: capabilities {unnamed} have no name")
    capabilities = tuple(names[number] for number in rules.capabilities)
    kind = Need.CAPABILITIES if capabilities else Need.TOKEN
    if rules.unscoped or kind is Need.TOKEN:
        return Authorization(kind, capabilities, unscoped=rules.unscoped, scope_path=())
    paths = list(scope_paths(method.input_type))
    if len(paths) != 1:
        raise ValueError(f"{method.full_name}: {len(paths)} fields are the scope, expected one")
    return Authorization(kind, capabilities, unscoped=False, scope_path=paths[0])


def _template(rule: http_pb2.HttpRule) -> str:
    pattern = rule.WhichOneof("pattern")
    template = getattr(rule, pattern)
    if not isinstance(template, str):
        raise ValueError(f"{pattern}: only the verbs that have a field of their own are supported")
    return template


def _has(options: Message, handle: Any) -> bool:
    # The stubs that protoc writes give extension handles a type that the stubs of protobuf do not
    # take; here it is Any, and every caller says what it gets.
    return options.HasExtension(handle)


def _get(options: Any, handle: Any) -> Any:
    return options.Extensions[handle]

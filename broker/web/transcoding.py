"""From an HTTP request to the message of a method, as google.api.http describes it.

Fields come from the variable of the path, from the query, and from a JSON body, which is the whole
message or one field of it. A field that comes from two of them must say the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from broker.contract.json_input import fields_by_spelling, merge_field, merge_json
from broker.contract.json_values import listed, shown
from broker.contract.methods import Method
from broker.contract.options import HttpRule
from broker.contract.proto_json import map_entry
from broker.errors import Invalid
from broker.web.path_routing import PathTemplate

UPDATE_MASK: Final = "update_mask"
_WHOLE: Final = "*"
_BOOLS: Final = {"true": True, "false": False}

Query = Mapping[str, list[str]]
"""Values by name, as `broker.web.parameters` parses them."""


class Operation:
    """A method at one of its HTTP rules.

    Raises ValueError for a rule that names what its request does not have.
    """

    def __init__(self, method: Method, rule: HttpRule) -> None:
        self.method = method
        self.rule = rule
        self.template = PathTemplate.parse(rule.template)
        request: Any = method.request.DESCRIPTOR
        _check_variable(request, self.template)
        self.body_field: FieldDescriptor | None = None
        """The field that the body is; None without a body, and where it is the whole message."""
        if rule.body and rule.body != _WHOLE:
            self.body_field = request.fields_by_name[rule.body]
        self.query_fields: Sequence[FieldDescriptor] = [
            field
            for field in request.fields
            if rule.body != _WHOLE and field != self.body_field and is_fit_for_query(field)
        ]
        """Fields of the request that the query can have, or parts of which it can have."""
        self._by_spelling = fields_by_spelling(self.query_fields)
        self._derives_mask = rule.verb == "PATCH" and UPDATE_MASK in request.fields_by_name

    @property
    def takes_body(self) -> bool:
        """Whether a JSON body stands for fields."""
        return bool(self.rule.body)

    def message(self, value: str, query: Query, body: Any) -> Message:
        """The request. `value` is the variable's, `body` a JSON value or None when there is none.

        Raises `Invalid` (`field_invalid`, `field_unknown`, `parameter_unknown`,
        `parameter_repeated`) naming what is wrong as the caller wrote it.
        """
        message = self.method.request()
        if body is not None:
            if self.body_field is None:
                merge_json(body, message)
            else:
                merge_field(body, message, self.body_field, "")
        merge_json(self._query_document(query), message)
        if value:
            _bind(message, self.template.variable, value)
        if self._derives_mask and not message.update_mask.paths:  # type: ignore[attr-defined]  # it is looked up in __init__
            message.update_mask.paths.extend(self._mask(body))  # type: ignore[attr-defined]  # as above
        return message

    def _query_document(self, query: Query) -> dict[str, Any]:
        """The query as the JSON object that says the same."""
        document: dict[str, Any] = {}
        for name, values in query.items():
            *parents, last = self._query_path(name)
            holder = document
            for written, _ in parents:
                holder = holder.setdefault(written, {})
            written, field = last
            holder[written] = _query_value(name, values, field)
        return document

    def _query_path(self, name: str) -> list[tuple[str, FieldDescriptor]]:
        """The fields from the request inward, as they are spelled here."""
        fields = self._by_spelling
        path: list[tuple[str, FieldDescriptor]] = []
        for written in name.split("."):
            field = fields.get(written)
            if field is None or not is_fit_for_query(field):
                raise self._unknown(name)
            path.append((written, field))
            inner = None if field.is_repeated else field.message_type
            fields = fields_by_spelling(inner.fields) if inner and is_structure(inner) else {}
        if is_structure(path[-1][1].message_type):
            raise self._unknown(name)
        return path

    def _unknown(self, name: str) -> Invalid:
        names = sorted(self.query_names())
        expected = f"expected {listed(names)}" if names else "expected none"
        if self.takes_body:
            expected += "; other fields belong into the body"
        field = shown(name)
        return Invalid(
            "parameter_unknown", f"{field}: no such query parameter; {expected}", field=field
        )

    def query_names(self) -> Iterator[str]:
        """Every parameter that the query can have, in lowerCamelCase."""
        yield from _parameter_names("", self.query_fields)

    def _mask(self, body: Any) -> Iterator[str]:
        """The members that a PATCH has, without the one that the path has."""
        field, document = self._resource(body)
        if field is None or type(document) is not dict or field.message_type is None:
            return
        own = self.template.variable[1:] if self.template.variable[:1] == (field.name,) else ()
        for path in _members(document, field.message_type):
            if path != ".".join(own):
                yield path

    def _resource(self, body: Any) -> tuple[FieldDescriptor | None, Any]:
        """The field that holds what is changed, and its JSON."""
        if self.body_field is not None:
            return self.body_field, body
        request: Any = self.method.request.DESCRIPTOR
        for field in request.fields:
            if is_structure(field.message_type) and type(body) is dict:
                return field, body.get(field.json_name, body.get(field.name))
        return None, None


def _check_variable(request: Descriptor, template: PathTemplate) -> None:
    at: Descriptor | None = request
    for name in template.variable:
        field = at.fields_by_name[name] if at is not None else None
        at = field.message_type if field is not None else None
        is_last = name is template.variable[-1]
        if field is None or field.is_repeated or (is_last and field.type != field.TYPE_STRING):
            raise ValueError(f"{template.text}: the variable is no string of {request.full_name}")


def _bind(message: Message, path: tuple[str, ...], value: str) -> None:
    holder: Any = message
    for name in path[:-1]:
        holder = getattr(holder, name)
    present = getattr(holder, path[-1])
    if present and present != value:
        field = ".".join(path)
        raise Invalid(
            "field_invalid", f"{field}: given twice, differently, in the path too", field=field
        )
    setattr(holder, path[-1], value)


def _query_value(name: str, values: list[str], field: FieldDescriptor) -> Any:
    """The JSON value that stands for these values of a parameter."""
    if field.is_repeated:
        return [_json_scalar(name, value, field) for value in values if value]
    if len(values) > 1:
        raise Invalid(
            "parameter_repeated",
            f"{name}: given {len(values)} times, expected once",
            field=name,
        )
    return _json_scalar(name, values[0], field) if values[0] else None


def _json_scalar(name: str, text: str, field: FieldDescriptor) -> Any:
    if field.type != FieldDescriptor.TYPE_BOOL:
        return text  # JSON has numbers, enums, bytes and times as strings as well
    if text not in _BOOLS:
        raise Invalid("field_invalid", f"{name}: expected true or false", field=name)
    return _BOOLS[text]


def is_structure(message: Descriptor | None) -> bool:
    """Whether it is a message that JSON writes as an object."""
    return message is not None and not message.full_name.startswith("google.protobuf.")


def is_fit_for_query(field: FieldDescriptor) -> bool:
    """Maps and lists of objects are not."""
    if map_entry(field) is not None:
        return False
    return not (field.is_repeated and field.message_type is not None)


def _parameter_names(prefix: str, fields: Any) -> Iterator[str]:
    for field in fields:
        if not is_fit_for_query(field):
            continue
        if is_structure(field.message_type):
            yield from _parameter_names(f"{prefix}{field.json_name}.", field.message_type.fields)
        else:
            yield f"{prefix}{field.json_name}"


def _members(document: Mapping[str, Any], message: Descriptor) -> Iterator[str]:
    """Paths of a mask to what the object has; the object has been read into this message."""
    known = fields_by_spelling(message.fields)
    for written, value in document.items():
        field = known[written]
        inner = field.message_type
        is_divisible = not field.is_repeated and is_structure(inner) and value
        if is_divisible and inner is not None:
            yield from (f"{field.name}.{path}" for path in _members(value, inner))
        else:
            yield field.name

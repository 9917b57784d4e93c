"""Operations of the contract as OpenAPI has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from broker.contract.methods import Method
from broker.contract.options import Need
from broker.web.bodies import JSON
from broker.web.openapi.schemas import Schemas, schema_name
from broker.web.parameters import FORM
from broker.web.path_routing import PathTemplate
from broker.web.transcoding import Operation, is_fit_for_query, is_structure

Object = dict[str, Any]

VARIABLE: Final = "uid"
"""What the variable of every path is called: OpenAPI knows a path by its form alone, and methods
of one path may call theirs differently."""

EXCHANGE: Final = "/sts/exchange"
ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 - the name of a scheme
UPSTREAM_TOKEN: Final = "upstreamToken"  # noqa: S105 - as above


def path_of(template: PathTemplate) -> str:
    """`/iam/v2/groups/{uid}` for `/iam/v2/groups/{uid=**}`."""
    return (
        "/"
        + "/".join(template.literals)
        + (f"/{{{VARIABLE}}}" if template.variable else "")
        + (f":{template.verb}" if template.verb else "")
    )


def is_optional(operation: Operation) -> bool:
    """Whether the path may end before its variable: an organization has no parent."""
    is_parent = operation.template.variable == ("parent",)
    return is_parent and operation.method.authorization.unscoped


class Paths:
    """Makes the operations; `schemas` gathers what they refer to."""

    def __init__(self, schemas: Schemas, described: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._described = described

    def of(self, operations: Iterable[Operation]) -> dict[str, Object]:
        """Path items by path."""
        paths: dict[str, Object] = {}
        for operation in operations:
            verb = operation.rule.verb.lower()
            paths.setdefault(path_of(operation.template), {})[verb] = self._operation(operation)
            if is_optional(operation):
                plain = path_of(operation.template).removesuffix(f"/{{{VARIABLE}}}")
                paths.setdefault(plain, {})[verb] = self._without_variable(operation)
        return paths

    def _operation(self, operation: Operation) -> Object:
        method = operation.method
        document: Object = {
            "operationId": _operation_id(operation),
            "tags": [schema_name(method.service)],
            "summary": method.name,
            "description": _description(operation),
            "security": _security(operation),
            "parameters": [*self._path_parameters(operation), *self._query_parameters(operation)],
            **self._request_body(operation),
            "responses": self._responses(operation),
            "x-grpc-method": method.path,
            "x-capabilities": list(method.authorization.capabilities),
        }
        if method.event is not None:
            document["x-event"] = method.event.type
        return document

    def _without_variable(self, operation: Operation) -> Object:
        document = self._operation(operation)
        document["operationId"] += "_root"
        document["summary"] += " without a parent"
        document["description"] += "\n\nWithout a parent: an organization."
        document["parameters"] = self._query_parameters(operation)
        return document

    def _path_parameters(self, operation: Operation) -> list[Object]:
        variable = operation.template.variable
        if not variable:
            return []
        at: Any = operation.method.request.DESCRIPTOR
        for name in variable[:-1]:
            at = at.fields_by_name[name].message_type
        field = at.fields_by_name[variable[-1]]
        text = self._described.get(field.full_name, "")
        if operation.template.takes_slashes:
            text += "\n\nSlashes stay as they are; `%2F` is understood, too."
        return [
            {
                "name": VARIABLE,
                "in": "path",
                "required": True,
                "description": text.strip(),
                "schema": {"type": "string", "minLength": 1},
            }
        ]

    def _query_parameters(self, operation: Operation) -> list[Object]:
        own = operation.template.variable[:1]
        fields = [field for field in operation.query_fields if (field.name,) != own]
        return list(self._parameters("", fields))

    def _parameters(self, prefix: str, fields: Iterable[FieldDescriptor]) -> Iterator[Object]:
        for field in fields:
            name, inner = f"{prefix}{field.json_name}", field.message_type
            if not is_fit_for_query(field):
                continue
            if inner is not None and is_structure(inner):
                yield from self._parameters(f"{name}.", inner.fields)
                continue
            schema = self._schemas.of_field(field)
            yield {
                "name": name,
                "in": "query",
                "description": schema.pop("description", ""),
                **({"deprecated": True} if schema.pop("deprecated", False) else {}),
                "schema": schema,
            }

    def _request_body(self, operation: Operation) -> Object:
        request: Any = operation.method.request.DESCRIPTOR
        if operation.template.text == EXCHANGE and operation.rule.verb == "POST":
            message = self._schemas.of_message(request)
            return {
                "requestBody": {"content": {kind: {"schema": message} for kind in (FORM, JSON)}}
            }
        if not operation.takes_body:
            return {}
        field = operation.body_field
        if field is None:
            schema, is_required = self._schemas.of_message(request), False
        else:
            schema, is_required = self._schemas.of_field(field), True
            schema.pop("description", None)
        return {"requestBody": {"required": is_required, "content": {JSON: {"schema": schema}}}}

    def _responses(self, operation: Operation) -> Object:
        response: Any = operation.method.response.DESCRIPTOR
        answers: Object = {
            "200": {
                "description": "The answer.",
                "content": {JSON: {"schema": self._schemas.of_message(response)}},
            }
        }
        for status, name in _refusals(operation):
            answers[status] = {"$ref": f"#/components/responses/{name}"}
        return answers


def _operation_id(operation: Operation) -> str:
    """Unique, and a name in most languages."""
    rules = operation.method.http
    name = f"{schema_name(operation.method.service)}.{operation.method.name}".replace(".", "_")
    return name if operation.rule == rules[0] else f"{name}_{operation.rule.verb.lower()}"


def _description(operation: Operation) -> str:
    method = operation.method
    texts = [method.description, _needs(operation)]
    if method.event is not None:
        texts.append(f"Emits `{method.event.type}`.")
    return "\n\n".join(text for text in texts if text)


def _needs(operation: Operation) -> str:
    authorization = operation.method.authorization
    capabilities = " and ".join(f"`{name}`" for name in authorization.capabilities)
    match authorization.kind:
        case Need.NONE if _takes_upstream_token(operation.method):
            return "The bearer token is the upstream token."
        case Need.NONE:
            return "Needs no token."
        case Need.TOKEN:
            return "Needs an access token, whatever it allows."
        case Need.CAPABILITIES if authorization.unscoped:
            return f"Needs {capabilities} somewhere, and reaches only the groups where that is."
    if authorization.scope_path == operation.template.variable:
        return f"Needs {capabilities} at the group that the path leads to, or above it."
    where = ".".join(authorization.scope_path)
    return f"Needs {capabilities} at the group of `{where}`, or above it."


def _takes_upstream_token(method: Method) -> bool:
    return any(rule.template == EXCHANGE for rule in method.http)


def _security(operation: Operation) -> list[Object]:
    if _takes_upstream_token(operation.method):
        return [{UPSTREAM_TOKEN: []}]
    return [] if operation.method.authorization.kind is Need.NONE else [{ACCESS_TOKEN: []}]


def _refusals(operation: Operation) -> Iterator[tuple[str, str]]:
    yield "400", "Invalid"
    if _security(operation):
        yield "401", "Unauthenticated"
        yield "403", "Denied"
    if operation.template.variable or operation.query_fields:
        yield "404", "NotFound"
    if operation.rule.verb not in {"GET", "DELETE"}:
        yield "409", "Conflict"
    yield "default", "Refused"

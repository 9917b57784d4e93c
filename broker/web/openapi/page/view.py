"""What the page shows, taken out of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Object = Mapping[str, Any]

_VERBS: Final = ("get", "post", "put", "patch", "delete")
_SCHEMAS: Final = "#/components/schemas/"
_OTHERS: Final = "beside the API"


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type in words: `list of`, and what it is a list of, which may have a section."""

    before: str
    name: str
    anchor: str = ""
    """Of the section that tells more; empty where there is no more."""


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a table."""

    name: str
    type: TypeName
    description: str
    note: str = ""
    """`required`, `deprecated`, or nothing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is in a body."""

    type: TypeName
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class MethodView:
    """One operation."""

    anchor: str
    name: str
    verb: str
    path: str
    description: str
    grpc: str
    """Path of the method in gRPC; empty for what has none."""
    parameters: Sequence[Field]
    body: Shape | None
    answer: Shape | None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A section of operations."""

    anchor: str
    name: str
    short_name: str
    """Without its package."""
    description: str
    methods: Sequence[MethodView]


@dataclass(frozen=True, slots=True)
class VersionView:
    """Sections that belong together."""

    name: str
    services: Sequence[ServiceView]


@dataclass(frozen=True, slots=True)
class SchemaView:
    """A section for a type."""

    anchor: str
    name: str
    description: str
    fields: Sequence[Field]
    values: Sequence[str]
    """Of an enum."""


@dataclass(frozen=True, slots=True)
class PageView:
    """All of it."""

    title: str
    version: str
    description: str
    versions: Sequence[VersionView]
    schemas: Sequence[SchemaView]


def page_view(document: Object) -> PageView:
    """Newest version first, services and methods otherwise in the order of the document."""
    reader = _Reader(document)
    info = document["info"]
    return PageView(
        title=info["title"],
        version=info["version"],
        description=info["description"],
        versions=list(reader.versions()),
        schemas=list(reader.schemas()),
    )


class _Reader:
    def __init__(self, document: Object) -> None:
        self._document = document
        self._schemas: Object = document["components"]["schemas"]

    def versions(self) -> Iterator[VersionView]:
        by_version: dict[str, list[ServiceView]] = {"v2": [], "v1": [], _OTHERS: []}
        for tag in self._document["tags"]:
            by_version[_version(tag["name"])].append(self._service(tag))
        for name, services in by_version.items():
            # what most readers come for is first
            yield VersionView(name, sorted(services, key=lambda one: "iam." not in one.name))

    def schemas(self) -> Iterator[SchemaView]:
        for name, schema in self._schemas.items():
            yield SchemaView(
                anchor=_anchor(name),
                name=name,
                description=schema.get("description", ""),
                fields=self._fields(schema),
                values=_values(schema),
            )

    def _service(self, tag: Object) -> ServiceView:
        methods = [
            self._method(path, verb, item[verb])
            for path, item in self._document["paths"].items()
            for verb in _VERBS
            if verb in item and tag["name"] in item[verb]["tags"]
        ]
        name: str = tag["name"]
        return ServiceView(name, name, name.rpartition(".")[2], tag["description"], methods)

    def _method(self, path: str, verb: str, operation: Object) -> MethodView:
        return MethodView(
            anchor=operation["operationId"],
            name=operation["summary"],
            verb=verb.upper(),
            path=path,
            description=operation.get("description", ""),
            grpc=operation.get("x-grpc-method", ""),
            parameters=[self._parameter(one) for one in operation.get("parameters", ())],
            body=self._shape(operation.get("requestBody")),
            answer=self._shape(operation["responses"].get("200")),
        )

    def _parameter(self, parameter: Object) -> Field:
        return Field(
            name=parameter["name"],
            type=self._type(parameter["schema"]),
            description=parameter.get("description", ""),
            note="in the path" if parameter["in"] == "path" else _note(parameter),
        )

    def _shape(self, holder: Object | None) -> Shape | None:
        if holder is None or "content" not in holder:
            return None
        schema = next(iter(holder["content"].values()))["schema"]
        target = schema.get("items", schema)
        whole = self._schemas.get(target.get("$ref", "").removeprefix(_SCHEMAS), target)
        return Shape(self._type(schema), self._fields(whole))

    def _fields(self, schema: Object) -> list[Field]:
        required = schema.get("required", ())
        return [
            Field(
                name=name,
                type=self._type(inner),
                description=inner.get("description", ""),
                note="required" if name in required else _note(inner),
            )
            for name, inner in schema.get("properties", {}).items()
        ]

    def _type(self, schema: Object) -> TypeName:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_SCHEMAS)
            return TypeName("", name, _anchor(name))
        if schema.get("type") == "array":
            return self._of("list of ", schema["items"])
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            return self._of("map to ", values)
        if "const" in schema:
            return TypeName("", f"“{schema['const']}”")
        return TypeName("", schema.get("format") or schema.get("type") or "one of several strings")

    def _of(self, before: str, schema: Object) -> TypeName:
        inner = self._type(schema)
        return TypeName(before + inner.before, inner.name, inner.anchor)


def _version(tag: str) -> str:
    if "." not in tag:
        return _OTHERS
    return "v2" if ".v2." in tag else "v1"


def _anchor(schema: str) -> str:
    return f"type-{schema}"


def _note(schema: Object) -> str:
    return "deprecated" if schema.get("deprecated") else ""


def _values(schema: Object) -> Sequence[str]:
    for one in (schema, *schema.get("anyOf", ())):
        if "enum" in one:
            values: Sequence[str] = one["enum"]
            return values
    return ()

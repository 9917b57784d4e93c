"""The whole OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.contract import beta
from broker.contract.methods import Contract
from broker.web.openapi import endpoints
from broker.web.openapi.paths import Paths
from broker.web.openapi.schemas import Schemas, schema_name
from broker.web.transcoding import Operation

_ABOUT: Final = (
    "A broker of identities: it exchanges tokens that others issued for short-lived tokens of its "
    "own, and keeps the organizations, identities and roles that decide what these allow.\n\n"
    "Every method is reachable by gRPC as well, under the name in `x-grpc-method`, at the same "
    "address. JSON is that of proto3: names in lowerCamelCase, and in requests also as the .proto "
    "files have them; what is not known is refused. Fields that are empty are in answers, too.\n\n"
    "`v2beta1` has the paths and names of `v2` with `v2beta1` in their place, and the same "
    "messages; it is not listed again."
)


def openapi_document(
    contract: Contract,
    described: Mapping[str, str],
    operations: Iterable[Operation],
    version: str,
) -> dict[str, Any]:
    """OpenAPI 3.1. `described`: full name → description; `version`: that of this software."""
    listed = [one for one in operations if one.method.version != beta.BETA]
    schemas = Schemas(described)
    paths = Paths(schemas, described).of(listed)
    return {
        "openapi": "3.1.0",
        "info": {"title": "OIDC Broker", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [
            *(
                {"name": schema_name(name), "description": described.get(name, "")}
                for name in contract.services
                if f".{beta.BETA}." not in name
            ),
            *endpoints.TAGS,
        ],
        "paths": paths | endpoints.PATHS,
        "components": {
            "schemas": dict(sorted((schemas.components | endpoints.SCHEMAS).items())),
            "responses": endpoints.RESPONSES,
            "securitySchemes": endpoints.SECURITY_SCHEMES,
        },
    }

"""What the endpoint can do, for directories to read (RFC 7644 §4, RFC 7643 §5 to §7)."""

from __future__ import annotations

from typing import Any, Final

from broker.iam.scim.schema import ENTERPRISE, ENTERPRISE_URN, USER, USER_URN, Attribute
from broker.web.scim.requests import MAX_COUNT

Document = dict[str, Any]

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
_NO: Final = {"supported": False}


def service_provider_config(base: str) -> Document:
    """RFC 7643 §5. `base`: URL of the endpoint."""
    return {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {**_NO, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": _NO,
        "sort": _NO,
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "SCIM token",
                "description": "The token of this identity provider, in the Authorization header.",
                "primary": True,
            }
        ],
        "meta": _meta("ServiceProviderConfig", f"{base}/ServiceProviderConfig"),
    }


def resource_types(base: str) -> dict[str, Document]:
    """RFC 7643 §6, by name: users alone."""
    return {
        "User": {
            "schemas": [f"{_CORE}:ResourceType"],
            "id": "User",
            "name": "User",
            "description": "Somebody who may log in through this identity provider.",
            "endpoint": "/Users",
            "schema": USER_URN,
            "schemaExtensions": [{"schema": ENTERPRISE_URN, "required": False}],
            "meta": _meta("ResourceType", f"{base}/ResourceTypes/User"),
        }
    }


def schemas(base: str) -> dict[str, Document]:
    """RFC 7643 §7, by URN."""
    return {
        USER_URN: _schema(base, USER_URN, "User", "A user.", USER),
        ENTERPRISE_URN: _schema(
            base, ENTERPRISE_URN, "EnterpriseUser", "A user at their work.", ENTERPRISE
        ),
    }


def _schema(
    base: str, urn: str, name: str, description: str, attributes: tuple[Attribute, ...]
) -> Document:
    return {
        "schemas": [f"{_CORE}:Schema"],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": [each.described() for each in attributes],
        "meta": _meta("Schema", f"{base}/Schemas/{urn}"),
    }


def _meta(resource_type: str, location: str) -> Document:
    return {"resourceType": resource_type, "location": location}

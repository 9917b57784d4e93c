"""What is served beside the contract, told by hand: metadata, keys, `/token`, health."""

from __future__ import annotations

from typing import Any, Final

from broker.oauth import assertions as rfc7523
from broker.oauth import token_exchange as rfc8693
from broker.web.bodies import JSON
from broker.web.openapi.paths import ACCESS_TOKEN, UPSTREAM_TOKEN
from broker.web.parameters import FORM

Object = dict[str, Any]

OAUTH: Final = "OAuth"
DISCOVERY: Final = "Discovery"
HEALTH: Final = "Health"
REFERENCE: Final = "Reference"

TAGS: Final = (
    {"name": OAUTH, "description": "The exchange in the words of RFC 8693."},
    {"name": DISCOVERY, "description": "What those who verify the broker's tokens fetch."},
    {"name": HEALTH, "description": "For load balancers and supervisors."},
    {"name": REFERENCE, "description": "This document."},
)

SECURITY_SCHEMES: Final = {
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of this broker, from `/sts/exchange` or `/token`.",
    },
    UPSTREAM_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token that somebody else issued, which is to be exchanged.",
    },
}


def _ref(kind: str, name: str) -> Object:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(schema: Object, description: str) -> Object:
    return {"description": description, "content": {JSON: {"schema": schema}}}


_UPSTREAM: Final[Object] = {"type": "string", "description": "The upstream token."}


def _grant(description: str, required: Object, **more: Object) -> Object:
    """The parameters of a grant type: those that it needs, others of its own, and everybody's."""
    return {
        "type": "object",
        "description": description,
        "required": list(required),
        "properties": {
            **required,
            **more,
            "client_id": {"type": "string", "description": "UIDP of the identity to assume."},
            "identity": {"type": "string", "description": "The same, for other clients."},
            "client_secret": {"const": "", "description": "Identities have none."},
            "audience": {"type": "array", "maxItems": 10, "items": {"type": "string"}},
            "resource": {
                "type": "array",
                "maxItems": 10,
                "items": {"type": "string", "format": "uri"},
                "description": "The same, as absolute URIs (RFC 8707).",
            },
            "scope": {"type": "string", "description": "UIDPs of groups, separated by spaces."},
            "capabilities": {"type": "string", "description": "Names, separated by spaces."},
        },
        "additionalProperties": False,
    }


SCHEMAS: Final[dict[str, Object]] = {
    "Error": {
        "type": "object",
        "description": "A refusal, as gRPC gateways write it.",
        "required": ["code", "message", "details"],
        "properties": {
            "code": {"type": "integer", "description": "The gRPC code (google.rpc.Code)."},
            "message": {"type": "string", "description": "For people."},
            "details": {"type": "array", "minItems": 1, "items": _ref("schemas", "ErrorInfo")},
        },
    },
    "ErrorInfo": {
        "type": "object",
        "description": "What programs act on.",
        "required": ["@type", "reason", "domain", "metadata"],
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.ErrorInfo"},
            "reason": {"type": "string", "description": "A stable code such as `uidp_malformed`."},
            "domain": {"const": "broker"},
            "metadata": {
                "type": "object",
                "description": "`request_id`; `field` and `stage` where there is one.",
                "required": ["request_id"],
                "additionalProperties": {"type": "string"},
            },
        },
    },
    "OAuthError": {
        "type": "object",
        "description": "A refusal of `/token`: RFC 6749 §5.2, and members of ours.",
        "required": ["error", "error_description", "request_id"],
        "properties": {
            "error": {"type": "string"},
            "error_description": {"type": "string"},
            "reason": {"type": "string", "description": "A stable code."},
            "stage": {"type": "string", "description": "The step that refused."},
            "request_id": {"type": "string"},
        },
    },
    "TokenRequest": {
        "description": "The grant types differ in where the upstream token stands.",
        "oneOf": [
            _ref("schemas", name)
            for name in ("TokenExchangeGrant", "JwtBearerGrant", "ClientCredentialsGrant")
        ],
    },
    "TokenExchangeGrant": _grant(
        "RFC 8693.",
        {
            "grant_type": {"const": rfc8693.GRANT_TYPE},
            "subject_token": _UPSTREAM,
            "subject_token_type": {"enum": sorted(rfc8693.SUBJECT_TOKEN_TYPES)},
        },
        requested_token_type={"enum": sorted(rfc8693.REQUESTED_TOKEN_TYPES)},
    ),
    "JwtBearerGrant": _grant(
        "RFC 7523 §2.1.",
        {"grant_type": {"const": rfc7523.JWT_BEARER}, "assertion": _UPSTREAM},
    ),
    "ClientCredentialsGrant": _grant(
        "RFC 6749 §4.4 with the client assertion of RFC 7523 §2.2. A scope may be the audience "
        "of the new token, too, with `/.default` behind it.",
        {
            "grant_type": {"const": rfc7523.CLIENT_CREDENTIALS},
            "client_assertion": _UPSTREAM,
            "client_assertion_type": {"const": rfc7523.JWT_CLIENT_ASSERTION},
        },
    ),
    "TokenResponse": {
        "type": "object",
        "description": "RFC 6749 §5.1.",
        "required": ["access_token", "token_type", "expires_in"],
        "properties": {
            "access_token": {"type": "string"},
            "issued_token_type": {
                "enum": sorted(rfc8693.REQUESTED_TOKEN_TYPES),
                "description": "Where a token was exchanged: RFC 8693 §2.2.1.",
            },
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "scope": {"type": "string", "description": "The capabilities, if it was narrowed."},
        },
    },
    "Health": {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"enum": ["ok", "unavailable"]},
            "parts": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Keys": {
        "type": "object",
        "description": "RFC 7517 §5.",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
    },
    "Metadata": {
        "type": "object",
        "description": "OpenID Connect Discovery 1.0 §3 and RFC 8414 §2.",
        "required": ["issuer", "jwks_uri", "token_endpoint"],
        "properties": {
            "issuer": {"type": "string"},
            "jwks_uri": {"type": "string"},
            "token_endpoint": {"type": "string"},
        },
    },
    "CapabilityNumbers": {
        "type": "object",
        "required": ["encoding", "capabilities"],
        "properties": {
            "encoding": {"type": "string", "description": "How the `cap` claim holds them."},
            "capabilities": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    },
}

_ERROR: Final = _ref("schemas", "Error")

RESPONSES: Final[dict[str, Object]] = {
    "Invalid": _json(_ERROR, "The request is wrong, or the records do not allow it now."),
    "Unauthenticated": _json(_ERROR, "The token is missing, malformed, expired or not ours."),
    "Denied": _json(_ERROR, "The token is genuine and does not allow this."),
    "NotFound": _json(_ERROR, "What was named does not exist."),
    "Conflict": _json(_ERROR, "It exists already, or somebody else's change came first."),
    "Refused": _json(
        _ERROR,
        "Any other refusal: 405 for another HTTP method, 429 at a limit, 501 for what is not there "
        "yet, 503 when something does not answer, 500 for a defect.",
    ),
}


def _get(tag: str, name: str, summary: str, schema: str, **more: Any) -> Object:
    return {
        "get": {
            "operationId": name,
            "tags": [tag],
            "summary": summary,
            "security": [],
            "responses": {
                "200": _json(_ref("schemas", schema), "The document."),
                **more,
                "default": _ref("responses", "Refused"),
            },
        }
    }


def _metadata(name: str) -> Object:
    return _get(DISCOVERY, name, "Endpoints and algorithms", "Metadata")


def _token(name: str, summary: str, description: str) -> Object:
    return {
        "post": {
            "operationId": name,
            "tags": [OAUTH],
            "summary": summary,
            "description": description,
            "security": [],
            "requestBody": {
                "required": True,
                "content": {FORM: {"schema": _ref("schemas", "TokenRequest")}},
            },
            "responses": {
                "200": _json(_ref("schemas", "TokenResponse"), "The new token."),
                "default": _json(_ref("schemas", "OAuthError"), "A refusal."),
            },
        }
    }


PATHS: Final[dict[str, Object]] = {
    "/token": _token(
        "token",
        "Get a token (RFC 8693, RFC 7523)",
        "The identity is the client: name it in `client_id`. Clients that insist on "
        "authenticating send it as the user name of HTTP Basic, with an empty password.",
    ),
    "/broker/oauth2/v2.0/token": _token(
        "tokenOfTenant",
        "The same, for clients of Entra ID",
        "Where they look for it when the tenant is `broker`.",
    ),
    "/.well-known/openid-configuration": _metadata("openidConfiguration"),
    "/.well-known/oauth-authorization-server": _metadata("oauthAuthorizationServer"),
    "/.well-known/jwks.json": _get(DISCOVERY, "jwks", "Public keys", "Keys"),
    "/.well-known/capabilities": _get(
        DISCOVERY, "capabilities", "Names and numbers of capabilities", "CapabilityNumbers"
    ),
    "/healthz": _get(HEALTH, "healthz", "Is the process alive", "Health"),
    "/readyz": _get(
        HEALTH,
        "readyz",
        "Can it do its work",
        "Health",
        **{"503": _json(_ref("schemas", "Health"), "Not now; the parts say why.")},
    ),
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "tags": [REFERENCE],
            "summary": "This document",
            "security": [],
            "responses": {
                "200": _json({"type": "object"}, "OpenAPI 3.1."),
                "304": {"description": "Not changed since the one with this ETag."},
                "default": _ref("responses", "Refused"),
            },
        }
    },
    "/docs": {
        "get": {
            "operationId": "docs",
            "tags": [REFERENCE],
            "summary": "This document as a page",
            "security": [],
            "responses": {
                "200": {
                    "description": "A page that needs no scripts.",
                    "content": {"text/html": {"schema": {"type": "string"}}},
                },
                "304": {"description": "Not changed since the one with this ETag."},
                "default": _ref("responses", "Refused"),
            },
        }
    },
}

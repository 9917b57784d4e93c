"""Error codes: the request."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "audience_invalid",
        Kind.INVALID,
        "An audience or resource that was asked for is empty, too long, not printable ASCII, "
        "not an absolute URI where one is expected, or one of too many.",
        "Ask for one to ten audiences, as the services that will check the token write theirs.",
        oauth.INVALID_TARGET,
    ),
    ErrorCode(
        "audience_not_allowed",
        Kind.INVALID,
        "The installation does not mint access tokens for this audience: it is reserved, or not "
        "in BROKER_TOKEN_AUDIENCES.",
        "Ask for another audience, or have the operator add it.",
        oauth.INVALID_TARGET,
    ),
    ErrorCode(
        "message_malformed",
        Kind.INVALID,
        "What came as a gRPC request is not a message of the method's request type.",
        "Send that type, as the contract or the server's reflection has it.",
    ),
    ErrorCode(
        "request_malformed",
        Kind.INVALID,
        "The request is not HTTP/1.1, has a line or header of more than 32 KiB, or its body "
        "broke off, took too long or is not what its headers say.",
        "Send a well-formed request; a token has at most 16,384 characters.",
    ),
    ErrorCode(
        "body_malformed",
        Kind.INVALID,
        "The body is not JSON that every parser reads alike: UTF-8, no member twice in an object.",
        "Send JSON as a library writes it.",
    ),
    ErrorCode(
        "body_too_large",
        Kind.INVALID,
        "The request body is larger than 64 KiB, or 256 KiB where the API takes JSON.",
        "Send only the parameters; a token over 16 KiB is not accepted anyway.",
    ),
    ErrorCode(
        "body_unexpected",
        Kind.INVALID,
        "The request has a body, and the method takes none.",
        "Send the fields in the query.",
    ),
    ErrorCode(
        "capability_unknown",
        Kind.INVALID,
        "A capability name does not exist in this installation.",
        "Look at /.well-known/capabilities for the names; operators add their own by "
        "BROKER_CAPABILITIES.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "client_credentials_malformed",
        Kind.UNAUTHENTICATED,
        "The Authorization header at /token is not HTTP Basic with a UIDP as user name.",
        "Leave the header out and send client_id in the body, or send the UIDP with an empty "
        "password; the upstream token is a parameter: subject_token, assertion or "
        "client_assertion.",
        oauth.INVALID_CLIENT,
    ),
    ErrorCode(
        "client_secret_unexpected",
        Kind.UNAUTHENTICATED,
        "A client secret or Basic password was sent; identities have none.",
        "Leave it empty: the upstream token is the credential.",
        oauth.INVALID_CLIENT,
    ),
    ErrorCode(
        "content_type_unsupported",
        Kind.INVALID,
        "The body is not of the type that the path takes: application/json for the API, "
        "application/x-www-form-urlencoded for /token, either for /sts/exchange.",
        "Send that type and name it in Content-Type.",
    ),
    ErrorCode(
        "grant_type_unsupported",
        Kind.INVALID,
        "The grant_type at /token is not one that the broker offers.",
        "Use urn:ietf:params:oauth:grant-type:token-exchange, …:jwt-bearer or client_credentials "
        "with a client_assertion.",
        oauth.UNSUPPORTED_GRANT_TYPE,
    ),
    ErrorCode(
        "identity_ambiguous",
        Kind.INVALID,
        "client_id, identity and the Basic user name do not agree.",
        "Name the identity once.",
    ),
    ErrorCode(
        "method_not_allowed",
        Kind.INVALID,
        "The path exists, but not with this HTTP method.",
        "Use a method of the Allow header.",
    ),
    ErrorCode(
        "parameter_missing",
        Kind.INVALID,
        "A required parameter is absent or empty.",
        "Send the parameter that the message names.",
    ),
    ErrorCode(
        "parameter_repeated",
        Kind.INVALID,
        "A parameter that stands alone was given more than once (RFC 6749 §3.2).",
        "Send it once; only audience, resource, aud, scopes and cap repeat.",
    ),
    ErrorCode(
        "parameter_unknown",
        Kind.INVALID,
        "The request has a parameter that the endpoint does not know. It is refused, since an "
        "ignored restriction would give more than was asked for.",
        "Check the spelling against the names in the message.",
    ),
    ErrorCode(
        "parameter_unsupported",
        Kind.INVALID,
        "The parameter exists in the protocol, but this broker does not offer what it asks for.",
        "Leave it out.",
    ),
    ErrorCode(
        "parameters_in_query",
        Kind.INVALID,
        "Parameters of /token were in the URL, where logs would keep them.",
        "Send them in the body.",
    ),
    ErrorCode(
        "parameters_malformed",
        Kind.INVALID,
        "The parameters are not URL-encoded UTF-8, or there are more than 200.",
        "Encode them as a form.",
    ),
    ErrorCode(
        "parameters_split",
        Kind.INVALID,
        "Parameters of /sts/exchange were both in the query and in the body.",
        "Use one of the two.",
    ),
    ErrorCode(
        "path_unknown",
        Kind.NOT_FOUND,
        "The broker has no such path.",
        "Take the endpoints from /.well-known/openid-configuration.",
    ),
    ErrorCode(
        "token_missing",
        Kind.UNAUTHENTICATED,
        "The Authorization header (gRPC: the authorization metadata) is missing, repeated, or not "
        "Bearer.",
        "Send 'Authorization: Bearer' and the token, once: the upstream token to exchange it, the "
        "broker's own to call the API.",
    ),
    ErrorCode(
        "token_type_mismatch",
        Kind.INVALID,
        "subject_token_type says JWT or ID token and the token is a signed AWS request, or the "
        "reverse; or an assertion is a signed AWS request.",
        "Name the type that the token has; docs/exchange.md lists them. Assertions are JWTs.",
    ),
    ErrorCode(
        "token_type_unsupported",
        Kind.INVALID,
        "subject_token_type, requested_token_type or client_assertion_type is not one that the "
        "broker handles.",
        "Use …:jwt or …:id_token for the subject token, …:access_token or …:jwt for the new one, "
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer for the client assertion.",
    ),
    ErrorCode(
        "uidp_malformed",
        Kind.INVALID,
        "An id is not a UIDP: 40 lower-case hex characters, then '/' and 16 for each level.",
        "Copy the id from the output of 'broker apply' or of the API.",
    ),
)

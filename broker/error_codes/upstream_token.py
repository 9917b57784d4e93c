"""Error codes: the upstream token."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "token_too_large",
        Kind.UNAUTHENTICATED,
        "The upstream token has more than 16,384 characters.",
        "Ask its issuer for fewer claims.",
    ),
    ErrorCode(
        "token_malformed",
        Kind.UNAUTHENTICATED,
        "The token is not three segments of canonical base64url, its header or payload is not "
        "an unambiguous JSON object (duplicate members, NUL, lone surrogates), or the header has "
        "no alg.",
        "Send the token as it was issued, without line breaks or quotes.",
    ),
    ErrorCode(
        "token_claim_invalid",
        Kind.UNAUTHENTICATED,
        "iss, sub or aud is missing, or a registered claim has the wrong type (RFC 7519 §4.1).",
        "Have the issuer write the claims as RFC 7519 types them.",
    ),
    ErrorCode(
        "token_is_access_token",
        Kind.UNAUTHENTICATED,
        "The token is an access token (typ at+jwt), or one of this broker's own.",
        "Send the identity token that the platform issued to the workload.",
    ),
    ErrorCode(
        "token_issuer_mismatch",
        Kind.UNAUTHENTICATED,
        "The token's iss is not the issuer that the identity's record allows.",
        "Compare the two to the letter, a slash at the end included.",
    ),
    ErrorCode(
        "aws_audience_mismatch",
        Kind.UNAUTHENTICATED,
        "A signed AWS request names another broker in its audience header.",
        "Sign it with this broker's issuer URL as the audience.",
    ),
    ErrorCode(
        "aws_identity_mismatch",
        Kind.UNAUTHENTICATED,
        "A signed AWS request names another identity than the exchange asks for, or the exchange "
        "names none.",
        "Name the identity, and sign the request for the same.",
    ),
    ErrorCode(
        "aws_request_malformed",
        Kind.UNAUTHENTICATED,
        "A signed AWS request is not one HTTP/1.1 request without a body: a header stands twice or "
        "is folded, a line does not end with CRLF, or the empty line at the end is missing.",
        "Serialize the request as it would be sent; see the guide to signed AWS requests.",
    ),
    ErrorCode(
        "aws_request_refused",
        Kind.UNAUTHENTICATED,
        "A signed AWS request asks something else than GetCallerIdentity, of a host that is not "
        "allowed, is a presigned URL, or does not sign what it has to.",
        "Sign POST to STS with the headers that the message names; for endpoints besides the "
        "global one see BROKER_AWS_STS_HOSTS.",
    ),
    ErrorCode(
        "aws_signature_refused",
        Kind.UNAUTHENTICATED,
        "AWS STS answered that a signed AWS request is not signed with credentials that are valid.",
        "Sign with fresh credentials; the audit record has the error code of AWS.",
    ),
    ErrorCode(
        "aws_unavailable",
        Kind.UNAVAILABLE,
        "AWS STS could not be asked who signed a request, or gave no usable answer.",
        "Look at the audit record for what happened, and try again.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "issuer_not_allowed",
        Kind.DENIED,
        "The issuer, of a token or of an identity that is saved, is not on the list of the "
        "installation (BROKER_ISSUER_POLICY) or of the organization, and that list is enforced.",
        "Use an issuer that is allowed, or have the operator put it on the list "
        "(docs/issuer-policy.md).",
    ),
    ErrorCode(
        "issuer_not_fetchable",
        Kind.UNAUTHENTICATED,
        "An issuer pattern admits the token's iss, but it is no URL that keys are fetched from.",
        "Tighten the pattern; issuers are plain https URLs in lower case.",
    ),
    ErrorCode(
        "issuer_unavailable",
        Kind.UNAVAILABLE,
        "The issuer's discovery document or keys could not be fetched, or were refused.",
        "Look at the audit record for what happened; try again after Retry-After. For an issuer "
        "in a private network see BROKER_PRIVATE_ISSUERS, BROKER_ISSUER_CA_BUNDLES and static "
        "keys.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "token_algorithm_refused",
        Kind.UNAUTHENTICATED,
        "The token's alg is none, symmetric, unknown, or not allowed for its issuer.",
        "Have the issuer sign with an asymmetric algorithm, or correct BROKER_ISSUER_ALGORITHMS.",
    ),
    ErrorCode(
        "token_extension_refused",
        Kind.UNAUTHENTICATED,
        "The token's header has crit or b64.",
        "Have the issuer sign without extensions.",
    ),
    ErrorCode(
        "token_key_unknown",
        Kind.UNAUTHENTICATED,
        "No usable key of the issuer has the token's kid and fits its alg.",
        "Check the issuer's key set; the audit record lists the usable keys. Replace an identity "
        "whose static keys are old.",
    ),
    ErrorCode(
        "token_signature_invalid",
        Kind.UNAUTHENTICATED,
        "The key is known, and the signature is not its own.",
        "Fetch a fresh token and send it unchanged.",
    ),
    ErrorCode(
        "token_without_expiry",
        Kind.UNAUTHENTICATED,
        "The token has no exp.",
        "Have the issuer set one.",
    ),
    ErrorCode(
        "token_expired",
        Kind.UNAUTHENTICATED,
        "The token's exp has passed, by more than a minute.",
        "Fetch the token right before the exchange; check the clocks.",
    ),
    ErrorCode(
        "token_not_yet_valid",
        Kind.UNAUTHENTICATED,
        "The token's nbf or iat is more than a minute ahead.",
        "Check the clocks of the issuer and of the broker.",
    ),
    ErrorCode(
        "token_lifetime_too_long",
        Kind.UNAUTHENTICATED,
        "The token lives longer than is accepted from its issuer.",
        "Have it issued for a shorter time, or see BROKER_ISSUER_TOKEN_AGES.",
    ),
)

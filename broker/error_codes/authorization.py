"""Error codes: clients that people let in, by codes, devices and refresh tokens."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import authorization as rfc6749
from broker.oauth import device as rfc8628
from broker.oauth import error_codes as oauth
from broker.oauth import openid

CODES: Final = (
    ErrorCode(
        "authorization_invalid",
        Kind.INVALID,
        "A parameter of the authorization endpoint, or of a device, is missing or has a value "
        "that is not taken.",
        "Send what the message names: PKCE with S256 is required.",
    ),
    ErrorCode(
        "client_unknown",
        Kind.INVALID,
        "No client of this `client_id` is registered here.",
        "Use `broker-cli`, or have the operator add the client to BROKER_CLIENTS.",
        oauth.INVALID_CLIENT,
    ),
    ErrorCode(
        "code_invalid",
        Kind.DENIED,
        "An authorization code is unknown, older than a minute, was used, or was given to another "
        "client, redirect URI or code challenge. What came of a code that is sent twice is "
        "revoked.",
        "Log in once more, and redeem the code at once, with the values that it was asked with.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "device_busy",
        Kind.CONFLICT,
        "A device asked so often that the decision about it could not be written down.",
        "Decide once more.",
    ),
    ErrorCode(
        "device_code_expired",
        Kind.DENIED,
        "Nobody let the device in within 15 minutes.",
        "Begin again on the device.",
        rfc8628.EXPIRED_TOKEN,
    ),
    ErrorCode(
        "device_code_invalid",
        Kind.DENIED,
        "A device code is unknown, was used, or is of another client.",
        "Begin again on the device.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "device_denied",
        Kind.DENIED,
        "The person did not let the device in.",
        "Begin again on the device if that was a mistake.",
        rfc6749.ACCESS_DENIED,
    ),
    ErrorCode(
        "device_pending",
        Kind.DENIED,
        "Nobody has let the device in yet.",
        "Ask again after the interval.",
        rfc8628.AUTHORIZATION_PENDING,
    ),
    ErrorCode(
        "device_polls_too_often",
        Kind.DENIED,
        "A device asks more often than it was told to.",
        "Wait five seconds longer between two requests from now on (RFC 8628 §3.5).",
        rfc8628.SLOW_DOWN,
    ),
    ErrorCode(
        "id_token_for_another",
        Kind.DENIED,
        "An ID token of this broker was sent to become an identity.",
        "Log in and name the identity there, or exchange a token of its issuer.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "id_token_invalid",
        Kind.UNAUTHENTICATED,
        "What was sent as an ID token of this broker is none: another kind of token, of another "
        "issuer, or issued to no client of this broker.",
        "Send the `id_token` that the token endpoint answered.",
    ),
    ErrorCode(
        "interaction_required",
        Kind.DENIED,
        "A client asked for a login without a page (`prompt=none`), and a page is needed: it runs "
        "on the person's machine, where any program could ask.",
        "Ask without `prompt=none`.",
        openid.INTERACTION_REQUIRED,
    ),
    ErrorCode(
        "login_ended",
        Kind.DENIED,
        "The browser session that a code or a token goes back to has ended.",
        "Log in again.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_required",
        Kind.DENIED,
        "A client asked for a login without a page (`prompt=none`), and nobody is logged in, or "
        "not lately enough.",
        "Ask without `prompt=none`.",
        openid.LOGIN_REQUIRED,
    ),
    ErrorCode(
        "logout_redirect_unknown",
        Kind.INVALID,
        "The address to go to after signing out is not one of the client's.",
        "Have the operator add it to the client's `post_logout_redirect_uris`.",
    ),
    ErrorCode(
        "redirect_uri_unknown",
        Kind.INVALID,
        "The redirect URI is not one of the client's; it is compared literally, but for the port "
        "of a loopback address.",
        "Send it as it is registered, or have the operator correct BROKER_CLIENTS.",
    ),
    ErrorCode(
        "refresh_grant_exists",
        Kind.CONFLICT,
        "A refresh grant with this id exists.",
        "Log in once more.",
    ),
    ErrorCode(
        "refresh_token_invalid",
        Kind.DENIED,
        "A refresh token is none, is of another client, has ended, or was revoked.",
        "Log in again.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "refresh_token_reused",
        Kind.DENIED,
        "A refresh token was used before. Two have it, and one of them should not, so all that "
        "came of the login is revoked.",
        "Log in again; find out who else has the token, or which program does not keep the newest.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "refresh_widens",
        Kind.INVALID,
        "A refresh asks for an audience, group, capability or scope that the login was not "
        "granted.",
        "Ask for less, or log in again and ask for it there.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "request_object_unsupported",
        Kind.INVALID,
        "The parameters of a login came as a `request` object, which is not supported.",
        "Send them as parameters.",
        openid.REQUEST_NOT_SUPPORTED,
    ),
    ErrorCode(
        "request_uri_unsupported",
        Kind.INVALID,
        "The parameters of a login came as a `request_uri`, which is not supported.",
        "Send them as parameters.",
        openid.REQUEST_URI_NOT_SUPPORTED,
    ),
    ErrorCode(
        "response_type_unsupported",
        Kind.INVALID,
        "The authorization endpoint gives codes and nothing else.",
        "Ask with `response_type=code`.",
        rfc6749.UNSUPPORTED_RESPONSE_TYPE,
    ),
    ErrorCode(
        "scope_unknown",
        Kind.INVALID,
        "A word of `scope` is neither one of OpenID Connect that is known here nor the UIDP of a "
        "group.",
        "Ask for openid, email, profile, offline_access and UIDPs of groups.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "token_of_another_client",
        Kind.DENIED,
        "A client asked to revoke the token of another.",
        "Send the `client_id` to which the token was issued.",
        oauth.UNAUTHORIZED_CLIENT,
    ),
    ErrorCode(
        "token_not_revocable",
        Kind.INVALID,
        "An access token or ID token cannot be revoked: whoever checks it asks nobody, and it ends "
        "within the hour.",
        "Revoke the refresh token, so that no more follow.",
        openid.UNSUPPORTED_TOKEN_TYPE,
    ),
    ErrorCode(
        "token_session_ended",
        Kind.UNAUTHENTICATED,
        "The login that an access token goes back to has ended, or the person is gone.",
        "Log in again.",
    ),
    ErrorCode(
        "too_many_devices",
        Kind.EXHAUSTED,
        "An address began more than 100 device logins in ten minutes.",
        "Wait ten minutes.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "too_many_user_codes",
        Kind.EXHAUSTED,
        "A browser or an address sent so many user codes in ten minutes that it could be guessing.",
        "Wait ten minutes.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "user_code_unknown",
        Kind.NOT_FOUND,
        "No device waits under the user code: mistyped, older than 15 minutes, or decided on.",
        "Look again at the device, or begin again there.",
    ),
    ErrorCode(
        "userinfo_scope_missing",
        Kind.DENIED,
        "The access token was not granted the scope `openid`.",
        "Log in with `openid` in the scope.",
        openid.INSUFFICIENT_SCOPE,
    ),
)

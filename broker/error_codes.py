"""Every error code, with its cause and cure. docs/errors.md is made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

_ALL: Final = (
    # The request
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
        "person_gone",
        Kind.DENIED,
        "Somebody who has logged in is not registered any more.",
        "Register again, with an invite where the installation asks for one.",
        "invalid_grant",
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
    # The upstream token
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
    # The decision
    ErrorCode(
        "internal",
        Kind.UNAVAILABLE,
        "A defect of the broker: callers are answered 500, the audit record has this code.",
        "Look for the request id in the log, where the traceback is, and report it.",
        oauth.SERVER_ERROR,
    ),
    ErrorCode(
        "identity_refused",
        Kind.DENIED,
        "The identity does not exist, its rules do not accept the token, its static keys have "
        "expired, or no identity was named and nobody is registered for the token's issuer and "
        "subject. Callers get one answer for all of these.",
        "As the identity's owner, look at 'broker audit list --failed' (by the request id): it "
        "shows every rule with what was expected and what the token had.",
    ),
    ErrorCode(
        "scope_not_held",
        Kind.DENIED,
        "A scope is not at or below a group where the identity has a role binding.",
        "Ask for less, or bind a role to the identity there.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "capability_not_held",
        Kind.DENIED,
        "A capability that was asked for is in none of the identity's roles in these scopes.",
        "Ask for less, or bind a role that has it.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "token_already_used",
        Kind.UNAUTHENTICATED,
        "The token was exchanged before, for an identity that takes each token once.",
        "Get a new token for each exchange. If you did, somebody else used it: the audit log has "
        "that exchange under the token's SHA-256.",
    ),
    ErrorCode(
        "rate_limited",
        Kind.EXHAUSTED,
        "The caller's address had too many exchanges refused (stage request), or there were too "
        "many for the identity or of its issuer (stage use): BROKER_RATE_LIMIT_ADDRESS, "
        "BROKER_RATE_LIMIT_IDENTITY, BROKER_RATE_LIMIT_ISSUER.",
        "Wait as long as Retry-After says; find out what is refused, or what retries.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    # The new token
    ErrorCode(
        "minted_token_too_large",
        Kind.PRECONDITION,
        "The new token would exceed 6 KiB, which proxies commonly cut.",
        "Name scopes, so that it carries the roles of those groups alone.",
    ),
    ErrorCode(
        "token_expires_at_once",
        Kind.PRECONDITION,
        "The identity binds new tokens to the upstream token's exp, which has come.",
        "Send a fresh upstream token.",
    ),
    ErrorCode(
        "token_claims_unencodable",
        Kind.PRECONDITION,
        "A claim that the rules matched holds an integer beyond 64 bits or nests too deep.",
        "Leave the claim out of the rules, or mend it upstream.",
    ),
    ErrorCode(
        "token_lifetime_invalid",
        Kind.INVALID,
        "A token was to be minted for less than a second or more than an hour.",
        "Report it: settings and records are checked before.",
    ),
    ErrorCode(
        "token_audience_missing",
        Kind.INVALID,
        "A token was to be minted without an audience.",
        "Report it: requests without one get the default.",
    ),
    # Records
    ErrorCode(
        "capability_malformed",
        Kind.INVALID,
        "An operator's capability has a bad name or a number outside of 1024 to 2047.",
        'Write BROKER_CAPABILITIES such as {"deploy.create": 1024}.',
    ),
    ErrorCode(
        "capability_taken",
        Kind.INVALID,
        "An operator's capability has the name or the number of another.",
        "Choose a free one; numbers are never used again.",
    ),
    ErrorCode(
        "field_invalid",
        Kind.INVALID,
        "A field of a request or of a record breaks the rule that the message gives.",
        "Change the field as the message says.",
    ),
    ErrorCode(
        "field_unknown",
        Kind.INVALID,
        "A JSON body has a member, at the path that the message names, that no field has as its "
        "name.",
        "Check the spelling: lowerCamelCase, or as in the .proto files.",
    ),
    ErrorCode(
        "pattern_invalid",
        Kind.INVALID,
        "A pattern is not RE2 syntax, or longer than 1,024 characters.",
        "Mend it: RE2 has no look-around and no back references, and patterns match the whole "
        "value, so anchors are not needed.",
    ),
    ErrorCode(
        "declaration_invalid",
        Kind.INVALID,
        "The file given to 'broker apply' is wrong in form or meaning, or would remove an "
        "organization's last owner.",
        "Change each listed line; nothing was written.",
    ),
    ErrorCode(
        "organization_exists",
        Kind.CONFLICT,
        "'broker bootstrap' was given the name of an organization that exists.",
        "Choose another name, or add the owner by 'broker apply'.",
    ),
    # The installation
    ErrorCode(
        "settings_invalid",
        Kind.INVALID,
        "Settings are unknown, malformed, or do not fit together; all faults are listed.",
        "Correct each; docs/configuration.md lists the settings.",
    ),
    ErrorCode(
        "listen_failed",
        Kind.PRECONDITION,
        "The broker cannot listen on BROKER_HOST and BROKER_PORT or BROKER_GRPC_PORT: another "
        "process does, or the address is not this machine's; or not in the folder for temporary "
        "files, where its own socket is.",
        "Stop the other process, or choose another port; set TMPDIR to a folder that can be "
        "written and has a short name.",
    ),
    ErrorCode(
        "tls_unusable",
        Kind.PRECONDITION,
        "BROKER_TLS_CERTIFICATE or BROKER_TLS_KEY cannot be read, is not PEM, is encrypted, or the "
        "one is not the other's.",
        "Name the PEM file of the chain, the server's certificate first, and that of its key.",
    ),
    ErrorCode(
        "state_unavailable",
        Kind.UNAVAILABLE,
        "The identity takes an upstream token once, and Redis, which knows what was used, does not "
        "answer within a second; or the memory for it is full, where there is no Redis.",
        "Try again after Retry-After; look at what BROKER_REDIS_URL names, or set it.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    # The store
    ErrorCode(
        "store_url_invalid",
        Kind.INVALID,
        "BROKER_DATABASE_URL is neither sqlite:///PATH nor a well-formed PostgreSQL URI.",
        "Correct it; characters such as @ and / in a password are URL-encoded.",
    ),
    ErrorCode(
        "store_unavailable",
        Kind.UNAVAILABLE,
        "The database does not answer, refuses the login, is full, damaged or read-only.",
        "Look at the database; try again.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "store_busy",
        Kind.UNAVAILABLE,
        "Others held the database, or all connections were in use, for too long.",
        "Try again; look for long transactions.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "audit_unavailable",
        Kind.UNAVAILABLE,
        "The audit record could not be kept, and without its record no token leaves.",
        "Look at the database: disk space, permissions, connection.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "schema_outdated",
        Kind.PRECONDITION,
        "The database's schema is older than this version, or missing.",
        "Run 'broker migrate'.",
    ),
    ErrorCode(
        "schema_newer",
        Kind.PRECONDITION,
        "A newer version of the broker has migrated the database.",
        "Run that version, or restore the backup made before it.",
    ),
    ErrorCode(
        "group_exists",
        Kind.CONFLICT,
        "A group with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "identity_exists",
        Kind.CONFLICT,
        "An identity with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "role_exists",
        Kind.CONFLICT,
        "A role with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "binding_exists",
        Kind.CONFLICT,
        "The identity has this role at this group.",
        "Nothing.",
    ),
    ErrorCode(
        "page_token_invalid",
        Kind.INVALID,
        "A page token is not one that a list in this order has given.",
        "Send the next_page_token of the page before, with the same filters and order_by.",
    ),
    ErrorCode(
        "too_many_ids",
        Kind.INVALID,
        "A filter names more than 1,000 UIDPs.",
        "Ask for them in parts.",
    ),
    ErrorCode(
        "association_exists",
        Kind.CONFLICT,
        "The group has account associations; it can have one record of them.",
        "Update the record that there is.",
    ),
    ErrorCode(
        "mapping_exists",
        Kind.CONFLICT,
        "The provider's group has this role at this scope, or a mapping with this UIDP exists.",
        "Nothing.",
    ),
    ErrorCode(
        "identity_provider_exists",
        Kind.CONFLICT,
        "An identity provider with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "invite_exists",
        Kind.CONFLICT,
        "An invite with this UIDP or key id exists.",
        "Create it anew.",
    ),
    ErrorCode(
        "subscription_exists",
        Kind.CONFLICT,
        "A subscription with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "name_taken",
        Kind.CONFLICT,
        "Another group beside it has the name.",
        "Choose another name.",
    ),
    ErrorCode(
        "group_not_found",
        Kind.NOT_FOUND,
        "A group that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "identity_not_found",
        Kind.NOT_FOUND,
        "An identity that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "role_not_found",
        Kind.NOT_FOUND,
        "A role that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "binding_not_found",
        Kind.NOT_FOUND,
        "A role binding that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "identity_provider_not_found",
        Kind.NOT_FOUND,
        "An identity provider that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "invite_not_found",
        Kind.NOT_FOUND,
        "An invite that was named does not exist, or was used up.",
        "Check the id, or ask for a new invite.",
    ),
    ErrorCode(
        "subscription_not_found",
        Kind.NOT_FOUND,
        "A subscription that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "credential_not_found",
        Kind.PRECONDITION,
        "A client was given no upstream token, and there is no sign of a platform that has one.",
        "Run it where one is, or hand one over: `--token FILE`, or standard input.",
    ),
    ErrorCode(
        "credential_unavailable",
        Kind.UNAVAILABLE,
        "The platform that a client runs on did not give it an upstream token.",
        "Try again; the reason that follows is the platform's own.",
    ),
    ErrorCode(
        "credential_unusable",
        Kind.PRECONDITION,
        "The source of an upstream token that a client was to use is not there, or is not set up "
        "to give one.",
        "Follow the message; docs/exchange.md says what each platform needs.",
    ),
    ErrorCode(
        "key_not_found",
        Kind.NOT_FOUND,
        "A signing key that was named does not exist.",
        "Check the id.",
    ),
    # Keys
    ErrorCode(
        "key_file_missing",
        Kind.PRECONDITION,
        "There is no key-encryption key in BROKER_KEYS_DIR.",
        "Run 'broker keys init' on a new installation; restore the file on an old one.",
    ),
    ErrorCode(
        "key_file_exists",
        Kind.CONFLICT,
        "'broker keys init' found a key-encryption key.",
        "Nothing: the file was kept.",
    ),
    ErrorCode(
        "key_file_exposed",
        Kind.PRECONDITION,
        "Group or others may read or write the key-encryption key.",
        "chmod 600 the file.",
    ),
    ErrorCode(
        "key_file_malformed",
        Kind.PRECONDITION,
        "The key-encryption key is not 32 bytes in base64url on one line.",
        "Restore the file from its backup.",
    ),
    ErrorCode(
        "key_file_unreadable",
        Kind.PRECONDITION,
        "The system does not let the process read the key-encryption key.",
        "Correct its owner or BROKER_KEYS_DIR.",
    ),
    ErrorCode(
        "key_file_unwritable",
        Kind.PRECONDITION,
        "The key-encryption key or its folder cannot be made.",
        "Correct the path, its permissions or its file system (hard links are needed).",
    ),
    ErrorCode(
        "keys_directory_exposed",
        Kind.PRECONDITION,
        "Group or others may write in BROKER_KEYS_DIR.",
        "chmod 700 the folder.",
    ),
    ErrorCode(
        "key_encryption_key_mismatch",
        Kind.PRECONDITION,
        "The signing keys in the database were encrypted with another key-encryption key.",
        "Put back the file that belongs to this database.",
    ),
    ErrorCode(
        "wrapped_key_damaged",
        Kind.PRECONDITION,
        "A signing key in the database was altered, moved, or written by a newer version.",
        "Restore the database.",
    ),
    ErrorCode(
        "signing_key_damaged",
        Kind.PRECONDITION,
        "A decrypted signing key does not fit its kid or algorithm.",
        "Restore the database.",
    ),
    ErrorCode(
        "key_publish_lead_too_short",
        Kind.INVALID,
        "BROKER_KEY_PUBLISH_LEAD is less than jwks_max_age, key_refresh and a minute together.",
        "Raise it.",
    ),
    ErrorCode(
        "key_rotation_period_too_short",
        Kind.INVALID,
        "The rotation period is shorter than the publish lead.",
        "Choose a longer one, or 0 to rotate by hand.",
    ),
    ErrorCode(
        "key_rotated",
        Kind.CONFLICT,
        "Another process rotated the signing key at the same time.",
        "Nothing: its key is the next one.",
    ),
    ErrorCode(
        "signing_keys_stale",
        Kind.UNAVAILABLE,
        "The key log could not be read for so long that the process may not know which key signs.",
        "Restore the connection to the database.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "signing_key_unusable",
        Kind.UNAVAILABLE,
        "This process cannot decrypt the key that signs now.",
        "Give every process the same key-encryption key.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    # The API
    ErrorCode(
        "access_token_audience",
        Kind.UNAUTHENTICATED,
        "The access token was minted for another service than the broker's own API.",
        "Exchange without an audience, or with the issuer's URL (or BROKER_API_URL) as one of"
        " them.",
    ),
    ErrorCode(
        "access_token_expected",
        Kind.UNAUTHENTICATED,
        "The bearer token at the API is not an access token of the broker; an upstream token,"
        " for example.",
        "Exchange it first, and send what the broker mints.",
    ),
    ErrorCode(
        "token_issuer_unexpected",
        Kind.UNAUTHENTICATED,
        "The access token at the API was minted by another broker, or under another issuer URL.",
        "Exchange at this broker.",
    ),
    ErrorCode(
        "token_identity_gone",
        Kind.UNAUTHENTICATED,
        "The identity of the access token was deleted after the token was minted.",
        "Exchange for an identity that exists.",
    ),
    ErrorCode(
        "association_not_found",
        Kind.NOT_FOUND,
        "The group has no account association.",
        "Create one.",
    ),
    ErrorCode(
        "mapping_not_found",
        Kind.NOT_FOUND,
        "No group role mapping has this UIDP.",
        "List the mappings of the identity provider.",
    ),
    ErrorCode(
        "capability_missing",
        Kind.DENIED,
        "The caller lacks a capability at the group, or at the record, that the call is "
        "about. It counts what the token carries and what the identity holds now.",
        "Have an owner bind a role that has it; exchange again if the token was narrowed or "
        "is from before.",
    ),
    ErrorCode(
        "capability_internal",
        Kind.DENIED,
        "A custom role would have a capability of the installation's own services.",
        "Leave it out.",
    ),
    ErrorCode(
        "field_reserved",
        Kind.DENIED,
        "A field of an organization that only an operator sets: verified, resource_limits, "
        "kind, status.",
        "Leave it out, or have an identity of BROKER_OPERATORS set it.",
    ),
    ErrorCode(
        "grant_exceeds_own",
        Kind.DENIED,
        "A role, binding, invite, default role or mapping would give capabilities that the caller "
        "does not hold there; or other rules of an identity, or another configuration of a "
        "provider, would hand over what it holds.",
        "Give a smaller role, or have somebody do it who holds them.",
    ),
    ErrorCode(
        "organization_creation_denied",
        Kind.DENIED,
        "The caller may not create organizations (BROKER_ORGANIZATION_CREATORS).",
        "Name a parent to create a folder, or ask an operator.",
    ),
    ErrorCode(
        "group_has_folders",
        Kind.PRECONDITION,
        "A group with folders is not deleted.",
        "Delete the folders first, the deepest first.",
    ),
    ErrorCode(
        "invite_malformed",
        Kind.INVALID,
        "The text is not an invite code.",
        "Copy the whole code, or ask for another invite.",
    ),
    ErrorCode(
        "last_owner",
        Kind.PRECONDITION,
        "The organization would be left without an owner.",
        "Make somebody else an owner first.",
    ),
    ErrorCode(
        "lint_refused",
        Kind.INVALID,
        "The rules of an identity have an error that lint finds, and BROKER_LINT refuses those.",
        "Write what the message advises; docs/lint.md explains the rule that it names.",
    ),
    ErrorCode(
        "not_a_person",
        Kind.PRECONDITION,
        "Only the identity of a person has an account and a profile.",
        "Delete or update an assumable identity as such.",
    ),
    ErrorCode(
        "resource_limit_reached",
        Kind.EXHAUSTED,
        "The organization has as many of these records as its limits allow.",
        "Delete some, or ask the operator for more.",
    ),
    ErrorCode(
        "role_built_in",
        Kind.PRECONDITION,
        "Built-in roles are part of the program.",
        "Make a custom role with the capabilities that you need.",
    ),
    ErrorCode(
        "update_mask_invalid",
        Kind.INVALID,
        "The update mask names a field that the message does not have.",
        "Take the names from the reference, in snake case or lowerCamelCase.",
    ),
    ErrorCode(
        "verified_name_fixed",
        Kind.PRECONDITION,
        "The name of a verified organization is its domain.",
        "Have the operator take the verification away first.",
    ),
    ErrorCode(
        "method_unimplemented",
        Kind.UNIMPLEMENTED,
        "The contract has the method, this version of the broker does not serve it yet.",
        "See the changelog for what is there.",
    ),
    # Commands
    ErrorCode(
        "token_not_valid",
        Kind.UNAUTHENTICATED,
        "'broker token verify' found a claim or type that the token must not have.",
        "The message names it; ask the broker for a token with the right audience.",
    ),
    ErrorCode(
        "aws_credentials_missing",
        Kind.PRECONDITION,
        "A token was to be made from AWS credentials, and botocore found none.",
        "Run it where AWS gives credentials, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and the rest.",
    ),
    ErrorCode(
        "aws_region_unknown",
        Kind.INVALID,
        "A token was to be made for the STS of a region that AWS does not have.",
        "Give a region such as eu-central-1, or none for the global endpoint.",
    ),
    ErrorCode(
        "broker_unreachable",
        Kind.UNAVAILABLE,
        "The command did not get an answer from the broker.",
        "Check the --issuer or --api URL and that the broker is running.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "extra_missing",
        Kind.PRECONDITION,
        "What was asked for needs packages that an installation has only by an extra.",
        "Install the extra that the message names.",
    ),
    ErrorCode(
        "name_ambiguous",
        Kind.INVALID,
        "A name given to a command is that of several records, which the message lists.",
        "Give the UIDP of one, or more of the path: acme/shop/deploy.",
    ),
    ErrorCode(
        "name_not_found",
        Kind.NOT_FOUND,
        "No record that the caller may list has the name that was given to a command.",
        "Check the spelling, or give the UIDP; a name is a path such as acme/shop/deploy.",
    ),
)

CATALOGUE: Final[Mapping[str, ErrorCode]] = {entry.code: entry for entry in _ALL}

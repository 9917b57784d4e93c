"""Error codes: people who log in."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth
from broker.oauth.authorization import ACCESS_DENIED

CODES: Final = (
    ErrorCode(
        "access_request_exists",
        Kind.CONFLICT,
        "A person asks an organization for access twice at the same moment.",
        "Nothing; the first one stands.",
    ),
    ErrorCode(
        "access_request_not_found",
        Kind.NOT_FOUND,
        "An access request is approved or denied that does not exist: somebody decided it "
        "before, or the person is gone.",
        "List those that there are.",
    ),
    ErrorCode(
        "access_requests_exhausted",
        Kind.EXHAUSTED,
        "A person has ten access requests that nobody has decided.",
        "Have the organizations' owners decide some.",
    ),
    ErrorCode(
        "email_domain_taken",
        Kind.CONFLICT,
        "An e-mail domain is given to an organization while another one has it.",
        "Take it out of the other one's login policy first.",
    ),
    ErrorCode(
        "form_not_ours",
        Kind.DENIED,
        "A form was sent that no page of this browser's holds: it lacks the hidden field, or "
        "the cookie has changed.",
        "Go back, reload the page, and send the form again. Cookies have to be allowed.",
    ),
    ErrorCode(
        "headless_code_invalid",
        Kind.INVALID,
        "A headless login was asked for with a code that is no X25519 public key.",
        "Let the command line make the URL; copy all of it.",
    ),
    ErrorCode(
        "headless_session_pending",
        Kind.NOT_FOUND,
        "Nobody has logged in with this code yet, it is more than 15 minutes ago, or the "
        "token was fetched already.",
        "Ask again until the person has logged in, or begin anew.",
    ),
    ErrorCode(
        "identity_provider_unavailable",
        Kind.UNAVAILABLE,
        "An identity provider does not answer, or its metadata, token endpoint or userinfo answer "
        "something that cannot be used.",
        "Try again; the owner of the provider's record can test it, the operator's log has the "
        "reason.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "identity_provider_unreachable",
        Kind.PRECONDITION,
        "PKCE is turned on for an identity provider whose discovery document cannot be read, so "
        "that nobody knows whether it can.",
        "Correct the issuer, or try again when the provider answers.",
    ),
    ErrorCode(
        "identity_provider_unsuitable",
        Kind.PRECONDITION,
        "An identity provider refuses this service as a client, or lacks something that a login "
        "needs: an endpoint, a way to authenticate, PKCE, groups as a list of strings.",
        "Test the provider, and change what the test names, there or in its record.",
    ),
    ErrorCode(
        "identity_provider_without_pkce",
        Kind.PRECONDITION,
        "PKCE is turned on for an identity provider whose discovery document says that it does "
        "not support S256.",
        "Leave pkce_enabled off, or turn S256 on at the provider.",
    ),
    ErrorCode(
        "interaction_unknown",
        Kind.UNAUTHENTICATED,
        "A page of a login is more than 15 minutes old, was answered already, or was opened "
        "in another browser.",
        "Begin again where you came from, and stay in one browser.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "invite_email_mismatch",
        Kind.DENIED,
        "An invite names an e-mail address, and who accepts it has another one, or one that "
        "their identity provider does not vouch for.",
        "Log in with the account that has the address, or ask for another invite.",
    ),
    ErrorCode(
        "invite_expired",
        Kind.PRECONDITION,
        "An invite is accepted after its end.",
        "Ask for another one.",
    ),
    ErrorCode(
        "invite_invalid",
        Kind.INVALID,
        "There is no invite of this code: it never was one, is incomplete, was used or was "
        "withdrawn.",
        "Copy all of the link, or ask for another invite.",
    ),
    ErrorCode(
        "invite_no_longer_valid",
        Kind.PRECONDITION,
        "The group or the role of an invite is gone, its organization is suspended, or who "
        "made the invite could not make it now.",
        "Ask for another one, of somebody who may give the role.",
    ),
    ErrorCode(
        "login_code_refused",
        Kind.UNAUTHENTICATED,
        "The identity provider does not take the code that it gave: it expired, or was used.",
        "Log in once more.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_connection_unknown",
        Kind.INVALID,
        "`connection` names a login that this broker is not set up for.",
        "Use one that is there, or have the operator set up its client "
        "(`BROKER_GOOGLE_CLIENT_ID` and others).",
    ),
    ErrorCode(
        "login_declined",
        Kind.DENIED,
        "The person, or their identity provider, declined the login.",
        "Log in again; ask the provider's administrator whether you may use this application.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "login_failed",
        Kind.DENIED,
        "The identity provider answered a login with an error.",
        "Try again. If it persists, the provider's own log says why; often the client lacks a "
        "scope or a redirect URI.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "login_groups_too_many",
        Kind.PRECONDITION,
        "The identity provider names more than 1,000 groups of a person, or one of more than 512 "
        "characters.",
        "Have the provider send only the groups that are mapped to roles.",
    ),
    ErrorCode(
        "login_not_pending",
        Kind.UNAUTHENTICATED,
        "A browser came back from an identity provider with a `state` that was not given to "
        "it, was used before, or is more than ten minutes old.",
        "Begin again where you came from, and stay in one browser, with cookies allowed.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "login_not_verified",
        Kind.UNAUTHENTICATED,
        "The ID token of a login, or what userinfo adds to it, does not hold: signature, times, "
        "aud, azp, nonce, sub or at_hash.",
        "Log in once more; if it stays, the operator's log names the check.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_policy_locks_out",
        Kind.PRECONDITION,
        "An organization's identity provider would be required while nobody is known to come "
        "in: no owner is exempt, and the caller did not log in through it.",
        "Log in through the provider and try again, or name an owner in break_glass.",
    ),
    ErrorCode(
        "login_policy_without_provider",
        Kind.PRECONDITION,
        "An organization would require an identity provider of its own, and has none.",
        "Create one first.",
    ),
    ErrorCode(
        "login_provider_mismatch",
        Kind.UNAUTHENTICATED,
        "The answer to a login says that it comes from another identity provider than the one "
        "that was asked, or does not say from whom though the provider always does (RFC 9207).",
        "Log in once more, from this service's own page.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_provider_unknown",
        Kind.NOT_FOUND,
        "No identity provider has this UIDP, no verified organization with one has this name, "
        "or no organization has this e-mail domain.",
        "Check the spelling. An administrator sets up an identity provider for the organization.",
    ),
    ErrorCode(
        "person_gone",
        Kind.DENIED,
        "Somebody who has logged in is not registered any more.",
        "Register again, with an invite where the installation asks for one.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "person_not_registered",
        Kind.NOT_FOUND,
        "Somebody has logged in whom nobody knows, and neither an invite nor an "
        "organization's identity provider brings them.",
        "Register, where that is open to everybody; else ask for an invite.",
    ),
    ErrorCode(
        "redirect_not_allowed",
        Kind.INVALID,
        "`redirect` of `/oauth` is no plain loopback address, and its origin is none that the "
        "operator has allowed.",
        "Use `http://localhost:PORT/…`, or have the origin added to `BROKER_REDIRECT_ORIGINS`.",
    ),
    ErrorCode(
        "session_ended",
        Kind.UNAUTHENTICATED,
        "What was asked needs somebody who is logged in, and the session of this browser has "
        "ended.",
        "Log in again.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "session_not_found",
        Kind.NOT_FOUND,
        "A session or application was to be ended that the person does not have: it has ended "
        "already.",
        "Reload the list.",
    ),
)

"""An authorization request, parsed: RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect §3.1.2.1."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from broker.errors import Invalid, Stage, Unauthenticated
from broker.grants.audiences import Audiences
from broker.grants.login.intents import Authorization
from broker.issuer.id_tokens import IdTokens
from broker.oauth import authorization as rfc6749
from broker.oauth import openid, pkce
from broker.web.oauth.asking import MAX_HINT, REPEATABLE, not_taken, read_asked, short
from broker.web.parameters import Parameters, check_single, single, unsupported_parameter
from broker.web.parameters import uidp as parse_uidp

MAX_NONCE: Final = 512
MAX_AGE: Final = 10**9

_UNSUPPORTED: Final = ("registration", "authorization_details")
"""What would be ignored otherwise, and must not be: each restricts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What is asked for, and how the person is to log in."""

    authorization: Authorization
    idp_id: str
    connection: str
    login_hint: str
    prompt: str
    """`login`, `select_account`, or empty."""
    is_silent: bool
    """`prompt=none`: no page may be shown."""
    is_asked: bool
    """`prompt=consent`: the person is to click, whoever is logged in already."""


def read_request(
    sent: Parameters,
    audiences: Audiences,
    id_tokens: IdTokens,
    clients: Collection[str],
    *,
    now: float,
) -> AuthorizationRequest:
    """Parse one whose client and redirect URI are known. Others than these parameters are ignored
    (RFC 6749 §3.1). Raises `Invalid`.
    """
    _check_supported(sent)
    check_single(sent, REPEATABLE)
    _check_form(sent)
    prompts = _prompts(single(sent, "prompt"))
    asked = read_asked(sent, audiences)
    identity = single(sent, "identity")
    return AuthorizationRequest(
        authorization=Authorization(
            client_id=single(sent, "client_id"),
            redirect_uri=single(sent, "redirect_uri"),
            code_challenge=single(sent, "code_challenge"),
            state=single(sent, "state"),
            nonce=short(sent, "nonce", MAX_NONCE),
            scope=asked.scope,
            groups=asked.groups,
            audience=asked.audience,
            identity=parse_uidp(identity, "identity") if identity else "",
            invite=asked.invite,
            max_age=_max_age(single(sent, "max_age")),
            person=_hinted(single(sent, "id_token_hint"), id_tokens, clients, now),
        ),
        idp_id=asked.idp_id,
        connection=asked.connection,
        login_hint=short(sent, "login_hint", MAX_HINT),
        # who is asked which account they want logs in anew with it
        prompt=next((p for p in (openid.SELECT_ACCOUNT, openid.LOGIN) if p in prompts), ""),
        is_silent=openid.NONE in prompts,
        is_asked=openid.CONSENT in prompts,
    )


def _check_supported(sent: Parameters) -> None:
    if "request" in sent:
        raise Invalid(
            "request_object_unsupported",
            "request: not supported; send its members as parameters",
            stage=Stage.REQUEST,
            field="request",
        )
    if "request_uri" in sent:
        raise Invalid(
            "request_uri_unsupported",
            "request_uri: not supported; send what is there as parameters",
            stage=Stage.REQUEST,
            field="request_uri",
        )
    for name in _UNSUPPORTED:
        if name in sent:
            raise unsupported_parameter(name)


def _check_form(sent: Parameters) -> None:
    if single(sent, "response_type") != rfc6749.CODE:
        raise Invalid(
            "response_type_unsupported",
            "response_type: expected code",
            stage=Stage.REQUEST,
            field="response_type",
        )
    if single(sent, "response_mode") not in {"", rfc6749.QUERY}:
        raise not_taken("response_mode", "query")
    if single(sent, "code_challenge_method") != pkce.S256:
        raise not_taken("code_challenge_method", "S256 (RFC 7636)")
    if not pkce.is_challenge(single(sent, "code_challenge")):
        raise not_taken("code_challenge", "SHA-256 of the verifier in base64url (RFC 7636 §4.2)")


def _prompts(text: str) -> set[str]:
    words = set(text.split())
    if not words <= set(openid.PROMPTS) or (openid.NONE in words and len(words) > 1):
        raise not_taken("prompt", f"{', '.join(openid.PROMPTS)}; none alone")
    return words


def _max_age(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MAX_AGE):
        raise not_taken("max_age", f"seconds, 0 to {MAX_AGE}")
    return int(text)


def _hinted(hint: str, id_tokens: IdTokens, clients: Collection[str], now: float) -> str:
    if not hint:
        return ""
    try:
        return id_tokens.verify(hint, clients=clients, now=now, expired=True).subject
    except Unauthenticated:
        raise not_taken("id_token_hint", "an ID token of this issuer") from None

"""A provider tried out without anybody logging in: what discovery says, and what is missing.

Nothing is kept and nothing comes from a cache, so that who changes something at the provider sees
it. No secret of a client is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from broker.errors import BrokerError, Invalid, Precondition, Unavailable
from broker.iam.issuer_url import check_issuer_url, fetch_base
from broker.iam.model import IdentityProvider
from broker.jose.keys import KeySetRefused, parse_key_set
from broker.jose.strict_json import AmbiguousJson, parse_object
from broker.upstream.discovery import discover, discovery_url, jwks_uri_of, shown
from broker.upstream.login.metadata import check_endpoint, strings
from broker.upstream.login.openid import S256, SCOPES
from broker.upstream.outbound import OutboundClient

_NAMES_ITSELF: Final = "authorization_response_iss_parameter_supported"
_AUTHENTICATION: Final = "token_endpoint_auth_methods_supported"
_PKCE: Final = "code_challenge_methods_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. `ok`: None where it could not be, or where nobody says."""

    name: str
    ok: bool | None
    expected: str
    got: str = ""
    hint: str = ""


class ProviderInspection:
    """Asks providers. `allow_http_loopback`: a development installation."""

    def __init__(self, outbound: OutboundClient, *, allow_http_loopback: bool = False) -> None:
        self._outbound = outbound
        self._allow_http_loopback = allow_http_loopback

    async def run(self, provider: IdentityProvider) -> tuple[Check, ...]:
        """Every check; those that cannot be made since one before them failed are left out."""
        try:
            check_issuer_url(provider.issuer, allow_http_loopback=self._allow_http_loopback)
        except Invalid as error:
            return (
                Check(name="issuer_url", ok=False, expected=error.message, got=provider.issuer),
            )
        url = discovery_url(provider.issuer)
        expected = f"a JSON object at {url}"
        try:
            body = await self._outbound.fetch(url, issuer=provider.issuer, name="discovery")
            document = parse_object(body)
        except Unavailable as error:
            return (_failed("discovery", error),)
        except AmbiguousJson as error:
            got = f"an answer that {error}"
            return (Check(name="discovery", ok=False, expected=expected, got=got),)
        return (
            Check(name="discovery", ok=True, expected=expected, got="200"),
            _issuer(provider.issuer, document),
            *self._endpoints(provider.issuer, document),
            await self._jwks(provider.issuer, document),
            _response_type(document),
            _pkce(provider, document),
            _authentication(provider, document),
            *_scopes(provider, document),
            _names_itself(document),
            *_claims(provider, document),
        )

    async def expect_pkce(self, issuer: str) -> None:
        """Whether a provider, by its checked issuer, can do PKCE by S256, or does not say.

        Raises `Precondition`: `identity_provider_without_pkce` where it says that it cannot,
        `identity_provider_unreachable` where nobody can tell.
        """
        try:
            document = await discover(self._outbound, issuer)
        except Unavailable as error:
            raise Precondition(
                "identity_provider_unreachable",
                "oidc.pkce_enabled: the provider's discovery document, which says whether it can, "
                "cannot be read",
                field="oidc.pkce_enabled",
                detail=error.detail,
            ) from error
        if _PKCE in document and S256 not in strings(document[_PKCE]):
            raise Precondition(
                "identity_provider_without_pkce",
                f"oidc.pkce_enabled: the provider's discovery document has no S256 in {_PKCE}",
                field="oidc.pkce_enabled",
            )

    def _endpoints(self, issuer: str, document: Mapping[str, Any]) -> Iterator[Check]:
        http_too = self._allow_http_loopback and fetch_base(issuer).startswith("http://")
        for name in ("authorization_endpoint", "token_endpoint"):
            url, got = document.get(name), shown(document, name)
            try:
                check_endpoint(str(url or ""), name, allow_http_loopback=http_too)
            except Precondition as error:
                yield _failed(name, error)
            else:
                yield Check(name=name, ok=True, expected="a URL that logins may use", got=got)

    async def _jwks(self, issuer: str, document: Mapping[str, Any]) -> Check:
        expected = "keys that sign ID tokens"
        try:
            url = jwks_uri_of(
                document, issuer=issuer, allow_http_loopback=self._allow_http_loopback
            )
            keys = parse_key_set(await self._outbound.fetch(url, issuer=issuer, name="jwks"))
        except Unavailable as error:
            return _failed("jwks", error)
        except KeySetRefused as error:
            return Check(name="jwks", ok=False, expected=expected, got=str(error))
        named = ", ".join(sorted({name for key in keys.keys for name in key.algorithms}))
        return Check(name="jwks", ok=bool(keys.keys), expected=expected, got=named or "none")


def _failed(name: str, error: BrokerError) -> Check:
    detail = error.detail
    assert detail is not None, "everything that is raised in this room has one"
    return Check(
        name=name, ok=False, expected=detail.expected, got=detail.got or "none", hint=detail.hint
    )


def _issuer(issuer: str, document: Mapping[str, Any]) -> Check:
    base = fetch_base(issuer)
    return Check(
        name="issuer",
        ok=document.get("issuer") == base,
        expected=base,
        got=shown(document, "issuer"),
        hint=""
        if document.get("issuer") == base
        else "The two are compared to the letter, a "
        "slash at the end included: correct the issuer in the record.",
    )


def _response_type(document: Mapping[str, Any]) -> Check:
    offered = strings(document.get("response_types_supported"))
    return _among(
        "response_types_supported", "code", offered, "response_types_supported" in document
    )


def _pkce(provider: IdentityProvider, document: Mapping[str, Any]) -> Check:
    check = _among(_PKCE, S256, strings(document.get(_PKCE)), _PKCE in document)
    if check.ok is False and not provider.pkce_enabled and provider.wrapped_secret:
        # a client with a secret does without
        return replace(check, ok=None, hint="Logins are safer with it: turn it on there.")
    return check


def _authentication(provider: IdentityProvider, document: Mapping[str, Any]) -> Check:
    # Discovery §3: client_secret_basic where it says nothing
    offered = strings(document.get(_AUTHENTICATION)) or ("client_secret_basic",)
    if provider.wrapped_secret:
        usable = {"client_secret_basic", "client_secret_post"}
        return Check(
            name=_AUTHENTICATION,
            ok=bool(usable & set(offered)),
            expected=" or ".join(sorted(usable)),
            got=" ".join(offered),
        )
    return Check(
        name=_AUTHENTICATION,
        ok=True if "none" in offered else None,
        expected="none, since the client has no secret",
        got=" ".join(offered),
        hint=""
        if "none" in offered
        else "Many take public clients and do not say so; if logins "
        "fail, give the record a client secret.",
    )


def _scopes(provider: IdentityProvider, document: Mapping[str, Any]) -> Iterator[Check]:
    offered = strings(document.get("scopes_supported"))
    for scope in dict.fromkeys((*SCOPES, *provider.additional_scopes)):
        # Discovery §3: it may support more than it says, and openid in any case
        check = _among(f"scope {scope}", scope, offered, "scopes_supported" in document)
        must = scope == "openid"
        yield check if check.ok or must else replace(check, ok=None)


def _names_itself(document: Mapping[str, Any]) -> Check:
    named = document.get(_NAMES_ITSELF) is True
    return Check(
        name=_NAMES_ITSELF,
        ok=True if named else None,
        expected="true",
        got=shown(document, _NAMES_ITSELF),
        hint=""
        if named
        else "Without it the browser's way back does not say who sent it "
        "(RFC 9207); logins work all the same.",
    )


def _claims(provider: IdentityProvider, document: Mapping[str, Any]) -> Iterator[Check]:
    offered = strings(document.get("claims_supported"))
    wanted = ["email", "email_verified"]
    if provider.groups_claim:
        name = provider.groups_claim
        wanted.append(name.split("/")[1] if name.startswith("/") else name)
    for name in dict.fromkeys(wanted):
        check = _among(f"claim {name}", name, offered, "claims_supported" in document)
        # "might not be an exhaustive list" (Discovery §3)
        yield check if check.ok else replace(check, ok=None)


def _among(name: str, wanted: str, offered: tuple[str, ...], told: bool) -> Check:
    """`ok` is None where the provider does not say what it has."""
    return Check(
        name=name,
        ok=(wanted in offered) if told else None,
        expected=wanted,
        got=" ".join(offered)[:512] if told else "not told",
    )

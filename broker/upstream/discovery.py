"""What an issuer says of itself (OpenID Connect Discovery 1.0 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.errors import Invalid
from broker.iam.issuer_url import check_fetchable_url, fetch_base
from broker.jose.strict_json import AmbiguousJson, parse_object
from broker.upstream.outbound import OutboundClient, issuer_unavailable

_WELL_KNOWN: Final = "/.well-known/openid-configuration"


def discovery_url(issuer: str) -> str:
    """Where the document of a checked issuer is."""
    # Discovery §4.1: a terminating slash is removed before the path is appended
    return fetch_base(issuer).removesuffix("/") + _WELL_KNOWN


async def discover(outbound: OutboundClient, issuer: str) -> dict[str, Any]:
    """The discovery document of a checked issuer. Raises `Unavailable` (`issuer_unavailable`)."""
    url, base = discovery_url(issuer), fetch_base(issuer)
    answer = await outbound.fetch(url, issuer=issuer, name="discovery")
    try:
        document = parse_object(answer)
    except AmbiguousJson as error:
        raise issuer_unavailable(
            "discovery", f"a JSON object at {url}", f"an answer that {error}"
        ) from error
    # Discovery §4.3: exactly the issuer that was asked; else one host could speak for another
    if document.get("issuer") != base:
        raise issuer_unavailable(
            "discovery", f"issuer {base!r} at {url}", f"issuer {shown(document, 'issuer')}"
        )
    return document


def jwks_uri_of(document: Mapping[str, Any], *, issuer: str, allow_http_loopback: bool) -> str:
    """Where the keys are, an address that may be fetched from. Raises as `discover`."""
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise issuer_unavailable(
            "discovery", f"a jwks_uri string at {discovery_url(issuer)}", "none"
        )
    # an https issuer does not send us to http, not in development either
    http_too = allow_http_loopback and fetch_base(issuer).startswith("http://")
    try:
        check_fetchable_url(jwks_uri, allow_http_loopback=http_too, field="jwks_uri")
    except Invalid as error:
        raise issuer_unavailable("jwks_uri", error.message, shown(document, "jwks_uri")) from error
    return jwks_uri


def shown(document: Mapping[str, object], name: str) -> str:
    """A member, for the owner's eyes; `none` where it is absent."""
    return repr(document[name])[:256] if name in document else "none"

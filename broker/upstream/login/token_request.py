"""The code redeemed (RFC 6749 §4.1.3): what is asked, and what of the answers may be used."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote_plus, urlencode

from broker.jose.strict_json import AmbiguousJson, parse_object
from broker.upstream.login.refusals import code_refused, unavailable, unsuitable
from broker.upstream.outbound import Answer, OutboundClient, Unanswered

_ERROR: Final = re.compile(r"[a-z_]{1,64}")
_TOKEN: Final = re.compile(r"[!-~]{1,16384}")
"""RFC 6749 §A.12; more does not fit into a header."""
_STALE_CODE: Final = frozenset({"invalid_grant", "bad_verification_code"})
"""RFC 6749 §5.2, and GitHub's word for it."""


def basic(client_id: str, secret: str) -> str:
    """`Authorization` of a client; both are form-encoded first (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def redeem(
    outbound: OutboundClient,
    url: str,
    *,
    issuer: str,
    form: Mapping[str, str],
    authorization: str = "",
    secrets: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The answer of a token endpoint, a JSON object without `error`.

    `secrets`: what must not come back in the operator's detail. Raises `Unauthenticated`
    (`login_code_refused`), `Precondition` (`identity_provider_unsuitable`) and `Unavailable`
    (`identity_provider_unavailable`).
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if authorization:
        headers["Authorization"] = authorization
    body = urlencode(form).encode()
    try:
        answer = await outbound.post(url, issuer=issuer, headers=headers, body=body)
    except Unanswered as error:
        raise unavailable("token_endpoint", f"an answer of {url}", str(error)) from None
    document = _document(answer, url)
    if answer.status != 200 or "error" in document:
        _refuse(answer.status, document, url, secrets)
    return document


async def ask_json(
    outbound: OutboundClient, url: str, *, issuer: str, name: str, access_token: str
) -> Answer:
    """A GET with a bearer token (RFC 6750 §2.1). Raises `Unavailable`."""
    headers = {"Authorization": f"Bearer {access_token}"}
    try:
        return await outbound.get(url, issuer=issuer, headers=headers)
    except Unanswered as error:
        raise unavailable(name, f"an answer of {url}", str(error)) from None


def access_token_of(document: Mapping[str, Any]) -> str:
    """The access token, where there is one that can stand in a header; else nothing."""
    token = document.get("access_token")
    kind = document.get("token_type")
    bearer = isinstance(kind, str) and kind.lower() == "bearer"  # RFC 6749 §5.1: in any case
    return token if bearer and isinstance(token, str) and _TOKEN.fullmatch(token) else ""


def _document(answer: Answer, url: str) -> dict[str, Any]:
    try:
        return parse_object(answer.body)
    except AmbiguousJson as error:
        raise unavailable(
            "token_endpoint", f"a JSON object of {url}", f"HTTP {answer.status} that {error}"
        ) from error


def _refuse(
    status: int, document: Mapping[str, Any], url: str, secrets: tuple[str, ...]
) -> NoReturn:
    error = document.get("error")
    code = error if isinstance(error, str) and _ERROR.fullmatch(error) else ""
    told = f"HTTP {status} {code}".rstrip()
    description = document.get("error_description")
    if isinstance(description, str) and not any(secret in description for secret in secrets):
        told = f"{told}: {''.join(filter(str.isprintable, description[:200]))}"
    if code in _STALE_CODE:
        raise code_refused(told)
    if status >= 500 or status == 429 or code in {"temporarily_unavailable", "server_error"}:
        raise unavailable("token_endpoint", f"tokens of {url}", told)
    raise unsuitable("token_endpoint", f"tokens of {url}", told, hint=_HINTS.get(code, ""))


_WRONG_CLIENT: Final = "Compare client id and client secret with those at the provider."
_HINTS: Final = {
    "incorrect_client_credentials": _WRONG_CLIENT,
    "invalid_client": _WRONG_CLIENT,
    "redirect_uri_mismatch": "Register the redirect URI at the provider, to the letter.",
    "unauthorized_client": "Allow the authorization code grant for the client at the provider.",
}

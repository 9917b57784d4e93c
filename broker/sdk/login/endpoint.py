"""Requests to an authorization server's endpoints, and what it says when it says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import aiohttp

from broker.errors import BrokerError, Denied, Invalid, Unauthenticated, Unavailable
from broker.sdk.refusal import Refused

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

Form: TypeAlias = Sequence[tuple[str, str]]

_KINDS: Final[dict[str, type[BrokerError]]] = {
    "access_denied": Denied,
    "expired_token": Denied,
    "invalid_grant": Unauthenticated,
    "invalid_token": Unauthenticated,
    "server_error": Unavailable,
    "temporarily_unavailable": Unavailable,
}
"""RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8628 §3.5. What is not here is the client's own
fault."""


async def fetched(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """The JSON object at `url`. Raises `Unavailable`."""
    return await _asked(session, "GET", url, None)


async def posted(session: aiohttp.ClientSession, url: str, form: Form) -> dict[str, Any]:
    """What an endpoint answers to a form: a JSON object, or nothing.

    Raises `Refused` for its no, `Unavailable` where it cannot be reached or somebody else answers.
    """
    return await _asked(session, "POST", url, form)


def refusal_of(members: Any, request_id: str = "") -> Refused:
    """An error of RFC 6749 §5.2 or §4.1.2.1. The broker's own has its `reason` besides."""
    match members:
        case {"error": str(code)} if code:
            kind = _KINDS.get(code, Invalid)
            message = _text(members, "error_description") or code
            return Refused(
                kind(_text(members, "reason") or code, message),
                stage=_text(members, "stage"),
                request_id=_text(members, "request_id") or request_id,
                oauth=code,
            )
        case _:
            error = Unavailable("broker_unreachable", "a refusal that is not the broker's")
            return Refused(error, stage="", request_id=request_id)


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


async def _asked(
    session: aiohttp.ClientSession, method: str, url: str, form: Form | None
) -> dict[str, Any]:
    try:
        async with session.request(
            method,
            url,
            data=aiohttp.FormData(form) if form is not None else None,
            headers={"Accept": "application/json"},
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as response:
            status = response.status
            request_id = response.headers.get("X-Request-Id", "")
            text = await response.read()
            answer = await response.json(content_type=None) if text else {}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable("broker_unreachable", f"no answer from {url}") from error
    except ValueError:  # the body; what it holds is nobody's to print
        raise Unavailable("broker_unreachable", f"no broker's answer from {url}") from None
    if status != 200 and form is not None:
        raise refusal_of(answer, request_id)
    if status != 200 or not isinstance(answer, dict):
        raise Unavailable("broker_unreachable", f"no broker's answer from {url}")
    return answer

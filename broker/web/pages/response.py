"""A page as a response: the headers that keep it from being framed, scripted, kept or leaked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from broker.web.rendering import NO_STORE, document_response

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: Final = {
    **NO_STORE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # not `no-referrer`: browsers then send `Origin: null` with our own forms (Fetch, "append a
    # request Origin header"), and nothing could be told from it
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def page_response(
    html: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page, which nobody keeps.

    To go from a form to another origin, answer with `Pages.leaving`, not with a redirect:
    `form-action 'self'` is held against each redirect that follows a form too (CSP 3 §4.2.4,
    Chromium), not only those that we answer. From a form by way of the provider, our callback and
    the client it is one navigation, and who is on that way is not known when the page is made. A
    page in between begins another navigation, so the policy stays as narrow as it is. What answers
    a GET may redirect wherever it wants, unless a form led there.
    """
    return document_response(html, status=status, headers={**_HEADERS, **(headers or {})})

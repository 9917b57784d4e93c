"""What stays the same while the broker runs, and is asked for again with its entity tag."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from typing import Final

from aiohttp import hdrs, web

from broker.web.rendering import document_response

_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
"""RFC 9110 §12.5.3: with the weight 0 it is not taken."""

_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


class Static:
    """Bytes that stay the same while the broker runs: made when they are first asked for."""

    def __init__(self, make: Callable[[], bytes], content_type: str) -> None:
        self._make = make
        self._headers = {
            **_POLICY,
            "Content-Type": content_type,
            "Cache-Control": "public, no-cache",
            "Vary": "Accept-Encoding",
        }

    @cached_property
    def _body(self) -> bytes:
        return self._make()

    @cached_property
    def _zipped(self) -> bytes:
        return gzip.compress(self._body, mtime=0)

    @cached_property
    def _tag(self) -> str:
        return f'W/"{hashlib.sha256(self._body).hexdigest()[:32]}"'

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """The bytes, or 304 when the caller has them (RFC 9110 §13.1.2)."""
        del request_id
        headers = {**self._headers, "ETag": self._tag}
        if self._tag.removeprefix("W/") in request.headers.get(hdrs.IF_NONE_MATCH, ""):
            return document_response(b"", status=304, headers=headers)
        if _GZIP.search(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
            headers["Content-Encoding"] = "gzip"
            return document_response(self._zipped, headers=headers)
        return document_response(self._body, headers=headers)

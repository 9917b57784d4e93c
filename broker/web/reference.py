"""`/openapi.json`, and `/docs`, the same as a page."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import hdrs, web

from broker.contract.methods import Contract, descriptions
from broker.web.api import operations
from broker.web.openapi.document import openapi_document
from broker.web.openapi.page.render import STYLE, render
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


class Reference:
    """Handlers of the document, of the page and of its style sheet."""

    def __init__(self, contract: Contract, *, version: str) -> None:
        """`version`: that of this software."""
        self._contract = contract
        self._version = version
        self.document = Static(lambda: orjson.dumps(self._document()), "application/json")
        self.page = Static(self._page, "text/html; charset=utf-8")
        self.style = Static(_style, "text/css; charset=utf-8")

    def _document(self) -> dict[str, object]:
        contract = self._contract
        return openapi_document(contract, descriptions(), operations(contract), self._version)

    def _page(self) -> bytes:
        # as seen from /docs, wherever a proxy puts that
        return render(self._document(), style_path="docs/style.css", document_path="openapi.json")


def _style() -> bytes:
    return files("broker.web.openapi.page").joinpath(STYLE).read_bytes()

"""`/openapi.json`, and `/docs`, the same as a page."""

from __future__ import annotations

from importlib.resources import files

import orjson

from broker.contract.methods import Contract, descriptions
from broker.web.api import operations
from broker.web.openapi.document import openapi_document
from broker.web.openapi.page.render import STYLE, render
from broker.web.static import Static


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

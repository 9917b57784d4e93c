"""The view as HTML."""

from __future__ import annotations

import re
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from broker.web.openapi.page.view import page_view

STYLE: Final = "style.css"
_CODE: Final = re.compile(r"`([^`]+)`")
_BREAK: Final = re.compile(r"([./_]|[a-z](?=[A-Z]))")


def render(document: dict[str, Any], *, style_path: str, document_path: str) -> bytes:
    """The page that shows the document; the paths are what it links to."""
    environment = Environment(
        loader=PackageLoader("broker.web.openapi", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    environment.filters["breakable"] = breakable
    template = environment.get_template("reference.html")
    view = page_view(document)
    return template.render(page=view, style_path=style_path, document_path=document_path).encode()


def prose(text: str) -> Markup:
    """Paragraphs and code: all that descriptions have of Markdown."""
    paragraphs = [_CODE.sub(r"<code>\1</code>", str(escape(p))) for p in text.split("\n\n") if p]
    # escaped above, piece by piece; the tags are ours
    return Markup("").join(Markup(f"<p>{p}</p>") for p in paragraphs)  # noqa: S704


def breakable(text: str) -> Markup:
    """A long name that may be broken after its dots, slashes and underlines, and at its humps."""
    # escaped before the tags are put in
    return Markup(_BREAK.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704

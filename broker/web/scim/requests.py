"""Reading requests of SCIM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from broker.directory.scim_users import ScimCall
from broker.iam.scim.filters import Filter, parse_filter
from broker.iam.scim.refusals import value_invalid
from broker.iam.scim.schema import FILTERABLE
from broker.iam.uidp import Uidp
from broker.web.bearer import bearer, missing
from broker.web.bodies import JSON, check_type, parse_json, read_body
from broker.web.parameters import Parameters, read_query, single
from broker.web.scim.rendering import SCIM

MAX_BODY: Final = 64 * 1024
"""Bytes."""
MAX_COUNT: Final = 200
DEFAULT_COUNT: Final = 100
"""Users of a page."""

_EXPECTED: Final = "the SCIM token of the identity provider"
_MAX_NUMBER: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Which attributes of users to answer with (RFC 7644 §3.9)."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Which users to answer with. `start`: 1 is the first."""

    wanted: Filter | None
    start: int
    count: int


def call_of(request: web.BaseRequest, provider: Uidp, request_id: str) -> ScimCall:
    """Who asks. Raises `Unauthenticated` (`token_missing`)."""
    token = bearer(request, expected=_EXPECTED)
    if token is None:
        raise missing("is not there", _EXPECTED)
    return ScimCall(provider=provider, token=token, request_id=request_id)


async def body_of(request: web.BaseRequest) -> Any:
    """The JSON value of the body. Raises `Invalid`."""
    body = await read_body(request, MAX_BODY)
    check_type(request, SCIM, JSON)
    return parse_json(body)


def query_of(request: web.BaseRequest) -> Parameters:
    """Unknown names are let pass: Entra ID has switches of its own there."""
    return read_query(request, keep_empty=True)


def shown_of(query: Parameters) -> Shown:
    """`attributes` and `excludedAttributes`."""
    return Shown(_names(query, "attributes"), _names(query, "excludedAttributes"))


def page_of(query: Parameters) -> Page:
    """`filter`, `startIndex`, `count` (RFC 7644 §3.4.2.4: what is too small counts as the least).

    Raises `Invalid` (`scim_filter_invalid`, `scim_value_invalid`).
    """
    text = single(query, "filter")
    return Page(
        wanted=parse_filter(text, FILTERABLE) if text else None,
        start=max(1, _number(query, "startIndex", 1)),
        count=min(MAX_COUNT, max(0, _number(query, "count", DEFAULT_COUNT))),
    )


def versions_of(request: web.BaseRequest, header: str = hdrs.IF_MATCH) -> frozenset[str]:
    """The etags of `If-Match` or `If-None-Match`, as weak ones; empty without the header."""
    tags = {tag.strip() for value in request.headers.getall(header, []) for tag in value.split(",")}
    return frozenset(tag if tag == "*" or tag.startswith("W/") else f"W/{tag}" for tag in tags)


def _names(query: Parameters, name: str) -> tuple[str, ...]:
    found = (each.strip() for value in query.get(name, []) for each in value.split(","))
    return tuple(each for each in found if each)


def _number(query: Parameters, name: str, default: int) -> int:
    text = single(query, name)
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise value_invalid(name, f"expected a number below {_MAX_NUMBER:,}")
    return int(text)

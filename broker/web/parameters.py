"""Reading form and query parameters strictly: nothing unknown, nothing twice unless it may."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from broker.errors import Invalid, Stage
from broker.iam.uidp import Uidp

FORM: Final = "application/x-www-form-urlencoded"
MAX_PARAMETERS: Final = 200
BODY_TIMEOUT: Final = 10
"""Seconds that a body may take to arrive."""

Parameters = Mapping[str, list[str]]


async def read_form(request: web.BaseRequest) -> Parameters:
    """The body of a POST. Raises `Invalid` for another content type, or a body over the limit."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Invalid(
            "body_too_large", "the body is larger than 64 KiB", stage=Stage.REQUEST
        ) from None
    except TimeoutError:
        raise Invalid(
            "request_malformed",
            f"the body did not arrive within {BODY_TIMEOUT} s",
            stage=Stage.REQUEST,
        ) from None
    except web.RequestPayloadError:  # Content-Encoding: gzip, and it is not
        raise Invalid(
            "request_malformed", "the body is not what its headers say", stage=Stage.REQUEST
        ) from None
    if not body:
        return {}
    if request.content_type != FORM:
        raise Invalid(
            "content_type_unsupported", f"Content-Type: expected {FORM}", stage=Stage.REQUEST
        )
    return parse(body)


def read_query(request: web.BaseRequest) -> Parameters:
    """The query of the URL."""
    return parse(request.rel_url.raw_query_string.encode())


def parse(encoded: bytes) -> Parameters:
    """`application/x-www-form-urlencoded` to values by name; RFC 6749 appendix B: UTF-8.

    A parameter without a value counts as left out (RFC 6749 §3.2).
    """
    values: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            encoded.decode("ascii"),
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        ):
            values.setdefault(name, []).append(value)
    except ValueError:  # UnicodeDecodeError is one
        raise Invalid(
            "parameters_malformed",
            f"parameters: expected at most {MAX_PARAMETERS}, URL-encoded UTF-8",
            stage=Stage.REQUEST,
        ) from None
    return values


def check_names(
    parameters: Parameters,
    known: Collection[str],
    repeatable: Collection[str],
    *,
    unsupported: Collection[str] = (),
) -> None:
    """Refuse unknown, unsupported and repeated names."""
    for name, values in parameters.items():
        if name in unsupported:
            raise Invalid(
                "parameter_unsupported",
                f"{name[:64]}: not supported by this broker",
                stage=Stage.REQUEST,
                field=name[:64],
            )
        if name not in known:
            raise Invalid(
                "parameter_unknown",
                f"{name[:64]!r}: no such parameter; expected {', '.join(sorted(known))}",
                stage=Stage.REQUEST,
                field=name[:64],
            )
        if len(values) > 1 and name not in repeatable:
            raise Invalid(
                "parameter_repeated",
                f"{name}: given {len(values)} times, expected once",
                stage=Stage.REQUEST,
                field=name,
            )


def single(parameters: Parameters, name: str) -> str:
    """The value of a parameter that occurs at most once; empty when absent (RFC 6749 §3.2)."""
    return parameters.get(name, [""])[0]


def uidp(text: str, field: str) -> Uidp:
    """A UIDP of the request."""
    try:
        return Uidp.parse(text, field=field)
    except Invalid as error:
        error.stage = Stage.REQUEST
        raise


def uidps(texts: Collection[str], field: str) -> tuple[Uidp, ...]:
    """Several, each once, in order."""
    return tuple(dict.fromkeys(uidp(text, field) for text in texts))

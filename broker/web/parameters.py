"""Reading form and query parameters strictly: nothing unknown, nothing twice unless it may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from broker.errors import Invalid, Stage
from broker.iam.uidp import Uidp
from broker.web.bodies import check_type, read_body

FORM: Final = "application/x-www-form-urlencoded"
MAX_PARAMETERS: Final = 200
MAX_FORM: Final = 64 * 1024
"""Bytes of a form."""

Parameters = Mapping[str, list[str]]


async def read_form(request: web.BaseRequest) -> Parameters:
    """The body of a POST. Raises `Invalid` for another content type, or a body over the limit."""
    body = await read_body(request, MAX_FORM)
    if not body:
        return {}
    check_type(request, FORM)
    return parse(body)


def read_query(
    request: web.BaseRequest, *, limit: int = MAX_PARAMETERS, keep_empty: bool = False
) -> Parameters:
    """The query of the URL."""
    encoded = request.rel_url.raw_query_string
    return parse(encoded.encode(), limit=limit, keep_empty=keep_empty) if encoded else {}


def parse(encoded: bytes, *, limit: int = MAX_PARAMETERS, keep_empty: bool = False) -> Parameters:
    """`application/x-www-form-urlencoded` to values by name; RFC 6749 appendix B: UTF-8.

    A parameter without a value counts as left out (RFC 6749 §3.2), unless `keep_empty`.
    """
    values: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=keep_empty,
            errors="strict",
            max_num_fields=limit,
        ):
            values.setdefault(name, []).append(value)
    except ValueError:  # UnicodeDecodeError is one
        raise Invalid(
            "parameters_malformed",
            f"parameters: expected at most {limit}, URL-encoded UTF-8",
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
            raise unsupported_parameter(name)
        if name not in known:
            raise Invalid(
                "parameter_unknown",
                f"{name[:64]!r}: no such parameter; expected {', '.join(sorted(known))}",
                stage=Stage.REQUEST,
                field=name[:64],
            )
        _expect_once(name, values, repeatable)


def check_single(parameters: Parameters, repeatable: Collection[str]) -> None:
    """Refuse repeated names, where unknown ones are passed over (RFC 6749 §3.1)."""
    for name, values in parameters.items():
        _expect_once(name, values, repeatable)


def unsupported_parameter(name: str) -> Invalid:
    """What to raise for one that some RFC has, and we do not."""
    return Invalid(
        "parameter_unsupported",
        f"{name[:64]}: not supported by this broker",
        stage=Stage.REQUEST,
        field=name[:64],
    )


def _expect_once(name: str, values: list[str], repeatable: Collection[str]) -> None:
    if len(values) > 1 and name not in repeatable:
        raise Invalid(
            "parameter_repeated",
            f"{name[:64]}: given {len(values)} times, expected once",
            stage=Stage.REQUEST,
            field=name[:64],
        )


def single(parameters: Parameters, name: str) -> str:
    """The value of a parameter that occurs at most once; empty when absent (RFC 6749 §3.2)."""
    return parameters.get(name, [""])[0]


def audiences_of(parameters: Parameters) -> list[str]:
    """`audience` (RFC 8693 §2.1) and `resource` (RFC 8707 §2). Raises `Invalid`
    (`audience_invalid`).
    """
    resources = parameters.get("resource", [])
    for resource in resources:
        if ":" not in resource or "#" in resource:
            raise Invalid(
                "audience_invalid",
                "resource: expected an absolute URI without a fragment (RFC 8707 §2)",
                stage=Stage.REQUEST,
                field="resource",
            )
    return [*parameters.get("audience", []), *resources]


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

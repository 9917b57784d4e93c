"""Compact JWS (RFC 7515 §7.1) taken apart, before anything of it is believed.

Nothing here is verified, and the names say so. The parser is our own because it has to be
stricter than JOSE libraries are: they accept duplicate members, padding and loose base64.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from broker.errors import Detail, Stage, Unauthenticated
from broker.jose.strict_json import AmbiguousJson, parse_object

MAX_TOKEN: Final = 16_384
"""Characters of a token. The largest that platforms issue have about 4 KiB."""

MAX_NUMERIC_DATE: Final = 253_402_300_799
"""The last second of the year 9999, the last that calendars of common libraries know."""

_CACHED_HEADER: Final = 1024
"""Longer header segments are parsed each time: nobody fills the cache with large ones."""


class Segments(NamedTuple):
    """A compact JWS, decoded; its payload can be anything."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A JWT that is well formed, and no more than that.

    Its claims have the right types: `iss` and `sub` are non-empty strings, `aud` a non-empty
    string or list of such, `exp`, `nbf` and `iat` numbers where present.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes
    sha256: str
    """Hex, of the whole token: the name under which records speak of it."""

    @property
    def unverified_issuer(self) -> str:
        """`iss`."""
        issuer: str = self.claims["iss"]
        return issuer

    @property
    def unverified_subject(self) -> str:
        """`sub`."""
        subject: str = self.claims["sub"]
        return subject

    @property
    def unverified_audience(self) -> tuple[str, ...]:
        """`aud`, one or many."""
        audience = self.claims["aud"]
        return (audience,) if isinstance(audience, str) else tuple(audience)

    @property
    def unverified_algorithm(self) -> str:
        """`alg` of the header."""
        algorithm: str = self.header["alg"]
        return algorithm

    @property
    def unverified_kid(self) -> str | None:
        """`kid` of the header, where it has one."""
        return self.header.get("kid")


def parse(token: str) -> UnverifiedToken:
    """A JWT in compact form (RFC 7519 §7.2 steps 1 to 7 and 10).

    Raises `Unauthenticated` (stage `token`): `token_too_large`, `token_malformed` or
    `token_claim_invalid`.
    """
    header, payload, signing_input, signature = split(token)
    try:
        claims = parse_object(payload)
    except AmbiguousJson as error:
        _refuse("token_malformed", f"the token's payload {error}")
    _check_claims(claims)
    digest = hashlib.sha256(token.encode("ascii")).hexdigest()
    return UnverifiedToken(header, MappingProxyType(claims), signing_input, signature, digest)


def split(token: str) -> Segments:
    """The three segments of a compact JWS, decoded; the header is a JSON object with `alg`.

    Raises `Unauthenticated` (stage `token`): `token_too_large` or `token_malformed`.
    """
    if len(token) > MAX_TOKEN:
        _refuse("token_too_large", f"the token is larger than {MAX_TOKEN} characters")
    if token.count(".") != 2 or not token.isascii():
        _refuse("token_malformed", "the token is not three base64url segments joined by dots")
    signing_input, _, signature = token.rpartition(".")
    header, _, payload = signing_input.partition(".")
    parse_header = _header if len(header) <= _CACHED_HEADER else _header.__wrapped__
    return Segments(
        parse_header(header),
        _base64url(payload),
        signing_input.encode("ascii"),
        _base64url(signature),
    )


@lru_cache(maxsize=512)  # an issuer has few headers and many tokens; a pure function of its text
def _header(segment: str) -> Mapping[str, Any]:
    try:
        header = parse_object(_base64url(segment))
    except AmbiguousJson as error:
        _refuse("token_malformed", f"the token's header {error}")
    if not isinstance(header.get("alg"), str):
        _refuse("token_malformed", "the token's header has no 'alg' string")
    for name in ("kid", "typ"):
        if name in header and not isinstance(header[name], str):
            _refuse("token_malformed", f"the token's header has a {name!r} that is not a string")
    return MappingProxyType(header)


def _check_claims(claims: Mapping[str, Any]) -> None:
    for name in ("iss", "sub"):
        value = claims.get(name)
        if type(value) is not str or not value:
            _refuse_claim(name, "a non-empty string", value, absent=name not in claims)
    audience = claims.get("aud")
    if type(audience) is not str or not audience:
        _check_audience_list(audience, absent="aud" not in claims)
    for name in ("exp", "nbf", "iat"):
        if name in claims:
            _check_numeric_date(name, claims[name])


def _check_audience_list(audience: object, *, absent: bool) -> None:
    if type(audience) is not list or not audience:
        _refuse_claim("aud", "a non-empty string or list of strings", audience, absent=absent)
    for value in audience:
        if type(value) is not str or not value:
            _refuse_claim("aud", "only non-empty strings in the list", value, absent=False)


def _check_numeric_date(name: str, value: object) -> None:
    # bool is an int to Python; RFC 7519 §2, NumericDate, is a number
    if type(value) is not int and type(value) is not float:
        _refuse_claim(name, "a number of seconds", value, absent=False)
    if not 0 <= value <= MAX_NUMERIC_DATE:
        _refuse_claim(name, "seconds since 1970, before the year 10000", value, absent=False)


# the alphabet of RFC 4648 §5 becomes that of §4; what §5 does not have becomes something that
# neither has, so that the decoder refuses it: "+", "/" and padding (RFC 7515 §2: there is none)
_TO_BASE64: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
# RFC 4648 §3.5: the bits of the last character that carry nothing are zero
_CANONICAL_END: Final = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


def _base64url(segment: str) -> bytes:
    rest = len(segment) % 4
    if rest == 1 or (rest and segment[-1] not in _CANONICAL_END[rest]):
        _refuse("token_malformed", "a segment of the token is not canonical base64url")
    padded = segment.encode("ascii").translate(_TO_BASE64) + b"=" * (-rest % 4)
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        _refuse("token_malformed", "a segment of the token is not unpadded base64url")


def _refuse(code: str, message: str) -> NoReturn:
    raise Unauthenticated(code, message, stage=Stage.TOKEN)


def _refuse_claim(name: str, expected: str, value: object, *, absent: bool) -> NoReturn:
    got = None if absent else f"{_JSON_TYPES.get(type(value), 'value')}: {str(value)[:64]}"
    raise Unauthenticated(
        "token_claim_invalid",
        f"the token's claim {name!r} must be {expected}",
        stage=Stage.TOKEN,
        field=name,
        detail=Detail(name=name, expected=expected, got=got),
    )


_JSON_TYPES: Final = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}

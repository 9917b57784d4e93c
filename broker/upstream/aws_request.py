"""A signed AWS request as a token: `sts:GetCallerIdentity`, signed by the caller and not sent.

The token is base64 of an HTTP/1.1 request in SigV4 (AWS, "Signature Version 4 for API requests").
Here it is taken apart, and what is not such a request is refused. Nothing is verified: only STS
can do that. What goes to STS is made anew from the fields that were checked; the caller's bytes
are never sent on.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NoReturn

from broker.errors import Detail, Stage, Unauthenticated
from broker.iam.aws_endpoints import signing_region
from broker.jose.compact import MAX_TOKEN
from broker.upstream.http_request import HttpRequest, HttpRequestRefused, parse_head

TARGET: Final = "/?Action=GetCallerIdentity&Version=2011-06-15"
"""What we ask. The caller may have put the parameters in the other order: SigV4 sorts them."""

LIFETIME: Final = 900
"""Seconds for which STS takes a signature."""

EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()

_TARGETS: Final = frozenset({TARGET, "/?Version=2011-06-15&Action=GetCallerIdentity"})
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[A-Za-z0-9_]{1,128})/(?P<date>[0-9]{8})"
    r"/(?P<region>[a-z0-9-]{1,32})/sts/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_METHOD: Final = re.compile(rb"[A-Z]{1,16} ")
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_FIXED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "accept": frozenset({"application/json"}),
        "content-length": frozenset({"0"}),
        "content-type": frozenset(
            {
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded; charset=utf-8",
            }
        ),
        "x-amz-content-sha256": frozenset({EMPTY_SHA256}),
    }
)
"""Headers that may be signed, and their only values: what we send has to be what was signed."""
_OPTIONAL: Final = frozenset({"user-agent", "x-amz-security-token"})


@dataclass(frozen=True, slots=True)
class UnverifiedAwsRequest:
    """A request to STS that is well formed and asks what it may ask; who signed it is not known."""

    host: str
    """One of the STS endpoints that were allowed."""
    headers: Mapping[str, str]
    """What STS has to be sent for the signature to hold, by lower-case name; `host` apart."""
    unverified_audience: str
    unverified_identity: str
    signed_at: int
    """Seconds since the epoch, by the signer's clock."""
    sha256: str
    """Hex, of the whole token: the name under which records speak of it."""
    signature_sha256: str
    """Hex, of what was signed, by whom and how. One request has several spellings as a token, in
    which this stays the same."""

    @property
    def endpoint(self) -> str:
        """The STS endpoint, as a URL."""
        return f"https://{self.host}"

    @property
    def expires_at(self) -> int:
        """Until when STS takes it, seconds since the epoch."""
        return self.signed_at + LIFETIME


def parse_request(
    token: str, *, hosts: Collection[str], prefixes: Collection[str]
) -> UnverifiedAwsRequest:
    """Take a token apart.

    `hosts`: STS endpoints that it may be for. `prefixes`: of the two headers that name the broker
    and the identity, `<Prefix>-Audience` and `<Prefix>-Identity`. Raises `Unauthenticated` (stage
    `token`): `token_too_large`, `token_malformed`, `aws_request_malformed`, `aws_request_refused`.
    """
    raw = _decode(token)
    try:
        request = parse_head(raw)
    except HttpRequestRefused as error:
        raise Unauthenticated(
            "aws_request_malformed",
            f"the token is not a signed AWS request as it is written by HTTP/1.1: {error}",
            stage=Stage.TOKEN,
            field=error.header or None,
        ) from None
    _check_query(request)
    host = _host(request, hosts)
    audience, identity = _bound_headers(request, prefixes)
    authorization = _authorization(request, host)
    signed = _signed_headers(authorization["signed"], request, audience, identity)
    return UnverifiedAwsRequest(
        host=host,
        headers=_sent_headers(request, signed, authorization),
        unverified_audience=request.headers[audience],
        unverified_identity=request.headers[identity],
        signed_at=_signed_at(request, authorization["date"]),
        sha256=hashlib.sha256(token.encode("ascii")).hexdigest(),
        signature_sha256=hashlib.sha256(_spelt(authorization).encode("ascii")).hexdigest(),
    )


# RFC 4648 §4 and §5 differ in two characters; what neither has, the decoder refuses
_TO_STANDARD: Final = str.maketrans("-_", "+/")


def _decode(token: str) -> bytes:
    if len(token) > MAX_TOKEN:
        _refuse("token_too_large", f"the token is larger than {MAX_TOKEN} characters")
    bare = token.rstrip("=")
    padding = "=" * (-len(bare) % 4)
    mixed = not {"+", "/"}.isdisjoint(token) and not {"-", "_"}.isdisjoint(token)
    if mixed or token not in {bare, bare + padding}:
        _not_a_token()
    try:
        encoded = (bare.translate(_TO_STANDARD) + padding).encode("ascii")
        raw = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are some
        _not_a_token()
    # RFC 4648 §3.5: the bits of the last character that carry nothing are zero
    if binascii.b2a_base64(raw, newline=False) != encoded or not _METHOD.match(raw):
        _not_a_token()
    return raw


def _check_query(request: HttpRequest) -> None:
    path = request.target
    # absolute form (RFC 9112 §3.2.2): some clients write it; the Host header has to agree
    if path.startswith("https://"):
        path = path.removeprefix(f"https://{request.headers.get('host', '')}")
    if path in _TARGETS and request.method == "POST":
        return
    if "x-amz-" in path.lower():
        fault = "presigned URLs are not accepted; sign the headers"
    else:
        fault = f"expected POST {TARGET}, to the host of its Host header"
    _refuse("aws_request_refused", f"the signed AWS request: {fault}")


def _host(request: HttpRequest, hosts: Collection[str]) -> str:
    host = request.headers.get("host", "")
    if host not in hosts:
        _refuse_header("host", f"expected {' or '.join(sorted(hosts))}", host)
    return host


def _bound_headers(request: HttpRequest, prefixes: Collection[str]) -> tuple[str, str]:
    """Names of the two headers that bind the request to a broker and an identity."""
    pairs = [(f"{prefix}-audience", f"{prefix}-identity") for prefix in map(str.lower, prefixes)]
    present = [pair for pair in pairs if not request.headers.keys().isdisjoint(pair)]
    wanted = " or ".join(sorted(f"{prefix}-Audience and {prefix}-Identity" for prefix in prefixes))
    if len(present) != 1 or not all(request.headers.get(name) for name in present[0]):
        _refuse("aws_request_refused", f"the signed AWS request: expected the headers {wanted}")
    return present[0]


def _authorization(request: HttpRequest, host: str) -> re.Match[str]:
    region = signing_region(host)
    expected = (
        f"expected AWS4-HMAC-SHA256 with Credential=…/{region}/sts/aws4_request, SignedHeaders "
        "and Signature"
    )
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None or match["region"] != region:
        _refuse_header("authorization", expected, match and match["region"])
    return match


def _signed_headers(
    listed: str, request: HttpRequest, audience: str, identity: str
) -> frozenset[str]:
    names = listed.split(";")
    signed = frozenset(names)
    if names != sorted(signed):
        _refuse_header("authorization", "expected SignedHeaders in order and each once", listed)
    required = {"host", "x-amz-date", audience, identity}
    if missing := required - signed:
        _refuse_header(
            "authorization", f"expected {', '.join(sorted(missing))} among SignedHeaders", listed
        )
    if unknown := signed - required - _FIXED.keys() - _OPTIONAL:
        _refuse_header(
            "authorization",
            f"SignedHeaders has {', '.join(sorted(unknown))[:256]}, which we do not send on",
            listed,
        )
    for name in sorted(signed):
        if name not in request.headers:
            _refuse_header(name, "signed, and not there", None)
        if name in _FIXED and request.headers[name] not in _FIXED[name]:
            expected = " or ".join(sorted(_FIXED[name]))
            _refuse_header(name, f"expected {expected} where it is signed", request.headers[name])
    return signed


def _sent_headers(
    request: HttpRequest, signed: frozenset[str], authorization: re.Match[str]
) -> Mapping[str, str]:
    # a session token counts whether it was there when the request was signed or added later
    sent = (signed | {"x-amz-security-token"}) - {"host", "content-length"}
    kept = {name: request.headers[name] for name in sent if name in request.headers}
    fixed = {"accept": "application/json", "authorization": _spelt(authorization)}
    return MappingProxyType(kept | fixed)


def _spelt(authorization: re.Match[str]) -> str:
    """In the one form that we send and count by: spaces after commas are the caller's choice."""
    key, date, region, signed, signature = authorization.groups()
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/{date}/{region}/sts/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}"
    )


def _signed_at(request: HttpRequest, scope_date: str) -> int:
    text = request.headers["x-amz-date"]
    try:
        if not _DATE.fullmatch(text) or text[:8] != scope_date:
            raise ValueError(text)
        moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        expected = "expected a time as 20261124T130000Z, of the day in the credential scope"
        _refuse_header("x-amz-date", expected, text)
    return int(moment.timestamp())


def _not_a_token() -> NoReturn:
    _refuse(
        "token_malformed",
        "the token is neither three base64url segments joined by dots (a JWT) nor the base64 of a "
        "signed AWS request",
    )


def _refuse(code: str, message: str) -> NoReturn:
    raise Unauthenticated(code, message, stage=Stage.TOKEN)


def _refuse_header(name: str, expected: str, got: str | None) -> NoReturn:
    raise Unauthenticated(
        "aws_request_refused",
        f"the signed AWS request: {name}: {expected}",
        stage=Stage.TOKEN,
        field=name,
        detail=Detail(name=name, expected=expected, got=None if got is None else got[:256]),
    )

"""Which spellings of a signed AWS request are taken, and what is made of them."""

from __future__ import annotations

import base64
import time

import pytest

from broker.errors import Unauthenticated
from broker.iam.aws_endpoints import signing_region
from broker.upstream.aws_request import UnverifiedAwsRequest, parse_request
from tests.kit.sts import GLOBAL, TARGET, Principal, encoded, role, serialized, signed_request, user

ISSUER = "https://broker.example.com"
IDENTITY = "43b49a5ad747c66d9820fc8de64784b2329ff490/1e02e4de78b663ca"
CHINA = "sts.cn-north-1.amazonaws.com.cn"


def parsed(token: str) -> UnverifiedAwsRequest:
    return parse_request(token, hosts={GLOBAL, CHINA}, prefixes=["Chainguard", "Acme"])


def request(who: Principal | None = None, /, **more: object) -> bytes:
    return signed_request(who or role(), ISSUER, IDENTITY, **more)  # type: ignore[arg-type]


def test_what_is_taken_out_and_sent_on() -> None:
    """The fields that were asked for, and the headers that the signature needs."""
    who = role()
    before = int(time.time())
    taken = parsed(encoded(request(who, more=[("User-Agent", "x")], signed=None)))
    assert taken.endpoint == f"https://{GLOBAL}"
    assert taken.unverified_audience == ISSUER
    assert taken.unverified_identity == IDENTITY
    assert before <= taken.signed_at <= time.time()
    assert taken.expires_at == taken.signed_at + 900
    assert taken.headers.keys() == {
        "accept",
        "authorization",
        "chainguard-audience",
        "chainguard-identity",
        "user-agent",
        "x-amz-date",
        "x-amz-security-token",
    }
    assert taken.headers["x-amz-security-token"] == who.session_token


def test_what_is_not_signed_is_not_sent_on() -> None:
    """Other headers may be there, as curl and Go add them; they go no further."""
    raw = request(user())
    more = (
        b"User-Agent: curl/8\r\nContent-Length: 0\r\nX-Forwarded-For: 10.0.0.1\r\nCookie: a=b\r\n"
    )
    taken = parsed(encoded(raw.replace(b"\r\nHost", b"\r\n" + more + b"Host")))
    assert taken.headers.keys() == {
        "accept",
        "authorization",
        "chainguard-audience",
        "chainguard-identity",
        "x-amz-date",
    }


def test_accept_is_ours_where_it_is_not_signed() -> None:
    """STS answers JSON to us, whatever the caller would have accepted."""
    names = ["chainguard-audience", "chainguard-identity", "host", "x-amz-date"]
    raw = request(user(), more=[("Accept", "*/*")], signed=names)
    assert parsed(encoded(raw)).headers["accept"] == "application/json"


@pytest.mark.parametrize("spelling", ["standard", "url-safe"])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("length", [0, 1, 2])
def test_base64(spelling: str, padded: bool, length: int) -> None:
    """Standard or URL-safe, padded or not."""
    raw = request(more=[("User-Agent", "~?>" * 3 + "x" * length)])
    encode = base64.b64encode if spelling == "standard" else base64.urlsafe_b64encode
    token = encode(raw).decode()
    taken = parsed(token if padded else token.rstrip("="))
    assert taken.unverified_identity == IDENTITY


def test_one_request_has_one_signature_however_it_is_spelled() -> None:
    """What tells a replay is the same for every spelling; the name in records is the token's."""
    raw = request()
    spelled = [
        encoded(raw),
        encoded(raw).rstrip("="),
        encoded(raw + b"\r\n"),
        encoded(raw.replace(b"Host:", b"HOST:")),
        encoded(raw.replace(b"Authorization: ", b"Authorization:   ")),
        encoded(raw.replace(b", SignedHeaders", b",SignedHeaders")),
        encoded(raw.replace(b", Signature", b",Signature")),
        encoded(raw.replace(b"AWS4-HMAC-SHA256 ", b"AWS4-HMAC-SHA256   ")),
        encoded(raw.replace(b"\r\nHost", b"\r\nX-Other: 1\r\nHost")),
    ]
    taken = [parsed(token) for token in dict.fromkeys(spelled)]
    assert len(taken) >= 8
    assert len({frozenset(one.headers.items()) for one in taken}) == 1
    assert len({one.signature_sha256 for one in taken}) == 1
    assert len({one.sha256 for one in taken}) == len(taken)
    assert parsed(encoded(request())).signature_sha256 != taken[0].signature_sha256


def test_absolute_form() -> None:
    """The whole URL in the first line is taken when it agrees with the Host header."""
    assert parsed(encoded(request(target=f"https://{GLOBAL}{TARGET}"))).host == GLOBAL


def test_the_other_order_of_parameters() -> None:
    """SigV4 sorts parameters, so both orders are one request."""
    taken = parsed(encoded(request(target="/?Version=2011-06-15&Action=GetCallerIdentity")))
    assert taken.host == GLOBAL


def test_one_empty_line_more() -> None:
    """Some clients write it; more than one is a body."""
    raw = request()
    assert parsed(encoded(raw + b"\r\n")).unverified_identity == IDENTITY
    with pytest.raises(Unauthenticated) as refused:
        parsed(encoded(raw + b"\r\n\r\n"))
    assert refused.value.code == "aws_request_malformed"


def test_names_in_any_case_and_order() -> None:
    """Names of headers have no case, and lines no order."""
    first, *lines = request().decode().removesuffix("\r\n\r\n").split("\r\n")
    turned = [
        name.swapcase() + ":" + value for name, _, value in (li.partition(":") for li in lines)
    ]
    raw = "\r\n".join([first, *reversed(turned), "", ""]).encode()
    assert parsed(encoded(raw)).headers == parsed(encoded(request_like(first, lines))).headers


def request_like(first: str, lines: list[str]) -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode()


@pytest.mark.parametrize("value", [f"  {ISSUER}", f"{ISSUER}\t ", f"\t{ISSUER}"])
def test_white_space_around_a_value(value: str) -> None:
    """A value is compared as SigV4 signs it: without the white space around it."""
    raw = request().replace(f": {ISSUER}".encode(), f":{value}".encode())
    assert parsed(encoded(raw)).unverified_audience == ISSUER


def test_white_space_inside_a_value() -> None:
    """Spaces in a row are one to SigV4, and so to us, and what is sent on has one."""
    raw = request(more=[("User-Agent", "a    b")])
    assert parsed(encoded(raw)).headers["user-agent"] == "a b"


def test_another_prefix() -> None:
    """A prefix that a setting added is as good as the first."""
    raw = request(
        more=[("Acme-Audience", ISSUER), ("ACME-Identity", IDENTITY)],
        without=["Chainguard-Audience", "Chainguard-Identity"],
    )
    assert parsed(encoded(raw)).unverified_audience == ISSUER


def test_an_endpoint_of_another_partition() -> None:
    """The region of the credential scope is the endpoint's own."""
    assert parsed(encoded(request(host=CHINA))).endpoint == f"https://{CHINA}"
    with pytest.raises(Unauthenticated) as refused:
        parsed(encoded(request(host=CHINA, region="us-east-1")))
    assert refused.value.code == "aws_request_refused"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sts.amazonaws.com", "us-east-1"),
        ("sts.eu-central-1.amazonaws.com", "eu-central-1"),
        ("sts-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sts.ap-southeast-4.api.aws", "ap-southeast-4"),
        ("sts.us-east-1.amazonaws.com.evil.example", None),
        ("sts.evil.example", None),
        ("evil.example/sts.amazonaws.com", None),
        ("sts.amazonaws.com:443", None),
        ("STS.amazonaws.com", None),
        ("stsXamazonaws.com", None),
        ("sts.us-east-1.amazonaws.com\n", None),
        ("", None),
    ],
)
def test_endpoints(host: str, region: str | None) -> None:
    """Hosts of STS are known by their form, and each has one region."""
    assert signing_region(host) == region


def test_the_stand_in_writes_what_clients_write() -> None:
    """Our client and the test kit make the same request."""
    who = user()
    lines = base64.urlsafe_b64decode(who.token(ISSUER, IDENTITY)).decode().split("\r\n")
    made = request(who).decode().split("\r\n")
    names = {line.partition(":")[0] for line in lines}
    assert names == {line.partition(":")[0] for line in made}
    assert serialized("POST", TARGET, []) == f"POST {TARGET} HTTP/1.1\r\n\r\n".encode()

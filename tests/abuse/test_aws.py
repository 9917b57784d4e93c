"""security.md, "AWS signed requests": each test fails when its check is taken out."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.errors import BrokerError, Stage, Unauthenticated, Unavailable
from broker.upstream.aws import AwsVerifier
from broker.upstream.aws_request import UnverifiedAwsRequest, parse_request
from broker.upstream.outbound import OutboundClient
from tests.kit.issuers import Answer, answers, answers_text, hangs, redirects, sends
from tests.kit.sts import (
    ACCOUNT,
    GLOBAL,
    TARGET,
    StandInSts,
    caller_identity,
    encoded,
    role,
    signed_request,
    user,
)

ISSUER = "https://broker.example.com"
IDENTITY = "43b49a5ad747c66d9820fc8de64784b2329ff490/1e02e4de78b663ca"
OTHER = "43b49a5ad747c66d9820fc8de64784b2329ff490/ffffffffffffffff"
SECRET = "what the upstream said"
WHO = role()


def parsed(raw: bytes) -> UnverifiedAwsRequest:
    return parse_request(encoded(raw), hosts=[GLOBAL], prefixes=["Chainguard", "Acme"])


def refusal(raw: bytes) -> Unauthenticated:
    """What parsing says; it is public, and repeats neither signature nor session token."""
    with pytest.raises(Unauthenticated) as refused:
        parsed(raw)
    error = refused.value
    assert error.stage is Stage.TOKEN
    told = f"{error.message} {error.detail}"
    assert "Signature=" not in told.replace("SignedHeaders and Signature", "")
    assert str(WHO.session_token) not in told
    return error


def request(**more: Any) -> bytes:
    """A true signature over whatever it says."""
    return signed_request(WHO, ISSUER, IDENTITY, **more)


def inserted(line: bytes, raw: bytes | None = None) -> bytes:
    """A good request with a line more."""
    return (raw or request()).replace(b"\r\nHost", b"\r\n" + line + b"\r\nHost")


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(old, new)


AUDIENCE = ISSUER.encode()
SMUGGLED: dict[str, Callable[[bytes], bytes]] = {
    "the audience twice": lambda raw: inserted(b"Chainguard-Audience: https://x.example", raw),
    "the identity twice, in another case": lambda raw: inserted(b"chainguard-IDENTITY: x", raw),
    "the same host twice": lambda raw: inserted(b"Host: sts.amazonaws.com", raw),
    "the date twice": lambda raw: inserted(b"X-Amz-Date: 20260101T000000Z", raw),
    "two authorizations": lambda raw: inserted(b"Authorization: none", raw),
    "a header that is not signed, twice": lambda raw: inserted(b"A: 1\r\na: 1", raw),
    "a folded header": replaced(b": " + AUDIENCE, b":\r\n " + AUDIENCE),
    "a folded header with a tab": replaced(b": " + AUDIENCE, b": x\r\n\t" + AUDIENCE),
    "white space before the colon": replaced(b"Chainguard-Audience:", b"Chainguard-Audience :"),
    "white space before a name": replaced(b"Chainguard-Audience:", b" Chainguard-Audience:"),
    "no colon": lambda raw: inserted(b"Chainguard-Audience", raw),
    "no name": lambda raw: inserted(b": x", raw),
    "LF for CRLF": replaced(b"\r\n", b"\n"),
    "one LF for CRLF": replaced(b"\r\nHost", b"\nHost"),
    "CR for CRLF": replaced(b"\r\nHost", b"\rHost"),
    "CR in a value": replaced(AUDIENCE, AUDIENCE + b"\rX: y"),
    "LF in a value": replaced(AUDIENCE, AUDIENCE + b"\nX: y"),
    "NUL in a value": replaced(AUDIENCE, AUDIENCE + b"\0"),
    "DEL in a value": replaced(AUDIENCE, AUDIENCE + b"\x7f"),
    "a tab inside a value": lambda raw: inserted(b"X: a\tb", raw),
    "UTF-8 in a value": replaced(AUDIENCE, AUDIENCE + "ß".encode()),
    "Latin-1 in a value": replaced(AUDIENCE, AUDIENCE + b"\xdf"),
    "chunked": lambda raw: inserted(b"Transfer-Encoding: chunked", raw),
    "chunked, hidden": lambda raw: inserted(b"Transfer-Encoding: identity, chunked", raw),
    "a chunked body": lambda raw: inserted(b"Transfer-Encoding: chunked", raw) + b"0\r\n\r\n",
    "a length": lambda raw: inserted(b"Content-Length: 1", raw),
    "a length that is no number": lambda raw: inserted(b"Content-Length: +0", raw),
    "two lengths": lambda raw: inserted(b"Content-Length: 0\r\nContent-Length: 0", raw),
    "a body": lambda raw: raw + b"x",
    "a body with its length": lambda raw: inserted(b"Content-Length: 1", raw) + b"x",
    "a second request": lambda raw: raw + raw,
    "no empty line": lambda raw: raw.removesuffix(b"\r\n"),
    "no headers' end": lambda raw: raw.removesuffix(b"\r\n\r\n"),
    "HTTP/1.0": replaced(b" HTTP/1.1", b" HTTP/1.0"),
    "HTTP/2": replaced(b" HTTP/1.1", b" HTTP/2"),
    "HTTP/0.9": replaced(b" HTTP/1.1", b""),
    "two spaces": replaced(b" HTTP/1.1", b"  HTTP/1.1"),
    "a tab for a space": replaced(b" HTTP/1.1", b"\tHTTP/1.1"),
    "many headers": lambda raw: inserted(b"\r\n".join(b"X-%d: y" % n for n in range(64)), raw),
}


@pytest.mark.parametrize("how", SMUGGLED)
def test_smuggling(how: str) -> None:
    """What two readers of HTTP could read as two requests is refused, whatever else it says."""
    raw = request()
    smuggled = SMUGGLED[how](raw)
    assert smuggled != raw
    assert refusal(smuggled).code == "aws_request_malformed"


@pytest.mark.parametrize("how", ["a folded header", "a folded header with a tab"])
def test_a_folded_header_is_called_so(how: str) -> None:
    """Whoever wrapped a long line is told that it was that."""
    assert "folded" in refusal(SMUGGLED[how](request())).message


def test_the_good_one() -> None:
    """What the others are variants of is taken."""
    assert parsed(request()).unverified_audience == ISSUER
    assert parsed(inserted(b"X-Other: y")).unverified_identity == IDENTITY


@pytest.mark.parametrize(
    "target",
    [
        "/?Action=AssumeRole&Version=2011-06-15",
        "/?Action=GetSessionToken&Version=2011-06-15",
        "/?Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15",
        "/?Action=GetCallerIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/x",
        "/?Action=GetCallerIdentity&Version=2011-06-16",
        "/?Action=GetCallerIdentity",
        "/?action=GetCallerIdentity&version=2011-06-15",
        "/?Action=GetCallerIdentity&Version=2011-06-15&",
        "/?Action=Get%43allerIdentity&Version=2011-06-15",
        "/?Action=GetCallerIdentity&Version=2011-06-15#x",
        "/",
        "//?Action=GetCallerIdentity&Version=2011-06-15",
        "/x?Action=GetCallerIdentity&Version=2011-06-15",
        "*",
        f"http://{GLOBAL}{TARGET}",
        f"https://{GLOBAL}:443{TARGET}",
        f"https://{GLOBAL}@evil.example{TARGET}",
        f"https://evil.example{TARGET}",
        f"https://{GLOBAL}.evil.example{TARGET}",
        f"https://{GLOBAL}{TARGET}".replace(GLOBAL, GLOBAL.upper()),
        f"https://{TARGET}",
    ],
)
def test_other_targets(target: str) -> None:
    """Only GetCallerIdentity is asked, at the host that the Host header names."""
    raw = request().replace(f"POST {TARGET} ".encode(), f"POST {target} ".encode())
    assert refusal(raw).code == "aws_request_refused"


def test_other_methods() -> None:
    """GET is presigned URLs' method; the others do not exist at STS."""
    for method, code in (
        ("GET", "aws_request_refused"),
        ("PUT", "aws_request_refused"),
        ("post", "token_malformed"),
        ("POST\tx", "token_malformed"),
    ):
        raw = request().replace(b"POST ", method.encode() + b" ", 1)
        assert refusal(raw).code == code


def test_presigned_urls() -> None:
    """A presigned URL can be had from logs and browser histories, so none is taken."""
    query = "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=" + "a" * 64
    raw = request().replace(TARGET.encode(), (TARGET + query).encode())
    error = refusal(raw)
    assert error.code == "aws_request_refused"
    assert "presigned" in error.message


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "sts.amazonaws.com.evil.example",
        "sts.eu-central-1.amazonaws.com",
        "sts.amazonaws.com:443",
        "STS.amazonaws.com",
        "sts.amazonaws.com.",
        "user@sts.amazonaws.com",
        "169.254.169.254",
        "localhost",
        "",
    ],
)
def test_other_hosts(host: str) -> None:
    """Only an endpoint of the list is asked, also where the signature is good elsewhere."""
    error = refusal(request(more=[("Host", host)]))
    assert (error.code, error.field) == ("aws_request_refused", "host")


ALL = ["accept", "chainguard-audience", "chainguard-identity", "host", "x-amz-date"]


@pytest.mark.parametrize(
    "name", ["host", "x-amz-date", "chainguard-audience", "chainguard-identity"]
)
def test_what_has_to_be_signed(name: str) -> None:
    """A binding header that the signature does not cover could have been added by anybody."""
    error = refusal(request(signed=[listed for listed in ALL if listed != name]))
    assert (error.code, error.field) == ("aws_request_refused", "authorization")
    assert name in error.message


@pytest.mark.parametrize("name", ["Chainguard-Audience", "Chainguard-Identity"])
@pytest.mark.parametrize("how", ["missing", "empty", "under another prefix"])
def test_binding_headers(name: str, how: str) -> None:
    """Both binding headers are there, of one prefix, with a value."""
    other = name.replace("Chainguard", "Acme")
    more = {"missing": [], "empty": [(name, "")], "under another prefix": [(other, "x")]}[how]
    assert refusal(request(more=more, without=[name])).code == "aws_request_refused"


def test_two_prefixes() -> None:
    """With the headers of two prefixes it is not clear which of them bind."""
    more = [("Acme-Audience", ISSUER), ("Acme-Identity", OTHER)]
    for signed in (None, ALL):
        assert refusal(request(more=more, signed=signed)).code == "aws_request_refused"


@pytest.mark.parametrize(
    "more",
    [
        ("X-Amz-Target", "x"),
        ("X-Forwarded-Host", "x"),
        ("Range", "bytes=0-1"),
        ("Accept", "application/xml"),
        ("Content-Type", "multipart/form-data"),
        ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),
        ("Connection", "close"),
    ],
    ids=lambda more: more[0],
)
def test_signed_headers_that_are_not_sent_on(more: tuple[str, str]) -> None:
    """What we would not send to STS may not be signed: the caller is told which header it is."""
    error = refusal(request(more=[more]))
    assert error.code == "aws_request_refused"
    assert more[0].lower() in error.message


def test_a_signed_header_that_is_not_there() -> None:
    """Signed and absent is empty to some verifiers, so it is refused."""
    error = refusal(request(signed=sorted([*ALL, "user-agent"])))
    assert (error.code, error.field) == ("aws_request_refused", "user-agent")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("AWS4-HMAC-SHA256", "AWS"),
        ("/sts/", "/iam/"),
        ("/us-east-1/", "/eu-central-1/"),
        ("aws4_request", "aws4_reques"),
        ("SignedHeaders=accept;", "SignedHeaders=accept;accept;"),
        ("SignedHeaders=accept;", "SignedHeaders=;accept;"),
        (";host", ";HOST"),
        ("chainguard-audience;chainguard-identity", "chainguard-identity;chainguard-audience"),
        ("Signature=", "Signature=g"),
        ("Signature=", "Signature=aa"),
        ("Signature=", "Other="),
        (", SignedHeaders", " SignedHeaders"),
    ],
)
def test_other_authorizations(old: str, new: str) -> None:
    """AWS4-HMAC-SHA256 for sts, of the endpoint's region, with headers in order and each once."""
    raw = request()
    changed = raw.replace(old.encode(), new.encode())
    assert changed != raw
    error = refusal(changed)
    assert (error.code, error.field) == ("aws_request_refused", "authorization")


def test_no_authorization() -> None:
    """A request that is not signed is none."""
    raw = request()
    start = raw.index(b"Authorization")
    assert refusal(raw[:start] + b"\r\n").field == "authorization"


@pytest.mark.parametrize(
    "date",
    ["20260101T000000Z", "20269999T000000Z", "2026-01-01T00:00:00Z", "now", "", "20260101T000000"],
)
def test_dates(date: str) -> None:
    """The date is one, in SigV4's form, and the credential scope's."""
    error = refusal(request(more=[("X-Amz-Date", date)]))
    assert (error.code, error.field) == ("aws_request_refused", "x-amz-date")


@pytest.mark.parametrize("time_of_day", ["T1300Z", "T13000Z", "T130000", "T 30000Z", "T130060Z"])
def test_times_of_day(time_of_day: str) -> None:
    """Two digits each for hours, minutes and seconds; AWS would read others otherwise, or not."""
    stamp = f"20261124{time_of_day}"
    error = refusal(request(more=[("X-Amz-Date", stamp)], at=1_795_525_200.0))
    assert (error.code, error.field) == ("aws_request_refused", "x-amz-date")


GOOD = encoded(request())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "=",
        "====",
        GOOD[:1],
        GOOD + "=",
        GOOD.rstrip("=") + "===",
        GOOD[:40] + "=" + GOOD[40:],
        GOOD[:40] + "\n" + GOOD[40:],
        GOOD[:40] + " " + GOOD[40:],
        GOOD[:40] + "%" + GOOD[40:],
        GOOD[:40] + "ä" + GOOD[40:],
        GOOD[:40] + "\0" + GOOD[40:],
        "+-" + GOOD,
        base64.b64encode(b"\xff" * 30).decode(),
        base64.b64encode(base64.b64encode(request())).decode(),
        request().decode(),
        "e30",
        "not a token",
    ],
)
def test_what_is_not_base64_of_a_request(token: str) -> None:
    """One strict reading of base64; what is none is neither kind of token."""
    with pytest.raises(Unauthenticated) as refused:
        parse_request(token, hosts=[GLOBAL], prefixes=["Chainguard"])
    assert (refused.value.code, refused.value.stage) == ("token_malformed", Stage.TOKEN)


def test_one_alphabet() -> None:
    """A token is of the standard or of the URL-safe alphabet, not of both."""
    token = encoded(inserted(b"X: " + b">" * 24 + b"?" * 24))
    assert {"-", "_"} <= set(token)
    for other in (token.replace("-", "+"), token.replace("_", "/")):
        with pytest.raises(Unauthenticated) as refused:
            parse_request(other, hosts=[GLOBAL], prefixes=["Chainguard"])
        assert refused.value.code == "token_malformed"


def test_truncated() -> None:
    """Whatever is left of a token when its end is cut off is refused."""
    bare = GOOD.rstrip("=")
    for length in range(len(bare) - 1):
        with pytest.raises(Unauthenticated):
            parse_request(bare[:length], hosts=[GLOBAL], prefixes=["Chainguard"])


def test_base64_has_one_spelling() -> None:
    """Bits that carry nothing are zero, or one request had many tokens."""
    raw = request(more=[("User-Agent", "x")])
    while len(raw) % 3 != 1:
        raw = raw.replace(b"User-Agent: x", b"User-Agent: xx", 1)
    token = encoded(raw).rstrip("=")
    assert parse_request(token, hosts=[GLOBAL], prefixes=["Chainguard"]).host == GLOBAL
    other = token[:-1] + chr(ord(token[-1]) + 1)
    with pytest.raises(Unauthenticated) as refused:
        parse_request(other, hosts=[GLOBAL], prefixes=["Chainguard"])
    assert refused.value.code == "token_malformed"


@pytest.mark.parametrize("size", [16_385, 1_000_000])
def test_size(size: int) -> None:
    """A token over 16,384 characters is not decoded."""
    with pytest.raises(Unauthenticated) as refused:
        parse_request("A" * size, hosts=[GLOBAL], prefixes=["Chainguard"])
    assert refused.value.code == "token_too_large"


def test_the_size_itself() -> None:
    """A token of 16,384 characters is read."""
    raw = request()
    room = 12_288 - len(raw) - len(b"X: \r\n")
    token = encoded(inserted(b"X: " + b"y" * room, raw))
    assert len(token) == 16_384
    assert parse_request(token, hosts=[GLOBAL], prefixes=["Chainguard"]).host == GLOBAL


async def asked(sts: StandInSts, token: str, *, now: float | None = None, **more: Any) -> Any:
    """What a verifier says whose AWS is the stand-in."""
    network: dict[str, Any] = {"addresses": sts.addresses, "ca_bundles": sts.ca_bundles} | more
    async with OutboundClient(**network) as outbound:
        aws = AwsVerifier(outbound, own_audiences=[ISSUER])
        moment = time.time() if now is None else now
        return await aws.verify(aws.parse(token), identity=IDENTITY, now=moment)


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example",
        f"{ISSUER}/",
        ISSUER.upper(),
        f"{ISSUER},https://other.example",
        f"{ISSUER} https://other.example",
    ],
)
async def test_another_audience(tmp_path: Path, audience: str) -> None:
    """A request that was made for another broker is not passed on to AWS by this one."""
    token = encoded(signed_request(WHO, audience, IDENTITY))
    async with StandInSts(tmp_path, WHO) as sts:
        with pytest.raises(Unauthenticated) as refused:
            await asked(sts, token)
    assert (refused.value.code, refused.value.stage) == ("aws_audience_mismatch", Stage.TOKEN)
    assert not sts.received


@pytest.mark.parametrize("identity", [OTHER, IDENTITY.upper(), f"{IDENTITY},{OTHER}", "x"])
async def test_another_identity(tmp_path: Path, identity: str) -> None:
    """A request that was made for one identity stands for no other."""
    token = encoded(signed_request(WHO, ISSUER, identity))
    async with StandInSts(tmp_path, WHO) as sts:
        with pytest.raises(Unauthenticated) as refused:
            await asked(sts, token)
    assert (refused.value.code, refused.value.stage) == ("aws_identity_mismatch", Stage.TOKEN)
    assert not sts.received


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (901, "token_expired"),
        (86_400, "token_expired"),
        (10**9, "token_expired"),
        (-301, "token_not_yet_valid"),
        (-(10**9), "token_not_yet_valid"),
    ],
)
async def test_clocks(tmp_path: Path, age: int, code: str) -> None:
    """Neither old requests nor those of the future are passed on, whatever AWS would say."""
    now = 1_795_000_000.0
    token = encoded(signed_request(WHO, ISSUER, IDENTITY, at=now - age))
    async with StandInSts(tmp_path, WHO, clock=lambda: now - age) as sts:
        with pytest.raises(Unauthenticated) as refused:
            await asked(sts, token, now=now)
    assert (refused.value.code, refused.value.stage) == (code, Stage.TIMES)
    assert not sts.received


def with_other_signature(raw: bytes) -> bytes:
    start = raw.index(b"Signature=") + len(b"Signature=")
    return raw[:start] + (b"0" if raw[start] != ord("0") else b"1") + raw[start + 1 :]


@pytest.mark.parametrize(
    "how",
    [
        replaced(IDENTITY.encode(), OTHER.encode()),
        replaced(AUDIENCE, b"https://other.example"),
        with_other_signature,
    ],
    ids=["identity", "audience", "signature"],
)
async def test_altered_after_signing(tmp_path: Path, how: Callable[[bytes], bytes]) -> None:
    """A field that was changed after signing breaks the signature that AWS checks."""
    raw = how(request())
    token = encoded(raw)
    async with (
        StandInSts(tmp_path, WHO) as sts,
        OutboundClient(addresses=sts.addresses, ca_bundles=sts.ca_bundles) as outbound,
    ):
        aws = AwsVerifier(outbound, own_audiences=[ISSUER, "https://other.example"])
        taken = aws.parse(token)
        with pytest.raises(Unauthenticated) as refused:
            await aws.verify(taken, identity=taken.unverified_identity, now=time.time())
    error = refused.value
    assert (error.code, error.stage) == ("aws_signature_refused", Stage.SIGNATURE)
    assert error.detail is not None
    assert error.detail.got == "HTTP 403 SignatureDoesNotMatch"
    assert "calculated" not in f"{error.message} {error.detail}"
    assert len(sts.received) == 1


@pytest.mark.parametrize("who", [role(), user(), role(session_token=None)])
async def test_somebody_whom_aws_does_not_know(tmp_path: Path, who: Any) -> None:
    """A signature by an unknown key is refused by AWS, and so by us."""
    async with StandInSts(tmp_path, WHO) as sts:
        with pytest.raises(Unauthenticated) as refused:
            await asked(sts, who.token(ISSUER, IDENTITY))
    assert refused.value.code == "aws_signature_refused"


def told(**result: Any) -> Answer:
    return answers(caller_identity(**result))


ARN = f"arn:aws:iam::{ACCOUNT}:user/alice"
GOOD_ANSWER = {"Account": ACCOUNT, "Arn": ARN, "UserId": "AIDA"}


@pytest.mark.parametrize(
    "answer",
    [
        answers({}),
        answers([]),
        answers({"GetCallerIdentityResponse": None}),
        answers({"GetCallerIdentityResponse": {"GetCallerIdentityResult": []}}),
        answers({"GetCallerIdentityResult": GOOD_ANSWER}),
        answers({"Error": {"Code": "AccessDenied"}}),
        answers_text(f"<xml>{SECRET}</xml>", content_type="text/xml"),
        answers_text("", content_type="application/json"),
        answers_text(json.dumps(caller_identity(**GOOD_ANSWER)), status=201),
        answers_text(json.dumps(caller_identity(**GOOD_ANSWER)), status=500),
        answers_text(json.dumps(caller_identity(**GOOD_ANSWER))[:-1] + ', "x": 1, "x": 2}'),
        *(told(**(GOOD_ANSWER | {name: ""})) for name in GOOD_ANSWER),
        *(told(**(GOOD_ANSWER | {name: None})) for name in GOOD_ANSWER),
        *(told(**{key: v for key, v in GOOD_ANSWER.items() if key != n}) for n in GOOD_ANSWER),
        told(**(GOOD_ANSWER | {"Account": "999999999999"})),
        told(**(GOOD_ANSWER | {"Account": int(ACCOUNT)})),
        told(**(GOOD_ANSWER | {"Account": ACCOUNT + "\n"})),
        told(**(GOOD_ANSWER | {"Arn": f"arn:aws:iam::{ACCOUNT}:user/a\nb"})),
        told(**(GOOD_ANSWER | {"Arn": f"arn:aws:s3::{ACCOUNT}:user/alice"})),
        told(**(GOOD_ANSWER | {"Arn": f"x arn:aws:iam::{ACCOUNT}:user/alice"})),
        told(**(GOOD_ANSWER | {"Arn": f"arn:aws:iam::{ACCOUNT}:" + "x" * 3000})),
        told(**(GOOD_ANSWER | {"UserId": "A\x1b"})),
        told(**(GOOD_ANSWER | {"UserId": "Ä"})),
        told(**(GOOD_ANSWER | {"Account": "", "Arn": "arn:aws:iam:::user/alice"})),
        told(**(GOOD_ANSWER | {"UserId": "A" * 3000})),
        answers_text(SECRET, status=429),
        answers_text(SECRET, status=503),
        answers_text(json.dumps({"Error": {"Code": "Throttling"}}), status=400),
        redirects("https://sts.amazonaws.com/"),
        redirects("https://sts.amazonaws.com/", 307),
        sends(b" " * 300_000),
    ],
)
async def test_other_answers(tmp_path: Path, answer: Answer) -> None:
    """Only 200, JSON, with an account, an ARN of that account and a user id says who signed."""
    async with StandInSts(tmp_path, WHO, on_call=answer) as sts:
        with pytest.raises(Unavailable) as refused:
            await asked(sts, WHO.token(ISSUER, IDENTITY))
    _says_nothing(refused.value)


async def test_the_good_answer(tmp_path: Path) -> None:
    """What the others are variants of is taken."""
    async with StandInSts(tmp_path, WHO, on_call=told(**GOOD_ANSWER)) as sts:
        claims = await asked(sts, WHO.token(ISSUER, IDENTITY))
    assert claims.subject == ARN


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("body", [SECRET, json.dumps({"Error": {"Code": f"a {SECRET}"}})])
async def test_errors_of_aws_are_not_passed_on(tmp_path: Path, status: int, body: str) -> None:
    """Of an error the owner reads its status and, where it is one, its code; the caller neither."""
    async with StandInSts(tmp_path, WHO, on_call=answers_text(body, status=status)) as sts:
        with pytest.raises(Unauthenticated) as refused:
            await asked(sts, WHO.token(ISSUER, IDENTITY))
    assert refused.value.code == "aws_signature_refused"
    assert refused.value.detail is not None
    assert refused.value.detail.got == f"HTTP {status}"
    assert str(status) not in refused.value.message


async def test_aws_that_does_not_answer(tmp_path: Path) -> None:
    """The outbound client's limits hold here as for issuers."""
    async with StandInSts(tmp_path, WHO, on_call=hangs) as sts:
        with pytest.raises(Unavailable) as refused:
            await asked(sts, WHO.token(ISSUER, IDENTITY), timeout=0.2)
    _says_nothing(refused.value)


async def test_a_private_address(tmp_path: Path) -> None:
    """A name server that sends us into our own network gets nothing."""
    async with StandInSts(tmp_path, WHO) as sts:
        with pytest.raises(Unavailable) as refused:
            await asked(
                sts, WHO.token(ISSUER, IDENTITY), addresses={}, lookup=lambda _: ["127.0.0.1"]
            )
    _says_nothing(refused.value)
    assert not sts.received


async def test_a_certificate_of_somebody_else(tmp_path: Path) -> None:
    """Whoever answers in the place of AWS without its certificate is not believed."""
    async with StandInSts(tmp_path, WHO) as sts:
        with pytest.raises(Unavailable) as refused:
            await asked(sts, WHO.token(ISSUER, IDENTITY), ca_bundles={})
    _says_nothing(refused.value)
    assert not sts.received


def _says_nothing(error: BrokerError) -> None:
    assert (error.code, error.stage) == ("aws_unavailable", Stage.ISSUER)
    assert error.message == "AWS STS gives no usable answer at present"
    assert error.detail is not None
    assert SECRET not in f"{error} {error.detail}"

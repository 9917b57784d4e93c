"""What every request passes, told on real sockets byte by byte."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from broker.web import bodies
from tests.kit.brokers import RunningBroker
from tests.kit.calls import call, exchange, oauth

SECRET = "geheim-geheim-geheim"


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["details"][0]["reason"])


class Wire:
    """A connection to the broker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, broker: RunningBroker) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", broker.settings.port))

    async def response(self, *, head: bool = False) -> Response:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        length = 0 if head else int(headers["Content-Length"])
        return Response(int(lines[0].split()[1]), headers, await self.reader.readexactly(length))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def send(broker: RunningBroker, raw: bytes) -> Response:
    """One request, as it stands."""
    wire = await Wire.to(broker)
    try:
        wire.writer.write(raw)
        return await asyncio.wait_for(wire.response(), 20)
    finally:
        await wire.close()


def get(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: broker", *headers, "", ""]).encode(
        "latin-1"
    )


@pytest.mark.parametrize(
    "target", ["/healthz?verbose=1", "/%68ealthz", "http://elsewhere.example/healthz"]
)
async def test_a_path_is_found_however_it_is_written(broker: RunningBroker, target: str) -> None:
    """With a query, percent-encoded (RFC 3986 §6.2.2.2), in absolute form (RFC 9112 §3.2.2)."""
    answer = await send(broker, get(target))
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "target", ["/", "//healthz", "/healthz/", "/Healthz", "/%zz", "/healthz%00"]
)
async def test_what_is_nearly_a_path_is_none(broker: RunningBroker, target: str) -> None:
    """One spelling a path, so that a proxy's rules about paths hold."""
    answer = await send(broker, get(target))
    assert (answer.status, answer.reason) == (404, "path_unknown")
    assert "healthz" not in answer.json["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/sts/exchange", "GET, POST"),
        ("PUT", "/token", "POST"),
        ("GET", "/token", "POST"),
        ("POST", "/.well-known/jwks.json", "GET, HEAD"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    broker: RunningBroker, method: str, path: str, allow: str
) -> None:
    """RFC 9110 §15.5.6: 405 with Allow, in the path's own dialect."""
    answer = await call(method, f"{broker.url}{path}")
    assert (answer.status, answer.headers["Allow"]) == (405, allow)
    assert answer.reason == "method_not_allowed"
    assert ("error" in answer.body) == (path == "/token")


async def test_an_answer_to_head_has_no_body(broker: RunningBroker) -> None:
    """RFC 9110 §9.3.2: the next answer on the connection begins right after the headers."""
    wire = await Wire.to(broker)
    wire.writer.write(b"HEAD /healthz HTTP/1.1\r\nHost: broker\r\n\r\n")
    await wire.response(head=True)
    wire.writer.write(get("/healthz"))
    assert (await wire.response()).json == {"status": "ok"}
    await wire.close()


async def test_every_request_of_a_connection_has_its_own_id(broker: RunningBroker) -> None:
    """Sent one after the other, and sent at once (RFC 9112 §9.3.2), answered in order."""
    wire = await Wire.to(broker)
    wire.writer.write(get("/healthz"))
    answers = [await wire.response()]
    wire.writer.write(get("/healthz") + get("/nope") + get("/readyz"))
    answers += [await wire.response() for _ in range(3)]
    await wire.close()
    assert [answer.status for answer in answers] == [200, 200, 404, 200]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 4
    refusal = answers[2]
    told = refusal.json["details"][0]["metadata"]["request_id"]
    assert told == refusal.headers["X-Request-Id"]


async def test_a_callers_request_id_is_not_taken(broker: RunningBroker) -> None:
    """An id names one request of ours; a caller could name another's."""
    answer = await call("GET", f"{broker.url}/healthz", headers={"X-Request-Id": "mine"})
    assert answer.request_id != "mine"


@pytest.mark.parametrize(
    "raw",
    [
        get("/sts/exchange", f"Authorization: Bearer {SECRET}{'x' * 40_000}"),
        get("/sts/exchange", f"Authorization Bearer {SECRET}"),
        get("/sts/exchange", f"Authorization: Bearer {SECRET}\x00"),
        get(f"/sts/exchange?token={SECRET}\xff"),
        get(f"/{SECRET}{'x' * 40_000}"),
        f"{SECRET}\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET.encode(),
    ],
    ids=["long header", "no colon", "NUL", "raw byte", "long path", "no method", "TLS", "chunks"],
)
async def test_what_is_no_request_is_told_in_our_words(broker: RunningBroker, raw: bytes) -> None:
    """JSON with a request id; nothing that was sent comes back, or goes into the log."""
    with capture_logs() as logged:
        answer = await send(broker, raw)
    assert (answer.status, answer.reason) == (400, "request_malformed")
    assert answer.headers["Server"] == "broker"
    assert answer.headers["X-Request-Id"] == answer.json["details"][0]["metadata"]["request_id"]
    assert SECRET.encode() not in answer.body
    assert SECRET not in str(logged)


async def test_a_token_that_is_too_long_is_told_so(broker: RunningBroker, ci: Uidp) -> None:
    """Up to 32 KiB of header: in the words of the exchange, with a record."""
    answer = await exchange(broker, "x" * 32_000, ci)
    assert (answer.status, answer.reason) == (401, "token_too_large")


def form(body: bytes, *headers: str, length: int | None = None) -> bytes:
    head = [
        "POST /token HTTP/1.1",
        "Host: broker",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def test_a_body_that_is_not_what_it_says_is_the_callers_fault(broker: RunningBroker) -> None:
    """400, in the dialect of the path, with a stage."""
    answer = await send(broker, form(b"grant_type=x", "Content-Encoding: gzip"))
    assert (answer.status, answer.json["reason"]) == (400, "request_malformed")
    assert answer.json["stage"] == "request"


async def test_a_body_that_is_too_large_is_refused(broker: RunningBroker) -> None:
    """At 64 KiB, whatever it would inflate to."""
    answer = await send(broker, form(b"a=" + b"x" * 70_000))
    assert (answer.status, answer.json["reason"]) == (400, "body_too_large")
    assert answer.json["stage"] == "request"


async def test_a_body_that_never_comes_is_not_waited_for(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is answered in bounded time."""
    monkeypatch.setattr(bodies, "BODY_TIMEOUT", 0.05)
    answer = await send(broker, form(b"grant_type=x", length=100))
    assert (answer.status, answer.json["reason"]) == (400, "request_malformed")
    assert "did not arrive within" in answer.json["error_description"]


async def test_a_client_that_leaves_is_no_defect(
    broker: RunningBroker,
) -> None:
    """In the middle of its body; the broker answers others."""
    with capture_logs() as logged:
        wire = await Wire.to(broker)
        wire.writer.write(form(b"grant_type=x", length=100))
        await wire.writer.drain()
        await wire.close()
        assert (await call("GET", f"{broker.url}/healthz")).status == 200
    assert logged == []


async def test_two_credentials_at_the_token_endpoint_are_refused(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Which of the two a proxy looked at is not known."""
    token = issuer.token(issuer.github_claims())
    raw = form(
        f"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={token}"
        f"&subject_token_type=urn:ietf:params:oauth:token-type:jwt&client_id={ci}".encode(),
        "Authorization: Basic Og==",
        "Authorization: Basic Og==",
    )
    answer = await send(broker, raw)
    assert (answer.status, answer.json["reason"]) == (401, "client_credentials_malformed")
    assert (await oauth(broker, token, ci)).status == 200


async def test_answers_say_how_they_are_to_be_taken(broker: RunningBroker) -> None:
    """As what they are, kept by nobody, and without the name of the software."""
    for path in ("/healthz", "/nope", "/token", "/sts/exchange"):
        answer = await call("POST", f"{broker.url}{path}")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "broker"

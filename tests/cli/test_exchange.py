"""`broker exchange`."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest
from aiohttp import web

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.processes import Installation, broker, in_background, ok, refused
from tests.kit.brokers import free_port


def test_a_token_from_standard_input(installation: Installation) -> None:
    """The minted token alone, on one line; audience, scope and capability as asked."""
    group = installation.identity.rpartition("/")[0]
    words = ("--audience", "a", "--audience", "b", "--scope", group, "--capability", "groups.list")
    out = ok(installation.exchange(*words)).out
    assert out.count("\n") == 1
    claims = jwt.decode(out.strip(), options={"verify_signature": False})
    assert claims["aud"] == ["a", "b"]
    assert claims["sub"] == installation.identity
    assert list(claims["cap"]) == [group]


def test_a_token_from_a_file(installation: Installation, tmp_path: Path) -> None:
    """With white space around it, as editors and shells leave it; the answer as JSON."""
    file = tmp_path / "upstream.jwt"
    file.write_text(f"\n {installation.upstream()} \r\n")
    words = ("exchange", "--issuer", f"{installation.served.url}/", "--identity")
    result = installation.run(*words, installation.identity, "--token", str(file), "-o", "json")
    answer = ok(result).json
    assert set(answer) == {"token", "expiry"}
    assert answer["expiry"].endswith("Z")


def test_a_refusal_names_stage_reason_and_request(installation: Installation) -> None:
    """On standard error, with exit code 1; the request id finds the record of it."""
    result = installation.exchange(ref="refs/heads/other")
    refused(result, "refused: ", "stage       identity", "reason      identity_refused")
    request_id = result.err.rpartition("request id")[2].strip()
    listed = ok(installation.run("audit", "list", "--request-id", request_id)).out
    assert "FAIL identity/subject: expected repo:acme/shop:ref:refs/heads/main" in listed


def test_a_refusal_as_json(installation: Installation) -> None:
    """Still on standard error: standard output is for the token."""
    result = installation.exchange("--scope", "0" * 40, "-o", "json")
    refused(result)
    told = json.loads(result.err)
    assert (told["error"], told["stage"]) == ("scope_not_held", "scope")
    assert set(told) == {"error", "message", "stage", "request_id"}


def test_a_broker_that_is_away(tmp_path: Path) -> None:
    """Is not a refusal: the message names the address and the system's reason."""
    url = f"http://127.0.0.1:{free_port()}"
    result = broker("exchange", "--issuer", url, folder=tmp_path, given="a.b.c")
    refused(result, f"no answer from {url}/sts/exchange", "Connect", "broker_unreachable")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"a.b.c\nd.e.f", "not a token"),
        (b"\xff\xfe\x00a", "not a token"),
        ("schlüssel".encode(), "not a token"),
    ],
    ids=str,
)
def test_what_cannot_be_a_token_is_not_sent(tmp_path: Path, given: bytes, says: str) -> None:
    """A file that was taken for another may hold anything; it stays here."""
    url = f"http://127.0.0.1:{free_port()}"
    refused(broker("exchange", "--issuer", url, folder=tmp_path, given=given), says)


class NoBroker(LocalIssuer):
    """Some other server at the address that was given."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__()
        self.answer = answer

    async def start(self) -> None:
        async def reply(request: web.Request) -> web.StreamResponse:
            return self.answer

        app = web.Application()
        app.router.add_post("/sts/exchange", reply)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>welcome</html>"),
        (200, "[]"),
        (200, '{"token": 1}'),
        (502, "<html>bad gateway</html>"),
        (403, "{}"),
        (403, '{"code": [], "details": {"a": 1}}'),
        (403, '{"code": 7, "message": "m", "details": ["x"]}'),
    ],
)
def test_an_answer_of_somebody_else_is_no_traceback(tmp_path: Path, status: int, body: str) -> None:
    """A proxy's page, a server of another kind: exit code 1, and nothing printed as a token."""
    answer = web.Response(status=status, text=body, content_type="application/json")
    with in_background(NoBroker(answer)) as other:
        result = broker("exchange", "--issuer", other.address, folder=tmp_path, given="a.b.c")
    refused(result, "broker_unreachable")

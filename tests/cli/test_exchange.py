"""`broker exchange`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from aiohttp import web

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.processes import (
    BROKER,
    PATIENCE,
    Installation,
    Result,
    apply,
    broker,
    in_background,
    ok,
    refused,
    serving,
)
from tests.kit.brokers import free_port
from tests.kit.platforms import GithubRunner

ON_A_CLOUD = any(
    Path("/sys/class/dmi/id", file).exists()
    and Path("/sys/class/dmi/id", file).read_text().startswith(("Google", "Amazon EC2"))
    for file in ("product_name", "sys_vendor")
)


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


@pytest.mark.skipif(ON_A_CLOUD, reason="this machine has a credential of its own")
def test_standard_input_where_there_is_no_other_credential(
    installation: Installation, tmp_path: Path
) -> None:
    """Nothing needs to be said for it in a pipe; nothing in it is told with what was looked for."""
    to = ("exchange", "--issuer", installation.served.url, "--identity", installation.identity)
    ok(installation.run(*to, given=installation.upstream()))
    refused(installation.run(*to), "looked for", "GitHub Actions", "input is empty", "not_found")


@pytest.mark.skipif(ON_A_CLOUD, reason="this machine has a credential of its own")
def test_a_terminal_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody types a token."""
    master, terminal = os.openpty()
    try:
        done = subprocess.run(
            [BROKER, "exchange", "--issuer", "http://127.0.0.1:1"],
            cwd=tmp_path,
            env={},
            stdin=terminal,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(master)
    assert done.returncode == 1
    assert "credential_not_found" in done.stderr.decode()


@dataclass(frozen=True, slots=True)
class Job:
    """What a job of GitHub Actions has, and a broker with an identity for it."""

    runner: GithubRunner
    url: str
    identity: str

    def run(self, folder: Path, *words: str, **environ: str) -> Result:
        """`broker exchange` in the job."""
        environ = {**self.runner.variables, **environ}
        return broker("exchange", *words, folder=folder, environ=environ)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """One for the tests of this file."""
    with (
        serving(tmp_path_factory.mktemp("job")) as served,
        in_background(GithubRunner()) as runner,
    ):
        yield Job(runner, served.url, apply(served, runner.url))


def test_a_job_of_github_actions(job: Job, tmp_path: Path) -> None:
    """Inside one, issuer and identity are all that has to be said; or nothing, with variables."""
    said = ok(job.run(tmp_path, "--issuer", job.url, "--identity", job.identity))
    unsaid = ok(job.run(tmp_path, BROKER_API=job.url, BROKER_IDENTITY=job.identity))
    for result in (said, unsaid):
        claims = jwt.decode(result.out.strip(), options={"verify_signature": False})
        assert claims["sub"] == job.identity
        assert result.err == ""


def test_a_job_without_the_permission(tmp_path: Path) -> None:
    """The message says which; what stands in standard input is not taken instead."""
    words = ("exchange", "--issuer", "http://127.0.0.1:1")
    environ = {"GITHUB_ACTIONS": "true"}
    result = broker(*words, folder=tmp_path, environ=environ, given="a.b.c")
    refused(result, "`permissions: id-token: write`", "because: GitHub", "credential_unusable")


def test_a_platform_that_is_named(job: Job, tmp_path: Path) -> None:
    """Is asked, whatever else is there; for another audience if that is what the identity wants."""
    (tmp_path / "token").write_text("a.b.c")
    file = {"BROKER_CREDENTIAL_FILE": str(tmp_path / "token")}
    to = ("--issuer", job.url, "--identity", job.identity)
    refused(job.run(tmp_path, *to, **file), "token_malformed")
    named = (*to, "--credential", "github")
    ok(job.run(tmp_path, *named, **file))
    other = ("--credential-audience", "https://elsewhere.example")
    refused(job.run(tmp_path, *named, *other, **file), "identity_refused")
    audiences = [
        jwt.decode(token, options={"verify_signature": False})["aud"] for token in job.runner.given
    ]
    assert audiences[-2:] == [job.url, "https://elsewhere.example"]


@pytest.mark.parametrize("more", [("--credential", "github"), ("--credential-audience", "a")])
def test_a_token_and_a_platform_exclude_each_other(tmp_path: Path, more: tuple[str, str]) -> None:
    """One credential is sent; the command does not choose."""
    words = ("exchange", "--issuer", "http://127.0.0.1:1", "--token", "-", *more)
    refused(broker(*words, folder=tmp_path), "--token is given", code=2)


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
    words = ("exchange", "--issuer", url, "--token", "-")
    result = broker(*words, folder=tmp_path, given="a.b.c")
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
    words = ("exchange", "--issuer", url, "--token", "-")
    refused(broker(*words, folder=tmp_path, given=given), says)


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
        words = ("exchange", "--issuer", other.address, "--token", "-")
        result = broker(*words, folder=tmp_path, given="a.b.c")
    refused(result, "broker_unreachable")

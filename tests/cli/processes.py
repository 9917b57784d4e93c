"""The command line as processes of their own, in an environment that holds what a test says."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import free_port

T = TypeVar("T")
AnyIssuer = TypeVar("AnyIssuer", bound=LocalIssuer)

BROKER: Final = Path(sys.executable).with_name("broker")
PATIENCE: Final = 30.0
"""Seconds until something that never comes fails the test."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Of standard output."""
        return json.loads(self.out)


def broker(
    *words: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    given: str | bytes = "",
) -> Result:
    """Run a command to its end. `given` is its standard input."""
    done = subprocess.run(
        [BROKER, *words],
        cwd=folder,
        env=dict(environ or {}),
        input=given if isinstance(given, bytes) else given.encode(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.err, result.err
    return result


def ok(result: Result) -> Result:
    """A command that must have worked."""
    assert result.code == 0, result.err
    return result


def refused(result: Result, *texts: str, code: int = 1) -> Result:
    """A command that must have failed, with these texts in its message and nothing printed."""
    assert result.code == code, result.out + result.err
    assert result.out == ""
    for text in texts:
        assert text in result.err, result.err
    return result


def eventually(ask: Callable[[], T | None]) -> T:
    """What `ask` gives as soon as it is not None or False."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"it did not happen within {PATIENCE:g} s")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: Any


def http_call(
    method: str,
    url: str,
    *,
    token: str | None = None,
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
) -> HttpAnswer:
    """One request on a connection of its own. Raises OSError when nobody answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = None
    if form is not None:
        body = urlencode(form)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, f"/{path}", body=body, headers=headers)
        response = connection.getresponse()
        return HttpAnswer(response.status, dict(response.headers), json.loads(response.read()))
    finally:
        connection.close()


@dataclass
class Served:
    """A `broker serve` that runs in `folder`."""

    folder: Path
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.environ['BROKER_PORT']}"

    def run(self, *words: str, given: str | bytes = "") -> Result:
        """Another command, in the same folder and with the same settings."""
        return broker(*words, folder=self.folder, environ=self.environ, given=given)

    def stop(self) -> int:
        """Tell it to, and wait; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Served]:
    """Start one and wait until it is ready; `settings` are variables besides the port."""
    environ = {"BROKER_PORT": str(free_port()), **settings}
    log = folder / f"serve-{environ['BROKER_PORT']}.log"
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [BROKER, "serve"], cwd=folder, env=environ, stdout=lines, stderr=lines
        )
    served = Served(folder, environ, log, process)
    try:
        eventually(lambda: _is_ready(served))
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()


def _is_ready(served: Served) -> bool:
    assert served.process.poll() is None, served.log.read_text()
    try:
        return http_call("GET", f"{served.url}/readyz").status == 200
    except OSError:
        return False


@contextmanager
def in_background(issuer: AnyIssuer) -> Iterator[AnyIssuer]:
    """Run an issuer in a thread, for tests that wait for processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="issuer")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(issuer.start(), loop).result(PATIENCE)
        try:
            yield issuer
        finally:
            asyncio.run_coroutine_threadsafe(issuer.stop(), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


DECLARATION: Final = """\
version: 1
organizations:
  - name: acme
    folders:
      - name: shop
        identities:
          - name: deploy
            issuer: {issuer}
            subject: repo:acme/shop:ref:refs/heads/main
            roles: [{roles}]
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A broker that runs, an issuer that it can fetch, and an identity that trusts it."""

    served: Served
    issuer: LocalIssuer
    identity: str
    folder: Path = field(repr=False)

    def upstream(self, **claims: str) -> str:
        """A token of the CI that the identity trusts; `claims` change it."""
        return self.issuer.token(self.issuer.github_claims(**claims))

    def run(self, *words: str, given: str | bytes = "") -> Result:
        """A command beside the broker."""
        return self.served.run(*words, given=given)

    def exchange(self, *words: str, **claims: str) -> Result:
        """`broker exchange` for the identity."""
        to = ("--issuer", self.served.url, "--identity", self.identity, "--token", "-")
        return self.run("exchange", *to, *words, given=self.upstream(**claims))

    def exchanged(self, **form: str) -> HttpAnswer:
        """The same without a process."""
        return http_call(
            "POST",
            f"{self.served.url}/sts/exchange",
            token=self.upstream(),
            form={"identity": self.identity, **form},
        )


def apply(served: Served, issuer: str, roles: str = "viewer", *words: str) -> str:
    """Declare the organization; the UIDP of the identity."""
    text = DECLARATION.format(issuer=issuer, roles=roles)
    plan = ok(served.run("apply", "-f", "-", "-o", "json", *words, given=text)).json
    identity: str = next(r["id"] for r in plan["records"] if r["path"] == "acme/shop/deploy")
    return identity


@contextmanager
def installation(folder: Path, **settings: str) -> Iterator[Installation]:
    """All of it."""
    with (
        serving(folder, **settings) as served,
        in_background(LocalIssuer(audience=served.url)) as issuer,
    ):
        yield Installation(served, issuer, apply(served, issuer.url), folder)

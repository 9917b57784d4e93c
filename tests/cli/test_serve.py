"""`broker serve` as a process: how it begins, how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web

from tests.cli.processes import (
    HttpAnswer,
    Installation,
    apply,
    broker,
    eventually,
    http_call,
    in_background,
    installation,
    ok,
    refused,
    serving,
)
from tests.kit.brokers import free_port
from tests.kit.issuers import MisbehavingIssuer


def test_an_empty_environment_is_enough(tmp_path: Path) -> None:
    """Records in var/, the key in keys/, for their owner alone; SIGTERM ends it with 0."""
    with serving(tmp_path) as served:
        assert stat.S_IMODE((tmp_path / "keys" / "key-encryption-key").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "var" / "broker.sqlite3").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
        assert http_call("GET", f"{served.url}/healthz").status == 200
        assert served.stop() == 0
    events = [line["event"] for line in served.lines()]
    assert (events[0], events[-1]) == ("listening", "stopped")


def test_it_listens_on_loopback_alone(installation: Installation) -> None:
    """The default host is 127.0.0.1: another address of this machine does not answer."""
    port = int(installation.served.environ["BROKER_PORT"])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_tokens_outlive_the_process(tmp_path: Path) -> None:
    """A second start reads the keys of the first: what it minted still verifies."""
    with installation(tmp_path) as first:
        token = ok(first.exchange("--audience", "service")).out
        url = first.served.url
        assert first.served.stop() == 0
    with serving(tmp_path, BROKER_PORT=url.rpartition(":")[2]) as second:
        assert second.url == url
        ok(second.run("token", "verify", "--issuer", url, "--audience", "service", given=token))


def test_running_requests_are_finished(tmp_path: Path) -> None:
    """An exchange that waits for its issuer when SIGTERM comes is still answered with a token."""
    asked, release = threading.Event(), threading.Event()
    issuer = MisbehavingIssuer()

    async def slowly(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.to_thread(release.wait, 30)
        return web.json_response(issuer.discovery())

    issuer.on_discovery = slowly
    with (
        serving(tmp_path, BROKER_UPSTREAM_TIMEOUT="30") as served,
        in_background(issuer),
        ThreadPoolExecutor(1) as threads,
    ):
        identity = apply(served, issuer.url)
        token = issuer.token(issuer.github_claims(), aud=served.url)

        def exchange() -> HttpAnswer:
            url = f"{served.url}/sts/exchange?identity={identity}"
            return http_call("POST", url, token=token)

        answer = threads.submit(exchange)
        assert asked.wait(30)
        served.process.send_signal(signal.SIGTERM)
        eventually(lambda: not _listens(served.url))
        assert served.process.poll() is None
        release.set()
        assert answer.result(30).status == 200
        assert served.process.wait(30) == 0


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    """With the address, and not with a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = broker("serve", folder=tmp_path, environ={"BROKER_PORT": str(port)})
    refused(result, f"cannot listen on 127.0.0.1, port {port}", "in use", "listen_failed")


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    """BROKER_HOST has to be this machine's. 192.0.2.0/24 is nobody's (RFC 5737)."""
    environ = {"BROKER_PORT": str(free_port()), "BROKER_HOST": "192.0.2.1"}
    refused(broker("serve", folder=tmp_path, environ=environ), "cannot listen on 192.0.2.1")


def test_a_key_encryption_key_that_does_not_fit_is_said(tmp_path: Path) -> None:
    """The start stops; it does not make new signing keys in the place of those it cannot read."""
    ok(broker("keys", "list", folder=tmp_path))
    environ = {"BROKER_PORT": str(free_port()), "BROKER_KEYS_DIR": "other"}
    result = broker("serve", folder=tmp_path, environ=environ)
    refused(result, "key-encryption key does not fit", "key_encryption_key_mismatch")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With the command that mends it."""
    ok(broker("keys", "init", folder=tmp_path))
    (tmp_path / "keys" / "key-encryption-key").chmod(0o644)
    result = broker("serve", folder=tmp_path, environ={"BROKER_PORT": str(free_port())})
    refused(result, "chmod 600", "key_file_exposed")


def test_an_https_issuer_makes_no_key_by_itself(tmp_path: Path) -> None:
    """Outside of development a missing key is more likely a missing mount."""
    environ = {
        "BROKER_ISSUER": "https://broker.example",
        "BROKER_PORT": str(free_port()),
        "BROKER_DATABASE_URL": f"sqlite:///{tmp_path}/records.sqlite3",
        "BROKER_KEYS_DIR": str(tmp_path / "mounted"),
    }
    refused(broker("serve", folder=tmp_path, environ=environ), "broker keys init")
    assert not (tmp_path / "mounted").exists()


def test_no_record_no_token_and_the_log_says_it_once(tmp_path: Path) -> None:
    """The audit table is gone: 503, no token; one error in the log, and no token in it."""
    with installation(tmp_path) as running:
        assert running.exchanged().status == 200
        _execute(tmp_path, "DROP TABLE audit_records")
        token = running.upstream()
        url = f"{running.served.url}/sts/exchange?identity={running.identity}"
        answer = http_call("POST", url, token=token)
        assert (answer.status, answer.body["code"]) == (503, 14)
        assert answer.body["details"][0]["reason"] == "audit_unavailable"
        assert "token" not in answer.body
        running.served.stop()
    errors = [line for line in running.served.lines() if line["level"] == "error"]
    assert [error["event"] for error in errors] == ["audit_record_not_written"]
    for segment in token.split("."):
        assert segment not in running.served.log.read_text()


def test_a_defect_is_told_to_nobody_and_logged_once(tmp_path: Path) -> None:
    """The table of identities is gone: 500 without a reason, one line with the request's id."""
    with installation(tmp_path) as running:
        _execute(tmp_path, "DROP TABLE identities")
        token = running.upstream()
        url = f"{running.served.url}/sts/exchange?identity={'0' * 40}"
        answer = http_call("POST", url, token=token)
        assert (answer.status, answer.body["message"]) == (500, "internal error")
        assert "identities" not in str(answer.body)
        running.served.stop()
    errors = [line for line in running.served.lines() if line["level"] == "error"]
    assert [error["event"] for error in errors] == ["defect"]
    assert errors[0]["request_id"] == answer.headers["X-Request-Id"]
    assert "no such table" in errors[0]["exception"]
    for segment in token.split("."):
        assert segment not in running.served.log.read_text()


def _execute(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "var" / "broker.sqlite3", timeout=30)
    try:
        connection.execute(statement)
        connection.commit()
    finally:
        connection.close()


def _listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0

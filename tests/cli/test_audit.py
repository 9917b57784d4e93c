"""`broker audit` beside a running broker."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cli.processes import (
    BROKER,
    PATIENCE,
    Installation,
    eventually,
    http_call,
    installation,
    ok,
    refused,
)


def listed(installation: Installation, *words: str) -> list[dict[str, Any]]:
    out = ok(installation.run("audit", "list", "-o", "json", *words)).out
    return [json.loads(line) for line in out.splitlines()]


def refusal(installation: Installation) -> str:
    """An exchange that the rules refuse; its request id."""
    answer = http_call(
        "POST",
        f"{installation.served.url}/sts/exchange",
        token=installation.upstream(ref="refs/heads/other"),
        form={"identity": installation.identity},
    )
    assert answer.status == 403
    return answer.headers["X-Request-Id"]


def test_the_list_is_filtered(installation: Installation) -> None:
    """By identity, group, failure and request; the newest last."""
    good = installation.exchanged().headers["X-Request-Id"]
    bad = refusal(installation)
    identity = ("--identity", installation.identity)
    found = [row["request_id"] for row in listed(installation, *identity)]
    assert found[-2:] == [good, bad]
    failed = listed(installation, *identity, "--failed")
    assert {row["outcome"] for row in failed} == {"refused"}
    assert failed[-1]["request_id"] == bad
    assert good not in [row["request_id"] for row in failed]
    (record,) = listed(installation, "--request-id", good)
    assert (record["outcome"], record["action"]) == ("ok", "exchange")
    organization = installation.identity[:40]
    at_group = listed(installation, "--group", organization)
    assert {good, bad} <= {row["request_id"] for row in at_group}
    assert "group.created" in {row["action"] for row in at_group}
    assert len(listed(installation, "--group", organization, "--limit", "1")) == 1
    assert listed(installation, "--group", "0" * 40) == []


def test_the_list_is_readable(installation: Installation) -> None:
    """A refusal with every rule; what a filter does not find is said."""
    bad = refusal(installation)
    out = ok(installation.run("audit", "list", "--request-id", bad)).out
    assert "refused  exchange" in out
    assert "identity: identity_refused" in out
    assert f"ok   identity/issuer: expected {installation.issuer.url}" in out
    assert "FAIL identity/subject: expected repo:acme/shop:ref:refs/heads/main; got" in out
    assert "no such records" in ok(installation.run("audit", "list", "--request-id", "x")).err
    refused(installation.run("audit", "list", "--identity", "x"), "--identity: not a UIDP")


def test_the_tail_shows_what_comes(installation: Installation) -> None:
    """Each record once, and nothing from before; SIGINT ends it quietly."""
    before = refusal(installation)
    out = installation.folder / "tail"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [BROKER, "audit", "tail", "--failed", "-o", "json"],
            cwd=installation.folder,
            env=installation.served.environ,
            stdout=file,
            stderr=subprocess.PIPE,
        )
    try:
        made: list[str] = []

        def is_shown() -> bool:
            made.append(refusal(installation))
            return any(request_id in out.read_text() for request_id in made)

        eventually(is_shown)
        last = refusal(installation)
        eventually(lambda: last in out.read_text())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, b"")
    finally:
        process.kill()
        process.communicate()
    shown = [json.loads(line)["request_id"] for line in out.read_text().splitlines()]
    assert len(shown) == len(set(shown))
    assert before not in shown
    assert installation.exchanged().headers["X-Request-Id"] not in shown


def test_old_records_are_deleted(tmp_path: Path) -> None:
    """By age or by moment, and the list has that they were; what is no time is refused."""
    with installation(tmp_path) as running:
        running.exchanged()
        assert ok(running.run("audit", "prune", "--before", "30d")).out.startswith("0 records")
        count = len(listed(running))
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        out = ok(running.run("audit", "prune", "--before", moment)).out
        assert out.startswith(f"{count} records deleted, all from before 20")
        (record,) = listed(running)
        assert (record["action"], record["outcome"]) == ("audit.pruned", "ok")
        for wrong in ("yesterday", "-3d", "2026-02-30"):
            result = running.run("audit", "prune", "--before", wrong)
            assert result.code == 2
            assert "expected 2026-01-31, 2026-01-31T12:00:00Z or 90d" in result.err
        refused(running.run("audit", "prune", "--before", "9999-01-01"), "a time that is past")

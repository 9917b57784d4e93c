"""`broker backup` and `broker restore`, beside a broker that runs."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

from tests.cli.processes import (
    broker,
    eventually,
    http_call,
    installation,
    ok,
    refused,
    serving,
)


def test_a_restored_installation_verifies_old_tokens_and_mints_new_ones(tmp_path: Path) -> None:
    """The copy is made while the broker runs; what was minted before it verifies after."""
    with installation(tmp_path) as running:
        token = ok(running.exchange("--audience", "service")).out
        url, port = running.served.url, running.served.environ["BROKER_PORT"]
        text = ok(running.run("backup", "copy.sqlite3")).out
        assert "key-encryption key, which is not in it" in text
        kids = [k["kid"] for k in ok(running.run("keys", "list", "-o", "json")).json]
        copy = tmp_path / "copy.sqlite3"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        refused(running.run("restore", "copy.sqlite3", "--replace"), "uses it; stop that first")
        assert running.served.stop() == 0
        database = tmp_path / "var" / "broker.sqlite3"
        environ = running.served.environ
        refused(broker("restore", "copy.sqlite3", folder=tmp_path, environ=environ), "--replace")
        database.write_bytes(b"ruined by a disk")
        ok(broker("restore", "copy.sqlite3", "--replace", folder=tmp_path, environ=environ))
        assert database.with_name("broker.sqlite3.before-restore").read_bytes() == (
            b"ruined by a disk"
        )
        with serving(tmp_path, **{**environ, "BROKER_PORT": port}) as second:
            verify = ("token", "verify", "--issuer", url, "--audience", "service")
            ok(second.run(*verify, given=token))
            eventually(lambda: http_call("GET", f"{url}/readyz").status == 200)
            again = ok(running.exchange("--audience", "service")).out
            ok(second.run(*verify, given=again))
            assert [k["kid"] for k in ok(second.run("keys", "list", "-o", "json")).json] == kids


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    """Neither a file that is there, nor with a copy of what is no database."""
    with serving(tmp_path) as served:
        (tmp_path / "there").write_text("mine")
        refused(served.run("backup", "there"), "exists already")
        assert (tmp_path / "there").read_text() == "mine"
        assert served.stop() == 0
    (tmp_path / "var" / "broker.sqlite3").write_bytes(b"not a database at all" * 100)
    for name in ("-wal", "-shm"):
        (tmp_path / "var" / f"broker.sqlite3{name}").unlink(missing_ok=True)
    refused(served.run("backup", "copy"), "cannot be copied")
    assert sorted(path.name for path in tmp_path.glob("*copy*")) == []


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    """Nor one that a newer version has made; the database stays as it is."""
    with serving(tmp_path) as served:
        ok(served.run("backup", "copy"))
        assert served.stop() == 0
    before = (tmp_path / "var" / "broker.sqlite3").read_bytes()
    (tmp_path / "noise").write_bytes(b"SQLite format 3\0" + bytes(4096))
    refused(served.run("restore", "noise", "--replace"), "not a database of the broker")
    with sqlite3.connect(tmp_path / "copy") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused(served.run("restore", "copy", "--replace"), "a newer version made it")
    assert (tmp_path / "var" / "broker.sqlite3").read_bytes() == before


def test_postgresql_is_backed_up_by_its_own_tools(tmp_path: Path) -> None:
    """And the message says so."""
    environ = {"BROKER_DATABASE_URL": "postgresql://broker@127.0.0.1:1/broker"}
    refused(broker("backup", "copy", folder=tmp_path, environ=environ), "pg_dump")

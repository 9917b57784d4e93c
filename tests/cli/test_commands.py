"""What holds for every command: help, versions, exit codes, and no traceback for what can happen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker import __version__
from broker.cli import COMMANDS
from tests.cli.processes import broker, ok, refused


def test_the_version(tmp_path: Path) -> None:
    """Of the package."""
    assert ok(broker("--version", folder=tmp_path)).out == f"broker, version {__version__}\n"


def test_the_help_lists_every_command(tmp_path: Path) -> None:
    """With a line on what it does."""
    lines = ok(broker("--help", folder=tmp_path)).out.splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("  ") and len(line.split()) > 1}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nosuch",), "No such command"),
        (("bootstrap",), "Missing argument"),
        (("apply",), "Missing option"),
        (("keys", "nosuch"), "No such command"),
        (("audit", "list", "--limit", "0"), "0 is not in the range"),
        (("settings", "-o", "xml"), "'xml' is not one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_command_called_wrongly_ends_with_2(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    """And touches nothing."""
    refused(broker(*words, folder=tmp_path), says, code=2)
    assert not list(tmp_path.iterdir())


def test_settings_prints_what_is_in_effect(tmp_path: Path) -> None:
    """One variable a line, the password masked."""
    environ = {"BROKER_DATABASE_URL": "postgresql://broker:ge%40heim@db/broker"}
    out = ok(broker("settings", folder=tmp_path, environ=environ)).out
    assert "BROKER_PORT=8080\n" in out
    assert "BROKER_HOST=127.0.0.1\n" in out
    assert "BROKER_DATABASE_URL=postgresql://broker:***@db/broker\n" in out
    assert "heim" not in out


def test_settings_as_json(tmp_path: Path) -> None:
    """Masked as well, from a file as well."""
    (tmp_path / "secret").write_text("postgresql://broker:ge%40heim@db/broker")
    (tmp_path / "broker.toml").write_text("port = 9000\n")
    environ = {"BROKER_DATABASE_URL_FILE": "secret"}
    words = ("settings", "-o", "json", "--config", "broker.toml")
    result = ok(broker(*words, folder=tmp_path, environ=environ))
    assert result.json["BROKER_PORT"] == 9000
    assert result.json["BROKER_DATABASE_URL"] == "postgresql://broker:***@db/broker"
    assert "heim" not in result.out + result.err


def test_a_command_lists_every_fault_of_the_settings(tmp_path: Path) -> None:
    """On standard error, with exit code 1 and nothing of the values."""
    environ = {
        "BROKER_PROT": "geheim",
        "BROKER_PORT": "geheim",
        "BROKER_DATABASE_URL": "mysql://broker:geheim@db/broker",
    }
    result = broker("serve", folder=tmp_path, environ=environ)
    refused(result, "BROKER_PROT: no such setting", "BROKER_PORT: ", "BROKER_DATABASE_URL: ")
    assert "geheim" not in result.err
    assert not list(tmp_path.iterdir())


def test_a_missing_file_of_settings(tmp_path: Path) -> None:
    """Is a fault of the settings."""
    result = broker("settings", "--config", "nope.toml", folder=tmp_path)
    refused(result, "nope.toml: No such file or directory", "settings_invalid")


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    """With the reason that SQLite gives, since 'does not answer' helps nobody."""
    (tmp_path / "notes.txt").write_text("to be, or not to be, that is the question\n" * 100)
    environ = {"BROKER_DATABASE_URL": "sqlite:///notes.txt"}
    result = broker("keys", "list", folder=tmp_path, environ=environ)
    refused(result, "file is not a database", "store_unavailable")


def test_a_database_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """/proc lets nobody make a file, not even root."""
    environ = {"BROKER_DATABASE_URL": "sqlite:////proc/nope/broker.sqlite3"}
    result = broker("bootstrap", "acme", "--owner-issuer", "https://a.example",
                    "--owner-subject", "alice", folder=tmp_path, environ=environ)  # fmt: skip
    refused(result, "No such file or directory: '/proc/nope'", "store_unavailable")


def test_a_server_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    """Nobody listens on port 1."""
    environ = {"BROKER_DATABASE_URL": "postgresql://broker:geheim@127.0.0.1:1/broker"}
    result = broker("keys", "list", folder=tmp_path, environ=environ)
    refused(result, "Connect", "store_unavailable")
    assert "geheim" not in result.err


def test_keys_init_makes_the_key_once(tmp_path: Path) -> None:
    """The second time it is kept, and said so."""
    ok(broker("keys", "init", folder=tmp_path))
    made = (tmp_path / "keys" / "key-encryption-key").read_text()
    assert len(made) == 44
    refused(broker("keys", "init", folder=tmp_path), "it was kept", "key_file_exists")
    assert (tmp_path / "keys" / "key-encryption-key").read_text() == made


def test_migrate_can_be_repeated(tmp_path: Path) -> None:
    """A schema that is up to date stays as it is."""
    assert ok(broker("migrate", folder=tmp_path)).out.endswith("The schema is up to date.\n")
    assert ok(broker("migrate", folder=tmp_path)).out == "The schema is up to date.\n"
    assert json.loads(ok(broker("keys", "list", "-o", "json", folder=tmp_path)).out)

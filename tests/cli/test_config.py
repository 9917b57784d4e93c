"""`broker config`: what commands take for granted."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.processes import Result, broker, ok, refused


def config(home: Path, *words: str, given: str = "", **environ: str) -> Result:
    """A command of somebody's."""
    environ = {"HOME": str(home), **environ}
    return broker("config", *words, folder=home, environ=environ, given=given)


def content(home: Path) -> dict[str, object]:
    """What their file says."""
    return tomllib.loads((home / ".config" / "broker" / "config.toml").read_text())


def values(home: Path, *words: str, **environ: str) -> dict[str, tuple[str, str]]:
    """What is in effect, and where it is from."""
    rows = ok(config(home, "view", "-o", "json", *words, **environ)).json
    return {row["key"]: (row["value"], row["source"]) for row in rows}


def test_a_flag_wins_over_a_variable_and_that_over_the_file(tmp_path: Path) -> None:
    """And the file over the default."""
    assert values(tmp_path)["api"] == ("http://127.0.0.1:8080", "default")
    ok(config(tmp_path, "set", "api", "https://file.example"))
    assert values(tmp_path)["api"] == ("https://file.example", "file")
    environ = {"BROKER_API": "https://variable.example"}
    assert values(tmp_path, **environ)["api"] == ("https://variable.example", "BROKER_API")
    flag = ("--api", "https://flag.example")
    assert values(tmp_path, *flag, **environ)["api"] == ("https://flag.example", "flag")


def test_what_belongs_to_another_broker_is_left_out(tmp_path: Path) -> None:
    """The issuer, the audience and the organization in the file are those of its API."""
    for pair in ("api=https://file.example", "issuer=https://id.file.example",
                 "audience=https://file.example/api", "org-name=acme.example"):  # fmt: skip
        ok(config(tmp_path, "set", pair))
    there = values(tmp_path, "--api", "https://other.example")
    assert there["issuer"] == there["audience"] == there["org-name"] == ("", "default")
    same = values(tmp_path, "--api", "https://file.example/")
    assert same["issuer"] == ("https://id.file.example", "file")


def test_set_and_unset_keep_the_rest(tmp_path: Path) -> None:
    """Comments too."""
    path = tmp_path / ".config" / "broker" / "config.toml"
    ok(config(tmp_path, "set", "output", "json"))
    path.write_text("# mine\n" + path.read_text() + "# for now\napi = 'https://a.example'\n")
    ok(config(tmp_path, "set", "api", "https://b.example"))
    assert content(tmp_path) == {"output": "json", "api": "https://b.example"}
    ok(config(tmp_path, "unset", "output"))
    assert content(tmp_path) == {"api": "https://b.example"}
    assert path.read_text().startswith("# mine\n# for now\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_value_of_several_lines_is_replaced_whole(tmp_path: Path) -> None:
    """However it was written."""
    path = tmp_path / "c.toml"
    path.write_text('org-name = """\nacme.example"""\noutput = "json"\n')
    ok(config(tmp_path, "set", "org-name", "b.example", "--config", "c.toml"))
    assert tomllib.loads(path.read_text()) == {"output": "json", "org-name": "b.example"}


def test_the_difference(tmp_path: Path) -> None:
    """Only what is not as by default."""
    assert values(tmp_path, "--diff") == {}
    ok(config(tmp_path, "set", "social-login=github"))
    assert values(tmp_path, "--diff") == {"social-login": ("github", "file")}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("api", "ftp://x"), "api: expected https://HOST"),
        (("api", "https://x/"), "without / at the end"),
        (("output", "xml"), "output: expected one of csv"),
        (("social-login", "myspace"), "social-login: expected one of google"),
        (("identity-provider", "okta"), "expected the UIDP"),
        (("audience", "ä"), "audience: expected at most 255 printable ASCII"),
        (("nope", "x"), "nope: no such key; there are api"),
        (("org-name", ""), "org-name: expected text that is not empty"),
    ],
)
def test_a_value_that_is_none(tmp_path: Path, words: tuple[str, str], says: str) -> None:
    """Is refused, with what was expected, and not written."""
    refused(config(tmp_path, "set", *words), says, "configuration_invalid")
    assert not (tmp_path / ".config").exists()


def test_two_ways_to_log_in_are_not_taken(tmp_path: Path) -> None:
    """One of them would never be used."""
    ok(config(tmp_path, "set", "org-name", "acme.example"))
    refused(config(tmp_path, "set", "social-login", "github"), "expected one of them at most")


def test_a_file_that_is_wrong(tmp_path: Path) -> None:
    """Every fault is told by `validate`, and by every command that reads the file."""
    path = tmp_path / "c.toml"
    path.write_text('api = 8080\noutpt = "json"\n')
    words = ("--config", "c.toml")
    refused(config(tmp_path, "validate", *words), "api: expected text", "outpt: no such key")
    environ = {"HOME": str(tmp_path), "BROKER_CONFIG": "c.toml"}
    whoami = broker("iam", "whoami", folder=tmp_path, environ=environ)
    refused(whoami, "outpt: no such key", "configuration_invalid")
    ok(config(tmp_path, "unset", "outpt", *words))
    refused(config(tmp_path, "unset", "outpt", *words), "no such key")
    path.write_text("api = \n")
    refused(config(tmp_path, "validate", *words), "configuration_invalid")


def test_validate_what_is_right(tmp_path: Path) -> None:
    """Exit code 0, also where there is no file."""
    assert "there is no such file" in ok(config(tmp_path, "validate")).out
    ok(config(tmp_path, "set", "output", "json"))
    assert "nothing is wrong" in ok(config(tmp_path, "validate")).out


def test_save_writes_what_is_in_effect(tmp_path: Path) -> None:
    """By flags and variables too, and asks before it replaces a file."""
    words = ("save", "--api", "https://a.example", "-o", "wide")
    ok(config(tmp_path, *words, BROKER_ORG_NAME="acme.example"))
    assert content(tmp_path) == {
        "api": "https://a.example",
        "org-name": "acme.example",
        "output": "wide",
    }
    refused(config(tmp_path, *words), "give --yes", code=2)
    ok(config(tmp_path, *words, "--yes", "--social-login", "github"))
    assert content(tmp_path)["social-login"] == "github"
    assert "org-name" not in content(tmp_path)


def test_edit(tmp_path: Path) -> None:
    """In the editor of the environment; what would not be understood is not written."""
    editor = tmp_path / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'a').write('output = \"json\"\\n')")
    environ = {"VISUAL": f"{sys.executable} {editor}"}
    ok(config(tmp_path, "edit", "--yes", **environ))
    assert content(tmp_path) == {"output": "json"}
    editor.write_text("import sys; open(sys.argv[1], 'a').write('nope = 1\\n')")
    refused(config(tmp_path, "edit", "--yes", **environ), "nope: no such key")
    assert content(tmp_path) == {"output": "json"}


def test_reset(tmp_path: Path) -> None:
    """Asks, and deletes the file."""
    ok(config(tmp_path, "set", "output", "json"))
    refused(config(tmp_path, "reset"), "give --yes", code=2)
    ok(config(tmp_path, "reset", "--yes"))
    assert not (tmp_path / ".config" / "broker" / "config.toml").exists()
    ok(config(tmp_path, "reset", "--yes"))


def test_without_a_home(tmp_path: Path) -> None:
    """There is nothing to write to, unless a file is named."""
    refused(broker("config", "set", "output", "json", folder=tmp_path), "XDG_CONFIG_HOME")
    ok(broker("config", "set", "output", "json", "--config", "c.toml", folder=tmp_path))
    assert (tmp_path / "c.toml").read_text() == 'output = "json"\n'


def test_a_form_of_output_that_a_command_has_not(tmp_path: Path) -> None:
    """Is passed over by that command: one setting is for all of them."""
    ok(config(tmp_path, "set", "output", "tree"))
    assert ok(config(tmp_path, "view")).out.startswith("KEY")
    assert ok(config(tmp_path, "view", BROKER_OUTPUT="env")).out.startswith("KEY")
    assert ok(config(tmp_path, "view", BROKER_OUTPUT="csv")).out.startswith("Key,")


def test_the_brokers_issuer_is_not_that_of_an_identity(tmp_path: Path) -> None:
    """What commands take for granted of the broker fills in nothing of a record."""
    ok(config(tmp_path, "set", "api", "http://127.0.0.1:1"))
    ok(config(tmp_path, "set", "issuer", "http://127.0.0.1:1"))
    ok(config(tmp_path, "set", "audience", "https://audience.example"))
    environ = {"HOME": str(tmp_path), "BROKER_TOKEN": "a.b.c"}
    words = ("iam", "ids", "create", "oidc", "ci", "--parent", "0" * 40, "--subject", "x", "-y")
    result = broker(*words, folder=tmp_path, environ=environ)
    refused(result, "--identity-issuer", code=2)

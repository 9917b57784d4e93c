"""What the management commands print."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
from typing import Any

import pytest
import yaml

from broker.cli.client.output import Printer
from broker.cli.client.tables import Column, View, aligned, shown
from tests.cli.management import Caller, Organization

VIEW = View("thing", "things", (Column("UIDP", "uid"), Column("Name", "name")))


@pytest.fixture
def ci(acme: Organization) -> str:
    """An identity with a description that needs care."""
    return acme.identity("ci", "-d", 'say "hi", | a=$HOME', "--claim", "a.b=c")


def listed(owner: Caller, form: str) -> str:
    """The list of identities in a form."""
    return owner.ok("iam", "identities", "list", "-o", form)


def test_ids(owner: Caller, ci: str) -> None:
    """One a line."""
    assert listed(owner, "id") == f"{ci}\n"


def test_terse(owner: Caller, ci: str) -> None:
    """With the name, after a tab."""
    assert listed(owner, "terse") == f"{ci}\tci\n"


def test_none(owner: Caller, ci: str) -> None:
    """Nothing."""
    assert listed(owner, "none") == ""
    assert owner.ok("iam", "identities", "describe", ci, "-o", "none") == ""


def test_a_table(owner: Caller, ci: str) -> None:
    """A heading, aligned; `wide` has more columns."""
    head, row = listed(owner, "table").splitlines()
    assert head.split() == ["UIDP", "NAME", "TYPE", "ISSUER", "SUBJECT"]
    assert head.index("NAME") == row.index("ci ")
    assert "say" not in row
    head, row = listed(owner, "wide").splitlines()
    assert head.index("DESCRIPTION") == row.index('say "hi", | a=$HOME')


def test_json_and_yaml_have_what_the_api_said(owner: Caller, ci: str) -> None:
    """A list of a list, an object of one; members by their names on the wire."""
    (one,) = json.loads(listed(owner, "json"))
    assert one["claimMatch"]["claims"] == {"a.b": "c"}
    assert yaml.safe_load(listed(owner, "yaml")) == [one]
    assert owner.json("iam", "identities", "describe", ci) == one
    described = owner.ok("iam", "identities", "describe", ci, "-o", "yaml")
    assert yaml.safe_load(described) == one


def test_csv(owner: Caller, ci: str) -> None:
    """Every column, with a heading, also when there is nothing else."""
    (row,) = csv.DictReader(io.StringIO(listed(owner, "csv")))
    assert (row["UIDP"], row["Name"], row["Description"]) == (ci, "ci", 'say "hi", | a=$HOME')
    assert row["Created"].endswith("Z")
    none = owner.ok("iam", "identities", "list", "--name", "x", "-o", "csv")
    assert none.splitlines() == [",".join(row)]


def test_markdown(owner: Caller, ci: str) -> None:
    """A bar in a cell does not end it."""
    head, line, row = listed(owner, "markdown").splitlines()
    assert head.startswith("| UIDP | Name |")
    assert line.startswith("| --- |")
    assert '| say "hi", \\| a=$HOME |' in row


def test_a_shell_reads_back_what_env_printed(owner: Caller, ci: str) -> None:
    """Names are those of the members, values are quoted."""
    printed = owner.ok("iam", "identities", "describe", ci, "-o", "env")
    script = f'{printed}\nprintf "%s\\n" "$IDENTITY_UID" "$IDENTITY_DESCRIPTION"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [ci, 'say "hi", | a=$HOME']
    assert "IDENTITY_CLAIM_MATCH_CLAIMS_A_B=c" in printed.splitlines()
    assert all("=" in line for line in map(shlex.join, map(shlex.split, printed.splitlines())))


def test_a_description_of_one(owner: Caller, ci: str) -> None:
    """A member a line, by its path; what is empty is left out."""
    lines = owner.ok("iam", "identities", "describe", ci).splitlines()
    told = dict(line.split(maxsplit=1) for line in lines)
    assert told["uid"] == ci
    assert told["claimMatch.issuer"] == "https://ci.example"
    assert told["claimMatch.claims.a.b"] == "c"
    assert "email" not in told
    assert "UNSPECIFIED" not in owner.ok("iam", "orgs", "ls", "-o", "wide")


def test_lists_within_a_description(owner: Caller) -> None:
    """An element a line."""
    lines = owner.ok("iam", "roles", "describe", "registry.pull").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("capabilities"))
    assert [line.split()[-1] for line in lines[at : at + 3]] == [
        "groups.list",
        "manifest.list",
        "manifest.metadata.list",
    ]


def test_nothing_is_said_on_standard_error(owner: Caller, acme: Organization) -> None:
    """So that a pipe stays empty."""
    done = owner.run("iam", "identities", "list")
    assert (done.code, done.out, done.err) == (0, "", "no identities\n")
    assert owner.json("iam", "identities", "list") == []


def test_deletions_in_every_form(owner: Caller, acme: Organization) -> None:
    """Tell what is gone."""

    def deleted(form: str) -> str:
        acme.identity("x")
        return owner.ok("iam", "identities", "delete", "x", "-y", "-o", form)

    assert deleted("table").startswith("deleted identity x ")
    (gone,) = json.loads(deleted("json"))
    assert gone["uid"].startswith(acme.id)
    assert yaml.safe_load(deleted("yaml"))[0]["uid"].startswith(acme.id)
    assert deleted("id").startswith(acme.id)
    assert deleted("none") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        ([], ""),
        (["a", "b"], "a, b"),
        ({"a": 1}, "a=1"),
        ("2026-11-25T10:00:00.123456Z", "2026-11-25T10:00:00Z"),
        ("a\x1b[31mb\u202e", "a\\x1b[31mb\\u202e"),
        (3, "3"),
    ],
)
def test_values_in_cells(value: Any, text: str) -> None:
    """What could steer a terminal is written out."""
    assert shown(value) == text


def test_columns_line_up() -> None:
    """And no line ends in blanks."""
    assert list(aligned([("a", "b"), ("long", "")])) == ["a     b", "long"]


def test_a_table_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is drawn where it fits; where it does not, lines are left whole. Names are no markup."""
    record = {"uid": "0" * 40, "name": "[red]x"}
    monkeypatch.setenv("COLUMNS", "80")
    Printer("table", is_terminal=True).records(VIEW, [record])
    drawn = capsys.readouterr().out
    assert "───" in drawn
    assert "[red]x" in drawn
    monkeypatch.setenv("COLUMNS", "45")
    Printer("table", is_terminal=True).records(VIEW, [record])
    assert capsys.readouterr().out.splitlines()[1] == f"{'0' * 40}  [red]x"

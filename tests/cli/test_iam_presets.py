"""`broker iam identities create github|gitlab|aws|kubernetes`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.cli.iam.identity_presets.aws import role_rules, user_rules
from broker.cli.iam.identity_presets.github import EVENTS, github_rules
from broker.cli.iam.identity_presets.gitlab import gitlab_rules
from broker.cli.iam.identity_presets.patterns import literal, one_of
from broker.iam.claims import VerifiedClaims
from broker.iam.matching import CompiledRules, compile_pattern
from broker.iam.model import ClaimMatch, Identity
from broker.iam.uidp import Uidp
from broker.sdk.api import Record
from tests.cli.management import Caller, Organization
from tests.cli.processes import refused
from tests.iam.test_matching import NOW

CREATE = ("iam", "identities", "create")
BROKER = "https://broker.example"
MAIN = "refs/heads/main"


def accepts(rules: Record, subject: str, **claims: Any) -> bool:
    """Whether the rules take a token with this subject and these claims."""
    members = {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", n): v for n, v in rules.items()}
    identity = Identity(
        id=Uidp("a" * 40 + "/" + "b" * 16),
        name="ci",
        relationship=ClaimMatch(**members),
        created_at=NOW,
        updated_at=NOW,
    )
    token = VerifiedClaims(
        issuer=rules["issuer"], subject=subject, audience=(BROKER,), expires_at=0, claims=claims
    )
    return CompiledRules(identity, (BROKER,)).match(token).passed


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40))
def test_a_literal_matches_itself_alone(text: str) -> None:
    """Whatever characters it has, and nothing that is longer or has another letter."""
    pattern = compile_pattern(literal(text))
    assert pattern.fullmatch(text)
    assert not pattern.fullmatch(text + "x")
    assert not pattern.fullmatch("x" + text)
    for index, character in enumerate(text):
        other = text[:index] + ("y" if character != "y" else "z") + text[index + 1 :]
        assert not pattern.fullmatch(other)


def test_one_of_several() -> None:
    """Each as it is."""
    pattern = compile_pattern(one_of(["a.b", "c"]))
    assert pattern.fullmatch("a.b")
    assert pattern.fullmatch("c")
    assert not pattern.fullmatch("axb")
    assert not pattern.fullmatch("a.b|c")


class TestGithub:
    """Workflows of a repository."""

    def test_both_forms_of_the_subject(self) -> None:
        """With GitHub's numbers in it and without; other numbers are refused where they are
        known."""
        rules = github_rules(
            repository="acme/shop.js", ref=MAIN, owner_id="9919", repository_id="724155"
        )
        claims = {
            "repository_owner_id": "9919",
            "repository_id": "724155",
            "ref": MAIN,
            "event_name": "push",
        }
        assert accepts(rules, f"repo:acme/shop.js:ref:{MAIN}", **claims)
        assert accepts(rules, f"repo:acme@9919/shop.js@724155:ref:{MAIN}", **claims)
        assert not accepts(rules, f"repo:acme@9918/shop.js@724155:ref:{MAIN}", **claims)
        assert not accepts(
            rules, f"repo:acme/shop.js:ref:{MAIN}", **claims | {"repository_id": "1"}
        )
        assert not accepts(rules, f"repo:acme/shopxjs:ref:{MAIN}", **claims)
        assert not accepts(rules, f"repo:acme/shop.js:ref:{MAIN}2", **claims)

    def test_numbers_may_be_unknown(self) -> None:
        """Then any stand in the subject."""
        rules = github_rules(repository="acme/shop", ref=MAIN)
        claims = {"ref": MAIN, "event_name": "push"}
        assert accepts(rules, f"repo:acme/shop:ref:{MAIN}", **claims)
        assert accepts(rules, f"repo:acme@1/shop@2:ref:{MAIN}", **claims)
        assert not accepts(rules, f"repo:acme@x/shop:ref:{MAIN}", **claims)
        assert not accepts(rules, f"repo:acme/shop@1/x:ref:{MAIN}", **claims)

    def test_any_branch_or_tag(self) -> None:
        """Without a ref; but no pull request, and no environment."""
        rules = github_rules(repository="acme/shop")
        for ref in (MAIN, "refs/heads/a/b", "refs/tags/v1"):
            assert accepts(rules, f"repo:acme/shop:ref:{ref}", ref=ref, event_name="push")
        for context in ("pull_request", "ref:refs/pull/1/merge", "environment:prod"):
            assert not accepts(rules, f"repo:acme/shop:{context}", event_name="push")

    def test_an_environment(self) -> None:
        """Stands in the subject in the place of the ref, which is pinned by its claim."""
        rules = github_rules(repository="acme/shop", ref=MAIN, environment="prod.eu")
        claims = {"ref": MAIN, "environment": "prod.eu", "event_name": "push"}
        assert accepts(rules, "repo:acme/shop:environment:prod.eu", **claims)
        other = claims | {"ref": "refs/heads/x"}
        assert not accepts(rules, "repo:acme/shop:environment:prod.eu", **other)
        assert not accepts(rules, f"repo:acme/shop:ref:{MAIN}", **claims)
        assert not accepts(rules, "repo:acme/shop:environment:prodxeu", **claims)

    @pytest.mark.parametrize("event", ["pull_request_target", "workflow_run", "pull_request"])
    def test_events_of_anybody_are_refused_unless_named(self, event: str) -> None:
        """They run with the repository's rights for who may not write to it."""
        subject, ref = f"repo:acme/shop:ref:{MAIN}", MAIN
        rules = github_rules(repository="acme/shop", ref=MAIN)
        assert not accepts(rules, subject, ref=ref, event_name=event)
        asked = github_rules(repository="acme/shop", ref=MAIN, events=(event,))
        assert accepts(asked, subject, ref=ref, event_name=event)
        assert not accepts(asked, subject, ref=ref, event_name="push")

    def test_usual_events_are_accepted(self) -> None:
        """Those that start workflows on the repository's own code."""
        rules = github_rules(repository="acme/shop", ref=MAIN)
        for event in EVENTS:
            assert accepts(rules, f"repo:acme/shop:ref:{MAIN}", ref=MAIN, event_name=event)
        assert not accepts(rules, f"repo:acme/shop:ref:{MAIN}", ref=MAIN)

    def test_pull_requests_when_asked_for(self) -> None:
        """Their subject has no ref, and their ref is one of their own."""
        rules = github_rules(repository="a/b", ref=MAIN, events=("push", "pull_request"))
        merge = {"ref": "refs/pull/1/merge", "event_name": "pull_request"}
        assert accepts(rules, "repo:a/b:pull_request", **merge)
        assert accepts(rules, f"repo:a/b:ref:{MAIN}", ref=MAIN, event_name="push")
        assert not accepts(rules, "repo:a/b:ref:refs/heads/x", event_name="push")

    def test_the_command(self, acme: Organization, owner: Caller) -> None:
        """The broker takes the rules; roles are bound."""
        made = owner.json(
            *CREATE, "github", "deploy", "--github-repo", "acme/shop", "--github-ref", MAIN,
            "--github-audience", "aud", "--parent", acme.name, "--role", "viewer",
        )  # fmt: skip
        assert made["claimMatch"] == github_rules(repository="acme/shop", ref=MAIN, audience="aud")
        assert len(owner.ids("iam", "role-bindings", "ls", "--identity", made["uid"])) == 1

    def test_no_ref_is_remarked(self, acme: Organization, owner: Caller) -> None:
        """On standard error."""
        repo = ("--github-repo", "acme/shop", "--parent", acme.name)
        assert "--github-ref" in owner.run(*CREATE, "github", "a", *repo).err
        assert owner.run(*CREATE, "github", "b", *repo, "--github-environment", "e").err == ""

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ((), "--github-repo"),
            (("--github-repo", "shop"), "'shop': expected OWNER/REPO"),
            (("--github-repo", "a/b/c"), "'a/b/c': expected OWNER/REPO"),
            (("--github-repo", "a/b", "--github-ref", "main"), "expected refs/heads/main"),
            (("--github-repo", "a/b", "--github-repo-id", "x"), "'x': expected a number"),
        ],
    )
    def test_wrong_options(self, owner: Caller, words: tuple[str, ...], says: str) -> None:
        """Are refused with what is expected."""
        done = owner.run(*CREATE, "github", "ci", "--parent", "0" * 40, *words)
        refused(done, says, code=2)


class TestGitlab:
    """Jobs of a project."""

    def test_a_ref(self) -> None:
        """A branch unless told otherwise."""
        rules = gitlab_rules(project="acme/web/shop", ref="main")
        assert rules["subject"] == "project_path:acme/web/shop:ref_type:branch:ref:main"
        rules = gitlab_rules(project="acme/shop", ref="v1", ref_type="tag")
        assert rules["subject"] == "project_path:acme/shop:ref_type:tag:ref:v1"

    def test_any_ref(self) -> None:
        """Of one type or of both."""
        rules = gitlab_rules(project="acme/shop.js")
        assert accepts(rules, "project_path:acme/shop.js:ref_type:branch:ref:main")
        assert accepts(rules, "project_path:acme/shop.js:ref_type:tag:ref:v1")
        assert not accepts(rules, "project_path:acme/shopxjs:ref_type:tag:ref:v1")
        assert not accepts(rules, "project_path:acme/shop.js/x:ref_type:tag:ref:v1")
        tags = gitlab_rules(project="acme/shop.js", ref_type="tag")
        assert not accepts(tags, "project_path:acme/shop.js:ref_type:branch:ref:main")

    def test_the_command(self, acme: Organization, owner: Caller) -> None:
        """An instance of one's own has its URL."""
        words = ("--project-path", "acme/shop", "--ref", "main", "--parent", acme.name)
        made = owner.json(*CREATE, "gitlab", "ci", *words)
        assert made["claimMatch"]["issuer"] == "https://gitlab.com"
        own = ("--identity-issuer", "https://git.acme.example")
        made = owner.json(*CREATE, "gitlab", "ci", *words, *own)
        assert made["claimMatch"]["issuer"] == "https://git.acme.example"
        refused(owner.run(*CREATE, "gitlab", "x", "--project-path", "y"), "GROUP/PROJECT", code=2)


class TestAws:
    """Roles and users of an account."""

    def test_a_role(self) -> None:
        """The ARN that a session has, without the role's path; the id before the session's name."""
        rules = role_rules(account="123456789012", name="ci+deploy", role_id="AROA1234")
        arn = compile_pattern(rules["arnPattern"])
        assert arn.fullmatch("arn:aws:sts::123456789012:assumed-role/ci+deploy/i-0abc")
        assert not arn.fullmatch("arn:aws:sts::123456789012:assumed-role/cii+deploy/i-0abc")
        assert not arn.fullmatch("arn:aws:sts::123456789012:assumed-role/ci+deploy/a/b")
        user_id = compile_pattern(rules["userIdPattern"])
        assert user_id.fullmatch("AROA1234:i-0abc")
        assert not user_id.fullmatch("AROA12345:i-0abc")

    def test_a_role_by_its_name_or_by_its_id(self) -> None:
        """One is enough."""
        named = role_rules(account="123456789012", partition="aws-cn", name="ci")
        assert named["arnPattern"].startswith("arn:aws-cn:sts::123456789012:assumed-role/ci/")
        assert compile_pattern(named["userIdPattern"]).fullmatch("AROA99:s")
        assert not compile_pattern(named["userIdPattern"]).fullmatch("AIDA99")
        by_id = role_rules(account="123456789012", role_id="AROA1")
        assert compile_pattern(by_id["arnPattern"]).fullmatch(
            "arn:aws:sts::123456789012:assumed-role/any/s"
        )

    def test_a_user(self) -> None:
        """Literal where name and id are known."""
        rules = user_rules(account="123456789012", name="path/bob", user_id="AIDA1")
        assert rules["arn"] == "arn:aws:iam::123456789012:user/path/bob"
        assert rules["userId"] == "AIDA1"
        named = user_rules(account="123456789012", name="bob")
        assert compile_pattern(named["userIdPattern"]).fullmatch("AIDA77")
        by_id = user_rules(account="123456789012", user_id="AIDA1")
        assert compile_pattern(by_id["arnPattern"]).fullmatch("arn:aws:iam::123456789012:user/a/b")

    def test_the_commands(self, acme: Organization, owner: Caller) -> None:
        """The broker takes the rules."""
        account = ("--aws-account-id", "123456789012", "--parent", acme.name)
        role = owner.json(*CREATE, "aws", "role", "r", *account, "--aws-role-name", "ci")
        assert role["awsIdentity"] == role_rules(account="123456789012", name="ci")
        user = owner.json(*CREATE, "aws", "user", "u", *account, "--aws-user-id", "AIDA1")
        assert user["awsIdentity"] == user_rules(account="123456789012", user_id="AIDA1")

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("role", "--aws-account-id", "123"), "expected twelve digits"),
            (("role", "--aws-account-id", "1" * 12), "--aws-role-name or --aws-role-id"),
            (("user", "--aws-account-id", "1" * 12), "--aws-user-name or --aws-user-id"),
            (("role", "--aws-account-id", "1" * 12, "--aws-role-id", "AIDA1"), "expected AROA"),
            (("user", "--aws-account-id", "1" * 12, "--aws-partition", "AWS"), "expected aws"),
            (("role",), "--aws-account-id"),
        ],
    )
    def test_wrong_options(self, owner: Caller, words: tuple[str, ...], says: str) -> None:
        """Are refused with what is expected."""
        refused(owner.run(*CREATE, "aws", *words, "--name", "x"), says, code=2)


class TestKubernetes:
    """Service accounts."""

    def test_the_command(self, acme: Organization, owner: Caller) -> None:
        """For a cluster that can be reached, and for one that cannot."""
        words = ("--cluster-issuer", "https://k8s.example", "--namespace", "prod",
                 "--service-account", "ci", "--audience", "aud", "--parent", acme.name)  # fmt: skip
        made = owner.json(*CREATE, "kubernetes", "ci", *words)
        assert made["claimMatch"]["subject"] == "system:serviceaccount:prod:ci"
        assert made["claimMatch"]["audience"] == "aud"
        keys = json.dumps(owner.issuer.jwks())
        static = ("--issuer-keys", keys, "--expiration", "30d")
        made = owner.json(*CREATE, "kubernetes", "ci", *words, *static)
        assert made["staticKeys"]["subject"] == "system:serviceaccount:prod:ci"
        assert made["staticKeys"]["audiences"] == ["aud"]

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("--issuer-keys", "{}"), "--issuer-keys and --expiration go together"),
            (("--namespace", "a:b"), "'a:b': not a Kubernetes name"),
            (("--service-account", "*"), "'*': not a Kubernetes name"),
        ],
    )
    def test_wrong_options(self, owner: Caller, words: tuple[str, ...], says: str) -> None:
        """Are refused with what is expected."""
        base = {"--cluster-issuer": "https://k.example", "--namespace": "n",
                "--service-account": "s", "--name": "x"}  # fmt: skip
        given = base | dict(zip(words[::2], words[1::2], strict=True))
        flat = [word for pair in given.items() for word in pair]
        refused(owner.run(*CREATE, "kubernetes", *flat), says, code=2)

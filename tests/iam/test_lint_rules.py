"""What lint says about identities: each rule, with what has it and what has it not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from broker.iam.lint import RULES, Finding, Level, lint_identity, lint_rules
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Identity,
    Person,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.uidp import Uidp

NOW: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)

GITHUB: Final = "https://token.actions.githubusercontent.com"
GITLAB: Final = "https://gitlab.com"
GOOGLE: Final = "https://accounts.google.com"
BITBUCKET: Final = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
TERRAFORM: Final = "https://app.terraform.io"
BUILDKITE: Final = "https://agent.buildkite.com"
SESSION: Final = "[A-Za-z0-9_+=,.@-]+"
ACCOUNT: Final = "111111111111"
ROLE: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role"

PINNED: Final[dict[str, Any]] = {
    "issuer": GITHUB,
    "subject_pattern": r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/heads/main",
    "audience": "https://broker.example",
    "claims": {"repository_id": "42", "repository_owner_id": "7"},
    "claim_patterns": {"event_name": "push|release"},
}
"""A GitHub identity about which there is nothing to say."""

RSA_N: Final = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPeb"
    "WKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368Q"
    "QMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2"
    "NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
"""Of RFC 7638 §3.1: a public key of 2,048 bits."""


def claims(**changes: Any) -> ClaimMatch:
    """The pinned identity with these rules instead; None takes one away."""
    rules = {**PINNED, **changes}
    return ClaimMatch(**{name: value for name, value in rules.items() if value is not None})


def other(issuer: str, **rules: Any) -> ClaimMatch:
    """An identity of another issuer."""
    return ClaimMatch(issuer=issuer, audience="https://broker.example", **rules)


def found(rules: Relationship, **more: Any) -> dict[str, Finding]:
    """By rule."""
    return {finding.rule.id: finding for finding in lint_rules(rules, now=NOW, **more)}


def test_nothing_is_said_about_rules_that_pin_everything() -> None:
    """Ids, a branch, events, an audience: not even a note."""
    assert found(claims()) == {}


EVERYTHING: Final = (
    ".*",
    ".+",
    r"\S+",
    r"[\s\S]*",
    "(?s).*",
    ".{1,500}",
    "^.*$",
    "(|.*)",
    "(a|.)+",
    r"[^\n]+",
    "[^x]*.*",
    "[-A-Za-z0-9:/@._]+",
    "(?:.*)(?:.*)",
    "[[:graph:]]+",
)


@pytest.mark.parametrize("pattern", EVERYTHING)
def test_a_subject_that_may_be_anything(pattern: str) -> None:
    """Decided by what RE2 takes, however it is written."""
    finding = found(other("https://ci.example", subject_pattern=pattern))
    assert finding["pattern-matches-everything"].field == "subject_pattern"
    assert finding["pattern-matches-everything"].level is Level.ERROR


@pytest.mark.parametrize("pattern", ["[a-z]+", "repo:.*", ".*/.*", r"\d*", ".{3}", "[^:]+"])
def test_a_subject_that_may_not_be_anything(pattern: str) -> None:
    """Wide is not everything."""
    subject = other("https://ci.example", subject_pattern=pattern)
    assert "pattern-matches-everything" not in found(subject)


@pytest.mark.parametrize("pattern", EVERYTHING)
def test_an_audience_that_may_be_anything(pattern: str) -> None:
    """Tokens for other services would do."""
    finding = found(claims(audience=None, audience_pattern=pattern))
    assert finding["pattern-matches-everything"].field == "audience_pattern"


def test_a_pattern_that_takes_everything_beside_others_that_do_not() -> None:
    """Is no hole, but no rule either."""
    finding = found(claims(subject_pattern=".*"))["pattern-without-effect"]
    assert finding.level is Level.WARNING
    finding = found(claims(claim_patterns={"event_name": "push", "workflow": ".*"}))[
        "pattern-without-effect"
    ]
    assert finding.field == "claim_patterns.workflow"


@pytest.mark.parametrize("pattern", ["a^b", "a$b", r"main\A", r"[^\x00-\x{10FFFF}]"])
def test_a_pattern_that_nothing_matches(pattern: str) -> None:
    """Nobody can ever become the identity."""
    finding = found(other("https://ci.example", subject_pattern=pattern))
    assert set(finding) == {"pattern-never-matches"}


@pytest.mark.parametrize(
    ("pattern", "mended"),
    [
        ("deploy.example.com", r"deploy\.example\.com"),
        ("(dev|prod).example", r"(dev|prod)\.example"),
        ("[a-z]+.example", r"[a-z]+\.example"),
        ("refs/heads/v1.2", r"refs/heads/v1\.2"),
    ],
)
def test_dots_that_look_meant_as_dots(pattern: str, mended: str) -> None:
    """The advice has the pattern with them escaped, and nothing else changed."""
    finding = found(other("https://ci.example", subject_pattern=pattern))["unescaped-dot"]
    assert finding.advice.endswith(mended)


@pytest.mark.parametrize(
    "pattern", [r"example\.com", "[.]com", "a.*b", "a.+b", "a.?b", "a/.", "v..", "a.{3}b", "/./x"]
)
def test_dots_that_are_meant_as_they_are(pattern: str) -> None:
    """Escaped, in brackets, repeated, or not within a name."""
    subject = other("https://ci.example", subject_pattern=pattern)
    assert "unescaped-dot" not in found(subject)


@pytest.mark.parametrize("pattern", ["^main", "main$", "^(a|b)$", r"\Amain\z", "^a|b$", "(^a$)"])
def test_anchors_that_do_nothing(pattern: str) -> None:
    """A note: they are the habit of other systems."""
    finding = found(other("https://ci.example", subject_pattern=pattern))["redundant-anchor"]
    assert finding.level is Level.NOTE


@pytest.mark.parametrize("pattern", [".*:main", ".+main", "(.*x|y)", "^.*main"])
def test_anything_may_stand_before(pattern: str) -> None:
    """Of what a pattern names."""
    assert "leading-wildcard" in found(other("https://ci.example", subject_pattern=pattern))


def test_everybody_of_a_domain() -> None:
    """Is what such a pattern is for."""
    rules = claims(claim_patterns={"event_name": "push", "actor": r".*@acme\.example"})
    assert "leading-wildcard" not in found(rules)


@pytest.mark.parametrize("pattern", ["repo:acme/shop.*", "job:shop.+", "(job:a|job:b.*)"])
def test_anything_may_follow_a_name(pattern: str) -> None:
    """Longer names too."""
    assert "trailing-wildcard" in found(other("https://ci.example", subject_pattern=pattern))


@pytest.mark.parametrize(
    "pattern", ["repo:acme/shop:.*", "job:shop/.+", "x:ref:refs/tags/v.*", "job:shop-.*"]
)
def test_anything_may_follow_a_delimiter(pattern: str) -> None:
    """That is how it is meant to be written."""
    subject = other("https://ci.example", subject_pattern=pattern)
    assert "trailing-wildcard" not in found(subject)


@pytest.mark.parametrize("pattern", [r"job:\bmain", ".*a.{40}b{100}c.*x"])
def test_what_cannot_be_worked_out_is_told(pattern: str) -> None:
    """A note says that the pattern was tried with examples only."""
    finding = found(other("https://ci.example", subject_pattern=pattern))
    assert finding["pattern-not-analysed"].field == "subject_pattern"


@pytest.mark.parametrize(
    "pattern",
    [
        "https://.*",
        "https://[^/]+/.*",
        "https://token.actions.githubusercontent.com",
        r"https://.*\.example.com",
        r"https://(a|b)\.example\.(com|.*)",
        ".*",
    ],
)
def test_issuers_that_anybody_can_run(pattern: str) -> None:
    """The message names one, and it matches."""
    finding = found(ClaimMatch(issuer_pattern=pattern, subject="x"))["issuer-pattern-any-host"]
    assert finding.level is Level.ERROR
    assert finding.message.startswith("accepts https://")


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://(a|b)\.example\.com",
        r"https://[a-z]+\.example\.com/.*",
        r"https://example\.com/[0-9]+",
    ],
)
def test_issuers_of_one_domain(pattern: str) -> None:
    """Are a warning."""
    finding = found(ClaimMatch(issuer_pattern=pattern, subject="x"))
    assert finding["issuer-pattern"].level is Level.WARNING
    assert "issuer-pattern-any-host" not in finding


def test_a_literal_issuer() -> None:
    """Is no pattern."""
    assert "issuer-pattern" not in found(claims())


OPEN: Final = [
    other(GITHUB, subject_pattern="repo:.*"),
    other(GITHUB, subject_pattern="repo:acme.*"),
    other(GITHUB, subject_pattern="repo:[a-z]{4}/shop:.*"),
    other(GITHUB, subject_pattern="repo:(acme/.*|.*/shop:ref:refs/heads/main)"),
    other(GITHUB, subject_pattern="repo:ac.e/shop:.*"),
    other(GITHUB, subject_pattern="environment:production:.*"),
    other(GITHUB, subject_pattern=".*", claim_patterns={"repository": ".*/shop"}),
    other(GITHUB, subject_pattern=".*", claims={"ref": "refs/heads/main"}),
    other(GITHUB, subject_pattern=".*", claim_patterns={"repository_owner_id": r"\d+"}),
    other(GITHUB, subject_pattern="repository_owner_id:.*"),
    other(GITLAB, subject_pattern="project_path:.*:ref_type:branch:ref:main"),
    other(GITLAB, subject_pattern="project_path:[a-z]+/shop:.*"),
    other(GITLAB, subject_pattern=".*", claims={"ref": "main"}),
    other(GOOGLE, subject_pattern=r"\d+"),
    other(GOOGLE, subject_pattern=".*", claims={"email_verified": "true"}),
    other(TERRAFORM, subject_pattern="organization:.*:run_phase:apply"),
    other(BUILDKITE, subject_pattern="organization:.*:pipeline:shop:.*"),
    ClaimMatch(issuer_pattern=BITBUCKET.replace("acme", ".*"), subject_pattern=".*"),
    ClaimMatch(
        issuer_pattern=r"https://[0-9a-f-]+\.tokens\.sts\.global\.api\.aws",
        subject_pattern="arn:aws:iam::[0-9]+:role/ci",
    ),
    ClaimMatch(issuer_pattern=r"https://oidc\.circleci\.com/org/.*", subject_pattern="org/.*"),
    ClaimMatch(
        issuer_pattern=r"https://oidc\.eks\.eu-west-1\.amazonaws\.com/id/[0-9A-F]+",
        subject="system:serviceaccount:shop:deploy",
    ),
]


@pytest.mark.parametrize("rules", OPEN, ids=lambda rules: f"{rules.issuer} {rules.subject_pattern}")
def test_strangers_of_a_shared_issuer(rules: ClaimMatch) -> None:
    """An owner that no rule names is an error."""
    assert found(rules)["owner-not-pinned"].level is Level.ERROR


NAMED: Final = [
    other(GITHUB, subject="repo:acme/shop:ref:refs/heads/main"),
    other(GITHUB, subject_pattern="repo:acme/shop:.*"),
    other(GITHUB, subject_pattern="(?i:repo:acme/)shop:.*"),
    other(GITHUB, subject_pattern="repo:(acme|globex)/shop:.*"),
    other(GITHUB, subject_pattern=".*", claims={"repository_owner": "acme"}),
    other(GITHUB, subject_pattern=".*", claim_patterns={"repository": "acme/.*"}),
    other(GITHUB, subject_pattern="repository_owner:acme:.*"),
    other(GITLAB, subject_pattern="project_path:acme/shop/[a-z]+:ref_type:branch:ref:main"),
    other(GITLAB, subject_pattern=".*", claims={"namespace_path": "acme/shop"}),
    other(GOOGLE, subject_pattern=".*", claims={"email": "ci@acme.example"}),
    other(BITBUCKET, subject_pattern=".*"),
    other(TERRAFORM, subject_pattern="organization:acme:.*"),
    other(BUILDKITE, subject_pattern="organization:acme:pipeline:shop:.*"),
]


@pytest.mark.parametrize("rules", NAMED, ids=lambda rules: f"{rules.issuer} {rules.subject}")
def test_owners_that_are_known_by_name(rules: ClaimMatch) -> None:
    """Are pinned, and a warning: names change hands."""
    finding = found(rules)
    assert "owner-not-pinned" not in finding
    assert finding["name-only-pin"].level is Level.WARNING


IDENTIFIED: Final = [
    other(GITHUB, subject_pattern=".*", claims={"repository_id": "42"}),
    other(GITHUB, subject_pattern="repo:acme@7/shop@42:.*"),
    other(GITHUB, subject_pattern=r"repo:[a-z]+@7/shop@\d+:.*"),
    other(GITHUB, subject_pattern="repository_id:42:.*"),
    other(GITHUB, subject_pattern="repo:acme/.*", claim_patterns={"repository_owner_id": "7|8"}),
    other(GITLAB, subject_pattern="project_path:acme/shop:.*", claims={"project_id": "5"}),
    other(GOOGLE, subject="104232000000000000000"),
    other(BITBUCKET, subject_pattern=".*", claims={"workspaceUuid": "{a}"}),
    other(BITBUCKET, subject_pattern=r"\{0b0b0b0b-0000-4000-8000-000000000000\}:.*"),
    ClaimMatch(
        issuer=BITBUCKET,
        audience="ari:cloud:bitbucket::workspace/0b0b0b0b-0000-4000-8000-000000000000",
        subject_pattern=".*",
    ),
    other(TERRAFORM, subject_pattern=".*", claims={"terraform_workspace_id": "ws-1"}),
    other(BUILDKITE, subject_pattern=".*", claims={"pipeline_id": "p"}),
    other("https://x.tokens.sts.global.api.aws", subject="arn:aws:iam::111111111111:role/ci"),
]


@pytest.mark.parametrize("rules", IDENTIFIED, ids=lambda r: f"{r.issuer} {r.subject_pattern}")
def test_owners_that_are_known_by_id(rules: ClaimMatch) -> None:
    """Are as good as it gets."""
    assert not {"owner-not-pinned", "name-only-pin"} & found(rules).keys()


def test_an_issuer_that_is_not_shared() -> None:
    """Needs no owner: a GitLab of one's own, GitHub Enterprise Server, a cluster."""
    for issuer in ("https://gitlab.acme.example", "https://ghe.acme.example/_services/token"):
        finding = found(other(issuer, subject_pattern="repo:.*"))
        assert not {"owner-not-pinned", "name-only-pin"} & finding.keys()


def test_one_project_of_an_owner() -> None:
    """An owner's other projects are a warning, with a subject of one."""
    finding = found(claims(subject_pattern="repo:acme/.*", claims={"repository_owner_id": "7"}))
    assert finding["project-not-pinned"].level is Level.WARNING
    assert "'repo:acme/" in finding["project-not-pinned"].message
    for rules in (
        claims(subject_pattern="repo:acme/.*"),
        claims(subject_pattern="repo:acme/(shop|api):.*", claims={"repository_owner_id": "7"}),
        other(BUILDKITE, subject_pattern="organization:acme:pipeline:shop:.*"),
    ):
        assert "project-not-pinned" not in found(rules)


@pytest.mark.parametrize(
    "rules",
    [
        claims(subject_pattern=r"repo:acme(@\d+)?/shop(@\d+)?:.*"),
        claims(subject_pattern=".*"),
        other(GITLAB, subject_pattern="project_path:a/b:ref_type:(branch|tag):ref:.+"),
        other(BUILDKITE, subject_pattern="organization:a:pipeline:b:ref:.*"),
        claims(
            subject_pattern="repo:acme/shop:.*",
            claim_patterns={"event_name": "push", "ref": "refs/heads/.*"},
        ),
    ],
    ids=lambda rules: str(rules.subject_pattern),
)
def test_any_branch(rules: ClaimMatch) -> None:
    """Is a note."""
    assert found(rules)["ref-not-pinned"].level is Level.NOTE


@pytest.mark.parametrize(
    "rules",
    [
        claims(subject_pattern=".*", claims={"repository_id": "42", "ref": "refs/heads/main"}),
        claims(subject_pattern=".*", claims={"repository_id": "42", "environment": "production"}),
        claims(subject_pattern=r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/heads/release/.*"),
        claims(subject_pattern=r"repo:acme(@\d+)?/shop(@\d+)?:environment:production"),
        claims(subject_pattern=r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/tags/.*"),
        other(GITLAB, subject_pattern="project_path:a/b:.*", claims={"ref_protected": "true"}),
    ],
    ids=lambda rules: f"{rules.subject_pattern} {rules.claims}",
)
def test_a_branch_that_is_named(rules: ClaimMatch) -> None:
    """Or an environment, or tags, or branches of one kind."""
    assert "ref-not-pinned" not in found(rules)


def test_the_audience_of_a_shared_issuer() -> None:
    """A note where none is named."""
    assert found(claims(audience=None))["audience-unset"].level is Level.NOTE
    assert found(ClaimMatch(issuer="https://ci.example", subject="x")) == {}


MAIN: Final = r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/heads/main"
TAGS: Final = r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/tags/.*"


@pytest.mark.parametrize(
    ("subject", "patterns"),
    [
        (MAIN, {}),
        (MAIN, {"event_name": ".*"}),
        (MAIN, {"event_name": "[a-z_]+"}),
        (MAIN, {"event_name": "pu.*"}),
        (MAIN, {"ref": "refs/heads/main"}),
        (r"repo:acme(@\d+)?/shop(@\d+)?:environment:production", {}),
        (r"repo:acme(@\d+)?/shop(@\d+)?:pull_request", {}),
        (r"repository_owner:acme:.*", {}),
    ],
)
def test_workflows_that_strangers_start(subject: str, patterns: dict[str, str]) -> None:
    """pull_request_target runs a branch's workflow with its rights."""
    finding = found(claims(subject_pattern=subject, claim_patterns=patterns))
    assert finding["github-untrusted-events"].level is Level.WARNING


@pytest.mark.parametrize(
    ("subject", "patterns"),
    [
        (MAIN, {"event_name": "push|schedule"}),
        (TAGS, {}),
        (r"repo:acme(@\d+)?/shop(@\d+)?:.*", {"ref": "refs/tags/v.*"}),
    ],
)
def test_workflows_that_strangers_cannot_start(subject: str, patterns: dict[str, str]) -> None:
    """Events are named, or only tags are accepted."""
    finding = found(claims(subject_pattern=subject, claim_patterns=patterns))
    assert "github-untrusted-events" not in finding


@pytest.mark.parametrize(
    "rules",
    [
        claims(claim_patterns={"event_name": "push|pull_request_target"}),
        claims(claims={**PINNED["claims"], "event_name": "workflow_run"}, claim_patterns={}),
    ],
)
def test_events_that_somebody_asked_for(rules: ClaimMatch) -> None:
    """Are a note."""
    finding = found(rules)
    assert finding["github-untrusted-events-named"].level is Level.NOTE
    assert "github-untrusted-events" not in finding


@pytest.mark.parametrize(
    "issuer", [GITHUB, f"{GITHUB}/acme", "https://ghe.acme.example/_services/token"]
)
def test_one_form_of_github_s_subject(issuer: str) -> None:
    """The form without ids is a warning; both, and the one with ids, are none."""
    plain = other(issuer, subject="repo:acme/shop:ref:refs/heads/main")
    assert found(plain)["github-one-subject-form"].level is Level.WARNING
    for pattern in (MAIN, "repo:acme@7/shop@42:ref:refs/heads/main", "repository_id:42:.*"):
        finding = found(other(issuer, subject_pattern=pattern))
        assert "github-one-subject-form" not in finding


def aws(**rules: str) -> AwsIdentity:
    """A role that is pinned by name and id, with these rules instead."""
    pinned = {
        "arn_pattern": f"{ROLE}/ci/{SESSION}",
        "user_id_pattern": f"AROAABCDEFGHIJKLMNOP:{SESSION}",
    }
    for name in rules:
        base = name.removesuffix("_pattern")
        pinned.pop(f"{base}_pattern")
    return AwsIdentity(account=ACCOUNT, **pinned, **rules)


def test_a_pinned_role_or_user_of_aws() -> None:
    """Nothing is said about it."""
    assert found(aws()) == {}
    user = aws(arn=f"arn:aws:iam::{ACCOUNT}:user/ci", user_id="AIDAABCDEFGHIJKLMNOP")
    assert found(user) == {}
    open_name = aws(arn_pattern=f"{ROLE}/.*")
    assert found(open_name) == {}


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ({"arn_pattern": ".*", "user_id_pattern": ".*"}, "aws-any-principal"),
        (
            {"arn_pattern": f"{ROLE}/[^/]+/.*", "user_id_pattern": "AROA.*:.*"},
            "aws-any-principal",
        ),
        ({"user_id_pattern": "AROA[A-Z0-9]+:.+"}, "aws-name-only-pin"),
        ({"user_id_pattern": ".*"}, "aws-name-only-pin"),
        ({"arn": f"arn:aws:iam::{ACCOUNT}:role/ci"}, "aws-arn-never-matches"),
        ({"arn": "arn:aws:sts::222222222222:assumed-role/ci/x"}, "aws-arn-never-matches"),
        ({"arn": "ci"}, "aws-arn-never-matches"),
        ({"user_id": "AROAABCDEFGHIJKLMNOP/x"}, "aws-arn-never-matches"),
        ({"arn": f"{ROLE}/ci/deploy"}, "aws-session-pinned"),
        ({"user_id": "AROAABCDEFGHIJKLMNOP:deploy"}, "aws-session-pinned"),
        ({"arn_pattern": "arn:aws:sts::.*:assumed-role/ci/.*"}, "aws-arn-account"),
    ],
    ids=str,
)
def test_principals_of_aws(rules: dict[str, str], rule: str) -> None:
    """What is open, what changes hands, what no caller ever is."""
    assert rule in found(aws(**rules))


def static(key: dict[str, Any], *more: dict[str, Any], days: float = 20) -> StaticKeys:
    """Static keys that end in so many days."""
    return StaticKeys(
        issuer="https://cluster.local",
        subject="system:serviceaccount:shop:deploy",
        issuer_keys=json.dumps({"keys": [key, *more]}),
        expiration=NOW + timedelta(days=days),
    )


EC: Final = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"}


@pytest.mark.parametrize(
    ("days", "rule"),
    [(20, None), (7.1, None), (6.9, "static-keys-expiring"), (0, "static-keys-expired")],
)
def test_the_end_of_static_keys(days: float, rule: str | None) -> None:
    """A week before it there is a warning; after it an error."""
    assert set(found(static(EC, days=days))) == ({rule} if rule else set())


def rsa(bits: int) -> str:
    """A modulus of that size, as a JWK has it."""
    number = (1 << bits - 1) + 1
    return base64.urlsafe_b64encode(number.to_bytes(-(-bits // 8))).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "keys",
    [
        [{"kty": "RSA", "n": rsa(1024), "e": "AQAB"}],
        [{"kty": "RSA", "n": rsa(2047), "e": "AQAB"}],
        [{"kty": "RSA", "n": RSA_N, "e": "AQ"}],
        [{"kty": "RSA", "n": "?", "e": "AQAB"}],
        [{"kty": "RSA", "e": "AQAB"}],
        [{"kty": "EC", "crv": "secp256k1"}],
        [{"kty": "OKP", "crv": "X25519"}],
        [{**EC, "use": "enc"}],
        [EC, EC],
    ],
    ids=str,
)
def test_static_keys_that_are_weak_or_of_no_use(keys: list[dict[str, Any]]) -> None:
    """Short, of another curve, for encryption, unreadable, or with a kid in common."""
    assert set(found(static(*keys))) == {"static-keys-weak"}


def test_static_keys_that_are_strong() -> None:
    """RSA of 2,048 bits, P-256, Ed25519."""
    rsa_key = {"kty": "RSA", "n": RSA_N, "e": "AQAB", "use": "sig"}
    assert found(static(rsa_key, EC, {"kty": "OKP", "crv": "Ed25519", "x": "AA"})) == {}


def identity(rules: Relationship, **members: Any) -> Identity:
    """With rules and nothing else."""
    root = Uidp("a" * 40)
    return Identity(
        id=root.child(bytes),
        name="ci",
        relationship=rules,
        created_at=NOW,
        updated_at=NOW,
        **members,
    )


def test_an_hour_is_long() -> None:
    """A note, unless what is minted ends with the upstream token."""
    (finding,) = lint_identity(identity(claims()), now=NOW)
    assert finding.rule.id == "token-lifetime-long"
    assert lint_identity(identity(claims(), max_token_lifetime=900), now=NOW) == ()
    assert lint_identity(identity(claims(), expires_with_upstream=True), now=NOW) == ()


def test_owners_have_to_be_above_suspicion() -> None:
    """The role owner makes an error of a warning; notes, and other roles, do not count."""
    named = other(GITHUB, subject="repo:acme/shop:ref:refs/heads/main")
    assert found(named, roles=["owner"])["owner-of-weak-rules"].level is Level.ERROR
    assert "owner-of-weak-rules" not in found(named, roles=["viewer"])
    assert "owner-of-weak-rules" not in found(claims(audience=None), roles=["owner"])


def test_people_and_services() -> None:
    """Have no rules that somebody wrote."""
    assert found(Person(issuer=GOOGLE, subject="1")) == {}
    assert found(ServicePrincipal(name="CATALOG_SYNCER")) == {}


def test_findings_come_worst_first() -> None:
    """Errors, warnings, notes."""
    levels = [each.level for each in lint_rules(claims(subject_pattern="^repo:acme.*"), now=NOW)]
    assert levels == sorted(levels, reverse=True)


def test_rules_have_ids_of_their_own() -> None:
    """And sentences."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.summary.endswith(".") for rule in RULES)

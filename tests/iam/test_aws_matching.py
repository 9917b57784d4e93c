"""Rules for AWS against what STS answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.iam import aws_hints
from broker.iam.claims import VerifiedClaims
from broker.iam.matching import CompiledRules, Match, own_audiences
from broker.iam.model import AwsIdentity, Identity
from broker.iam.uidp import Uidp

BROKER = "https://broker.example"
ACCOUNT = "123456789012"
ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/session"
USER_ID = "AROAEXAMPLE:session"


def compiled(**more: str) -> CompiledRules:
    """Literals unless told otherwise."""
    base = {"account": ACCOUNT, "arn": ARN, "user_id": USER_ID}
    for name in ("arn", "user_id"):
        if f"{name}_pattern" in more:
            del base[name]
    now = datetime(2026, 11, 1, tzinfo=UTC)
    identity = Identity(
        id=Uidp("a" * 40 + "/" + "b" * 16),
        name="deploy",
        relationship=AwsIdentity(**(base | more)),
        created_at=now,
        updated_at=now,
    )
    return CompiledRules(identity, own_audiences(BROKER))


def match(
    rules: CompiledRules,
    *,
    account: str = ACCOUNT,
    arn: str = ARN,
    user_id: str = USER_ID,
    audience: str = BROKER,
) -> Match:
    return rules.match(
        VerifiedClaims(
            issuer="https://sts.amazonaws.com",
            subject=arn,
            audience=(audience,),
            expires_at=0,
            claims={"aws_account": account, "arn": arn, "user_id": user_id},
        )
    )


def test_every_rule_is_told_of() -> None:
    """Issuer, ARN, audience, account and user id; two of them go into the token."""
    result = match(compiled())
    assert result.passed
    names = [step.name for step in result.steps]
    assert names == ["issuer", "arn", "audience", "aws_account", "user_id"]
    assert result.claims == {"aws_account": ACCOUNT, "user_id": USER_ID}


@pytest.mark.parametrize(
    "differs",
    [
        {"account": "999999999999"},
        {"arn": ARN + "x"},
        {"arn": ARN.upper()},
        {"user_id": USER_ID + "\n"},
        {"user_id": ""},
        {"audience": "https://other.example"},
    ],
)
def test_every_rule_has_to_hold(differs: dict[str, str]) -> None:
    """One that does not is enough."""
    result = match(compiled(), **differs)
    assert not result.passed
    assert result.claims == {}
    assert result.first_failed is not None


@pytest.mark.parametrize("account", [".*", "[0-9]+", "1234567890.2", f"{ACCOUNT}|1"])
def test_the_account_is_never_a_pattern(account: str) -> None:
    """Whatever it looks like, it is compared as it stands."""
    rules = compiled(account=account, arn_pattern=".*", user_id_pattern=".*")
    assert not match(rules).passed


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/[^/]+", True),
        ("arn:aws:sts::.*", True),
        ("deploy", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/", False),
        (f"x|arn:aws:sts::{ACCOUNT}:assumed-role/dep", False),
    ],
)
def test_a_pattern_matches_the_whole_arn(pattern: str, passes: bool) -> None:
    """As everywhere."""
    assert match(compiled(arn_pattern=pattern)).passed is passes


@pytest.mark.parametrize(
    ("issuer", "allowed"),
    [
        ("https://sts.amazonaws.com", True),
        ("https://sts.eu-central-1.amazonaws.com", True),
        ("http://sts.amazonaws.com", False),
        ("sts.amazonaws.com", False),
        ("https://sts.amazonaws.com/", False),
        ("https://sts.amazonaws.com.evil.example", False),
        ("https://token.actions.githubusercontent.com", False),
        ("", False),
    ],
)
def test_the_issuer_is_aws_sts(issuer: str, allowed: bool) -> None:
    """Tokens of others are not looked at."""
    rules = compiled()
    assert rules.allows_issuer(issuer) is allowed
    step = rules.issuer_step(issuer)
    assert step.passed is allowed
    assert bool(step.hint) is not allowed


@given(st.sampled_from(["arn", "user_id", "aws_account", "other"]), st.text(), st.text())
def test_hints_are_total(rule: str, expected: str, got: str) -> None:
    """Any two texts give a sentence or none."""
    hint = aws_hints.aws(rule, expected, got)
    assert hint == "" or hint.endswith(".")

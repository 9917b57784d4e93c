"""Policies about issuers, by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import Invalid
from broker.iam.issuer_policy import (
    MAX_ISSUERS,
    allows,
    check_policy,
    judge,
    members_of,
    policies,
    policy_of,
)
from broker.iam.model import NO_POLICY, IssuerPolicy, PolicyMode

CI = "https://ci.example"


@pytest.mark.parametrize(
    ("issuer", "allowed"),
    [
        (CI, True),
        (f"{CI}/", False),
        ("https://CI.example", False),
        ("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", True),
        ("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC/x", False),
        ("https://evil.example/https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", False),
        ("", False),
    ],
)
def test_an_issuer_is_on_the_list_as_a_whole(issuer: str, allowed: bool) -> None:
    """Letter for letter, or taken by a pattern from its first character to its last."""
    policy = policy_of(
        {
            "allow": [CI],
            "allow_patterns": ["https://oidc[.]eks[.][a-z0-9-]+[.]amazonaws[.]com/id/[A-Z0-9]+"],
        }
    )
    assert allows(policy, issuer) is allowed


def test_both_policies_are_asked() -> None:
    """Either refuses; one in audit mode notes; one that is off is not asked."""
    enforced = policy_of({"allow": [CI]})
    audited = policy_of({"allow": [CI], "mode": "audit"})
    other = "https://other.example"
    assert judge(CI, policies(enforced, enforced)).refused_by == ()
    assert judge(other, policies(enforced, enforced)).refused_by == ("installation", "organization")
    mixed = judge(other, policies(audited, enforced))
    assert (mixed.refused_by, mixed.noted_by) == (("organization",), ("installation",))
    assert policies(NO_POLICY, policy_of({"allow": [CI], "mode": "off"})) == ()


def test_a_pattern_that_cannot_be_read_allows_nobody() -> None:
    """None is kept; if one were, it would take away and not give."""
    broken = IssuerPolicy(allow_patterns=("(",), mode=PolicyMode.ENFORCE)
    assert not allows(broken, "(")


def test_a_policy_is_read_as_it_is_written() -> None:
    """And nothing is no policy."""
    policy = policy_of({"allow": [CI, CI], "allow_patterns": ["a.*"], "mode": "audit"})
    assert policy.allow == (CI,)
    assert policy_of(members_of(policy)) == policy
    assert policy_of({}) == NO_POLICY
    assert members_of(NO_POLICY) == {}
    assert policy_of({"allow": [CI]}).mode is PolicyMode.ENFORCE


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"alow": [CI]}, "alow: expected allow"),
        ({"allow": CI}, "allow: expected a list"),
        ({"allow": [1]}, "allow: expected a list"),
        ({"allow": [CI], "mode": "warn"}, "mode: expected enforce, audit, off"),
        ({"allow": [CI], "mode": False}, "mode: expected"),
    ],
)
def test_a_policy_of_another_form(members: dict[str, Any], said: str) -> None:
    """Names the member and what was expected."""
    with pytest.raises(ValueError, match=said):
        policy_of(members)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"mode": "enforce"}, "issuer_policy.allow"),
        ({"mode": "audit"}, "issuer_policy.allow"),
        ({"allow": [CI, "ci.example"]}, "issuer_policy.allow[1]"),
        ({"allow": [f"{CI}?x"]}, "issuer_policy.allow[0]"),
        ({"allow_patterns": ["("]}, "issuer_policy.allow_patterns[0]"),
        ({"allow_patterns": ["a" * 2000]}, "issuer_policy.allow_patterns[0]"),
        (
            {"allow": [f"https://{n}.example" for n in range(MAX_ISSUERS + 1)]},
            "issuer_policy.allow",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_policy_that_is_not_kept(members: dict[str, Any], field: str) -> None:
    """What would allow nobody, or is no issuer and no pattern."""
    with pytest.raises(Invalid) as caught:
        check_policy(policy_of(members))
    assert caught.value.field == field

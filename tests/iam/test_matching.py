"""Rules against claims."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.iam.claims import VerifiedClaims
from broker.iam.matching import (
    CompiledRules,
    Match,
    PatternError,
    compile_pattern,
    own_audiences,
    pointer,
)
from broker.iam.model import ClaimMatch, Identity, Person, Relationship, StaticKeys
from broker.iam.uidp import Uidp

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
BROKER = "https://broker.example"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def match(relationship: Relationship, **claims: Any) -> Match:
    """The rules of an identity against a token of GitHub's."""
    identity = Identity(
        id=Uidp("a" * 40 + "/" + "b" * 16),
        name="ci",
        relationship=relationship,
        created_at=NOW,
        updated_at=NOW,
    )
    token = VerifiedClaims(
        issuer=claims.pop("iss", ISSUER),
        subject=claims.pop("sub", SUBJECT),
        audience=claims.pop("audience", (BROKER,)),
        expires_at=0,
        claims=claims,
    )
    return CompiledRules(identity, own_audiences(BROKER)).match(token)


def rules(**more: Any) -> ClaimMatch:
    """Literal issuer and subject unless told otherwise."""
    base = {} if "issuer_pattern" in more else {"issuer": ISSUER}
    base |= {} if "subject_pattern" in more else {"subject": SUBJECT}
    return ClaimMatch(**(base | more))


def test_literals_match_as_they_stand() -> None:
    """And the account lists every rule."""
    result = match(rules(claims={"ref": "refs/heads/main"}), ref="refs/heads/main")
    assert result.passed
    assert [step.name for step in result.steps] == ["issuer", "subject", "audience", "claims.ref"]
    assert result.claims == {"ref": "refs/heads/main"}


@pytest.mark.parametrize(
    ("pattern", "subject", "passes"),
    [
        ("a|b", "a", True),
        ("a|b", "ab", False),
        ("a|b", "xa", False),
        ("a", "a\n", False),
        ("a$", "a\n", False),
        ("repo:acme/.*", "repo:acme/shop:ref:x", True),
        ("repo:acme/.*", "xrepo:acme/shop", False),
        ("(a+)+b", "a" * 4000 + "c", False),
        ("acme", "acme-evil", False),
        ("^acme", "acme-evil", False),
        ("acme$", "evil-acme", False),
        ("(?i)ACME", "acme", True),
        (".*", "x" * 4097, False),
    ],
)
def test_a_pattern_matches_the_whole_value(pattern: str, subject: str, passes: bool) -> None:
    """Never a part, whatever the pattern's own anchors and alternatives say."""
    assert match(rules(subject_pattern=pattern), sub=subject).passed is passes


@pytest.mark.parametrize("pattern", ["x)|(", "(", "a{2000}", r"(?<=a)b", r"(a)\1", "x" * 1025])
def test_what_is_not_re2_does_not_compile(pattern: str) -> None:
    """Each alone: closing a group of ours and opening another cannot work."""
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@given(st.text(min_size=1), st.text(), st.text())
def test_an_escaped_text_matches_only_itself(text: str, before: str, after: str) -> None:
    """A pattern never matches a part."""
    import re2

    pattern = re2.escape(text)
    around = before + text + after
    if len(pattern) <= 1024 and len(around) <= 4096:
        assert match(rules(subject_pattern=pattern), sub=around).passed is (around == text)


@given(st.text(min_size=1, max_size=20), json_values)
def test_an_absent_claim_never_passes(name: str, other: Any) -> None:
    """Not even by a pattern that matches everything."""
    claims = {f"other{name}": other}
    assert not match(rules(claim_patterns={name.lstrip("/") or "x": ".*"}), claims_=claims).passed
    assert not match(rules(claims={"absent": ""})).passed


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.text(max_size=8))
def test_matching_is_total(claims: dict[str, Any], name: str) -> None:
    """Any JSON gives an answer."""
    identity = Identity(
        id=Uidp("a" * 40 + "/" + "b" * 16),
        name="ci",
        relationship=rules(
            claim_patterns={name: ".+"}, claims={f"/{name}/0".replace("~", "~0"): "x"}
        ),
        created_at=NOW,
        updated_at=NOW,
    )
    token = VerifiedClaims(issuer="i", subject="s", audience=(), expires_at=0, claims=claims)
    result = CompiledRules(identity, ()).match(token)
    assert not result.passed
    assert result.first_failed is not None
    assert result.first_failed.name == "issuer"


@given(st.data())
def test_adding_a_rule_never_admits_more(data: st.DataObject) -> None:
    """What fails without a rule fails with it."""
    claims = data.draw(st.dictionaries(st.sampled_from("abc"), json_values, max_size=3))
    some = data.draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "true", "1"])))
    more = data.draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from([".*", "1", "x|y"])))
    if not match(rules(claims=some), **claims).passed:
        assert not match(rules(claims=some, claim_patterns=more), **claims).passed


@pytest.mark.parametrize(
    ("value", "literal", "passes"),
    [
        (True, "true", True),
        (False, "false", True),
        (True, "True", False),
        (True, "1", False),
        (42, "42", True),
        (42, "42.0", False),
        (1.5, "1.5", False),
        (None, "null", False),
        (["a", "b"], "b", True),
        (["a", 7], "7", True),
        ([["a"]], "a", False),
        ([], "", False),
        ({"a": "b"}, "b", False),
        ("", "", True),
    ],
)
def test_values_compare_as_documented(value: Any, literal: str, passes: bool) -> None:
    """The table of the module."""
    assert match(rules(claims={"c": literal}), c=value).passed is passes


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("/https:~1~1sts.amazonaws.com~1/aws_account", True),
        ("/https:~1~1sts.amazonaws.com~1/ou_path/1", True),
        ("/https:~1~1sts.amazonaws.com~1/ou_path/7", False),
        ("/https:~1~1sts.amazonaws.com~1/ou_path/01", False),
        ("/https:~1~1sts.amazonaws.com~1/ou_path/\u0661", False),
        ("/https:~1~1sts.amazonaws.com~1", False),
        ("https://sts.amazonaws.com/", False),
    ],
)
def test_a_json_pointer_reaches_nested_claims(name: str, passes: bool) -> None:
    """RFC 6901: `~1` is a slash in a name."""
    claims = {"https://sts.amazonaws.com/": {"aws_account": "1", "ou_path": ["0", "1"]}}
    assert match(rules(claims={name: "1"}), **claims).passed is passes


def test_a_pointer_escape_that_means_nothing_is_refused() -> None:
    """RFC 6901 §3."""
    with pytest.raises(ValueError, match="~0"):
        pointer("/a~2b")
    assert pointer("/a~01b/~1") == ("a~1b", "/")


@pytest.mark.parametrize(
    ("audience", "passes"),
    [
        ((BROKER,), True),
        (("broker.example",), True),
        ((BROKER, "broker.example"), True),
        ((BROKER, "https://elsewhere.example"), False),
        ((f"{BROKER}/",), False),
        ((), False),
    ],
)
def test_the_default_audience_is_this_broker(audience: tuple[str, ...], passes: bool) -> None:
    """Its URL or its host, and every value of the list."""
    assert match(rules(), audience=audience).passed is passes


def test_an_audience_rule_holds_for_every_value() -> None:
    """Literal, pattern, and the list of static keys."""
    assert match(rules(audience="a"), audience=("a",)).passed
    assert not match(rules(audience="a"), audience=("a", "b")).passed
    assert not match(rules(audience="a"), audience=(BROKER,)).passed
    assert match(rules(audience_pattern="a|b"), audience=("a", "b")).passed
    assert not match(rules(audience_pattern="a|b"), audience=("a", "c")).passed
    static = StaticKeys(
        issuer=ISSUER, subject=SUBJECT, issuer_keys="{}", expiration=NOW, audiences=("a", "b")
    )
    assert match(static, audience=("b",)).passed
    assert not match(static, audience=("b", BROKER)).passed


def test_a_person_is_matched_by_issuer_and_subject() -> None:
    """Nothing else, and both."""
    assert match(Person(issuer=ISSUER, subject=SUBJECT)).passed
    assert not match(Person(issuer=ISSUER, subject="x")).passed
    assert not match(Person(issuer="https://x.example", subject=SUBJECT)).passed


@pytest.mark.parametrize(
    ("relationship", "token", "words"),
    [
        (rules(issuer=f"{ISSUER}/"), {}, "trailing slash"),
        (rules(subject=SUBJECT.upper()), {}, "upper and lower case"),
        (rules(subject="repo:acme/*"), {}, "stands for itself"),
        (rules(subject_pattern="repo:acme/shop"), {}, "matches a part"),
        (rules(subject_pattern="acme"), {}, "matches a part"),
        (rules(), {"sub": "repo:acme@1/shop@2:ref:refs/heads/main"}, "subject forms"),
        (rules(), {"audience": (f"{BROKER}/",)}, "trailing slash"),
        (rules(), {"audience": ("x",)}, "Ask the issuer"),
        (rules(), {"audience": (BROKER, "x")}, "Every audience"),
        (rules(), {"audience": ("https://github.com/acme",)}, "GitHub writes when none is asked"),
        (rules(subject=SUBJECT.replace("refs/heads/", "")), {}, "writes refs in full"),
        (rules(subject="x:refs/heads/main"), {"sub": "x:main"}, "leave out 'refs/"),
        (rules(subject="repo:acme/shop:environment:prod"), {}, "of another kind"),
        (rules(issuer_pattern=f"{re.escape(ISSUER)}/"), {}, "trailing slash"),
        (
            rules(subject_pattern=re.escape(SUBJECT)),
            {"sub": "repo:acme@1/shop@2:ref:refs/heads/main"},
            "subject forms",
        ),
        (rules(claim_patterns={"ref": "main|dev"}), {"ref": "refs/heads/dev"}, "refs in full"),
        (rules(claims={"environment": "prod"}), {}, "no 'environment' claim"),
    ],
)
def test_a_failed_rule_says_what_to_change(
    relationship: Relationship, token: dict[str, Any], words: str
) -> None:
    """The hint is in the step that failed, and there only."""
    result = match(relationship, **token)
    failed = [step for step in result.steps if not step.passed]
    assert len(failed) == 1
    assert words in failed[0].hint
    assert all(not step.hint for step in result.steps if step.passed)

"""What holds for every preset, and the forms that they check."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.lint import Level, at_least, lint_rules
from broker.iam.matching import compile_pattern
from broker.iam.model import AwsIdentity, ClaimMatch, Relationship, StaticKeys
from broker.iam.presets import PRESETS, Answers, Keys, Preset, Question
from broker.iam.presets.forms import literal, one_of, uuid
from broker.iam.presets.preset import with_claims, with_keys
from broker.iam.validation import check_relationship
from tests.kit.presets import NOW

A_UUID: Final = "0f3a1c52-7d1e-4b60-9a53-2c1f0e9b7d44"
ANSWERED: Final[dict[str, dict[str, Any]]] = {
    "aws federation": {
        "issuer": f"https://{A_UUID}.tokens.sts.global.api.aws",
        "account": "123456789012",
        "role": "ci/deploy",
    },
    "aws role": {"account": "123456789012", "role": "deploy", "role_id": "AROAEXAMPLEROLEID"},
    "aws user": {"account": "123456789012", "user": "ops/bob", "user_id": "AIDAEXAMPLEUSERID"},
    "bitbucket": {"workspace": "acme", "workspace_uuid": A_UUID, "repository_uuid": A_UUID},
    "buildkite": {
        "organization": "acme",
        "pipeline": "shop",
        "organization_id": A_UUID,
        "pipeline_id": A_UUID,
    },
    "circleci": {"organization_id": A_UUID, "project_id": A_UUID},
    "entra": {"tenant_id": A_UUID, "object_id": A_UUID, "audience": A_UUID},
    "github": {"repository": "acme/shop.js", "owner_id": "9919", "repository_id": "724155"},
    "gitlab": {"project": "acme/web/shop.js", "project_id": "278964", "namespace_id": "9970"},
    "google": {"account_id": "104232000000000000001"},
    "jenkins": {"url": "https://jenkins.acme.example/", "job": "shop/deploy"},
    "kubernetes": {"issuer": "https://k.example", "namespace": "prod", "service_account": "web"},
    "oidc": {"issuer": "https://idp.acme.example", "subject": "ci"},
    "terraform-cloud": {
        "organization": "acme",
        "workspace": "prod",
        "organization_id": "org-8dKUFSaIZsGnkTCk",
        "workspace_id": "ws-4qhKZ8xFXyzGpwrB",
    },
}
"""What suffices, with the ids that there are."""

presets = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)


@presets
def test_with_ids_there_is_nothing_to_warn_of(preset: Preset) -> None:
    """The rules are valid, and lint has at most notes."""
    rules = preset.rules(**ANSWERED[preset.name])
    check_relationship(rules, since=NOW, allow_http_loopback=False)
    assert not at_least(lint_rules(rules, now=NOW), Level.WARNING)


@presets
def test_questions_are_the_arguments_of_the_rules(preset: Preset) -> None:
    """Every one, with its option; what is required or enough is among the answers above."""
    names = [question.name for question in preset.questions]
    assert len(set(names)) == len(names)
    assert {question.name for question in preset.questions if question.required} <= {
        *ANSWERED[preset.name]
    }
    assert {*preset.one_of, *preset.narrowing} <= set(names)
    with pytest.raises(TypeError):
        preset.rules(**ANSWERED[preset.name], nosuch="")


@presets
@given(data=st.data())
def test_any_answers_give_valid_rules_or_a_refusal_that_names_a_question(
    preset: Preset, data: st.DataObject
) -> None:
    """Never another exception, and never a pattern that is none."""
    answers = dict(ANSWERED[preset.name])
    for question in data.draw(st.sets(st.sampled_from(preset.questions), min_size=1)):
        answers[question.name] = data.draw(_answers(question), label=question.name)
    rules, refusal = _rules_or_refusal(preset, answers)
    if refusal is not None:
        assert refusal.field in answers.keys() | set(preset.one_of) | {"origin"}
        assert refusal.message.startswith(f"{refusal.field}: ")
    for pattern in _patterns(rules):
        compile_pattern(pattern)


def _rules_or_refusal(
    preset: Preset, answers: dict[str, Any]
) -> tuple[Relationship | None, Invalid | None]:
    try:
        return preset.rules(**answers), None
    except Invalid as refusal:
        return None, refusal


def _patterns(rules: Relationship | None) -> list[str]:
    match rules:
        case ClaimMatch():
            return [rules.subject_pattern, *rules.claim_patterns.values()]
        case AwsIdentity():
            return [rules.arn_pattern, rules.user_id_pattern]
        case _:
            return []


def _answers(question: Question) -> st.SearchStrategy[Any]:
    if question.choices:
        return st.sampled_from(question.choices)
    match question.answer:
        case "switch":
            return st.booleans()
        case "several":
            return st.lists(st.text(max_size=20), max_size=3).map(tuple)
        case _:
            return st.text(max_size=30) | st.from_regex(r"\A[A-Za-z0-9.|()*/_-]{1,20}\Z")


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


def test_uuids_are_taken_as_platforms_write_them() -> None:
    """In capitals and in braces; the field is named where it is none."""
    assert uuid("x", "{" + A_UUID.upper() + "}") == A_UUID
    with pytest.raises(Invalid, match=r"^x: 'acme': expected a UUID"):
        uuid("x", "acme")


def test_what_is_left_open_is_remarked() -> None:
    """Ids that are missing, and that nothing narrows the branches; nothing where all is said."""
    preset = _named("github")
    every: Answers = ANSWERED["github"] | {"ref": "refs/heads/main"}
    assert list(preset.remarks(every)) == []
    remarks = list(preset.remarks({"repository": "acme/shop"}))
    assert len(remarks) == 3
    assert "--github-owner-id pins it" in remarks[0]
    assert "--github-repo-id pins it" in remarks[1]
    assert "--github-ref or --github-environment" in remarks[2]
    assert len(list(preset.remarks({"repository": "acme/shop"}, with_keys=True))) == 1


def test_more_claims_beside_those_of_the_preset() -> None:
    """Are added; one that the preset has a rule for is refused, since that could widen it."""
    rules = ClaimMatch(issuer="https://a.example", subject="s", claims={"a": "1"})
    more = with_claims(rules, {"b": "2"}, {"c": "x.*"})
    assert isinstance(more, ClaimMatch)
    assert more.claims == {"a": "1", "b": "2"}
    assert more.claim_patterns == {"c": "x.*"}
    assert with_claims(rules, {}, {}) is rules
    for claims, patterns in (({"a": "2"}, {}), ({}, {"a": ".*"})):
        with pytest.raises(Invalid, match="'a' has a rule already"):
            with_claims(rules, claims, patterns)
    with pytest.raises(Invalid, match="no rules for claims"):
        with_claims(AwsIdentity(account="1" * 12, arn="a", user_id="b"), {"a": "1"}, {})


def test_static_keys_go_with_literal_rules_alone() -> None:
    """Whatever would be lost otherwise is refused."""
    keys = Keys(jwks="{}", expiration=NOW + timedelta(days=1))
    rules = ClaimMatch(issuer="https://a.example", subject="s", audience="aud")
    assert with_keys(keys, rules) == StaticKeys(
        issuer="https://a.example",
        subject="s",
        issuer_keys="{}",
        expiration=keys.expiration,
        audiences=("aud",),
    )
    for wrong in (
        replace(rules, claims={"a": "1"}),
        replace(rules, claim_patterns={"a": "1"}),
        replace(rules, subject="", subject_pattern="s"),
    ):
        with pytest.raises(Invalid, match=r"^issuer_keys: "):
            with_keys(keys, wrong)


def _named(name: str) -> Preset:
    return next(preset for preset in PRESETS if preset.name == name)

"""What lint finds in declarations: where, what comments let be, and what applying does with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from broker.audit.record import AuditRecord
from broker.directory.declaration import (
    DeclarationProblems,
    PlacedFinding,
    lint_declaration,
    parse_declaration,
)
from broker.directory.declaration.linting import problems_of
from broker.directory.installation import LintMode
from tests.directory.conftest import Operator

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)

FILE: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - name: sound
        issuer: https://ci.example
        subject: deploy
        max_token_lifetime: 15m
    folders:
      - name: shop
        identities:
          - name: open
            issuer: https://token.actions.githubusercontent.com
            subject_pattern: repo:acme.*
            audience: https://broker.example
            max_token_lifetime: 15m
            claim_patterns:
              event_name: push
              ref: ^refs/heads/v1.2
"""

FOUND: Final = [
    ("owner-not-pinned", 14, 30, "subject_pattern"),
    ("trailing-wildcard", 14, 30, "subject_pattern"),
    ("unescaped-dot", 19, 20, "claim_patterns.ref"),
    ("redundant-anchor", 19, 20, "claim_patterns.ref"),
]


def lint(text: str) -> list[PlacedFinding]:
    """Of a declaration."""
    source = text.encode()
    return list(lint_declaration(parse_declaration(source), source, now=NOW))


def rules(text: str) -> list[str]:
    """The ids alone."""
    return [each.finding.rule.id for each in lint(text)]


def test_findings_have_their_place() -> None:
    """Line and column of the field's value, its path, and the identity's."""
    found = lint(FILE)
    assert [(f.finding.rule.id, f.line, f.column, f.finding.field) for f in found] == FOUND
    assert {each.identity for each in found} == {"acme/shop/open"}
    assert found[0].field == "organizations[0].folders[0].identities[0].subject_pattern"


def test_a_field_that_is_not_there() -> None:
    """Is told at the identity's first line."""
    text = FILE.replace("            max_token_lifetime: 15m\n", "")
    (placed,) = (each for each in lint(text) if each.line < 14)
    assert (placed.finding.rule.id, placed.line) == ("token-lifetime-long", 12)


def test_identities_that_are_not_valid_are_passed_over() -> None:
    """What is wrong with them is told otherwise."""
    text = FILE.replace("subject: deploy", "subject_pattern: '('")
    assert rules(text) == [rule for rule, *_ in FOUND]
    (problem,) = problems_of(parse_declaration(text.encode()), NOW)
    assert (problem.line, problem.column) == (7, 26)
    assert rules(FILE.replace("subject_pattern: repo:acme.*", "subject: 42")) == []


STATIC: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - name: cluster
        issuer: https://cluster.local
        subject: system:serviceaccount:shop:deploy
        max_token_lifetime: 15m
        static_keys:
          issuer_keys: {keys: [{kty: OKP, crv: Ed25519, x: AA}]}
          expiration: %s
"""


@pytest.mark.parametrize(
    ("expiration", "rule"),
    [
        ("2026-11-20T00:00:00Z", "static-keys-expired"),
        ("2026-11-28T00:00:00Z", "static-keys-expiring"),
    ],
)
def test_static_keys_that_end(expiration: str, rule: str) -> None:
    """Keys that are over are no fault of the file's form."""
    text = STATIC % expiration
    assert problems_of(parse_declaration(text.encode()), NOW) == []
    (placed,) = lint(text)
    assert (placed.finding.rule.id, placed.line) == (rule, 11)


OWNED: Final = """\
version: 1
organizations:
  - name: acme
    identities:
      - name: weak
        issuer: https://ci.example
        subject_pattern: a.b
        max_token_lifetime: 15m
%s
    folders:
      - name: shop
        bindings:
          - {role: %s, identity: %s}
"""


@pytest.mark.parametrize(
    ("roles", "role", "identity"),
    [
        ("        roles: [viewer, owner]", "viewer", "weak"),
        ("", "owner", "/weak"),
        ("", "owner", "acme/weak"),
    ],
)
def test_owners_whose_rules_have_findings(roles: str, role: str, identity: str) -> None:
    """Whether by their own roles or by a binding elsewhere in the organization."""
    found = rules(OWNED % (roles, role, identity))
    expected = identity != "acme/weak"
    assert ("owner-of-weak-rules" in found) is expected


def test_a_binding_by_the_name_in_its_own_group() -> None:
    """An identity of the folder is another one."""
    assert "owner-of-weak-rules" not in rules(OWNED % ("", "viewer", "/weak"))


def _with(comment: str, *, above: bool = False) -> str:
    line = "            subject_pattern: repo:acme.*\n"
    assert line in FILE
    if above:
        return FILE.replace(line, f"            {comment}\n{line}")
    return FILE.replace(line, f"{line[:-1]} {comment}\n")


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(
    "comment",
    [
        "# broker-lint: ignore owner-not-pinned — all of acme's subsidiaries",
        "#broker-lint: ignore owner-not-pinned - all of acme's subsidiaries",
        "# broker-lint ignore owner-not-pinned -- why not",
        "# broker-lint: ignore owner-not-pinned : why not",
    ],
)
def test_a_comment_lets_one_finding_be(comment: str, *, above: bool) -> None:
    """At the end of its line, or alone above it; the others stay."""
    assert rules(_with(comment, above=above)) == [rule for rule, *_ in FOUND[1:]]


def test_comments_above_each_other() -> None:
    """All of them are for the next line that is none."""
    comment = (
        "# broker-lint: ignore owner-not-pinned — why not\n"
        "            # in passing\n\n"
        "            # broker-lint: ignore trailing-wildcard — why not"
    )
    assert rules(_with(comment, above=True)) == [rule for rule, *_ in FOUND[2:]]


@pytest.mark.parametrize(
    ("comment", "rule"),
    [
        ("# broker-lint: ignore owner-not-pinned", "ignore-invalid"),
        ("# broker-lint: ignore owner-not-pinned —", "ignore-invalid"),
        ("# broker-lint: ignore owner-not-pined — typo", "ignore-invalid"),
        ("# broker-lint: ignore ignore-unused — no", "ignore-invalid"),
        ("# broker-lint: off", "ignore-invalid"),
        ("# broker-lint:", "ignore-invalid"),
        ("# broker-lint: ignore audience-unset — there is one", "ignore-unused"),
    ],
)
def test_a_comment_that_does_not_count(comment: str, rule: str) -> None:
    """Without a reason, with a wrong name, or with nothing to let be: that is told, and the
    findings stay."""
    found = lint(_with(comment))
    (about,) = (each for each in found if not each.identity)
    assert about.finding.rule.id == rule
    assert about.line == 14
    assert [f.finding.rule.id for f in found if f.identity] == [rule for rule, *_ in FOUND]


@pytest.mark.parametrize(
    "description",
    [
        '"# broker-lint: ignore owner-not-pinned — a text"',
        "|\n              # broker-lint: ignore owner-not-pinned — a text",
        "a#broker-lint ignore owner-not-pinned — a text",
    ],
)
def test_what_looks_like_a_comment_in_a_text(description: str) -> None:
    """Is none."""
    line = "            audience: https://broker.example\n"
    text = FILE.replace(line, f"{line}            description: {description}\n")
    assert rules(text) == [rule for rule, *_ in FOUND]


def _identity_record(records: list[AuditRecord]) -> dict[str, Any]:
    (record,) = (r for r in records if r.action.startswith("identity.") and "acme.*" in r.detail)
    detail: dict[str, Any] = json.loads(record.detail)
    return detail


async def test_applying_tells_and_writes_down(operator: Operator) -> None:
    """Warnings and errors of what changes; the second time there is nothing to tell."""
    plan = await operator.apply(FILE)
    told = [each.finding.rule.id for each in plan.findings]
    assert told == ["owner-not-pinned", "trailing-wildcard", "unescaped-dot"]
    assert [each["rule"] for each in plan.as_json()["findings"]] == told
    detail = _identity_record(await operator.audit())
    assert [each["rule"] for each in detail["lint"]] == told
    assert (await operator.apply(FILE)).findings == ()


async def test_applying_refuses_errors_where_that_is_set(operator: Operator) -> None:
    """With line, field and rule; nothing is written. A comment with a reason lets it pass."""
    with pytest.raises(DeclarationProblems) as refused:
        await operator.apply(FILE, lint=LintMode.REFUSE)
    (problem,) = refused.value.problems
    assert (problem.line, problem.field) == (
        14,
        "organizations[0].folders[0].identities[0].subject_pattern",
    )
    assert "(lint: owner-not-pinned)" in problem.message
    assert await operator.audit() == []
    with pytest.raises(DeclarationProblems):
        await operator.apply(FILE, lint=LintMode.REFUSE, dry_run=True)
    allowed = _with("# broker-lint: ignore owner-not-pinned — all of acme's subsidiaries")
    plan = await operator.apply(allowed, lint=LintMode.REFUSE)
    assert [f.finding.rule.id for f in plan.findings] == ["trailing-wildcard", "unescaped-dot"]


async def test_applying_says_nothing_where_that_is_set(operator: Operator) -> None:
    """Neither in the plan nor in the records."""
    plan = await operator.apply(FILE, lint=LintMode.OFF)
    assert plan.findings == ()
    assert "lint" not in _identity_record(await operator.audit())


async def test_an_identity_that_becomes_an_owner(operator: Operator) -> None:
    """Is told with the binding, although its rules are as they were."""
    await operator.apply(OWNED % ("", "viewer", "/weak"))
    plan = await operator.apply(OWNED % ("", "owner", "/weak"))
    assert [each.finding.rule.id for each in plan.findings] == ["owner-of-weak-rules"]
    (record,) = (r for r in await operator.audit() if '"owner-of-weak-rules"' in r.detail)
    assert record.action == "role_binding.created"

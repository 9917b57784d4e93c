"""What only GitHub's tokens have: the event that started the workflow, and two forms of subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from broker.iam.lint import findings as rules
from broker.iam.lint.claims import Condition, Conditions
from broker.iam.lint.findings import Finding
from broker.iam.lint.platforms import GITHUB_ISSUER, GITHUB_NUMBERED, GITHUB_PLAIN
from broker.iam.lint.reasoning import WHOLE, Reasoning, Unknown, matches

UNTRUSTED: Final = ("pull_request_target", "workflow_run")
"""Events that run a branch's workflow with its rights, because of what a stranger did."""

ISSUERS: Final = f"{GITHUB_ISSUER.replace('.', '[.]')}(?:/[^/]+)?|https://[^/]+/_services/token"
"""GitHub.com, an enterprise of its own there, GitHub Enterprise Server."""

MANY_EVENTS: Final = 40

_OF_BRANCHES: Final = "repo:[^:]+:(?:ref:refs/heads/.+|environment:.+|pull_request.*)"
_DEFAULT: Final = "repo:.+"


def github_findings(given: Conditions, reasoning: Reasoning) -> Iterator[Finding]:
    """For identities that take GitHub's tokens."""
    if not _is_github(given, reasoning):
        return
    yield from _events(given, reasoning)
    yield from _forms(given, reasoning)


def _is_github(given: Conditions, reasoning: Reasoning) -> bool:
    try:
        return reasoning.example(given.issuer.pattern, ISSUERS) is not None
    except Unknown:
        return matches(given.issuer.pattern, GITHUB_ISSUER)


def _events(given: Conditions, reasoning: Reasoning) -> Iterator[Finding]:
    events = given.claims.get("event_name", ())
    open_to = [name for name in UNTRUSTED if all(matches(e.pattern, name) for e in events)]
    if not open_to or not _takes_branches(given, reasoning):
        return
    told = " and ".join(open_to)
    if any(_lists(event, reasoning) for event in events):
        yield Finding(
            rules.UNTRUSTED_EVENTS_ASKED,
            events[0].field,
            f"names {told}; strangers start those workflows.",
            "Keep it only where the workflow treats what it gets as a stranger's.",
        )
        return
    yield Finding(
        rules.PULL_REQUEST_TARGET,
        events[0].field if events else given.subject.field,
        f"workflows on {told} are accepted, which anybody starts who opens a pull request.",
        "Name the events: `claim_patterns: {event_name: push|workflow_dispatch|release}`.",
    )


def _lists(event: Condition, reasoning: Reasoning) -> bool:
    """Whether it is a list of events, so that each in it is meant."""
    if event.is_literal:
        return True
    try:
        return reasoning.parts(event.pattern, WHOLE, limit=MANY_EVENTS).are_few
    except Unknown:
        return False


def _takes_branches(given: Conditions, reasoning: Reasoning) -> bool:
    """Whether tokens that are not of a tag pass: those events run on a branch."""
    if not all(_takes(e.pattern, "refs/heads/.+", reasoning) for e in given.claims.get("ref", ())):
        return False
    subject = given.subject.pattern
    if not _takes(subject, _DEFAULT, reasoning):
        return True  # a form of the organization's own
    return _takes(subject, _OF_BRANCHES, reasoning)


def _takes(pattern: str, form: str, reasoning: Reasoning) -> bool:
    try:
        return reasoning.example(pattern, form) is not None
    except Unknown:
        return True


def _forms(given: Conditions, reasoning: Reasoning) -> Iterator[Finding]:
    subject = given.subject
    try:
        plain = reasoning.example(subject.pattern, GITHUB_PLAIN)
        numbered = reasoning.example(subject.pattern, GITHUB_NUMBERED)
    except Unknown:
        return
    if plain is not None and numbered is None:
        yield Finding(
            rules.ONE_SUBJECT_FORM,
            subject.field,
            "repositories created or renamed since July 2026 write "
            "'repo:OWNER@ID/REPO@ID:…', which this does not take.",
            r"Write `subject_pattern: repo:OWNER(@\d+)?/REPO(@\d+)?:…` and pin the ids by claims.",
        )

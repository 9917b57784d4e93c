"""What lint says: levels, rules, findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How bad it is."""

    NOTE = 1
    """Worth knowing; may well be meant."""
    WARNING = 2
    """Wider, or more brittle, than what is probably meant."""
    ERROR = 3
    """Lets strangers in, or nobody at all."""

    @property
    def word(self) -> str:
        """In lower case."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. The id is stable: files and code scanning refer to it."""

    id: str
    level: Level
    summary: str
    """A sentence on what is found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about an identity's rules."""

    rule: Rule
    field: str
    """As in a declaration: `subject_pattern`, `claims.ref`, `aws_identity.arn_pattern`; `roles`
    for what the identity holds; empty for the whole."""
    message: str
    """What there is, in this identity."""
    advice: str
    """What to write instead."""

    @property
    def level(self) -> Level:
        """Its rule's."""
        return self.rule.level

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.level.word} {self.rule.id}: {field}{self.message} {self.advice}"


NOTE, WARNING, ERROR = Level.NOTE, Level.WARNING, Level.ERROR

MATCHES_EVERYTHING: Final = Rule(
    "pattern-matches-everything", ERROR, "A pattern takes every value, so it is no rule."
)
WITHOUT_EFFECT: Final = Rule(
    "pattern-without-effect",
    WARNING,
    "A pattern takes every value; other rules do all the work.",
)
NEVER_MATCHES: Final = Rule("pattern-never-matches", ERROR, "A pattern takes no value at all.")
UNESCAPED_DOT: Final = Rule(
    "unescaped-dot", WARNING, "A dot that looks meant as a dot takes any character."
)
REDUNDANT_ANCHOR: Final = Rule(
    "redundant-anchor", NOTE, "^ or $ at an end of a pattern that matches the whole value anyway."
)
LEADING_WILDCARD: Final = Rule(
    "leading-wildcard", WARNING, "A pattern takes anything before what it names."
)
TRAILING_WILDCARD: Final = Rule(
    "trailing-wildcard", WARNING, "A pattern takes anything right behind a name, longer names too."
)
NOT_ANALYSED: Final = Rule(
    "pattern-not-analysed", NOTE, "A pattern is beyond what lint can work out."
)
ISSUER_PATTERN: Final = Rule(
    "issuer-pattern", WARNING, "The issuer is a pattern, so several issuers are trusted."
)
ISSUER_PATTERN_OPEN: Final = Rule(
    "issuer-pattern-any-host", ERROR, "The issuer's pattern takes hosts that anybody can run."
)
OWNER_NOT_PINNED: Final = Rule(
    "owner-not-pinned",
    ERROR,
    "The issuer serves everybody, and no rule names whose tokens are accepted.",
)
NAME_ONLY: Final = Rule(
    "name-only-pin", WARNING, "The owner is known by a name, which can change hands, not by an id."
)
PROJECT_NOT_PINNED: Final = Rule(
    "project-not-pinned",
    WARNING,
    "Every repository, project or workspace of the owner is accepted.",
)
REF_NOT_PINNED: Final = Rule(
    "ref-not-pinned", NOTE, "Every branch is accepted, and no environment is asked for."
)
AUDIENCE_UNSET: Final = Rule(
    "audience-unset", NOTE, "A shared issuer's tokens are accepted with the broker's own audience."
)
PULL_REQUEST_TARGET: Final = Rule(
    "github-untrusted-events",
    WARNING,
    "Workflows that strangers start (pull_request_target, workflow_run) are accepted.",
)
UNTRUSTED_EVENTS_ASKED: Final = Rule(
    "github-untrusted-events-named",
    NOTE,
    "event_name names pull_request_target or workflow_run, which strangers start.",
)
ONE_SUBJECT_FORM: Final = Rule(
    "github-one-subject-form",
    WARNING,
    "Only the subject form without ids is accepted; a rename changes the form.",
)
AWS_ANY_PRINCIPAL: Final = Rule(
    "aws-any-principal", ERROR, "Every user and role of the AWS account is accepted."
)
AWS_NEVER: Final = Rule(
    "aws-arn-never-matches", ERROR, "No caller of the AWS account has such an ARN or user id."
)
AWS_ARN_FORM: Final = Rule(
    "aws-arn-account", NOTE, "The ARN's pattern is open where an ARN has the account."
)
AWS_SESSION: Final = Rule(
    "aws-session-pinned",
    WARNING,
    "The name of a session is a rule; whoever assumes the role sets it.",
)
AWS_NAME_ONLY: Final = Rule(
    "aws-name-only-pin",
    WARNING,
    "An AWS role or user is known by its name; one made anew with the name is accepted.",
)
STATIC_EXPIRED: Final = Rule("static-keys-expired", ERROR, "The static keys are over.")
STATIC_EXPIRING: Final = Rule(
    "static-keys-expiring", WARNING, "The static keys end within seven days."
)
STATIC_WEAK: Final = Rule(
    "static-keys-weak", ERROR, "A static key is too weak, or of no use, for verifying tokens."
)
LONG_LIFETIME: Final = Rule(
    "token-lifetime-long", NOTE, "What is minted lives an hour, however short the upstream token's."
)
OWNER_OF_WEAK_RULES: Final = Rule(
    "owner-of-weak-rules", ERROR, "The role owner is held by an identity whose rules have findings."
)

RULES: Final[tuple[Rule, ...]] = (
    MATCHES_EVERYTHING,
    WITHOUT_EFFECT,
    NEVER_MATCHES,
    UNESCAPED_DOT,
    LEADING_WILDCARD,
    TRAILING_WILDCARD,
    REDUNDANT_ANCHOR,
    NOT_ANALYSED,
    ISSUER_PATTERN,
    ISSUER_PATTERN_OPEN,
    OWNER_NOT_PINNED,
    NAME_ONLY,
    PROJECT_NOT_PINNED,
    REF_NOT_PINNED,
    AUDIENCE_UNSET,
    PULL_REQUEST_TARGET,
    UNTRUSTED_EVENTS_ASKED,
    ONE_SUBJECT_FORM,
    AWS_ANY_PRINCIPAL,
    AWS_NEVER,
    AWS_ARN_FORM,
    AWS_SESSION,
    AWS_NAME_ONLY,
    STATIC_EXPIRED,
    STATIC_EXPIRING,
    STATIC_WEAK,
    LONG_LIFETIME,
    OWNER_OF_WEAK_RULES,
)
"""Every rule about identities, in the order of the documents."""


def at_least(findings: Iterable[Finding], level: Level) -> list[Finding]:
    """Those of a level or worse."""
    return [finding for finding in findings if finding.level >= level]

"""What lint finds in a declaration, each finding with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from broker.directory.declaration.checks import identity_problems
from broker.directory.declaration.declared import (
    Declaration,
    DeclaredBinding,
    DeclaredGroup,
    DeclaredIdentity,
)
from broker.directory.declaration.ignoring import Ignore, ignores
from broker.directory.declaration.problems import Problem, Where
from broker.iam.lint import RULES, Finding, Level, Rule, lint_identity
from broker.iam.model import Identity, StaticKeys
from broker.iam.uidp import Uidp

INVALID: Final = Rule("declaration-invalid", Level.ERROR, "The file cannot be applied.")
IGNORE_INVALID: Final = Rule(
    "ignore-invalid", Level.ERROR, "A broker-lint comment names no rule, or gives no reason."
)
IGNORE_UNUSED: Final = Rule(
    "ignore-unused", Level.WARNING, "A broker-lint comment lets a finding be that is not there."
)
FILE_RULES: Final = (INVALID, IGNORE_INVALID, IGNORE_UNUSED)
"""Rules about the file, beside those about identities."""

_OWNER: Final = "owner"
_NOWHERE: Final = Uidp("0" * 40 + "/" + "0" * 16)
_NAMES: Final = frozenset(rule.id for rule in RULES)


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding, and where it is."""

    finding: Finding
    identity: str
    """Path of names from the organization down; empty for the file itself."""
    line: int
    column: int
    field: str
    """Path of the field in the file: `organizations[0].identities[1].subject_pattern`."""

    def problem(self) -> Problem:
        """As something that keeps the file from being applied."""
        finding = self.finding
        message = f"{finding.message} {finding.advice} (lint: {finding.rule.id})"
        return Problem(self.line, self.column, self.field, message)

    def as_json(self) -> dict[str, Any]:
        """For output."""
        return {
            "rule": self.finding.rule.id,
            "level": self.finding.level.word,
            "identity": self.identity,
            "line": self.line,
            "column": self.column,
            "field": self.field,
            "message": self.finding.message,
            "advice": self.finding.advice,
        }


def lint_declaration(
    declaration: Declaration, source: bytes, *, now: datetime
) -> tuple[PlacedFinding, ...]:
    """Findings about every identity that is valid, in the order of the file; those that comments
    let be are left out. `source` is what the declaration was parsed from.
    """
    found = list(_of_identities(declaration, now))
    comments = ignores(source) if b"broker-lint" in source else ()
    kept = [each for each in found if not any(_lets_be(comment, each) for comment in comments)]
    kept += _of_comments(comments, found)
    return tuple(sorted(kept, key=lambda each: (each.line, -each.finding.level, each.column)))


Found = Mapping[str, Sequence[PlacedFinding]]
"""Path of an identity → the warnings and errors about it; those of the file under the empty one."""


def found_in(declaration: Declaration, source: bytes, *, now: datetime) -> Found:
    """As `lint_declaration`, without the notes."""
    found: dict[str, list[PlacedFinding]] = {}
    for each in lint_declaration(declaration, source, now=now):
        if each.finding.level >= Level.WARNING:
            found.setdefault(each.identity, []).append(each)
    return found


def of_problems(problems: Iterable[Problem]) -> tuple[PlacedFinding, ...]:
    """What keeps a file from being applied, as findings."""
    return tuple(
        PlacedFinding(
            Finding(INVALID, problem.field, problem.message, ""),
            "",
            problem.line,
            problem.column,
            problem.field,
        )
        for problem in problems
    )


def problems_of(declaration: Declaration, now: datetime) -> list[Problem]:
    """What is wrong with a declaration as far as the file alone tells."""
    problems = list(declaration.problems)
    for _, declared in _identities(declaration):
        problems += _problems(declared, now)
    return sorted(set(problems))


def _problems(declared: DeclaredIdentity, now: datetime) -> list[Problem]:
    identity = _identity(declared, now)
    if identity is None:
        return []  # noted when it was read
    # whether http is in order, the installation says
    return identity_problems(identity, declared.where, allow_http_loopback=True)


def _identity(declared: DeclaredIdentity, now: datetime) -> Identity | None:
    """As it would be kept, but for its UIDP; None when its fields could not be read."""
    if declared.relationship is None:
        return None
    created = now
    if isinstance(declared.relationship, StaticKeys):
        # keys that are over were good once, and that they are over is for lint to say
        created = min(now, declared.relationship.expiration - timedelta(days=1))
    return Identity(
        id=_NOWHERE,
        name=declared.name,
        description=declared.description,
        relationship=declared.relationship,
        max_token_lifetime=declared.max_token_lifetime,
        expires_with_upstream=declared.expires_with_upstream,
        created_at=created,
        updated_at=now,
    )


def _identities(declaration: Declaration) -> Iterator[tuple[str, DeclaredIdentity]]:
    """Every identity with its path of names."""
    for organization in declaration.organizations:
        for path, group in _walk(organization, organization.name):
            for identity in group.identities:
                yield f"{path}/{identity.name}", identity


def _of_identities(declaration: Declaration, now: datetime) -> Iterator[PlacedFinding]:
    owners = set(_owners(declaration))
    for path, declared in _identities(declaration):
        identity = _identity(declared, now)
        if identity is None or _problems(declared, now):
            continue
        roles = [_OWNER] if path in owners else []
        for finding in lint_identity(identity, now=now, roles=roles):
            yield placed(finding, path, declared.where)


def placed(finding: Finding, path: str, where: Where) -> PlacedFinding:
    """A finding about the identity at `path` of names, whose place in the file is `where`."""
    place = where.problem(finding.field, finding.message)
    return PlacedFinding(finding, path, place.line, place.column, place.field)


def _owners(declaration: Declaration) -> Iterator[str]:
    """Paths of the identities that the file makes owners of something."""
    for organization in declaration.organizations:
        for path, group in _walk(organization, organization.name):
            for identity in group.identities:
                if _OWNER in identity.roles:
                    yield f"{path}/{identity.name}"
            for binding in group.bindings:
                if binding.role == _OWNER:
                    yield from _bound(binding, path, organization.name)


def _bound(binding: DeclaredBinding, path: str, organization: str) -> Iterator[str]:
    match binding.identity:
        case Uidp():
            return  # of a record that is not in the file
        case str() as name:
            yield f"{path}/{name}"
            yield f"{organization}/{name.removeprefix('/')}"


def _walk(group: DeclaredGroup, path: str) -> Iterator[tuple[str, DeclaredGroup]]:
    yield path, group
    for folder in group.folders:
        yield from _walk(folder, f"{path}/{folder.name}")


def _lets_be(comment: Ignore, placed: PlacedFinding) -> bool:
    return (
        bool(comment.reason)
        and comment.rule == placed.finding.rule.id
        and comment.covers == placed.line
    )


def _of_comments(
    comments: Iterable[Ignore], found: Iterable[PlacedFinding]
) -> Iterator[PlacedFinding]:
    for comment in comments:
        if comment.rule not in _NAMES:
            named = f"there is no rule {comment.rule!r}" if comment.rule else "it names no rule"
            finding = Finding(
                IGNORE_INVALID, "", f"{named}.", "Write `# broker-lint: ignore RULE — reason`."
            )
        elif not comment.reason:
            finding = Finding(
                IGNORE_INVALID, "", "it gives no reason.", f"Write ignore {comment.rule} — reason."
            )
        elif not any(_lets_be(comment, placed) for placed in found):
            finding = Finding(
                IGNORE_UNUSED,
                "",
                f"there is no {comment.rule} on line {comment.covers}.",
                "Take the comment away, or move it to the line of the finding.",
            )
        else:
            continue
        yield PlacedFinding(finding, "", comment.line, comment.column, "")

"""Lint of declarations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from broker.cli.lint.report import Located, Report
from broker.directory.declaration import (
    DeclarationProblems,
    PlacedFinding,
    lint_declaration,
    parse_declaration,
)
from broker.directory.declaration.linting import of_problems, problems_of


def lint_files(files: Iterable[tuple[str, bytes]], now: datetime) -> Report:
    """What there is to say of each (name, content), what keeps it from being applied included."""
    found: list[Located] = []
    identities = 0
    for name, source in files:
        placed, count = _lint(source, now)
        identities += count
        found += [_located(name, each) for each in placed]
    return Report(found, identities)


def _lint(source: bytes, now: datetime) -> tuple[list[PlacedFinding], int]:
    try:
        declaration = parse_declaration(source)
    except DeclarationProblems as problems:
        return list(of_problems(problems.problems)), 0
    found = [
        *of_problems(problems_of(declaration, now)),
        *lint_declaration(declaration, source, now=now),
    ]
    count = sum(
        len(group.identities)
        for organization in declaration.organizations
        for group in organization.walk()
    )
    return sorted(found, key=lambda each: (each.line, -each.finding.level, each.column)), count


def _located(name: str, placed: PlacedFinding) -> Located:
    return Located(
        finding=placed.finding,
        file=name,
        line=placed.line,
        column=placed.column,
        field=placed.field,
        identity=placed.identity,
    )

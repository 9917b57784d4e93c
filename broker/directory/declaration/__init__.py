"""Declarations: a YAML file that says what an organization should look like.

Bytes become nodes with positions (`document`), nodes become declared values (`parsing`, into
`declared`), declared and existing records become a plan (`planning`, into `plan`), and a plan
becomes records in one transaction (`apply`). `linting` says what is risky about declared values.
Only `existing` and `apply` touch the store.
"""

from __future__ import annotations

from broker.directory.declaration.apply import apply_declaration
from broker.directory.declaration.declared import Declaration
from broker.directory.declaration.linting import PlacedFinding, lint_declaration
from broker.directory.declaration.parsing import parse_declaration
from broker.directory.declaration.plan import Action, Change, Plan, RecordKind
from broker.directory.declaration.problems import DeclarationProblems, Problem

__all__ = [
    "Action",
    "Change",
    "Declaration",
    "DeclarationProblems",
    "PlacedFinding",
    "Plan",
    "Problem",
    "RecordKind",
    "apply_declaration",
    "lint_declaration",
    "parse_declaration",
]

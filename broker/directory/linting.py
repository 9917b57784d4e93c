"""Lint when an identity is saved."""

from __future__ import annotations

from datetime import datetime

from broker.directory.installation import LintMode
from broker.errors import Invalid
from broker.iam.lint import Finding, Level, at_least, lint_rules
from broker.iam.lint.identity import OWNER
from broker.iam.model import Identity


def saved_with(
    identity: Identity, mode: LintMode, now: datetime, *, is_owner: bool = False
) -> tuple[Finding, ...]:
    """The warnings and errors about a valid identity that is being saved, the worst first.

    Raises `Invalid` (`lint_refused`) for an error where the mode is to refuse.
    """
    if mode is LintMode.OFF:
        return ()
    roles = [OWNER] if is_owner else []
    found = at_least(lint_rules(identity.relationship, now=now, roles=roles), Level.WARNING)
    if mode is LintMode.REFUSE and found and found[0].level is Level.ERROR:
        worst = found[0]
        raise Invalid(
            "lint_refused",
            f"{worst.field}: {worst.message} {worst.advice} (lint: {worst.rule.id})",
            field=worst.field,
        )
    return tuple(found)

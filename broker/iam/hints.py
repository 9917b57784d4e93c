"""Sentences that say what to change, for the owner of an identity whose token was refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_GITHUB_SUBJECT: Final = re.compile(r"repo:([^/@:]+)(?:@\d+)?/([^/@:]+)(?:@\d+)?:(.*)", re.DOTALL)


def absent(rule: str) -> str:
    """The token has no such claim."""
    return (
        f"The token has no {rule.removeprefix('claims.')!r} claim; an absent claim never matches."
    )


def partial_match() -> str:
    """The pattern holds for a part of the value."""
    # No ready pattern to copy: with '.*' behind it, 'repo:acme/shop' takes 'repo:acme/shop-evil'.
    return (
        "The pattern matches a part of the value. Patterns here match the whole value, as if "
        "anchored at both ends: write what else may stand there, no wider than it has to be."
    )


def audience(accepted: Sequence[str], got: Sequence[str]) -> str:
    """None of the accepted, or something besides them."""
    for value in got:
        if value.rstrip("/") in {known.rstrip("/") for known in accepted} - set(got):
            return f"The audience {value!r} differs by a trailing slash."
    if len(got) > 1 and any(value in accepted for value in got):
        return "Every audience in the token's list must be accepted, not only one of them."
    wanted = f"the audience {accepted[0]!r}" if accepted else "an accepted audience"
    return f"Ask the issuer for a token with {wanted}, or give the identity an audience of its own."


def near_miss(rule: str, expected: str, got: str) -> str:
    """Why a literal that looks right is not; empty when nothing is known."""
    if expected.rstrip("/") == got.rstrip("/"):
        return (
            "They differ by a trailing slash; issuers and other values are compared as they stand."
        )
    if expected.strip() == got.strip():
        return "They differ by white space at an end."
    if expected.casefold() == got.casefold():
        return "They differ in upper and lower case; values are compared as they stand."
    if rule == "subject" and _same_github_subject(expected, got):
        return (
            "The two are GitHub's subject forms of one repository: since July 2026 new and renamed "
            "repositories write 'repo:OWNER@ID/REPO@ID:…'. Match the repository_id and "
            "repository_owner_id claims, and let subject_pattern accept both forms."
        )
    if _is_glob(expected):
        return "The rule is a literal: '*' stands for itself. Use the pattern rule instead."
    return ""


def _same_github_subject(expected: str, got: str) -> bool:
    one, other = _GITHUB_SUBJECT.fullmatch(expected), _GITHUB_SUBJECT.fullmatch(got)
    return one is not None and other is not None and one.groups() == other.groups()


def _is_glob(expected: str) -> bool:
    return "*" in expected

"""Sentences that say what to change, for the owner of an identity whose token was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

_GITHUB_SUBJECT: Final = re.compile(r"repo:([^/@:]+)(?:@\d+)?/([^/@:]+)(?:@\d+)?:(.*)", re.DOTALL)
_GITHUB_FORMS: Final = (
    "The two are GitHub's subject forms of one repository: since July 2026 new and renamed "
    "repositories write 'repo:OWNER@ID/REPO@ID:…'. Match the repository_id and "
    "repository_owner_id claims, and let subject_pattern accept both forms."
)
_GITHUB_ISSUED: Final = re.compile(r"https://github\.com/[^/]+")
_REFS: Final = ("refs/heads/", "refs/tags/")
_TRAILING_SLASH: Final = (
    "They differ by a trailing slash; issuers and other values are compared as they stand."
)


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
    if any(_GITHUB_ISSUED.fullmatch(value) for value in got):
        return (
            "This is the audience that GitHub writes when none is asked for: ask for a token with "
            f"{wanted}."
        )
    return f"Ask the issuer for a token with {wanted}, or give the identity an audience of its own."


def near_miss(rule: str, expected: str, got: str) -> str:
    """Why a literal that looks right is not; empty when nothing is known."""
    if alike := _written_otherwise(expected, got):
        return alike
    if rule == "subject" and (github := _github_subjects(expected, got)):
        return github
    if expected in _shortened(got):
        return _full_ref(got)
    if got in _shortened(expected):
        return "The issuer writes the short name of a branch or tag here: leave out 'refs/…/'."
    if "*" in expected:
        return "The rule is a literal: '*' stands for itself. Use the pattern rule instead."
    return ""


def pattern_near_miss(rule: str, accepts: Callable[[str], bool], got: str) -> str:
    """Why a pattern that looks right does not match; empty when nothing is known.

    `accepts`: whether the pattern matches the whole of a text.
    """
    if accepts(got.rstrip("/")) or accepts(f"{got}/"):
        return _TRAILING_SLASH
    github = _GITHUB_SUBJECT.fullmatch(got)
    if rule == "subject" and github and accepts("repo:{}/{}:{}".format(*github.groups())):
        return _GITHUB_FORMS
    if any(map(accepts, _shortened(got))):
        return _full_ref(got)
    return ""


def _written_otherwise(expected: str, got: str) -> str:
    if expected.rstrip("/") == got.rstrip("/"):
        return _TRAILING_SLASH
    if expected.strip() == got.strip():
        return "They differ by white space at an end."
    if expected.casefold() == got.casefold():
        return "They differ in upper and lower case; values are compared as they stand."
    return ""


def _github_subjects(expected: str, got: str) -> str:
    one, other = _GITHUB_SUBJECT.fullmatch(expected), _GITHUB_SUBJECT.fullmatch(got)
    if one is None or other is None or one.groups()[:2] != other.groups()[:2]:
        return ""
    if one[3] == other[3]:
        return _GITHUB_FORMS
    kinds = [context.partition(":")[0] for context in (one[3], other[3])]
    if kinds[0] == kinds[1]:
        return ""
    return (
        "GitHub's subject ends in what a job runs for: 'environment:NAME' for one that names an "
        "environment, else 'pull_request', else 'ref:REF'. This token's job is of another kind "
        "than the rule."
    )


def _shortened(value: str) -> Iterator[str]:
    """The value with each kind of ref in it cut to its short name."""
    return (value.replace(ref, "", 1) for ref in _REFS if ref in value)


def _full_ref(got: str) -> str:
    ref = next(ref for ref in _REFS if ref in got)
    return f"The issuer writes refs in full here: '{ref}NAME', not 'NAME'."

"""Workflows of GitHub Actions.

Two forms of subject exist: `repo:OWNER/REPO:…`, and `repo:OWNER@ID/REPO@ID:…` of repositories that
were created, renamed or moved after 2026-07-15 (GitHub, "OpenID Connect reference"). What follows
is `ref:REF`, or `pull_request`, or `environment:NAME` whatever else there is.
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import NUMBER, answered, expect, literal, one_of, refuse
from broker.iam.presets.preset import Preset, Question, audience_question

ISSUER: Final = "https://token.actions.githubusercontent.com"

EVENTS: Final = (
    "create",
    "deployment",
    "merge_group",
    "push",
    "release",
    "repository_dispatch",
    "schedule",
    "workflow_dispatch",
)
"""What starts workflows on code of people who may write to the repository. Not among them:
pull_request_target and workflow_run, which run with the repository's rights on behalf of
anybody who opens a pull request."""

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+", re.ASCII)
_FOLDER: Final = ".github/workflows/"
_WORKFLOW: Final = re.compile(
    r"(?:(?P<repository>[A-Za-z0-9_-]+/[A-Za-z0-9._-]+)/)?(?:\.github/workflows/)?"
    r"(?P<file>[^/@:]+\.ya?ml)(?:@(?P<ref>[^@:]+))?"
)
_MERGE: Final = "refs/pull/[0-9]+/merge"
_ANY_REF: Final = "refs/(heads|tags)/.+"


def github_rules(
    *,
    repository: str,
    owner_id: str = "",
    repository_id: str = "",
    ref: str = "",
    environment: str = "",
    workflow: str = "",
    events: tuple[str, ...] = (),
    audience: str = "",
    issuer: str = ISSUER,
) -> ClaimMatch:
    """Rules that accept both forms of the subject. Raises `Invalid`."""
    expect("repository", repository, _REPOSITORY, "OWNER/REPO")
    for name, number in (("owner_id", owner_id), ("repository_id", repository_id)):
        if number:
            expect(name, number, NUMBER, "a number")
    if ref and not ref.startswith("refs/"):
        refuse("ref", f"{ref!r}: expected refs/heads/{ref} or refs/tags/{ref}")
    refs = _Refs(ref, events)
    owner, _, name = repository.partition("/")
    whose = f"{_numbered(owner, owner_id)}/{_numbered(name, repository_id)}"
    claims = answered(
        repository_owner_id=owner_id,
        repository_id=repository_id,
        environment=environment,
        # the subject has no ref where it has an environment
        ref="" if refs.of_pull_requests else ref,
        job_workflow_ref=_workflow(workflow, repository, refs)[0],
    )
    patterns = answered(
        event_name=one_of(events or EVENTS),
        ref=refs.pattern if ref and refs.of_pull_requests else "",
        job_workflow_ref=_workflow(workflow, repository, refs)[1],
    )
    return ClaimMatch(
        issuer=issuer,
        subject_pattern=f"repo:{whose}:{refs.context(environment)}",
        audience=audience,
        claims=claims,
        claim_patterns=patterns,
    )


class _Refs:
    """The branches and tags that are accepted. A pull request has a ref of its own."""

    def __init__(self, ref: str, events: tuple[str, ...]) -> None:
        self._own = literal(ref) if ref else _ANY_REF
        self.of_pull_requests = any(event.startswith("pull_request") for event in events)

    @property
    def pattern(self) -> str:
        """Of the claims `ref`, and of what stands behind the @ of `job_workflow_ref`."""
        return f"{self._own}|{_MERGE}" if self.of_pull_requests else self._own

    def context(self, environment: str) -> str:
        """The end of the subject. Within it `:` is written `%3A`."""
        if environment:
            return f"environment:{literal(environment.replace(':', '%3A'))}"
        of_ref = f"ref:{self._own}"
        return f"({of_ref}|pull_request)" if self.of_pull_requests else of_ref


def _workflow(workflow: str, repository: str, refs: _Refs) -> tuple[str, str]:
    """The claim `job_workflow_ref`, as a literal or as a pattern."""
    if not workflow:
        return "", ""
    expected = f"FILE, or OWNER/REPO/{_FOLDER}FILE@REF"
    found = _WORKFLOW.fullmatch(workflow)
    if found is None:
        refuse("workflow", f"{workflow!r}: expected {expected}")
    where = f"{found['repository'] or repository}/{_FOLDER}{found['file']}@"
    if found["ref"]:
        return where + found["ref"], ""
    if found["repository"] not in (None, repository):
        refuse("workflow", f"{workflow!r}: expected {expected}; any branch there counts otherwise")
    return "", f"{literal(where)}({refs.pattern})"


def _numbered(name: str, number: str) -> str:
    return f"{literal(name)}(@{number or '[0-9]+'})?"


GITHUB: Final = Preset(
    name="github",
    workload="workflows of a GitHub repository",
    guide="github-actions",
    rules=github_rules,
    narrowing=("ref", "environment"),
    wide="every branch and tag of the repository is accepted",
    questions=(
        Question(
            name="repository",
            flag="--github-repo",
            label="Repository (OWNER/REPO)",
            help="Repository, OWNER/REPO.",
            required=True,
        ),
        Question(
            name="owner_id",
            flag="--github-owner-id",
            label="Number of the owner",
            help="Number of the owner, which no other owner will ever have.",
            find="gh api repos/OWNER/REPO --jq .owner.id",
            pins="owner",
        ),
        Question(
            name="repository_id",
            flag="--github-repo-id",
            label="Number of the repository",
            help="Number of the repository, which no other repository will ever have.",
            find="gh api repos/OWNER/REPO --jq .id",
            pins="repository",
        ),
        Question(
            name="ref",
            flag="--github-ref",
            label="Branch or tag",
            help="Branch or tag: refs/heads/main, refs/tags/v1. Default: any of the repository.",
        ),
        Question(
            name="environment",
            flag="--github-environment",
            label="Environment",
            help="Only jobs of this environment.",
        ),
        Question(
            name="workflow",
            flag="--github-workflow",
            label="Workflow",
            help="Only this workflow: FILE of the repository, or a reusable one, "
            "OWNER/REPO/.github/workflows/FILE@REF.",
        ),
        Question(
            name="events",
            flag="--github-event",
            label="Events",
            help="Events that may start the workflow; repeats, or has commas. Default: "
            f"{', '.join(EVENTS)}. pull_request_target and workflow_run only when they are named.",
            answer="several",
        ),
        audience_question(
            "--github-audience", "Audience that the job asks for. Default: the broker's own."
        ),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="Issuer: https://HOST/_services/token of an Enterprise Server, or the one that "
            "an enterprise has of its own.",
            default=ISSUER,
        ),
    ),
)

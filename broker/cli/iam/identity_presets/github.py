"""`broker iam identities create github`."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.values import separated
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_presets.patterns import literal, one_of
from broker.sdk.api import Record

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

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)


@click.command()
@making_options
@click.option("--github-repo", metavar="OWNER/REPO", help="Repository.")
@click.option(
    "--github-ref",
    help="Branch or tag: refs/heads/main, refs/tags/v1. Default: any of the repository.",
)
@click.option("--github-environment", help="Only jobs of this environment.")
@click.option("--github-audience", help="Audience that the job asks for. Default: the broker's.")
@click.option("--github-owner-id", help="Number of the owner, which survives a rename.")
@click.option("--github-repo-id", help="Number of the repository, which survives a rename.")
@click.option(
    "--github-event",
    multiple=True,
    help="Events that may start the workflow; repeats, or has commas. Default: "
    f"{', '.join(EVENTS)}. pull_request_target and workflow_run only when they are named.",
)
@api_command()
async def github(
    run: Invocation,
    /,
    *,
    github_repo: str | None,
    github_ref: str | None,
    github_environment: str | None,
    github_audience: str | None,
    github_owner_id: str | None,
    github_repo_id: str | None,
    github_event: tuple[str, ...],
    **identity: Any,
) -> None:
    """Create an identity for workflows of a GitHub repository."""
    rules = github_rules(
        repository=github_repo or run.ask.text("--github-repo", "Repository (OWNER/REPO)"),
        ref=github_ref or "",
        environment=github_environment or "",
        audience=github_audience or "",
        owner_id=github_owner_id or "",
        repository_id=github_repo_id or "",
        events=tuple(separated(github_event)),
    )
    made = await make(run, {"claimMatch": rules}, **identity)
    if not github_ref and not github_environment:
        click.echo(
            "note: every branch and tag of the repository is accepted; --github-ref or "
            "--github-environment would name one",
            err=True,
        )
    run.out.record(VIEW, made)


def github_rules(
    *,
    repository: str,
    ref: str = "",
    environment: str = "",
    audience: str = "",
    owner_id: str = "",
    repository_id: str = "",
    events: tuple[str, ...] = (),
) -> Record:
    """Rules that accept both forms of GitHub's subject: with numbers behind owner and repository
    (repositories made or renamed since July 2026), and without.

    Raises `click.BadParameter`.
    """
    _check(repository, ref, owner_id, repository_id)
    owner, _, name = repository.partition("/")
    whose = f"{_numbered(owner, owner_id)}/{_numbered(name, repository_id)}"
    from_pull_requests = any(event.startswith("pull_request") for event in events)
    claims = {
        "repository_owner_id": owner_id,
        "repository_id": repository_id,
        "environment": environment,
        # the ref of a pull request is its own; everything else is pinned also where the subject
        # has the environment in the place of the ref
        "ref": "" if from_pull_requests else ref,
    }
    allowed = events or EVENTS
    rules: Record = {
        "issuer": ISSUER,
        "subjectPattern": f"repo:{whose}:{_context(ref, environment, from_pull_requests)}",
        "claims": {name: value for name, value in claims.items() if value},
        "claimPatterns": {"event_name": one_of(allowed)},
    }
    if audience:
        rules["audience"] = audience
    return rules


def _context(ref: str, environment: str, from_pull_requests: bool) -> str:
    """The end of the subject: an environment hides everything else (GitHub's documentation)."""
    if environment:
        return f"environment:{literal(environment)}"
    of_ref = f"ref:{literal(ref)}" if ref else "ref:refs/(heads|tags)/.+"
    return f"({of_ref}|pull_request)" if from_pull_requests else of_ref


def _numbered(name: str, number: str) -> str:
    return f"{literal(name)}(@{number or '[0-9]+'})?"


def _check(repository: str, ref: str, owner_id: str, repository_id: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        raise click.BadParameter(
            f"{repository!r}: expected OWNER/REPO.", param_hint="--github-repo"
        )
    if ref and not ref.startswith("refs/"):
        raise click.BadParameter(
            f"{ref!r}: expected refs/heads/{ref} or refs/tags/{ref}.", param_hint="--github-ref"
        )
    for flag, number in (("--github-owner-id", owner_id), ("--github-repo-id", repository_id)):
        if number and not _NUMBER.fullmatch(number):
            raise click.BadParameter(f"{number!r}: expected a number.", param_hint=flag)

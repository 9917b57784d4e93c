"""docs/guides/github-actions.md."""

from __future__ import annotations

from typing import Any

import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.cli.management import Organization
from tests.guides.following import COMMAND, Workload, follow

MAIN = "refs/heads/main"
REPO = ("--github-repo", "acme/shop", "--github-owner-id", "43356", "--github-repo-id", "957014466")


@pytest.fixture
def deploy(acme: Organization, platform: LocalIssuer) -> Workload:
    """As the guide makes it, for the branch main."""
    return follow(acme, "github-actions", platform)


def job(platform: LocalIssuer, ref: str = MAIN, **more: str) -> dict[str, str]:
    """A job of acme/shop, with the numbers of the guide."""
    return platform.github_claims("acme/shop", ref, **more)


def test_a_job_of_the_branch(deploy: Workload, platform: LocalIssuer) -> None:
    """With either form of the subject, and a token that is valid from five minutes ago."""
    deploy.becomes_it(job(platform))
    numbered = f"repo:acme@43356/shop@957014466:ref:{MAIN}"
    deploy.becomes_it(job(platform, sub=numbered))
    deploy.becomes_it(job(platform, event_name="schedule"))


@pytest.mark.parametrize(
    ("what", "claims"),
    [
        ("another branch", {"sub": "repo:acme/shop:ref:refs/heads/x", "ref": "refs/heads/x"}),
        ("a tag of the same name", {"sub": "repo:acme/shop:ref:refs/tags/main"}),
        ("a longer name", {"sub": f"repo:acme/shop:ref:{MAIN}-2", "ref": f"{MAIN}-2"}),
        (
            "a pull request",
            {
                "sub": "repo:acme/shop:pull_request",
                "ref": "refs/pull/7/merge",
                "event_name": "pull_request",
            },
        ),
        ("pull_request_target", {"event_name": "pull_request_target"}),
        ("workflow_run", {"event_name": "workflow_run"}),
        ("another owner", {"sub": f"repo:evil/shop:ref:{MAIN}", "repository_owner_id": "666"}),
        (
            "another owner, numbered",
            {"sub": f"repo:acme@666/shop@957014466:ref:{MAIN}", "repository_owner_id": "666"},
        ),
        ("a fork", {"sub": f"repo:evil/shop:ref:{MAIN}", "repository_id": "667"}),
        ("the old name of a repository that was renamed", {"repository_id": "667"}),
        ("the name of an owner that was deleted", {"repository_owner_id": "666"}),
        ("the new name after a rename", {"sub": f"repo:acme@43356/store@957014466:ref:{MAIN}"}),
        ("an environment", {"sub": "repo:acme/shop:environment:prod", "environment": "prod"}),
        ("a reusable workflow's subject", {"sub": "repo:acme/shop:job_workflow_ref:x"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_near_misses(
    deploy: Workload, platform: LocalIssuer, what: str, claims: dict[str, str]
) -> None:
    """Are refused, each for one claim."""
    deploy.does_not(job(platform) | claims)


def test_a_token_for_somebody_else(deploy: Workload, platform: LocalIssuer) -> None:
    """GitHub's own default audience is not the broker."""
    deploy.does_not(job(platform), aud="https://github.com/acme")


class TestOptions:
    """What else the preset can pin."""

    def made(self, acme: Organization, platform: LocalIssuer, *words: str) -> Workload:
        """By the command, with an issuer of one's own as an Enterprise Server has."""
        own = ("--identity-issuer", platform.url, "--role", "viewer", "--parent", acme.name)
        made = acme.owner.json(*COMMAND[1:], "github", "x", *REPO, *own, *words)
        return Workload(made, platform, acme.owner)

    def test_an_environment(self, acme: Organization, platform: LocalIssuer) -> None:
        """Takes the place of the ref in the subject, where a colon is encoded."""
        workload = self.made(acme, platform, "--github-environment", "prod:eu")
        subject = "repo:acme/shop:environment:prod%3Aeu"
        workload.becomes_it(job(platform, sub=subject, environment="prod:eu"))
        workload.does_not(job(platform, sub=subject, environment="prod"))
        workload.does_not(job(platform))

    def test_a_reusable_workflow(self, acme: Organization, platform: LocalIssuer) -> None:
        """At the ref that was named."""
        reused = f"acme/ci/.github/workflows/deploy.yml@{MAIN}"
        workload = self.made(acme, platform, "--github-workflow", reused)
        workload.becomes_it(job(platform, job_workflow_ref=reused))
        workload.does_not(job(platform))
        workload.does_not(job(platform, job_workflow_ref=reused + "2"))

    @pytest.mark.parametrize("event", ["pull_request_target", "workflow_run"])
    def test_untrusted_events_when_asked_for(
        self, acme: Organization, platform: LocalIssuer, event: str
    ) -> None:
        """Then they are accepted, and nothing else is."""
        workload = self.made(acme, platform, "--github-event", event)
        workload.becomes_it(job(platform, event_name=event))
        workload.does_not(job(platform))


def test_every_claim_is_a_string(platform: LocalIssuer) -> None:
    """As in GitHub's own tokens: numbers of runs and repositories too."""
    claims: dict[str, Any] = dict(job(platform))
    assert all(isinstance(value, str) for value in claims.values())

"""The preset for GitHub Actions."""

from __future__ import annotations

import pytest

from broker.errors import Invalid
from broker.iam.presets.github import EVENTS, github_rules
from tests.kit.presets import accepts

MAIN = "refs/heads/main"


def test_both_forms_of_the_subject() -> None:
    """With GitHub's numbers in it and without; other numbers are refused where they are known."""
    rules = github_rules(
        repository="acme/shop.js", ref=MAIN, owner_id="9919", repository_id="724155"
    )
    claims = {
        "repository_owner_id": "9919",
        "repository_id": "724155",
        "ref": MAIN,
        "event_name": "push",
    }
    assert accepts(rules, f"repo:acme/shop.js:ref:{MAIN}", **claims)
    assert accepts(rules, f"repo:acme@9919/shop.js@724155:ref:{MAIN}", **claims)
    assert not accepts(rules, f"repo:acme@9918/shop.js@724155:ref:{MAIN}", **claims)
    assert not accepts(rules, f"repo:acme/shop.js:ref:{MAIN}", **claims | {"repository_id": "1"})
    assert not accepts(rules, f"repo:acme/shopxjs:ref:{MAIN}", **claims)
    assert not accepts(rules, f"repo:acme/shop.js:ref:{MAIN}2", **claims)


def test_numbers_may_be_unknown() -> None:
    """Then any stand in the subject."""
    rules = github_rules(repository="acme/shop", ref=MAIN)
    claims = {"ref": MAIN, "event_name": "push"}
    assert accepts(rules, f"repo:acme/shop:ref:{MAIN}", **claims)
    assert accepts(rules, f"repo:acme@1/shop@2:ref:{MAIN}", **claims)
    assert not accepts(rules, f"repo:acme@x/shop:ref:{MAIN}", **claims)
    assert not accepts(rules, f"repo:acme/shop@1/x:ref:{MAIN}", **claims)


def test_any_branch_or_tag() -> None:
    """Without a ref; but no pull request, and no environment."""
    rules = github_rules(repository="acme/shop")
    for ref in (MAIN, "refs/heads/a/b", "refs/tags/v1"):
        assert accepts(rules, f"repo:acme/shop:ref:{ref}", ref=ref, event_name="push")
    for context in ("pull_request", "ref:refs/pull/1/merge", "environment:prod"):
        assert not accepts(rules, f"repo:acme/shop:{context}", event_name="push")


def test_an_environment() -> None:
    """Stands in the subject in the place of the ref, which is pinned by its claim."""
    rules = github_rules(repository="acme/shop", ref=MAIN, environment="prod.eu")
    claims = {"ref": MAIN, "environment": "prod.eu", "event_name": "push"}
    assert accepts(rules, "repo:acme/shop:environment:prod.eu", **claims)
    other = claims | {"ref": "refs/heads/x"}
    assert not accepts(rules, "repo:acme/shop:environment:prod.eu", **other)
    assert not accepts(rules, f"repo:acme/shop:ref:{MAIN}", **claims)
    assert not accepts(rules, "repo:acme/shop:environment:prodxeu", **claims)


def test_a_colon_in_the_name_of_an_environment() -> None:
    """Is encoded in the subject, and not in the claim."""
    rules = github_rules(repository="acme/shop", environment="prod:eu")
    claims = {"environment": "prod:eu", "event_name": "push"}
    assert accepts(rules, "repo:acme/shop:environment:prod%3Aeu", **claims)
    assert not accepts(rules, "repo:acme/shop:environment:prod:eu", **claims)


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run", "pull_request"])
def test_events_of_anybody_are_refused_unless_named(event: str) -> None:
    """They run with the repository's rights for who may not write to it."""
    subject, ref = f"repo:acme/shop:ref:{MAIN}", MAIN
    rules = github_rules(repository="acme/shop", ref=MAIN)
    assert not accepts(rules, subject, ref=ref, event_name=event)
    asked = github_rules(repository="acme/shop", ref=MAIN, events=(event,))
    assert accepts(asked, subject, ref=ref, event_name=event)
    assert not accepts(asked, subject, ref=ref, event_name="push")


def test_usual_events_are_accepted() -> None:
    """Those that start workflows on the repository's own code."""
    rules = github_rules(repository="acme/shop", ref=MAIN)
    for event in EVENTS:
        assert accepts(rules, f"repo:acme/shop:ref:{MAIN}", ref=MAIN, event_name=event)
    assert not accepts(rules, f"repo:acme/shop:ref:{MAIN}", ref=MAIN)


def test_pull_requests_when_asked_for() -> None:
    """Their subject has no ref, and their ref is one of their own."""
    rules = github_rules(repository="a/b", ref=MAIN, events=("push", "pull_request"))
    merge = {"ref": "refs/pull/1/merge", "event_name": "pull_request"}
    assert accepts(rules, "repo:a/b:pull_request", **merge)
    assert accepts(rules, f"repo:a/b:ref:{MAIN}", ref=MAIN, event_name="push")
    assert not accepts(rules, "repo:a/b:ref:refs/heads/x", event_name="push")


def test_pull_requests_do_not_open_the_environment_to_other_branches() -> None:
    """The ref stays pinned where the subject does not have it."""
    rules = github_rules(
        repository="a/b", ref=MAIN, environment="e", events=("push", "pull_request")
    )
    claims = {"environment": "e", "event_name": "push"}
    assert accepts(rules, "repo:a/b:environment:e", ref=MAIN, **claims)
    assert accepts(rules, "repo:a/b:environment:e", ref="refs/pull/1/merge", **claims)
    assert not accepts(rules, "repo:a/b:environment:e", ref="refs/heads/x", **claims)


class TestWorkflow:
    """`job_workflow_ref`."""

    def claims(self, workflow_ref: str) -> dict[str, str]:
        return {"ref": MAIN, "event_name": "push", "job_workflow_ref": workflow_ref}

    @pytest.mark.parametrize(
        "workflow", ["deploy.yml", ".github/workflows/deploy.yml", "a/b/deploy.yml"]
    )
    def test_of_the_repository(self, workflow: str) -> None:
        """By its file, on the branch that is accepted."""
        rules = github_rules(repository="a/b", ref=MAIN, workflow=workflow)
        subject, path = f"repo:a/b:ref:{MAIN}", "a/b/.github/workflows"
        assert accepts(rules, subject, **self.claims(f"{path}/deploy.yml@{MAIN}"))
        assert not accepts(rules, subject, **self.claims(f"{path}/deploy.yml@refs/heads/x"))
        assert not accepts(rules, subject, **self.claims(f"{path}/deployxyml@{MAIN}"))
        assert not accepts(rules, subject, **self.claims(f"{path}/other.yml@{MAIN}"))
        assert not accepts(rules, subject, ref=MAIN, event_name="push")

    def test_on_any_branch(self) -> None:
        """Where any is accepted, but never at the ref of a pull request."""
        rules = github_rules(repository="a/b", workflow="deploy.yml")
        path = "a/b/.github/workflows/deploy.yml@"
        assert accepts(rules, f"repo:a/b:ref:{MAIN}", **self.claims(path + "refs/heads/x"))
        pull = self.claims(path + "refs/pull/1/merge")
        assert not accepts(rules, f"repo:a/b:ref:{MAIN}", **pull)

    def test_a_reusable_one(self) -> None:
        """Is named with the ref at which it is used, and then literally."""
        reused = f"a/ci/.github/workflows/deploy.yml@{MAIN}"
        rules = github_rules(repository="a/b", ref=MAIN, workflow=reused)
        assert rules.claims["job_workflow_ref"] == reused
        with pytest.raises(Invalid, match=r"^workflow: .*@REF; any branch there"):
            github_rules(repository="a/b", workflow="a/ci/.github/workflows/deploy.yml")

    @pytest.mark.parametrize(
        "workflow", ["deploy", "a/b", "x/deploy.yml", "deploy.yml@", "a:b.yml"]
    )
    def test_what_is_none(self, workflow: str) -> None:
        """Is refused with both forms."""
        with pytest.raises(Invalid, match=r"^workflow: .*expected FILE, or OWNER/REPO"):
            github_rules(repository="a/b", workflow=workflow)

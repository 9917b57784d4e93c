"""Whatever a preset is answered, its rules give lint nothing to warn of once ids are named."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.iam.lint import Level, at_least, lint_rules
from broker.iam.model import Relationship
from broker.iam.presets.aws import role_rules, user_rules
from broker.iam.presets.buildkite import buildkite_rules
from broker.iam.presets.github import EVENTS, github_rules
from broker.iam.presets.gitlab import gitlab_rules
from broker.iam.presets.terraform_cloud import terraform_cloud_rules
from tests.kit.presets import NOW

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6})?", fullmatch=True)
DOTTED = st.from_regex(r"[a-z][A-Za-z0-9_]{0,8}([.-][a-z0-9]{1,4})?", fullmatch=True)
NUMBERS = st.integers(1, 10**10).map(str)
REFS = st.builds("refs/{}/{}".format, st.sampled_from(["heads", "tags"]), DOTTED)
PRINTABLE = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,12}[A-Za-z0-9]", fullmatch=True)


def warnings(rules: Relationship) -> list[str]:
    """And errors."""
    return [str(each) for each in at_least(lint_rules(rules, now=NOW), Level.WARNING)]


@settings(max_examples=60, deadline=None)
@given(
    owner=NAMES,
    name=DOTTED,
    ids=st.tuples(NUMBERS, NUMBERS),
    ref=st.just("") | REFS,
    environment=st.just("") | PRINTABLE,
    events=st.just(()) | st.lists(st.sampled_from(EVENTS), min_size=1, unique=True).map(tuple),
)
def test_github(
    owner: str,
    name: str,
    ids: tuple[str, str],
    ref: str,
    environment: str,
    events: tuple[str, ...],
) -> None:
    """Any repository, ref, environment and trusted events; one id is enough."""
    given: dict[str, Any] = {"repository": f"{owner}/{name}", "ref": ref, "events": events}
    for known in zip(("owner_id", "repository_id"), ids, strict=True):
        rules = github_rules(**given | dict([known]), environment=environment)
        assert warnings(rules) == []
    assert any("name-only-pin" in each for each in warnings(github_rules(**given)))


@settings(max_examples=40, deadline=None)
@given(path=st.lists(DOTTED, min_size=2, max_size=4), number=NUMBERS, ref=st.just("") | DOTTED)
def test_gitlab(path: list[str], number: str, ref: str) -> None:
    """Any project and branch."""
    given: dict[str, Any] = {"project": "/".join(path), "ref": ref}
    assert warnings(gitlab_rules(**given, project_id=number)) == []
    assert any("name-only-pin" in each for each in warnings(gitlab_rules(**given)))


@settings(max_examples=40, deadline=None)
@given(organization=NAMES, pipeline=NAMES, uuid=st.uuids().map(str), branch=st.just("") | DOTTED)
def test_buildkite(organization: str, pipeline: str, uuid: str, branch: str) -> None:
    """Any pipeline and branch."""
    given: dict[str, Any] = {"organization": organization, "pipeline": pipeline, "branch": branch}
    assert warnings(buildkite_rules(**given, pipeline_id=uuid)) == []
    assert any("name-only-pin" in each for each in warnings(buildkite_rules(**given)))


@settings(max_examples=40, deadline=None)
@given(organization=NAMES, workspace=NAMES)
def test_terraform_cloud(organization: str, workspace: str) -> None:
    """Any workspace."""
    rules = terraform_cloud_rules(
        organization=organization, workspace=workspace, workspace_id="ws-4qhKZ8xFXyzGpwrB"
    )
    assert warnings(rules) == []


@settings(max_examples=40, deadline=None)
@given(account=st.from_regex(r"[0-9]{12}", fullmatch=True), name=DOTTED)
def test_aws(account: str, name: str) -> None:
    """Any role or user with its id; without, the name alone is warned of."""
    role, user = "AROAEXAMPLEROLEID", "AIDAEXAMPLEUSERID"
    assert warnings(role_rules(account=account, role=name, role_id=role)) == []
    assert warnings(role_rules(account=account, role_id=role)) == []
    assert warnings(user_rules(account=account, user=name, user_id=user)) == []
    assert any("aws-name-only-pin" in w for w in warnings(role_rules(account=account, role=name)))
    assert any("aws-name-only-pin" in w for w in warnings(user_rules(account=account, user=name)))

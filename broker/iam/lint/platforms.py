"""Issuers that many tenants share: where their tokens say whose they are, by name and by id.

Facts are from the platforms' own documentation of their OpenID Connect tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.iam.lint.reasoning import WHOLE, Form

FIRST_SEGMENT: Final = Form("", "[^/]+", "(?:/.*)?")
"""Of a path: a GitHub owner, a top-level GitLab group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An issuer, and what pins a tenant, a project, a branch in its tokens."""

    name: str
    issuer: str = ""
    """The one URL that all tenants share; empty where each tenant has its own."""
    issuers: Form | None = None
    """Where each tenant has its own: the form of them, and where the tenant stands."""
    issuer_is_id: bool = False
    """Whether that is an id, which no other tenant will ever have."""
    strangers: tuple[str, ...]
    """Subjects of somebody else."""
    owner_subjects: tuple[Form, ...]
    """Where a subject has the owner. No text is of two of these forms."""
    owner_claims: Mapping[str, Form]
    """Claims that say whose the token is, names and ids."""
    id_claims: frozenset[str] = frozenset()
    """Those of them that are never given to another owner."""
    id_subjects: tuple[Form, ...] = ()
    """Subjects in which such an id stands."""
    project: str
    """What an owner has many of: `repository`."""
    project_subjects: tuple[Form, ...] = ()
    project_claims: frozenset[str] = frozenset()
    refs: Form | None = None
    """Subjects with a branch."""
    ref_claims: frozenset[str] = frozenset()
    advice: str
    """Which claims to write."""
    id_audience: Form | None = None
    """Audiences in which an id stands."""


_NAME: Final = "[A-Za-z0-9_.-]+"
_UUID: Final = "[0-9A-Fa-f-]+"
_NUMBER: Final = "(?:@[0-9]+)?"

GITHUB_PLAIN: Final = f"repo:{_NAME}/{_NAME}(?::.*)?"
"""GitHub's subject without ids."""
GITHUB_NUMBERED: Final = f"repo:{_NAME}@[0-9]+/{_NAME}@[0-9]+(?::.*)?"
"""The same of repositories that were created or renamed since July 2026."""
GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"

GITHUB: Final = Platform(
    name="GitHub",
    issuer=GITHUB_ISSUER,
    strangers=(
        "repo:evil/evil:ref:refs/heads/main",
        "repo:evil/evil:pull_request",
        "repo:evil@1/evil@2:environment:production",
    ),
    owner_subjects=(
        Form("repo:", _NAME, f"{_NUMBER}/{_NAME}{_NUMBER}(?::.*)?"),
        Form("repository_owner:", "[^:]+", "(?::.*)?"),
        Form("repository_owner_id:", "[^:]+", "(?::.*)?"),
        Form("repository:", "[^:/]+", "/[^:]+(?::.*)?"),
        Form("repository_id:", "[^:]+", "(?::.*)?"),
    ),
    owner_claims={
        "repository": FIRST_SEGMENT,
        "repository_id": WHOLE,
        "repository_owner": WHOLE,
        "repository_owner_id": WHOLE,
        "enterprise": WHOLE,
        "enterprise_id": WHOLE,
    },
    id_claims=frozenset({"repository_id", "repository_owner_id", "enterprise_id"}),
    id_subjects=(
        Form(f"repo:{_NAME}@", "[0-9]+", f"/{_NAME}{_NUMBER}(?::.*)?"),
        Form("repository_owner_id:", "[^:]+", "(?::.*)?"),
        Form("repository_id:", "[^:]+", "(?::.*)?"),
    ),
    project="repository",
    project_subjects=(
        Form(f"repo:{_NAME}{_NUMBER}/", _NAME, f"{_NUMBER}(?::.*)?"),
        Form("repository:[^:/]+/", "[^:]+", "(?::.*)?"),
        Form("repository_id:", "[^:]+", "(?::.*)?"),
    ),
    project_claims=frozenset({"repository", "repository_id"}),
    refs=Form("repo:[^:]+:ref:refs/heads/", ".+"),
    ref_claims=frozenset({"ref", "environment", "base_ref", "ref_protected"}),
    advice="repository_id and repository_owner_id (gh api repos/OWNER/REPO has both)",
)

GITLAB: Final = Platform(
    name="GitLab.com",
    issuer="https://gitlab.com",
    strangers=(
        "project_path:evil/evil:ref_type:branch:ref:main",
        "project_path:evil/evil/evil:ref_type:tag:ref:v1",
    ),
    owner_subjects=(Form("project_path:", _NAME, f"(?:/{_NAME})+(?::.*)?"),),
    owner_claims={
        "namespace_id": WHOLE,
        "namespace_path": FIRST_SEGMENT,
        "project_id": WHOLE,
        "project_path": FIRST_SEGMENT,
        "user_id": WHOLE,
    },
    id_claims=frozenset({"namespace_id", "project_id", "user_id"}),
    project="project",
    project_subjects=(Form("project_path:", f"{_NAME}(?:/{_NAME})+", "(?::.*)?"),),
    project_claims=frozenset({"project_id", "project_path"}),
    refs=Form("project_path:[^:]+:ref_type:branch:ref:", ".+"),
    ref_claims=frozenset({"ref", "ref_path", "ref_protected", "environment"}),
    advice="project_id or namespace_id (the project's and the group's settings show them)",
)

GOOGLE: Final = Platform(
    name="Google",
    issuer="https://accounts.google.com",
    strangers=("104232000000000000000", "115000000000000000001"),
    owner_subjects=(Form("", "[0-9]+"),),
    owner_claims={"email": WHOLE, "hd": WHOLE},
    id_subjects=(Form("", "[0-9]+"),),
    project="account",
    project_subjects=(Form("", "[0-9]+"),),
    project_claims=frozenset({"email"}),
    advice="the subject, which is the account's number and never given to another",
)

BITBUCKET: Final = Platform(
    name="Bitbucket",
    issuers=Form(
        r"https://api\.bitbucket\.org/2\.0/workspaces/", _NAME, "/pipelines-config/identity/oidc"
    ),
    strangers=(
        "{00000000-0000-4000-8000-000000000000}:{00000000-0000-4000-8000-000000000001}",
        "{ffffffff-ffff-4fff-bfff-ffffffffffff}:{00000000-0000-4000-8000-000000000001}",
    ),
    owner_subjects=(Form(r"\{", _UUID, r"\}(?::.*)?"),),
    owner_claims={"workspaceUuid": WHOLE, "repositoryUuid": WHOLE},
    id_claims=frozenset({"workspaceUuid", "repositoryUuid"}),
    id_subjects=(Form(r"\{", _UUID, r"\}(?::.*)?"),),
    id_audience=Form("ari:cloud:bitbucket::workspace/", _UUID),
    project="repository",
    project_subjects=(Form(r"\{", _UUID, r"\}(?::.*)?"),),
    project_claims=frozenset({"repositoryUuid"}),
    advice="workspaceUuid and repositoryUuid, or the audience with the workspace's UUID",
)

TERRAFORM: Final = Platform(
    name="Terraform Cloud",
    issuer="https://app.terraform.io",
    strangers=("organization:evil:project:evil:workspace:evil:run_phase:apply",),
    owner_subjects=(Form("organization:", "[^:]+", ":.+"),),
    owner_claims={
        "terraform_organization_id": WHOLE,
        "terraform_organization_name": WHOLE,
        "terraform_project_id": WHOLE,
        "terraform_workspace_id": WHOLE,
    },
    id_claims=frozenset(
        {"terraform_organization_id", "terraform_project_id", "terraform_workspace_id"}
    ),
    project="workspace",
    project_subjects=(
        Form("organization:[^:]+:project:[^:]+:workspace:", "[^:]+", "(?::.*)?"),
        Form("organization:[^:]+:project:", "[^:]+", "(?::.*)?"),
    ),
    project_claims=frozenset(
        {
            "terraform_project_id",
            "terraform_project_name",
            "terraform_workspace_id",
            "terraform_workspace_name",
        }
    ),
    advice="terraform_organization_id, or terraform_workspace_id",
)

BUILDKITE: Final = Platform(
    name="Buildkite",
    issuer="https://agent.buildkite.com",
    strangers=(
        "organization:evil:pipeline:evil:ref:refs/heads/main:commit:0:step:evil",
        "organization:evil:pipeline:evil:ref:refs/heads/evil:commit:0:step:",
    ),
    owner_subjects=(Form("organization:", "[^:]+", ":.+"),),
    owner_claims={"organization_id": WHOLE, "organization_slug": WHOLE, "pipeline_id": WHOLE},
    id_claims=frozenset({"organization_id", "pipeline_id"}),
    project="pipeline",
    project_subjects=(Form("organization:[^:]+:pipeline:", "[^:]+", "(?::.*)?"),),
    project_claims=frozenset({"pipeline_id", "pipeline_slug"}),
    refs=Form("organization:[^:]+:pipeline:[^:]+:ref:refs/heads/", "[^:]+", ":.+"),
    ref_claims=frozenset({"build_branch", "build_tag"}),
    advice="organization_id or pipeline_id (the agent puts them in when it is asked to: "
    "--claim organization_id)",
)

AWS_OUTBOUND: Final = Platform(
    name="AWS outbound federation",
    issuers=Form("https://", _UUID, r"\.tokens\.sts\.global\.api\.aws"),
    issuer_is_id=True,
    strangers=("arn:aws:iam::000000000000:role/evil",),
    owner_subjects=(Form("arn:[a-z-]+:(?:iam|sts)::", "[0-9]+", ":.+"),),
    owner_claims={
        "/https:~1~1sts.amazonaws.com~1/aws_account": WHOLE,
        "/https:~1~1sts.amazonaws.com~1/org_id": WHOLE,
    },
    id_claims=frozenset(
        {
            "/https:~1~1sts.amazonaws.com~1/aws_account",
            "/https:~1~1sts.amazonaws.com~1/org_id",
        }
    ),
    id_subjects=(Form("arn:[a-z-]+:(?:iam|sts)::", "[0-9]+", ":.+"),),
    project="role or user",
    project_subjects=(Form("arn:[a-z-]+:(?:iam|sts)::[0-9]+:", ".+"),),
    project_claims=frozenset({"/https:~1~1sts.amazonaws.com~1/principal_id"}),
    advice="the account's own issuer",
)


def _tenants(name: str, issuers: Form, advice: str) -> Platform:
    """A platform whose issuers alone say whose a token is."""
    return Platform(
        name=name,
        issuers=issuers,
        strangers=(),
        owner_subjects=(),
        owner_claims={},
        project="",
        advice=advice,
    )


PLATFORMS: Final = (
    GITHUB,
    GITLAB,
    GOOGLE,
    BITBUCKET,
    TERRAFORM,
    BUILDKITE,
    AWS_OUTBOUND,
    _tenants(
        "CircleCI", Form(r"https://oidc\.circleci\.com/org/", _UUID), "your organization's issuer"
    ),
    _tenants(
        "Entra ID",
        Form(r"https://login\.microsoftonline\.com/", "[^/]+", r"/v2\.0"),
        "your tenant's issuer",
    ),
    _tenants(
        "Amazon EKS",
        Form(r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/", "[0-9A-F]+"),
        "your cluster's issuer",
    ),
    _tenants(
        "Google Kubernetes Engine",
        Form(r"https://container\.googleapis\.com/v1/projects/", "[^/]+", "/.+"),
        "your project's issuer",
    ),
)

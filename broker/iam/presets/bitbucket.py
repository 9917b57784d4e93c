"""Steps of Bitbucket Pipelines.

Every workspace has an issuer. Subject `{REPOSITORY}:{STEP}`, or with a deployment environment
`{REPOSITORY}:{ENVIRONMENT}:{STEP}`, all of them UUIDs in braces; the audience is the workspace
unless a step names another (Atlassian, "Integrate Pipelines with resource servers using OIDC").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import UUID, answered, expect, uuid
from broker.iam.presets.preset import Preset, Question, audience_question

_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ANY: Final = rf"\{{{UUID.pattern}\}}"


def issuer_of(workspace: str) -> str:
    """Of a workspace, by the name that stands in its addresses."""
    return f"https://api.bitbucket.org/2.0/workspaces/{workspace}/pipelines-config/identity/oidc"


def bitbucket_rules(
    *,
    workspace: str,
    workspace_uuid: str,
    repository_uuid: str,
    environment_uuid: str = "",
    branch: str = "",
    audience: str = "",
) -> ClaimMatch:
    """Rules for the steps of a repository. UUIDs with or without braces. Raises `Invalid`."""
    expect("workspace", workspace, _WORKSPACE, "the name in bitbucket.org/NAME")
    owner = uuid("workspace_uuid", workspace_uuid)
    repository = uuid("repository_uuid", repository_uuid)
    environment = uuid("environment_uuid", environment_uuid) if environment_uuid else ""
    between = rf":\{{{environment}\}}" if environment else f"(:{_ANY})?"
    return ClaimMatch(
        issuer=issuer_of(workspace),
        subject_pattern=rf"\{{{repository}\}}{between}:{_ANY}",
        audience=audience or f"ari:cloud:bitbucket::workspace/{owner}",
        claims=answered(
            workspaceUuid=f"{{{owner}}}",
            repositoryUuid=f"{{{repository}}}",
            deploymentEnvironmentUuid=f"{{{environment}}}" if environment else "",
            branchName=branch,
        ),
    )


_SETTINGS: Final = '"OpenID Connect" under Pipelines in the settings of the repository'

BITBUCKET: Final = Preset(
    name="bitbucket",
    workload="steps of a Bitbucket repository's pipelines",
    guide="bitbucket",
    rules=bitbucket_rules,
    narrowing=("branch", "environment_uuid"),
    wide="every branch of the repository is accepted",
    questions=(
        Question(
            name="workspace",
            flag="--workspace",
            label="Workspace",
            help="Workspace, as in bitbucket.org/WORKSPACE.",
            required=True,
        ),
        Question(
            name="workspace_uuid",
            flag="--workspace-uuid",
            label="UUID of the workspace",
            help="UUID of the workspace, which stands at the end of the audience.",
            required=True,
            find=_SETTINGS,
        ),
        Question(
            name="repository_uuid",
            flag="--repository-uuid",
            label="UUID of the repository",
            help="UUID of the repository.",
            required=True,
            find=_SETTINGS,
        ),
        Question(
            name="environment_uuid",
            flag="--environment-uuid",
            label="UUID of the deployment environment",
            help="Only steps that deploy to this environment.",
            find=_SETTINGS,
        ),
        Question(name="branch", flag="--branch", label="Branch", help="Only this branch."),
        audience_question(
            help_text="Audience of the token. Default: Bitbucket's, which has the workspace's UUID."
        ),
    ),
)

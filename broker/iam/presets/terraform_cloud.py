"""Runs of HCP Terraform (Terraform Cloud) and Terraform Enterprise.

Subject `organization:O:project:P:workspace:W:run_phase:PHASE` (HashiCorp, "Workload identity
tokens").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import answered, expect, literal
from broker.iam.presets.preset import Preset, Question, audience_question

ISSUER: Final = "https://app.terraform.io"

PHASES: Final = ("plan", "apply")

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PROJECT: Final = re.compile(r"[A-Za-z0-9_-]+( +[A-Za-z0-9_-]+)*", re.ASCII)
_IDS: Final = {"organization_id": "org", "workspace_id": "ws"}


def terraform_cloud_rules(
    *,
    organization: str,
    workspace: str,
    project: str = "",
    organization_id: str = "",
    workspace_id: str = "",
    phases: tuple[str, ...] = (),
    audience: str = "",
    issuer: str = ISSUER,
) -> ClaimMatch:
    """Rules for the runs of a workspace. Raises `Invalid`."""
    expect("organization", organization, _NAME, "the name of an organization")
    expect("workspace", workspace, _NAME, "the name of a workspace")
    if project:
        expect("project", project, _PROJECT, "the name of a project")
    for name, value in (("organization_id", organization_id), ("workspace_id", workspace_id)):
        if value:
            expect(name, value, re.compile(f"{_IDS[name]}-[A-Za-z0-9]+"), f"{_IDS[name]}-…")
    for phase in phases:
        expect("phases", phase, re.compile("|".join(PHASES)), "plan or apply")
    phase = phases[0] if len(phases) == 1 else f"({'|'.join(phases or PHASES)})"
    place = f"organization:{organization}:project:{literal(project) if project else '[^:]+'}"
    return ClaimMatch(
        issuer=issuer,
        subject_pattern=f"{place}:workspace:{workspace}:run_phase:{phase}",
        audience=audience,
        claims=answered(
            terraform_organization_id=organization_id, terraform_workspace_id=workspace_id
        ),
    )


TERRAFORM_CLOUD: Final = Preset(
    name="terraform-cloud",
    workload="runs of an HCP Terraform workspace",
    guide="terraform-cloud",
    rules=terraform_cloud_rules,
    narrowing=("phases",),
    wide="plans are accepted as well as applies, and anybody's pull request can start a plan",
    questions=(
        Question(
            name="organization",
            flag="--organization",
            label="Organization",
            help="Name of the organization.",
            required=True,
        ),
        Question(
            name="workspace",
            flag="--workspace",
            label="Workspace",
            help="Name of the workspace.",
            required=True,
        ),
        Question(
            name="project",
            flag="--project",
            label="Project",
            help="Name of the project that the workspace is in. Default: any.",
        ),
        Question(
            name="organization_id",
            flag="--organization-id",
            label="Id of the organization",
            help="Id of the organization, org-….",
            find="the general settings of the organization",
            pins="organization",
        ),
        Question(
            name="workspace_id",
            flag="--workspace-id",
            label="Id of the workspace",
            help="Id of the workspace, ws-….",
            find="the page of the workspace, below its name",
            pins="workspace",
        ),
        Question(
            name="phases",
            flag="--run-phase",
            label="Phases",
            help="Phase of a run: plan or apply; repeats. Default: either.",
            answer="several",
        ),
        audience_question(),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="URL of a Terraform Enterprise.",
            default=ISSUER,
        ),
    ),
)

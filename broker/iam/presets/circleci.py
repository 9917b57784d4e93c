"""Jobs of CircleCI.

Every organization has an issuer. Subject `org/ORG/project/PROJECT/user/USER`, in tokens of the
second form with `/vcs-origin/ORIGIN/vcs-ref/REF` behind it; the first three are UUIDs (CircleCI,
"Using OpenID Connect tokens in jobs").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import UUID, expect, literal, refuse, uuid
from broker.iam.presets.preset import Preset, Question, audience_question

HOST: Final = "https://oidc.circleci.com"

_CLAIMS: Final = "oidc.circleci.com"
_ORIGIN: Final = re.compile(r"[a-z0-9.-]+(/[A-Za-z0-9._-]+)+", re.ASCII)


def circleci_rules(
    *,
    organization_id: str,
    project_id: str,
    origin: str = "",
    ref: str = "",
    context_id: str = "",
    ssh: bool = False,
    audience: str = "",
    issuer: str = "",
) -> ClaimMatch:
    """Rules for the jobs of a project, of whichever user. Raises `Invalid`."""
    organization = uuid("organization_id", organization_id)
    project = uuid("project_id", project_id)
    if origin:
        expect("origin", origin, _ORIGIN, "HOST/OWNER/REPO, such as github.com/acme/shop")
    if ref and not ref.startswith("refs/"):
        refuse("ref", f"{ref!r}: expected refs/heads/{ref} or refs/tags/{ref}")
    if ref and not origin:
        refuse("origin", "expected the repository, whose forks have branches of the same name")
    claims = {
        "project-id": project,
        "vcs-origin": origin,
        "vcs-ref": ref,
        "context-ids": uuid("context_id", context_id) if context_id else "",
        "ssh-rerun": "" if ssh else "false",
    }
    change = "/vcs-origin/.+"
    if origin:
        change = f"/vcs-origin/{literal(origin)}/vcs-ref/{literal(ref) if ref else '.+'}"
    return ClaimMatch(
        issuer=issuer or f"{HOST}/org/{organization}",
        subject_pattern=f"org/{organization}/project/{project}/user/{UUID.pattern}({change})?",
        audience=audience,
        claims={f"{_CLAIMS}/{name}": value for name, value in claims.items() if value},
    )


CIRCLECI: Final = Preset(
    name="circleci",
    workload="jobs of a CircleCI project",
    guide="circleci",
    rules=circleci_rules,
    narrowing=("ref", "context_id"),
    wide="every branch and tag of the project is accepted",
    questions=(
        Question(
            name="organization_id",
            flag="--organization-id",
            label="UUID of the organization",
            help="UUID of the organization.",
            required=True,
            find="Organization Settings > Overview",
        ),
        Question(
            name="project_id",
            flag="--project-id",
            label="UUID of the project",
            help="UUID of the project.",
            required=True,
            find="Project Settings > Overview",
        ),
        Question(
            name="origin",
            flag="--vcs-origin",
            label="Repository",
            help="Only changes of this repository, and none of its forks: github.com/OWNER/REPO.",
        ),
        Question(
            name="ref",
            flag="--vcs-ref",
            label="Branch or tag",
            help="Branch or tag, with --vcs-origin: refs/heads/main. Default: any.",
        ),
        Question(
            name="context_id",
            flag="--context-id",
            label="UUID of a context",
            help="Only jobs with this context, which Organization Settings can restrict.",
            find="Organization Settings > Contexts, in the address of the context's page",
        ),
        Question(
            name="ssh",
            flag="--allow-ssh-rerun",
            label="Also jobs that were run again with SSH",
            help="Also jobs that somebody ran again with SSH, who can then read their tokens.",
            answer="switch",
        ),
        audience_question(),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help=f"Issuer, for CircleCI server. Default: {HOST}/org/ID.",
        ),
    ),
)

"""Jobs of GitLab CI/CD, at GitLab.com or an instance of one's own.

Subject `project_path:GROUP/PROJECT:ref_type:TYPE:ref:REF`; ids are strings of digits (GitLab,
"OpenID Connect authentication using ID tokens").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch, StaticKeys
from broker.iam.presets.forms import NUMBER, answered, expect, literal, one_of, refuse
from broker.iam.presets.preset import Keys, Preset, Question, audience_question, with_keys

ISSUER: Final = "https://gitlab.com"

SOURCES: Final = ("api", "chat", "pipeline", "push", "schedule", "trigger", "web", "webide")
"""What starts pipelines on a ref of the project. Not among them: merge_request_event and
external_pull_request_event, which run what a merge request proposes, under the name of its source
branch, and parent_pipeline, whose parent may be one of those."""

_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+", re.ASCII)


def gitlab_rules(
    *,
    project: str,
    project_id: str = "",
    namespace_id: str = "",
    ref: str = "",
    ref_type: str = "",
    environment: str = "",
    protected: bool = False,
    sources: tuple[str, ...] = (),
    audience: str = "",
    issuer: str = ISSUER,
    keys: Keys | None = None,
) -> ClaimMatch | StaticKeys:
    """Rules for jobs on a branch, a tag, or any ref of a project. Raises `Invalid`."""
    expect("project", project, _PROJECT, "GROUP/PROJECT")
    for name, number in (("project_id", project_id), ("namespace_id", namespace_id)):
        if number:
            expect(name, number, NUMBER, "a number")
    if keys is not None and not ref:
        refuse("ref", "expected a branch or tag, since static keys have literal rules only")
    claims = answered(
        project_id=project_id,
        namespace_id=namespace_id,
        environment=environment,
        ref_protected="true" if protected else "",
    )
    allowed = sources if keys else sources or SOURCES
    begins = f"project_path:{project}:ref_type:"
    rules = ClaimMatch(
        issuer=issuer,
        subject=f"{begins}{ref_type or 'branch'}:ref:{ref}" if ref else "",
        subject_pattern="" if ref else f"{literal(begins)}{ref_type or '(branch|tag)'}:ref:.+",
        audience=audience,
        claims=claims,
        claim_patterns=answered(pipeline_source=one_of(allowed)),
    )
    return with_keys(keys, rules)


GITLAB: Final = Preset(
    name="gitlab",
    workload="jobs of a GitLab project",
    guide="gitlab",
    rules=gitlab_rules,
    narrowing=("ref", "environment", "protected"),
    wide="every branch and tag of the project is accepted",
    takes_keys=True,
    questions=(
        Question(
            name="project",
            flag="--project-path",
            label="Project (GROUP/PROJECT)",
            help="Project, GROUP/PROJECT.",
            required=True,
        ),
        Question(
            name="project_id",
            flag="--project-id",
            label="Number of the project",
            help="Number of the project, which no other project will ever have.",
            find='"Copy project ID" in the menu (⋮) of the project\'s page',
            pins="project",
        ),
        Question(
            name="namespace_id",
            flag="--namespace-id",
            label="Number of the group",
            help="Number of the group or user that the project is in.",
            find='"Copy group ID" in the menu (⋮) of the group\'s page',
            pins="group",
        ),
        Question(
            name="ref",
            flag="--ref",
            label="Branch or tag",
            help="Branch or tag: main. Default: any of the project.",
        ),
        Question(
            name="ref_type",
            flag="--ref-type",
            label="Branch, or tag",
            help="What --ref is. Default: a branch; without --ref, either.",
            choices=("branch", "tag"),
        ),
        Question(
            name="environment",
            flag="--environment",
            label="Environment",
            help="Only jobs of this environment.",
        ),
        Question(
            name="protected",
            flag="--protected-ref",
            label="Only protected branches and tags",
            help="Only protected branches and tags.",
            answer="switch",
        ),
        Question(
            name="sources",
            flag="--pipeline-source",
            label="Sources of pipelines",
            help="What may have started the pipeline; repeats, or has commas. Default: "
            f"{', '.join(SOURCES)}. merge_request_event and parent_pipeline only when they are "
            "named.",
            answer="several",
        ),
        audience_question(help_text="Audience of the job's token. Default: the broker's own."),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="URL of the GitLab instance.",
            default=ISSUER,
        ),
    ),
)

"""Jobs of Buildkite.

Subject `organization:O:pipeline:P:ref:REF:commit:C:step:KEY`. The claims `organization_id` and
`pipeline_id` are in a token that was asked for with them (Buildkite, "buildkite-agent oidc").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import answered, expect, literal, refuse, uuid
from broker.iam.presets.preset import Preset, Question, audience_question

ISSUER: Final = "https://agent.buildkite.com"

_SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)


def buildkite_rules(
    *,
    organization: str,
    pipeline: str,
    organization_id: str = "",
    pipeline_id: str = "",
    branch: str = "",
    tag: str = "",
    step: str = "",
    audience: str = "",
    issuer: str = ISSUER,
) -> ClaimMatch:
    """Rules for the jobs of a pipeline, of whatever commit. Raises `Invalid`."""
    for name, slug in (("organization", organization), ("pipeline", pipeline)):
        expect(name, slug, _SLUG, f"the name in buildkite.com/{name.upper()}")
    if branch and tag:
        refuse("tag", "expected a branch or a tag, not both")
    ref = "[^:]+"
    if branch or tag:
        ref = literal(f"refs/heads/{branch}" if branch else f"refs/tags/{tag}")
    of = f"organization:{organization}:pipeline:{pipeline}"
    return ClaimMatch(
        issuer=issuer,
        subject_pattern=f"{of}:ref:{ref}:commit:[^:]+:step:{literal(step) if step else '.*'}",
        audience=audience,
        claims=answered(
            organization_id=uuid("organization_id", organization_id) if organization_id else "",
            pipeline_id=uuid("pipeline_id", pipeline_id) if pipeline_id else "",
        ),
    )


BUILDKITE: Final = Preset(
    name="buildkite",
    workload="jobs of a Buildkite pipeline",
    guide="buildkite",
    rules=buildkite_rules,
    narrowing=("branch", "tag"),
    wide="every branch and tag of the pipeline is accepted",
    questions=(
        Question(
            name="organization",
            flag="--organization",
            label="Organization",
            help="Organization, as in buildkite.com/ORGANIZATION/PIPELINE.",
            required=True,
        ),
        Question(
            name="pipeline",
            flag="--pipeline",
            label="Pipeline",
            help="Pipeline, as in buildkite.com/ORGANIZATION/PIPELINE.",
            required=True,
        ),
        Question(
            name="organization_id",
            flag="--organization-id",
            label="UUID of the organization",
            help="UUID of the organization. Jobs then ask for a token with --claim "
            "organization_id.",
            find="the settings of the organization, or BUILDKITE_ORGANIZATION_ID in a job",
            pins="organization",
        ),
        Question(
            name="pipeline_id",
            flag="--pipeline-id",
            label="UUID of the pipeline",
            help="UUID of the pipeline. Jobs then ask for a token with --claim pipeline_id.",
            find="the settings of the pipeline, or BUILDKITE_PIPELINE_ID in a job",
            pins="pipeline",
        ),
        Question(name="branch", flag="--branch", label="Branch", help="Only this branch: main."),
        Question(name="tag", flag="--tag", label="Tag", help="Only this tag: v1."),
        Question(name="step", flag="--step", label="Key of the step", help="Only this step's key."),
        audience_question(),
    ),
)

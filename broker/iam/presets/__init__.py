"""Platforms whose tokens are known: what to ask about a workload there, and the rules that follow.

One module a platform. Its questions say what is asked, how it is found out there, and which option
of the command line answers it; its rules turn answers into a relationship of `broker.iam.model`.
Pure, as all of `broker.iam`: a command line, a page or a program may ask. Nothing that verifies
tokens knows a platform.

Rules name whose token it is by id where the platform has ids, and leave out what strangers start.
Facts are from the platforms' documentation of their OpenID Connect tokens.
"""

from __future__ import annotations

from typing import Final

from broker.iam.presets.aws import FEDERATION as AWS_FEDERATION
from broker.iam.presets.aws import ROLE as AWS_ROLE
from broker.iam.presets.aws import USER as AWS_USER
from broker.iam.presets.bitbucket import BITBUCKET
from broker.iam.presets.buildkite import BUILDKITE
from broker.iam.presets.circleci import CIRCLECI
from broker.iam.presets.entra import ENTRA
from broker.iam.presets.github import GITHUB
from broker.iam.presets.gitlab import GITLAB
from broker.iam.presets.google import GOOGLE
from broker.iam.presets.jenkins import JENKINS
from broker.iam.presets.kubernetes import KUBERNETES
from broker.iam.presets.oidc import OIDC
from broker.iam.presets.preset import Answer, Answers, Keys, Preset, Question
from broker.iam.presets.terraform_cloud import TERRAFORM_CLOUD

PRESETS: Final = (
    AWS_FEDERATION,
    AWS_ROLE,
    AWS_USER,
    BITBUCKET,
    BUILDKITE,
    CIRCLECI,
    ENTRA,
    GITHUB,
    GITLAB,
    GOOGLE,
    JENKINS,
    KUBERNETES,
    OIDC,
    TERRAFORM_CLOUD,
)

__all__ = ["PRESETS", "Answer", "Answers", "Keys", "Preset", "Question"]

"""`broker iam identities create PLATFORM`: a command for each preset of `broker.iam.presets`.

The options are the preset's questions; which rules follow from the answers is not known here.
"""

from __future__ import annotations

import click

from broker.cli.groups import CommandGroup
from broker.cli.iam.identity_presets.command import preset_command
from broker.iam.presets import PRESETS

_COMMANDS = {preset.name: preset_command(preset) for preset in PRESETS}

bitbucket = _COMMANDS["bitbucket"]
buildkite = _COMMANDS["buildkite"]
circleci = _COMMANDS["circleci"]
entra = _COMMANDS["entra"]
github = _COMMANDS["github"]
gitlab = _COMMANDS["gitlab"]
google = _COMMANDS["google"]
jenkins = _COMMANDS["jenkins"]
kubernetes = _COMMANDS["kubernetes"]
oidc = _COMMANDS["oidc"]
terraform_cloud = _COMMANDS["terraform-cloud"]


@click.group(cls=CommandGroup)
def aws() -> None:
    """For a role or user of an AWS account."""


for _name in ("role", "user", "federation"):
    aws.add_command(_COMMANDS[f"aws {_name}"], _name)

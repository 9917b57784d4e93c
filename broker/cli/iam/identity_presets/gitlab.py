"""`broker iam identities create gitlab`."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_presets.patterns import literal
from broker.sdk.api import Record

ISSUER: Final = "https://gitlab.com"

_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+", re.ASCII)


@click.command()
@making_options
@click.option("--project-path", metavar="GROUP/PROJECT", help="Project.")
@click.option("--ref", help="Branch or tag: main. Default: any of the project.")
@click.option(
    "--ref-type",
    type=click.Choice(["branch", "tag"]),
    help="What --ref is. Default: a branch; without --ref, either.",
)
@click.option(
    "--identity-issuer", default=ISSUER, show_default=True, help="URL of the GitLab instance."
)
@click.option("--audience", help="Audience of the job's token. Default: the broker's.")
@api_command()
async def gitlab(
    run: Invocation,
    /,
    *,
    project_path: str | None,
    ref: str | None,
    ref_type: str | None,
    identity_issuer: str,
    audience: str | None,
    **identity: Any,
) -> None:
    """Create an identity for jobs of a GitLab project."""
    rules = gitlab_rules(
        project=project_path or run.ask.text("--project-path", "Project (GROUP/PROJECT)"),
        ref=ref or "",
        ref_type=ref_type or "",
        issuer=identity_issuer,
        audience=audience or "",
    )
    run.out.record(VIEW, await make(run, {"claimMatch": rules}, **identity))


def gitlab_rules(
    *, project: str, ref: str = "", ref_type: str = "", issuer: str = ISSUER, audience: str = ""
) -> Record:
    """Rules for `project_path:GROUP/PROJECT:ref_type:TYPE:ref:REF`.

    Raises `click.BadParameter`.
    """
    if not _PROJECT.fullmatch(project):
        raise click.BadParameter(
            f"{project!r}: expected GROUP/PROJECT.", param_hint="--project-path"
        )
    rules: Record = {"issuer": issuer}
    if ref:
        rules["subject"] = f"project_path:{project}:ref_type:{ref_type or 'branch'}:ref:{ref}"
    else:
        kind = ref_type or "(branch|tag)"
        rules["subjectPattern"] = f"project_path:{literal(project)}:ref_type:{kind}:ref:.+"
    if audience:
        rules["audience"] = audience
    return rules

"""`broker iam identities create`."""

from __future__ import annotations

from typing import IO, Any

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.values import changed, separated
from broker.cli.groups import CommandWithVariants
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_files import make_from
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_rules import RuleFlags, rule_options
from broker.sdk.api import Record


@click.group(
    cls=CommandWithVariants,
    modules={
        "aws": "broker.cli.iam.identity_presets:aws",
        "bitbucket": "broker.cli.iam.identity_presets:bitbucket",
        "buildkite": "broker.cli.iam.identity_presets:buildkite",
        "circleci": "broker.cli.iam.identity_presets:circleci",
        "entra": "broker.cli.iam.identity_presets:entra",
        "github": "broker.cli.iam.identity_presets:github",
        "gitlab": "broker.cli.iam.identity_presets:gitlab",
        "google": "broker.cli.iam.identity_presets:google",
        "jenkins": "broker.cli.iam.identity_presets:jenkins",
        "kubernetes": "broker.cli.iam.identity_presets:kubernetes",
        "oidc": "broker.cli.iam.identity_presets:oidc",
        "terraform-cloud": "broker.cli.iam.identity_presets:terraform_cloud",
    },
)
def create() -> None:
    """Create an identity."""


@create.command(CommandWithVariants.ITSELF)
@making_options
@rule_options
@click.option("--service-principal", help="Service of the installation itself, instead of rules.")
@click.option(
    "-f",
    "--filename",
    "file",
    type=click.File("rb"),
    help="YAML or JSON with one or several identities instead, - is stdin.",
)
@api_command()
async def create_itself(
    run: Invocation,
    /,
    *,
    given_name: str | None,
    name: str | None,
    description: str | None,
    parent: str | None,
    roles: tuple[str, ...],
    service_principal: str | None,
    file: IO[bytes] | None,
    **rules: Any,
) -> None:
    """Create an identity: say whose tokens it accepts, as VARIANT or by options.

    A member of the API that has no option can be given with -f.
    """
    flags = RuleFlags(**rules)
    if file is not None:
        if given_name or name or description or service_principal or flags != RuleFlags():
            raise click.UsageError("-f goes with --parent and --role only; the file says the rest.")
        await make_from(run, file, parent, separated(roles))
        return
    if service_principal:
        if flags != RuleFlags():
            raise click.UsageError("--service-principal goes without rules.")
        relationship: Record = {"servicePrincipal": _principal(service_principal)}
    else:
        relationship = _rules(run, flags)
    made = await make(
        run,
        relationship,
        given_name=given_name,
        name=name,
        description=description,
        parent=parent,
        roles=roles,
    )
    run.out.record(VIEW, made)


def _rules(run: Invocation, flags: RuleFlags) -> Record:
    if flags.issuer_keys or flags.expiration:
        return {"staticKeys": _complete_static(run, flags)}
    rules = flags.claim_match()
    if not (rules.get("issuer") or rules.get("issuerPattern")):
        rules["issuer"] = run.ask.text("--identity-issuer", "Issuer of its tokens")
    if not (rules.get("subject") or rules.get("subjectPattern")):
        rules["subject"] = run.ask.text("--subject", "Subject of its tokens")
    if flags.claims:
        rules["claims"] = changed({}, flags.claims)
    if flags.claim_patterns:
        rules["claimPatterns"] = changed({}, flags.claim_patterns)
    return {"claimMatch": rules}


def _complete_static(run: Invocation, flags: RuleFlags) -> Record:
    keys = flags.static_keys(run)
    for member, flag in (
        ("issuer", "--identity-issuer"),
        ("subject", "--subject"),
        ("issuerKeys", "--issuer-keys"),
        ("expirationTime", "--expiration"),
    ):
        if member not in keys:
            raise click.UsageError(f"Missing option: {flag} (static keys need it).")
    return keys


def _principal(name: str) -> str:
    prefix = "SERVICE_PRINCIPAL_"
    upper = name.upper().replace("-", "_")
    return upper if upper.startswith(prefix) else prefix + upper

"""`broker iam identities create kubernetes`."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.values import moment
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_rules import keys_of
from broker.sdk.api import Record

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.ASCII)
"""A DNS subdomain (RFC 1123), as Kubernetes has it."""


@click.command()
@making_options
@click.option("--cluster-issuer", help="Issuer URL of the cluster's service account tokens.")
@click.option("--namespace", help="Namespace.")
@click.option("--service-account", help="Service account.")
@click.option("--audience", help="Audience of the token. Default: the broker's.")
@click.option(
    "--issuer-keys",
    help="For a cluster that the broker cannot reach: file with its JWK set "
    "(kubectl get --raw /openid/v1/jwks), or the JSON itself.",
)
@click.option(
    "--expiration", help="End of --issuer-keys, at most 30 days from now: a date, a time, or 30d."
)
@api_command()
async def kubernetes(
    run: Invocation,
    /,
    *,
    cluster_issuer: str | None,
    namespace: str | None,
    service_account: str | None,
    audience: str | None,
    issuer_keys: str | None,
    expiration: str | None,
    **identity: Any,
) -> None:
    """Create an identity for a Kubernetes service account."""
    if bool(issuer_keys) != bool(expiration):
        raise click.UsageError("--issuer-keys and --expiration go together.")
    issuer = cluster_issuer or run.ask.text("--cluster-issuer", "Issuer of the cluster")
    subject = service_account_subject(
        namespace or run.ask.text("--namespace", "Namespace"),
        service_account or run.ask.text("--service-account", "Service account"),
    )
    rules: Record = {"issuer": issuer, "subject": subject}
    if issuer_keys and expiration:
        rules["issuerKeys"] = keys_of(issuer_keys)
        rules["expirationTime"] = moment(expiration, now=run.now, flag="--expiration")
        rules["audiences"] = [audience] if audience else []
        relationship = {"staticKeys": rules}
    else:
        rules |= {"audience": audience} if audience else {}
        relationship = {"claimMatch": rules}
    run.out.record(VIEW, await make(run, relationship, **identity))


def service_account_subject(namespace: str, name: str) -> str:
    """`system:serviceaccount:NAMESPACE:NAME`. Raises `click.BadParameter`."""
    for flag, text in (("--namespace", namespace), ("--service-account", name)):
        if not _NAME.fullmatch(text):
            raise click.BadParameter(f"{text!r}: not a Kubernetes name.", param_hint=flag)
    return f"system:serviceaccount:{namespace}:{name}"

"""`broker iam identity-providers scim`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from broker.cli.client.flags import yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.tables import View
from broker.cli.client.values import Duration, seconds
from broker.cli.groups import CommandGroup
from broker.iam.uidp import Uidp
from broker.sdk.api import IDENTITY_PROVIDERS, Record

VIEW = View("SCIM", "SCIM", (), key="identityProviderUid", label="identityProviderUid")

provider_argument = click.argument("idp", metavar="IDENTITY_PROVIDER")
expires_option = click.option("--expires-in", type=Duration(), help="Life of the token, as 720h.")
never_option = click.option("--never-expires", is_flag=True, help="The token has no end.")


@click.group(cls=CommandGroup)
def scim() -> None:
    """Let a provider add and remove people."""


@scim.command()
@provider_argument
@api_command()
async def enable(run: Invocation, *, idp: str) -> None:
    """Take what the provider says of people."""
    await _call(run, await _provider(run, idp), "setScimEnabled", {"enabled": True})


@scim.command()
@provider_argument
@yes_option
@api_command()
async def disable(run: Invocation, *, idp: str) -> None:
    """Take nothing more."""
    provider = await _provider(run, idp)
    run.ask.confirm(f"Disable SCIM of {idp}?")
    await _call(run, provider, "setScimEnabled", {"enabled": False})


@scim.group(cls=CommandGroup)
def token() -> None:
    """The token that the provider sends."""


@token.command()
@provider_argument
@expires_option
@never_option
@api_command()
async def generate(
    run: Invocation, *, idp: str, expires_in: timedelta | None, never_expires: bool
) -> None:
    """Make the token and print it; nobody can see it again."""
    body = _life(run, expires_in, never_expires=never_expires)
    await _call(run, await _provider(run, idp), "generateScimToken", body)


@token.command()
@provider_argument
@expires_option
@never_option
@click.option("--overlap", type=Duration(), help="How long the old token goes on, at most 24h.")
@api_command()
async def regenerate(
    run: Invocation,
    *,
    idp: str,
    expires_in: timedelta | None,
    never_expires: bool,
    overlap: timedelta | None,
) -> None:
    """Make another token and print it; nobody can see it again."""
    body = _life(run, expires_in, never_expires=never_expires)
    if overlap is not None:
        body["overlap"] = seconds(overlap)
    await _call(run, await _provider(run, idp), "regenerateScimToken", body)


@token.command()
@provider_argument
@yes_option
@api_command()
async def revoke(run: Invocation, *, idp: str) -> None:
    """Refuse the token from now on."""
    provider = await _provider(run, idp)
    run.ask.confirm(f"Revoke the SCIM token of {idp}?")
    await _call(run, provider, "revokeScimToken", {})


async def _provider(run: Invocation, idp: str) -> Uidp:
    return await run.names.uidp(IDENTITY_PROVIDERS, idp, flag="IDENTITY_PROVIDER")


def _life(run: Invocation, expires_in: timedelta | None, *, never_expires: bool) -> Record:
    if expires_in is not None and never_expires:
        raise click.UsageError("--expires-in and --never-expires exclude each other.")
    body: Record = {"neverExpires": True} if never_expires else {}
    if expires_in is not None:
        body["expireTime"] = (run.now + expires_in).isoformat().replace("+00:00", "Z")
    return body


async def _call(run: Invocation, provider: Uidp, verb: str, body: Any) -> None:
    path = f"{IDENTITY_PROVIDERS.path}/{provider}:{verb}"
    run.out.record(VIEW, await run.api.call("POST", path, body=body))

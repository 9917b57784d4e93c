"""`broker bootstrap`."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import click
import orjson

from broker.cli.options import config_option, opened, output_option, run, settings_of
from broker.directory.bootstrap import Bootstrapped
from broker.directory.bootstrap import bootstrap as bootstrap_organization
from broker.iam.capabilities import CapabilityTable
from broker.iam.roles import BuiltinRoles


@click.command()
@click.argument("name")
@click.option("--owner-issuer", required=True, help="Issuer URL of the owner's provider.")
@click.option("--owner-subject", required=True, help="The owner's `sub` there.")
@click.option("--owner-name", default="", help="What to call the owner.  [default: the subject]")
@click.option("--description", default="", help="What the organization is.")
@config_option
@output_option
def bootstrap(
    name: str,
    owner_issuer: str,
    owner_subject: str,
    owner_name: str,
    description: str,
    config: Path | None,
    output: str,
) -> None:
    """Create the organization NAME and its first owner, straight in the database."""
    settings = settings_of(config)

    async def work() -> Bootstrapped:
        async with opened(settings) as store:
            return await bootstrap_organization(
                store,
                name=name,
                owner_issuer=owner_issuer,
                owner_subject=owner_subject,
                owner_name=owner_name,
                description=description,
                builtin_roles=BuiltinRoles(CapabilityTable.load(settings.capabilities)),
                clock=time.time,
                random=secrets.token_bytes,
                allow_http_loopback=settings.development,
            )

    made = run(work)
    rows = {
        "organization": made.organization,
        "identity": made.identity,
        "role_binding": made.role_binding,
    }
    if output == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        return
    for label, uidp in rows.items():
        click.echo(f"{label + ':':14} {uidp}")

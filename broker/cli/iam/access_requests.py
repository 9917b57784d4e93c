"""`broker iam access-requests`."""

from __future__ import annotations

from typing import Final

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_roles
from broker.cli.client.flags import parent_option, yes_option
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup

PATH: Final = "/broker/v1/accessRequests"

VIEW: Final = View(
    "access request",
    "access requests",
    (
        Column("UIDP", "uid"),
        Column("E-mail", "email"),
        Column("Person", "identity"),
        Column("Asked", "createTime"),
    ),
    label="email",
)

request_argument = click.argument("request", metavar="ACCESS_REQUEST")


@click.group(cls=CommandGroup)
def access_requests() -> None:
    """People who ask to be let into an organization."""


@access_requests.command("list")
@parent_option
@api_command(*LIST_FORMATS)
async def list_requests(run: Invocation, *, parent: str | None) -> None:
    """List the access requests to an organization, the oldest first."""
    group = await run.group(parent)
    answer = await run.api.call("GET", f"{PATH}/{group}")
    run.out.records(VIEW, answer.get("items", []))


@access_requests.command()
@request_argument
@click.option("--role", help="Role to give: name or UIDP.", shell_complete=complete_roles)
@api_command()
async def approve(run: Invocation, *, request: str, role: str | None) -> None:
    """Let the person in, with a role at the organization."""
    uidp = records.parsed_uidp(request, flag="ACCESS_REQUEST")
    given = await run.role(role, at=uidp.root)
    answer = await run.api.call("POST", f"{PATH}/{uidp}:approve", body={"role": given})
    run.out.record(VIEW, answer)


@access_requests.command()
@request_argument
@yes_option
@api_command()
async def deny(run: Invocation, *, request: str) -> None:
    """Do not let the person in; they may ask again."""
    uidp = records.parsed_uidp(request, flag="ACCESS_REQUEST")
    run.ask.confirm(f"Deny {uidp}?")
    await run.api.call("POST", f"{PATH}/{uidp}:deny", body={})
    run.out.deleted(VIEW, [{"uid": uidp}])

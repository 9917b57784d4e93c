"""`broker iam account-associations`: which accounts elsewhere belong to a group."""

from __future__ import annotations

import sys

import click

from broker.cli.client import records
from broker.cli.client.completing import complete_groups
from broker.cli.client.flags import (
    description_option,
    name_option,
    parent_option,
    recursive_option,
    yes_option,
)
from broker.cli.client.invocation import Invocation, api_command
from broker.cli.client.output import LIST_FORMATS
from broker.cli.client.tables import Column, View
from broker.cli.groups import CommandGroup
from broker.errors import NotFound
from broker.iam.uidp import Uidp
from broker.sdk.api import ACCOUNT_ASSOCIATIONS, GROUPS, Record
from broker.sdk.refusal import Refused

VIEW = View(
    "account association",
    "account associations",
    (
        Column("Group", "uid"),
        Column("Name", "name"),
        Column("AWS", "amazon.account"),
        Column("Google", "google.projectId"),
        Column("Azure", "azure.tenantId"),
        Column("Description", "description", is_wide=True),
        Column("Updated", "updateTime", is_wide=True),
    ),
)
STATUS = View("check", "checks", (Column("Status", "status"),), key="status", label="message")

group_argument = click.argument(
    "group", metavar="[GROUP]", required=False, shell_complete=complete_groups
)


@click.group(cls=CommandGroup)
def account_associations() -> None:
    """Accounts at clouds that belong to a group; a group has at most one at each."""


@account_associations.command("list")
@parent_option
@recursive_option
@api_command(*LIST_FORMATS)
async def list_associations(run: Invocation, *, parent: str | None, recursive: bool) -> None:
    """List account associations."""
    filters = await records.placed(run, parent, recursive=recursive)
    run.out.records(VIEW, await run.api.records(ACCOUNT_ASSOCIATIONS, filters))


@account_associations.command()
@group_argument
@click.option("--aws", "amazon", is_flag=True, help="Only the AWS account.")
@click.option("--azure", is_flag=True, help="Only the Azure tenant.")
@click.option("--chainguard", is_flag=True, help="Only the service bindings.")
@click.option("--gcp", "google", is_flag=True, help="Only the Google Cloud project.")
@api_command()
async def describe(run: Invocation, /, *, group: str | None, **only: bool) -> None:
    """Show the accounts of a group."""
    at = await run.group(group, flag="GROUP")
    found = await run.api.get(ACCOUNT_ASSOCIATIONS, at)
    providers = {name for name, wanted in only.items() if wanted} or set(only)
    shown = {name: value for name, value in found.items() if name in providers or name not in only}
    run.out.record(VIEW, shown)


@account_associations.command()
@click.argument(
    "groups", metavar="GROUP...", nargs=-1, required=True, shell_complete=complete_groups
)
@yes_option
@api_command(*LIST_FORMATS)
async def delete(run: Invocation, *, groups: tuple[str, ...]) -> None:
    """Forget every account of these groups."""
    uids = [await run.names.group(text, flag="GROUP") for text in groups]
    found = [await run.api.get(ACCOUNT_ASSOCIATIONS, uid) for uid in uids]
    await records.delete(run, ACCOUNT_ASSOCIATIONS, VIEW, found)


@account_associations.group("set", cls=CommandGroup)
def set_account() -> None:
    """Say which account belongs to a group."""


@set_account.command("aws")
@group_argument
@click.option("--account", help="The account's twelve digits.")
@name_option
@description_option
@yes_option
@api_command()
async def set_aws(
    run: Invocation,
    *,
    group: str | None,
    account: str | None,
    name: str | None,
    description: str | None,
) -> None:
    """An AWS account."""
    at = await run.group(group, flag="GROUP")
    account = account or run.ask.text("--account", "AWS account")
    await _set(run, at, "amazon", {"account": account}, name, description)


@set_account.command("azure")
@group_argument
@click.option("--tenant-id", help="UUID of the tenant.")
@name_option
@description_option
@yes_option
@api_command()
async def set_azure(
    run: Invocation,
    *,
    group: str | None,
    tenant_id: str | None,
    name: str | None,
    description: str | None,
) -> None:
    """An Azure tenant."""
    at = await run.group(group, flag="GROUP")
    tenant_id = tenant_id or run.ask.text("--tenant-id", "Azure tenant")
    await _set(run, at, "azure", {"tenantId": tenant_id}, name, description)


@set_account.command("gcp")
@group_argument
@click.option("--project-id", help="Name of the project.")
@click.option("--project-number", help="Number of the project.")
@name_option
@description_option
@yes_option
@api_command()
async def set_gcp(
    run: Invocation,
    *,
    group: str | None,
    project_id: str | None,
    project_number: str | None,
    name: str | None,
    description: str | None,
) -> None:
    """A Google Cloud project."""
    at = await run.group(group, flag="GROUP")
    project = {
        "projectId": project_id or run.ask.text("--project-id", "Project"),
        "projectNumber": project_number or run.ask.text("--project-number", "Project number"),
    }
    await _set(run, at, "google", project, name, description)


@account_associations.group("unset", cls=CommandGroup)
def unset() -> None:
    """Forget an account of a group."""


@account_associations.group("check", cls=CommandGroup)
def check() -> None:
    """Ask whether an account of a group is ready; exit code 1 when it is not."""


def _add_provider(command: str, member: str, wire: str, title: str) -> None:
    @unset.command(command, help=f"The {title}.")
    @group_argument
    @yes_option
    @api_command()
    async def unset_provider(run: Invocation, *, group: str | None) -> None:
        at = await run.group(group, flag="GROUP")
        run.ask.confirm(f"Forget the {title} of {group or at}?")
        run.out.record(VIEW, await run.api.update(ACCOUNT_ASSOCIATIONS, at, {}, [member]))

    @check.command(command, help=f"The {title}.")
    @group_argument
    @api_command("table", "json", "yaml", "env", "none")
    async def check_provider(run: Invocation, *, group: str | None) -> None:
        at = await run.group(group, flag="GROUP")
        path = f"{ACCOUNT_ASSOCIATIONS.path}/{at}:checkAccountAssociation"
        body = {"providerType": f"ACCOUNT_PROVIDER_TYPE_{wire}"}
        status = await run.api.call("POST", path, body=body)
        run.out.record(STATUS, status)
        if status.get("status") == "CHECK_STATUS_NOT_READY":
            sys.exit(1)


_add_provider("aws", "amazon", "AMAZON", "AWS account")
_add_provider("azure", "azure", "AZURE", "Azure tenant")
_add_provider("gcp", "google", "GOOGLE", "Google Cloud project")


async def _set(
    run: Invocation,
    group: Uidp,
    provider: str,
    account: Record,
    name: str | None,
    description: str | None,
) -> None:
    """Into the group's association, or into a new one that has the group's name."""
    given = {"name": name, "description": description, provider: account}
    members = {member: value for member, value in given.items() if value is not None}
    try:
        made = await run.api.update(ACCOUNT_ASSOCIATIONS, group, members, list(members))
    except Refused as refusal:
        if not isinstance(refusal.error, NotFound):
            raise
        members.setdefault("name", (await run.api.get(GROUPS, group))["name"])
        made = await run.api.create(ACCOUNT_ASSOCIATIONS, group, members)
    run.out.record(VIEW, made)

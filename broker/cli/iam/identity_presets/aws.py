"""`broker iam identities create aws`."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from broker.cli.client.invocation import Invocation, api_command
from broker.cli.groups import CommandGroup
from broker.cli.iam.identities import VIEW
from broker.cli.iam.identity_making import make, making_options
from broker.cli.iam.identity_presets.patterns import literal
from broker.sdk.api import Record

SESSION: Final = "[A-Za-z0-9_+=,.@-]+"
"""Names of sessions (AWS STS, AssumeRole, RoleSessionName)."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
_PARTITION: Final = re.compile(r"aws(-[a-z]+)*", re.ASCII)
_ROLE_ID: Final = re.compile(r"AROA[A-Z0-9]+", re.ASCII)
_USER_ID: Final = re.compile(r"AIDA[A-Z0-9]+", re.ASCII)

account_option = click.option("--aws-account-id", help="The account's twelve digits.")
partition_option = click.option(
    "--aws-partition", default="aws", show_default=True, help="Partition: aws, aws-cn, aws-us-gov."
)


@click.group(cls=CommandGroup)
def aws() -> None:
    """For a role or user of an AWS account, which proves itself by a signed request."""


@aws.command()
@making_options
@account_option
@partition_option
@click.option("--aws-role-name", help="Name of the role, without its path.")
@click.option("--aws-role-id", help="Unique id of the role, AROA….")
@api_command()
async def role(
    run: Invocation,
    /,
    *,
    aws_account_id: str | None,
    aws_partition: str,
    aws_role_name: str | None,
    aws_role_id: str | None,
    **identity: Any,
) -> None:
    """Create an identity for whoever has assumed an AWS role."""
    rules = role_rules(
        account=aws_account_id or run.ask.text("--aws-account-id", "AWS account"),
        partition=aws_partition,
        name=aws_role_name or "",
        role_id=aws_role_id or "",
    )
    run.out.record(VIEW, await make(run, {"awsIdentity": rules}, **identity))


@aws.command()
@making_options
@account_option
@partition_option
@click.option("--aws-user-name", help="Name of the user, with its path if it has one.")
@click.option("--aws-user-id", help="Unique id of the user, AIDA….")
@api_command()
async def user(
    run: Invocation,
    /,
    *,
    aws_account_id: str | None,
    aws_partition: str,
    aws_user_name: str | None,
    aws_user_id: str | None,
    **identity: Any,
) -> None:
    """Create an identity for an AWS user."""
    rules = user_rules(
        account=aws_account_id or run.ask.text("--aws-account-id", "AWS account"),
        partition=aws_partition,
        name=aws_user_name or "",
        user_id=aws_user_id or "",
    )
    run.out.record(VIEW, await make(run, {"awsIdentity": rules}, **identity))


def role_rules(
    *, account: str, partition: str = "aws", name: str = "", role_id: str = ""
) -> Record:
    """Rules for `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION` and `AROA…:SESSION`."""
    _check(account, partition)
    if not (name or role_id):
        raise click.UsageError("Missing option: --aws-role-name or --aws-role-id.")
    _check_id(role_id, _ROLE_ID, "--aws-role-id")
    role_name = literal(name) if name else "[^/]+"
    return {
        "awsAccount": account,
        "arnPattern": f"arn:{partition}:sts::{account}:assumed-role/{role_name}/{SESSION}",
        "userIdPattern": f"{role_id or 'AROA[A-Z0-9]+'}:{SESSION}",
    }


def user_rules(
    *, account: str, partition: str = "aws", name: str = "", user_id: str = ""
) -> Record:
    """Rules for `arn:aws:iam::ACCOUNT:user/NAME` and `AIDA…`."""
    _check(account, partition)
    if not (name or user_id):
        raise click.UsageError("Missing option: --aws-user-name or --aws-user-id.")
    _check_id(user_id, _USER_ID, "--aws-user-id")
    rules: Record = {"awsAccount": account}
    users = f"arn:{partition}:iam::{account}:user/"
    rules |= {"arn": users + name} if name else {"arnPattern": f"{literal(users)}.+"}
    rules |= {"userId": user_id} if user_id else {"userIdPattern": _USER_ID.pattern}
    return rules


def _check(account: str, partition: str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise click.BadParameter(
            f"{account!r}: expected twelve digits.", param_hint="--aws-account-id"
        )
    if not _PARTITION.fullmatch(partition):
        raise click.BadParameter(
            f"{partition!r}: expected aws, aws-cn or the like.", param_hint="--aws-partition"
        )


def _check_id(text: str, form: re.Pattern[str], flag: str) -> None:
    if text and not form.fullmatch(text):
        raise click.BadParameter(f"{text!r}: expected {form.pattern[:4]}….", param_hint=flag)

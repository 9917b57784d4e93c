"""Principals of an AWS account, by a signed request or by outbound federation.

A signed request (AWS API reference, GetCallerIdentity) has for a role the ARN
`arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, without the role's path, and the user id
`AROA…:SESSION`; for a user `arn:aws:iam::ACCOUNT:user/PATH/NAME` and `AIDA…`.

Outbound federation (AWS IAM User Guide, "Understanding token claims") gives JWTs of an issuer that
the account has for itself; `sub` is the ARN of the role or user, with its path, and the rest is
within the claim `https://sts.amazonaws.com/`.
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import AwsIdentity, ClaimMatch
from broker.iam.presets.forms import answered, expect, literal, refuse
from broker.iam.presets.preset import Preset, Question, audience_question

SESSION: Final = "[A-Za-z0-9_+=,.@-]+"
"""Names of sessions (AWS STS, AssumeRole, RoleSessionName)."""

DETAILS: Final = "/https:~1~1sts.amazonaws.com~1"
"""JSON pointer (RFC 6901) to the claim with the details."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
_PARTITION: Final = re.compile(r"aws(-[a-z]+)*", re.ASCII)
_ROLE_ID: Final = re.compile(r"AROA[A-Z0-9]+", re.ASCII)
_USER_ID: Final = re.compile(r"AIDA[A-Z0-9]+", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]+", re.ASCII)
_PATH_AND_NAME: Final = re.compile(r"([!-.0-~]+/)*[A-Za-z0-9_+=,.@-]+", re.ASCII)
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_ISSUER: Final = re.compile(r"https://[a-z0-9-]+\.tokens\.sts\.[a-z0-9.-]+", re.ASCII)


def role_rules(
    *, account: str, partition: str = "aws", role: str = "", role_id: str = ""
) -> AwsIdentity:
    """Rules for whoever has assumed a role, in any session. Raises `Invalid`."""
    _check(account, partition)
    if not (role or role_id):
        refuse("role", "expected the name of the role, its id, or both")
    if role:
        expect("role", role, _NAME, "the name of a role, without its path")
    if role_id:
        expect("role_id", role_id, _ROLE_ID, "AROA…")
    name = literal(role) if role else "[^/]+"
    return AwsIdentity(
        account=account,
        arn_pattern=f"arn:{partition}:sts::{account}:assumed-role/{name}/{SESSION}",
        user_id_pattern=f"{role_id or 'AROA[A-Z0-9]+'}:{SESSION}",
    )


def user_rules(
    *, account: str, partition: str = "aws", user: str = "", user_id: str = ""
) -> AwsIdentity:
    """Rules for a user. Raises `Invalid`."""
    _check(account, partition)
    if not (user or user_id):
        refuse("user", "expected the name of the user, its id, or both")
    if user:
        expect("user", user, _PATH_AND_NAME, "the name of a user, with its path")
    if user_id:
        expect("user_id", user_id, _USER_ID, "AIDA…")
    users = f"arn:{partition}:iam::{account}:user/"
    return AwsIdentity(
        account=account,
        arn=users + user if user else "",
        arn_pattern="" if user else f"{literal(users)}.+",
        user_id=user_id,
        user_id_pattern="" if user_id else _USER_ID.pattern,
    )


def federation_rules(
    *,
    issuer: str,
    account: str,
    partition: str = "aws",
    role: str = "",
    user: str = "",
    organization: str = "",
    audience: str = "",
) -> ClaimMatch:
    """Rules for the JWTs of a role or user. Raises `Invalid`."""
    expect("issuer", issuer, _ISSUER, "https://….tokens.sts.global.api.aws")
    _check(account, partition)
    if bool(role) == bool(user):
        refuse("role", "expected the name of a role, or that of a user")
    kind, name = ("role", role) if role else ("user", user)
    expect(kind, name, _PATH_AND_NAME, f"the name of a {kind}, with its path")
    if organization:
        expect("organization", organization, _ORGANIZATION, "o-…")
    details = answered(aws_account=account, org_id=organization)
    return ClaimMatch(
        issuer=issuer,
        subject=f"arn:{partition}:iam::{account}:{kind}/{name}",
        audience=audience,
        claims={f"{DETAILS}/{member}": value for member, value in details.items()},
    )


def _check(account: str, partition: str) -> None:
    expect("account", account, _ACCOUNT, "twelve digits")
    expect("partition", partition, _PARTITION, "aws, aws-cn or the like")


_ACCOUNT_QUESTION: Final = Question(
    name="account",
    flag="--aws-account-id",
    label="AWS account",
    help="The account's twelve digits.",
    required=True,
    find="aws sts get-caller-identity --query Account",
)
_PARTITION_QUESTION: Final = Question(
    name="partition",
    flag="--aws-partition",
    label="Partition",
    help="Partition: aws, aws-cn, aws-us-gov.",
    default="aws",
)

ROLE: Final = Preset(
    name="aws role",
    workload="whoever has assumed an AWS role, by a signed request",
    guide="aws-signed-request",
    rules=role_rules,
    one_of=("role", "role_id"),
    takes_claims=False,
    questions=(
        _ACCOUNT_QUESTION,
        _PARTITION_QUESTION,
        Question(
            name="role",
            flag="--aws-role-name",
            label="Name of the role",
            help="Name of the role, without its path.",
        ),
        Question(
            name="role_id",
            flag="--aws-role-id",
            label="Unique id of the role",
            help="Unique id of the role, AROA….",
            find="aws iam get-role --role-name NAME --query Role.RoleId",
            pins="role",
        ),
    ),
)

USER: Final = Preset(
    name="aws user",
    workload="an AWS user, by a signed request",
    guide="aws-signed-request",
    rules=user_rules,
    one_of=("user", "user_id"),
    takes_claims=False,
    questions=(
        _ACCOUNT_QUESTION,
        _PARTITION_QUESTION,
        Question(
            name="user",
            flag="--aws-user-name",
            label="Name of the user",
            help="Name of the user, with its path if it has one.",
        ),
        Question(
            name="user_id",
            flag="--aws-user-id",
            label="Unique id of the user",
            help="Unique id of the user, AIDA….",
            find="aws iam get-user --user-name NAME --query User.UserId",
            pins="user",
        ),
    ),
)

FEDERATION: Final = Preset(
    name="aws federation",
    workload="a role or user of an AWS account with outbound federation",
    guide="aws-outbound-federation",
    rules=federation_rules,
    one_of=("role", "user"),
    questions=(
        Question(
            name="issuer",
            flag="--aws-issuer",
            label="Issuer of the account",
            help="Issuer that the account has for itself, https://….tokens.sts.global.api.aws.",
            required=True,
            find="aws iam get-outbound-web-identity-federation-info --query IssuerIdentifier",
        ),
        _ACCOUNT_QUESTION,
        _PARTITION_QUESTION,
        Question(
            name="role",
            flag="--aws-role-name",
            label="Name of the role",
            help="Name of the role, with its path if it has one.",
        ),
        Question(
            name="user",
            flag="--aws-user-name",
            label="Name of the user",
            help="Name of a user instead, with its path if it has one.",
        ),
        Question(
            name="organization",
            flag="--aws-org-id",
            label="AWS organization",
            help="Only while the account is in this organization, o-….",
        ),
        audience_question(),
    ),
)

"""What to change where an AWS caller is refused, for the owner of the identity.

Source: IAM User Guide, "IAM identifiers"; AWS STS API, GetCallerIdentity.
"""

from __future__ import annotations

import re
from typing import Final

_ROLE: Final = re.compile(r"arn:(?P<partition>[a-z-]+):iam::(?P<account>[0-9]+):role/(?P<name>.+)")
_ASSUMED: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):sts::(?P<account>[0-9]+):assumed-role/(?P<name>[^/]+)/(?P<session>.+)"
)
_ASSUMED_WITH_PATH: Final = re.compile(r"arn:[a-z-]+:sts::[0-9]+:assumed-role/.+/[^/]+/[^/]+")
_ROLE_ID: Final = re.compile(r"AROA[A-Z0-9]+")


def aws(rule: str, expected: str, got: str) -> str:
    """Why a literal for `arn`, `user_id` or `aws_account` is not what STS answered, or a pattern
    does not match it; empty when nothing is known.
    """
    match rule:
        case "aws_account":
            return f"The caller is of the AWS account {got}; the identity is for another one."
        case "arn":
            return _arn(expected, got)
        case "user_id" if _ROLE_ID.fullmatch(expected) and got.startswith(f"{expected}:"):
            return (
                "STS gives the user id of an assumed role as ROLE_ID:SESSION, and the session's "
                f"name changes: use user_id_pattern {expected + ':[^:]+'!r}."
            )
        case "user_id" if _is_session_of(expected, got, ":"):
            return (
                "They differ in the session's name, which changes: use user_id_pattern with "
                "':[^:]+' in its place."
            )
    return ""


def _arn(expected: str, got: str) -> str:
    plain = expected.replace("\\", "")  # of a pattern, near enough to tell forms apart
    caller = _ASSUMED.fullmatch(got)
    role = _ROLE.fullmatch(plain)
    if caller and role:
        name = role["name"].rpartition("/")[2]
        form = f"arn:{role['partition']}:sts::{role['account']}:assumed-role/{name}/[^/]+"
        lost = " and without the role's path" if "/" in role["name"] else ""
        return (
            "The rule has the ARN of a role, and STS names who has assumed one, as "
            f"assumed-role/NAME/SESSION{lost}: use arn_pattern {form!r}."
        )
    if caller and _ASSUMED_WITH_PATH.fullmatch(plain):
        return (
            "STS leaves out the path of a role: between assumed-role/ and the session's name "
            "stands the role's name alone."
        )
    if caller and _is_session_of(expected, got, "/"):
        return (
            "They differ in the session's name, which changes: use arn_pattern with '[^/]+' in "
            "its place."
        )
    if _same_but_partition(plain, got):
        return "They differ in the partition: aws, aws-cn or aws-us-gov."
    return ""


def _is_session_of(expected: str, got: str, separator: str) -> bool:
    """Whether the two are alike but for what comes after the last separator."""
    begins, found, session = got.rpartition(separator)
    return bool(found) and bool(session) and expected.rpartition(separator)[0] == begins


def _same_but_partition(expected: str, got: str) -> bool:
    one, other = expected.split(":", 2), got.split(":", 2)
    return len(one) == len(other) == 3 and one[1] != other[1] and one[2] == other[2]

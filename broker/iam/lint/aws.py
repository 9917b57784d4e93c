"""AWS principals that prove themselves by a signed request.

What STS answers (AWS API reference, GetCallerIdentity): for an assumed role the ARN
`arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, without the role's path, and the user id
`AROA…:SESSION`; for a user `arn:aws:iam::ACCOUNT:user/PATH/NAME` and `AIDA…`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import re2

from broker.iam.lint import findings as rules
from broker.iam.lint.findings import Finding
from broker.iam.lint.patterns import pattern_findings
from broker.iam.lint.reasoning import Form, Parts, Reasoning, Unknown, matches
from broker.iam.model import AwsIdentity

_PARTITION: Final = "aws(?:-[a-z]+)*"
_SESSION: Final = "[A-Za-z0-9_+=,.@-]+"
_UNIQUE_ID: Final = "[A-Z0-9]{8,128}"
_USER_IDS: Final = f"(?:AROA|AIDA){_UNIQUE_ID}(?::{_SESSION})?|[0-9]{{12}}(?::.+)?"
_ROLE_IDS: Final = Form("", f"AROA{_UNIQUE_ID}", f":{_SESSION}")
_SESSIONS: Final = Form(f"AROA{_UNIQUE_ID}:", _SESSION)
_USERS: Final = Form("", f"AIDA{_UNIQUE_ID}")
_STRANGERS: Final = ("AROAEVILEVILEVILEVIL:evil", "AIDAEVILEVILEVILEVIL")


def aws_findings(aws: AwsIdentity, reasoning: Reasoning) -> Iterator[Finding]:
    """Of an AWS identity whose rules have passed validation."""
    for name in ("arn_pattern", "user_id_pattern"):
        if pattern := getattr(aws, name):
            yield from pattern_findings(f"aws_identity.{name}", pattern, reasoning)
    try:
        yield from _principal_findings(aws, reasoning)
    except Unknown:
        return


def _principal_findings(aws: AwsIdentity, reasoning: Reasoning) -> Iterator[Finding]:
    arn = aws.arn_pattern or re2.escape(aws.arn)
    user_id = aws.user_id_pattern or re2.escape(aws.user_id)
    arn_field = f"aws_identity.{'arn_pattern' if aws.arn_pattern else 'arn'}"
    id_field = f"aws_identity.{'user_id_pattern' if aws.user_id_pattern else 'user_id'}"
    never = list(_never(aws, arn, arn_field, user_id, id_field, reasoning))
    if never:
        yield from never
        return
    names = _named(aws, arn, reasoning)
    ids = _identified(user_id, reasoning)
    if ids.beyond is not None and names.beyond is not None:
        yield Finding(
            rules.AWS_ANY_PRINCIPAL,
            arn_field,
            f"any principal passes, such as {names.beyond!r}.",
            "Name the role in arn_pattern, and its unique id (AROA…) in user_id_pattern.",
        )
    elif ids.beyond is not None:
        yield Finding(
            rules.AWS_NAME_ONLY,
            id_field,
            "a role or user that is deleted and made anew under the name passes, and whoever may "
            "create one becomes this identity.",
            "Pin the unique id: aws iam get-role --role-name NAME --query Role.RoleId.",
        )
    if aws.arn_pattern and matches(arn, _elsewhere(aws, arn, reasoning) or ""):
        yield Finding(
            rules.AWS_ARN_FORM,
            arn_field,
            "it would take ARNs of other accounts; only aws_account keeps them out.",
            f"Write the account into the ARN: arn:aws:sts::{aws.account}:assumed-role/…",
        )
    yield from _sessions(arn, arn_field, user_id, id_field, reasoning)


def _never(
    aws: AwsIdentity,
    arn: str,
    arn_field: str,
    user_id: str,
    id_field: str,
    reasoning: Reasoning,
) -> Iterator[Finding]:
    account = aws.account
    if reasoning.example(arn, _principals(account)) is None:
        role = reasoning.example(arn, f"arn:{_PARTITION}:iam::{account}:role/.+")
        advice = f"Callers of the account are arn:aws:sts::{account}:assumed-role/ROLE/SESSION."
        if role is not None:
            message = "a role's own ARN is no caller's: whoever assumes it has another."
        else:
            message = f"no caller of account {account} has an ARN like this."
        yield Finding(rules.AWS_NEVER, arn_field, message, advice)
    if reasoning.example(user_id, _USER_IDS) is None:
        yield Finding(
            rules.AWS_NEVER,
            id_field,
            "no caller has a user id like this.",
            "It is AROA…:SESSION for a role that was assumed, AIDA… for a user.",
        )


def _principals(account: str) -> str:
    return (
        f"arn:{_PARTITION}:(?:sts::{account}:(?:assumed-role/[^/]+|federated-user)/{_SESSION}"
        f"|iam::{account}:(?:user/.+|root))"
    )


def _named(aws: AwsIdentity, arn: str, reasoning: Reasoning) -> Parts:
    """The roles and users that the ARN's rule takes, by name."""
    before = f"arn:{_PARTITION}:(?:sts|iam)::{aws.account}:"
    roles = reasoning.parts(arn, Form(f"{before}assumed-role/", "[^/]+", f"/{_SESSION}"))
    users = reasoning.parts(arn, Form(f"{before}user/", ".+"))
    return Parts((*roles.values, *users.values), roles.beyond or users.beyond)


def _identified(user_id: str, reasoning: Reasoning) -> Parts:
    """The same by unique id."""
    for stranger in _STRANGERS:
        if matches(user_id, stranger):
            return Parts((), stranger)
    roles = reasoning.parts(user_id, _ROLE_IDS)
    users = reasoning.parts(user_id, _USERS)
    return Parts((*roles.values, *users.values), roles.beyond or users.beyond)


def _elsewhere(aws: AwsIdentity, arn: str, reasoning: Reasoning) -> str | None:
    form = Form(f"arn:{_PARTITION}:(?:sts|iam)::", "[0-9]{12}", ":.+")
    return reasoning.example(arn, form.whole, but_not=[form.having([aws.account])])


def _sessions(
    arn: str, arn_field: str, user_id: str, id_field: str, reasoning: Reasoning
) -> Iterator[Finding]:
    of_arn = Form(f"arn:{_PARTITION}:sts::[0-9]+:assumed-role/[^/]+/", _SESSION)
    for pattern, field, form in ((arn, arn_field, of_arn), (user_id, id_field, _SESSIONS)):
        sessions = reasoning.parts(pattern, form)
        if sessions.are_few:
            yield Finding(
                rules.AWS_SESSION,
                field,
                f"only the session {' or '.join(map(repr, sessions.values))} passes, and its name "
                "is whatever the one who assumes the role says.",
                f"Take any session: …/{_SESSION}",
            )

"""Service accounts of Google Cloud.

The subject is the account's number, which is never given to another account, as an address is
(Google Cloud, "Get an ID token").
"""

from __future__ import annotations

import re
from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import NUMBER, answered, expect
from broker.iam.presets.preset import Preset, Question, audience_question

ISSUER: Final = "https://accounts.google.com"

_ADDRESS: Final = re.compile(r"[a-z0-9.-]+@[a-z0-9.-]+", re.ASCII)


def google_rules(*, account_id: str, email: str = "", audience: str = "") -> ClaimMatch:
    """Rules for one service account. Raises `Invalid`."""
    expect("account_id", account_id, NUMBER, "the account's unique id, a number")
    if email:
        expect("email", email, _ADDRESS, "NAME@PROJECT.iam.gserviceaccount.com")
    return ClaimMatch(
        issuer=ISSUER,
        subject=account_id,
        audience=audience,
        claims=answered(email=email, email_verified="true" if email else ""),
    )


GOOGLE: Final = Preset(
    name="google",
    workload="a service account of Google Cloud",
    guide="google",
    rules=google_rules,
    questions=(
        Question(
            name="account_id",
            flag="--service-account-id",
            label="Unique id of the service account",
            help="Unique id of the service account, a number.",
            required=True,
            find="gcloud iam service-accounts describe EMAIL --format 'value(uniqueId)'",
        ),
        Question(
            name="email",
            flag="--service-account-email",
            label="Address of the service account",
            help="Address of the service account, besides. Tokens have it only when they were "
            "asked for with it.",
        ),
        audience_question(),
    ),
)

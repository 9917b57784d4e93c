"""Rules as the API has them."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from broker.iam.model import AwsIdentity, ClaimMatch, Relationship, StaticKeys
from broker.sdk.api import Record


def record_of(rules: Relationship) -> Record:
    """The member of an identity that these rules are, without what is empty."""
    match rules:
        case ClaimMatch():
            return {
                "claimMatch": _present(
                    issuer=rules.issuer,
                    issuerPattern=rules.issuer_pattern,
                    subject=rules.subject,
                    subjectPattern=rules.subject_pattern,
                    audience=rules.audience,
                    audiencePattern=rules.audience_pattern,
                    claims=dict(rules.claims),
                    claimPatterns=dict(rules.claim_patterns),
                )
            }
        case StaticKeys():
            until = rules.expiration.astimezone(UTC).isoformat(timespec="seconds")
            return {
                "staticKeys": _present(
                    issuer=rules.issuer,
                    subject=rules.subject,
                    issuerKeys=rules.issuer_keys,
                    expirationTime=until.replace("+00:00", "Z"),
                    audiences=list(rules.audiences),
                )
            }
        case AwsIdentity():
            return {
                "awsIdentity": _present(
                    awsAccount=rules.account,
                    arn=rules.arn,
                    arnPattern=rules.arn_pattern,
                    userId=rules.user_id,
                    userIdPattern=rules.user_id_pattern,
                )
            }
        case _:
            raise TypeError(f"no preset gives {type(rules).__name__}")


def _present(**members: Any) -> Record:
    return {name: value for name, value in members.items() if value}

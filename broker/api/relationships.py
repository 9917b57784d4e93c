"""The rules of identities as both versions of the API write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from broker.contract.proto.iam.v1 import identities_pb2 as v1
from broker.contract.proto.iam.v2 import identities_pb2 as v2
from broker.errors import Invalid
from broker.iam.model import AwsIdentity, ClaimMatch, ServicePrincipal, StaticKeys


def claim_match(message: v1.Identity.ClaimMatch | v2.Identity.ClaimMatch) -> ClaimMatch:
    """From the wire."""
    return ClaimMatch(
        issuer=message.issuer,
        issuer_pattern=message.issuer_pattern,
        subject=message.subject,
        subject_pattern=message.subject_pattern,
        audience=message.audience,
        audience_pattern=message.audience_pattern,
        claims=MappingProxyType(dict(message.claims)),
        claim_patterns=MappingProxyType(dict(message.claim_patterns)),
    )


def claim_match_members(rules: ClaimMatch) -> dict[str, Any]:
    """To the wire. Of two fields that exclude each other the one that is set."""
    return _set(
        {
            "issuer": rules.issuer,
            "issuer_pattern": rules.issuer_pattern,
            "subject": rules.subject,
            "subject_pattern": rules.subject_pattern,
            "audience": rules.audience,
            "audience_pattern": rules.audience_pattern,
            "claims": dict(rules.claims),
            "claim_patterns": dict(rules.claim_patterns),
        }
    )


def static_keys(
    message: v1.Identity.StaticKeys | v2.Identity.StaticKeys, expiration: datetime
) -> StaticKeys:
    """From the wire; the expiration has another name in each version."""
    return StaticKeys(
        issuer=message.issuer,
        subject=message.subject,
        issuer_keys=message.issuer_keys,
        expiration=expiration,
        audiences=tuple(message.audiences),
    )


def static_keys_members(static: StaticKeys) -> dict[str, Any]:
    """To the wire, but for the expiration."""
    return {
        "issuer": static.issuer,
        "subject": static.subject,
        "issuer_keys": static.issuer_keys,
        "audiences": static.audiences,
    }


def aws_identity(message: v1.Identity.AWSIdentity | v2.Identity.AWSIdentity) -> AwsIdentity:
    """From the wire."""
    return AwsIdentity(
        account=message.aws_account,
        arn=message.arn,
        arn_pattern=message.arn_pattern,
        user_id=message.user_id,
        user_id_pattern=message.user_id_pattern,
    )


def aws_identity_members(aws: AwsIdentity) -> dict[str, Any]:
    """To the wire. Of two fields that exclude each other the one that is set."""
    return _set(
        {
            "aws_account": aws.account,
            "arn": aws.arn,
            "arn_pattern": aws.arn_pattern,
            "user_id": aws.user_id,
            "user_id_pattern": aws.user_id_pattern,
        }
    )


def service_principal(number: int) -> ServicePrincipal:
    """From the wire: the numbers are the same in both versions. Raises `Invalid`."""
    names = {value: name for name, value in v1.ServicePrincipal.items() if value}
    if number not in names:
        raise Invalid(
            "field_invalid",
            f"service_principal: {number} is no service; expected {', '.join(names.values())}",
            field="service_principal",
        )
    return ServicePrincipal(name=names[number])


def expect_relationship(arm: str | None) -> str:
    """Raises `Invalid` for an identity without any rules."""
    if arm is None:
        raise Invalid(
            "field_invalid",
            "identity: expected one of claim_match, static keys, aws_identity, service_principal",
            field="identity",
        )
    return arm


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}

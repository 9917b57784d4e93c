"""How an identity's relationship stands in its row: a kind and a JSON object."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import Any, assert_never

import orjson

from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Person,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.store.tables import microseconds, moment


def to_columns(relationship: Relationship) -> tuple[str, str]:
    """Kind and JSON text. Members at their defaults are left out."""
    match relationship:
        case ClaimMatch():
            return "claim_match", _json(
                {
                    "issuer": relationship.issuer,
                    "issuer_pattern": relationship.issuer_pattern,
                    "subject": relationship.subject,
                    "subject_pattern": relationship.subject_pattern,
                    "audience": relationship.audience,
                    "audience_pattern": relationship.audience_pattern,
                    "claims": dict(relationship.claims),
                    "claim_patterns": dict(relationship.claim_patterns),
                }
            )
        case StaticKeys():
            return "static_keys", _json(
                {
                    "issuer": relationship.issuer,
                    "subject": relationship.subject,
                    "issuer_keys": relationship.issuer_keys,
                    "expiration": microseconds(relationship.expiration),
                    "audiences": relationship.audiences,
                }
            )
        case AwsIdentity():
            return "aws_identity", _json(asdict(relationship))
        case ServicePrincipal():
            return "service_principal", _json(asdict(relationship))
        case Person():
            return "person", _json(asdict(relationship))
        case _:
            assert_never(relationship)


def from_columns(kind: str, text: str) -> Relationship:
    """The reverse of `to_columns`, exactly."""
    members: dict[str, Any] = orjson.loads(text)
    match kind:
        case "claim_match":
            return ClaimMatch(
                issuer=members.get("issuer", ""),
                issuer_pattern=members.get("issuer_pattern", ""),
                subject=members.get("subject", ""),
                subject_pattern=members.get("subject_pattern", ""),
                audience=members.get("audience", ""),
                audience_pattern=members.get("audience_pattern", ""),
                claims=MappingProxyType(members.get("claims", {})),
                claim_patterns=MappingProxyType(members.get("claim_patterns", {})),
            )
        case "static_keys":
            return StaticKeys(
                issuer=members.get("issuer", ""),
                subject=members.get("subject", ""),
                issuer_keys=members.get("issuer_keys", ""),
                expiration=moment(members.get("expiration", 0)),
                audiences=tuple(members.get("audiences", ())),
            )
        case "aws_identity":
            return AwsIdentity(
                account=members.get("account", ""),
                arn=members.get("arn", ""),
                arn_pattern=members.get("arn_pattern", ""),
                user_id=members.get("user_id", ""),
                user_id_pattern=members.get("user_id_pattern", ""),
            )
        case "service_principal":
            return ServicePrincipal(name=members.get("name", ""))
        case "person":
            return Person(issuer=members.get("issuer", ""), subject=members.get("subject", ""))
        case _:
            raise ValueError(f"an identity of the unknown kind {kind!r}")


def principal(relationship: Relationship) -> tuple[str, str]:
    """The literal issuer and subject that prove the identity; each is empty where a pattern
    stands in its place, or where no token of an issuer proves it.
    """
    match relationship:
        case AwsIdentity() | ServicePrincipal():
            return "", ""
        case _:
            return relationship.issuer, relationship.subject


def _json(members: dict[str, Any]) -> str:
    return orjson.dumps({name: value for name, value in members.items() if value}).decode()

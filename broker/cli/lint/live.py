"""Lint of the identities that a broker has, over its API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from broker.cli.client import records
from broker.cli.client.invocation import Invocation
from broker.cli.lint.report import Located, Report
from broker.iam.capabilities import CapabilityTable
from broker.iam.lint import lint_rules
from broker.iam.lint.identity import OWNER
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.roles import BuiltinRoles
from broker.sdk.api import IDENTITIES, ROLE_BINDINGS, Record

_CLAIM_MATCH: Final = {
    "issuer": "issuer",
    "issuerPattern": "issuer_pattern",
    "subject": "subject",
    "subjectPattern": "subject_pattern",
    "audience": "audience",
    "audiencePattern": "audience_pattern",
    "claims": "claims",
    "claimPatterns": "claim_patterns",
}
_AWS: Final = {
    "awsAccount": "account",
    "arn": "arn",
    "arnPattern": "arn_pattern",
    "userId": "user_id",
    "userIdPattern": "user_id_pattern",
}


async def lint_live(run: Invocation, parent: str | None) -> Report:
    """Every identity that the caller may list, of a group and below it or of all that they see."""
    filters = await records.placed(run, parent, recursive=True)
    identities = await run.api.records(IDENTITIES, {**filters, "orderBy": "name"})
    owners = await _owners(run)
    paths = await run.names.paths(identity["uid"] for identity in identities)
    found = [
        Located(finding=finding, uid=identity["uid"], identity=_path(identity, paths))
        for identity in identities
        for finding in lint_rules(
            relationship(identity),
            now=run.now,
            roles=[OWNER] if identity["uid"] in owners else [],
        )
    ]
    return Report(
        sorted(found, key=lambda each: (each.identity, -each.finding.level)), len(identities)
    )


async def _owners(run: Invocation) -> set[str]:
    """UIDPs of the identities that hold the role owner, as far as the caller may list bindings."""
    role = BuiltinRoles(CapabilityTable.load()).owner.id
    bindings = await run.api.records(ROLE_BINDINGS, {"role": str(role)})
    return {str(binding["identityUid"]) for binding in bindings}


def _path(identity: Record, paths: dict[str, str]) -> str:
    group = paths.get(identity["uid"], "")
    return f"{group}/{identity['name']}" if group else str(identity["name"])


def relationship(identity: Record) -> Relationship:
    """The rules of an identity as version 2 of the API writes it."""
    match identity:
        case {"claimMatch": dict() as members}:
            return ClaimMatch(**_members(members, _CLAIM_MATCH))
        case {"staticKeys": dict() as members}:
            return StaticKeys(
                issuer=members["issuer"],
                subject=members["subject"],
                issuer_keys=members["issuerKeys"],
                expiration=datetime.fromisoformat(members["expirationTime"]),
                audiences=tuple(members.get("audiences", ())),
            )
        case {"awsIdentity": dict() as members}:
            return AwsIdentity(**_members(members, _AWS))
    return ServicePrincipal(name=str(identity.get("servicePrincipal", "")))


def _members(members: Record, names: dict[str, str]) -> dict[str, Any]:
    return {ours: members[theirs] for theirs, ours in names.items() if members.get(theirs)}

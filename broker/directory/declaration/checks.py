"""Whether declared records may be kept as they are: every fault of each, with its line.

`broker.iam.validation` decides, and stops at the first fault of a record. Here the faulty field is
put right and the record is looked at again, until nothing new is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from broker.directory.declaration.declared import DeclaredRole
from broker.directory.declaration.problems import Problem, Where, suggestion
from broker.errors import Invalid
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import (
    NO_LIMITS,
    NO_POLICY,
    AwsIdentity,
    ClaimMatch,
    Group,
    Identity,
    Person,
    Role,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.validation import (
    MIN_LIFETIME,
    check_group,
    check_identity,
    check_organization,
    check_role,
)

_ISSUER: Final = "https://issuer.example"
_KEYS: Final = '{"keys":[{"kty":"OKP"}]}'

_Record = TypeVar("_Record", Group, Role, Identity)


def group_problems(group: Group, where: Where) -> list[Problem]:
    """What is wrong with an organization or a folder."""
    problems = _faults(group, check_group, where, _mended)
    if group.id.is_root:
        problems += _faults(group, check_organization, where, _mended_standing)
    return problems


def role_problems(
    role: Role, declared: DeclaredRole, capabilities: CapabilityTable
) -> list[Problem]:
    """What is wrong with a custom role, every capability by itself."""
    internal = {each.name for each in capabilities if each.internal}
    grantable = capabilities.names - internal
    problems: list[Problem] = []
    for name, path in declared.capabilities.items():
        if name in internal:
            message = f"{name!r} is internal; a custom role cannot hold it"
            problems.append(declared.where.problem(path, message))
        elif name not in grantable:
            message = f"capability {name!r} does not exist{suggestion(name, grantable)}"
            problems.append(declared.where.problem(path, message))
    if declared.sound:
        # The unknown ones are told already, each on its own line.
        known = grantable | role.capabilities
        problems += _faults(role, lambda it: check_role(it, known), declared.where, _mended)
    return problems


def identity_problems(
    identity: Identity, where: Where, *, allow_http_loopback: bool
) -> list[Problem]:
    """What is wrong with an identity and its rules."""
    return _faults(
        identity,
        lambda it: check_identity(it, allow_http_loopback=allow_http_loopback),
        where,
        _mended_identity,
    )


def _faults(
    record: _Record,
    check: Callable[[_Record], None],
    where: Where,
    mend: Callable[[_Record, str], _Record],
) -> list[Problem]:
    problems: list[Problem] = []
    seen: set[str] = set()
    while True:
        try:
            check(record)
        except Invalid as fault:
            field = fault.field or ""
            if field in seen:
                return problems
            seen.add(field)
            problems.append(where.problem(field, fault.message.removeprefix(f"{field}: ")))
            record = mend(record, field)
        else:
            return problems


def _mended(record: _Record, field: str) -> _Record:
    match field:
        case "name":
            return replace(record, name="sound")
        case "description":
            return replace(record, description="")
    return record


def _mended_standing(organization: Group, field: str) -> Group:
    if field == "verified":
        return replace(organization, verified=False)
    if field.startswith("issuer_policy"):
        return replace(organization, issuer_policy=NO_POLICY)
    return replace(organization, resource_limits=NO_LIMITS)


def _mended_identity(identity: Identity, field: str) -> Identity:
    if field in {"name", "description"}:
        return _mended(identity, field)
    if field == "max_token_lifetime":
        return replace(identity, max_token_lifetime=MIN_LIFETIME)
    match identity.relationship:
        case ClaimMatch() as rules:
            return replace(identity, relationship=_mended_rules(rules, field))
        case StaticKeys() as static:
            sound: dict[str, Any] = {
                "issuer": _ISSUER,
                "subject": "sound",
                "static_keys.issuer_keys": _KEYS,
                "static_keys.expiration": identity.created_at + timedelta(days=1),
                "static_keys.audiences": (),
            }
            name = field.removeprefix("static_keys.")
            mended = {name: sound[field]} if field in sound else {}
            return replace(identity, relationship=replace(static, **mended))
        case Person() as person:
            mended = {"issuer": {"issuer": _ISSUER}, "subject": {"subject": "sound"}}.get(field, {})
            return replace(identity, relationship=replace(person, **mended))
        case AwsIdentity() | ServicePrincipal():  # no declaration makes one
            return identity


def _mended_rules(rules: ClaimMatch, field: str) -> ClaimMatch:
    table, dot, name = field.partition(".")
    if dot and table in {"claims", "claim_patterns"}:
        rest = {k: v for k, v in getattr(rules, table).items() if k != name}
        changed: dict[str, Any] = {table: rest}
        return replace(rules, **changed)
    # A literal and its pattern exclude each other; the fault of having both is the literal's.
    sound: dict[str, dict[str, Any]] = {
        "issuer": {"issuer": _ISSUER, "issuer_pattern": ""},
        "issuer_pattern": {"issuer_pattern": "sound"},
        "subject": {"subject": "sound", "subject_pattern": ""},
        "subject_pattern": {"subject_pattern": "sound"},
        "audience": {"audience": "sound", "audience_pattern": ""},
        "audience_pattern": {"audience_pattern": "sound"},
        "claims": {"claims": {}},
        "claim_patterns": {"claim_patterns": {}},
    }
    return replace(rules, **sound.get(field, {}))

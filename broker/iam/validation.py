"""What a record must be before it is kept. Raises `Invalid`, with the field, on the first fault."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final, NoReturn

from broker.errors import Invalid
from broker.iam.issuer_policy import check_policy
from broker.iam.issuer_url import check_issuer_url
from broker.iam.matching import MAX_RULES, PatternError, compile_pattern, pointer
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Group,
    Identity,
    Person,
    Profile,
    Relationship,
    Role,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.uidp import MAX_DEPTH

MAX_NAME: Final = 256
MAX_DESCRIPTION: Final = 2048
MAX_LITERAL: Final = 2048
MAX_JWKS: Final = 65536
MIN_LIFETIME: Final = 60
MAX_LIFETIME: Final = 3600
MAX_STATIC_LIFE: Final = timedelta(days=30)
MAX_FOLDER_DEPTH: Final = MAX_DEPTH - 1
"""Levels below the organization: what is in a folder lies one level deeper."""

_DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII
)
_AWS_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def check_group(group: Group) -> None:
    """Name and description of an organization or folder."""
    _check_name(group.name)
    if "/" in group.name:
        _refuse("name", "must not contain '/', which joins names into a path")
    _check_description(group.description)
    if not group.id.has_room:
        _refuse("parent", f"folders are at most {MAX_FOLDER_DEPTH} levels below the organization")


LIMITED: Final = (
    "account_associations",
    "folders",
    "group_invites",
    "identities",
    "identity_providers",
    "role_bindings",
    "roles",
    "subscriptions",
)
"""What `resource_limits` can bound."""


def check_organization(group: Group) -> None:
    """What an organization has besides: limits that count something, a domain as verified name."""
    for noun, limit in group.resource_limits.items():
        if noun not in LIMITED:
            _refuse("resource_limits", f"no limit {noun[:64]!r}; expected {', '.join(LIMITED)}")
        if limit < 0:
            _refuse(f"resource_limits.{noun}", "expected 0 or more")
    check_policy(group.issuer_policy)
    if group.verified and not is_domain(group.name):
        _refuse("verified", "the name of a verified organization is a domain, such as acme.com")


def is_domain(name: str) -> bool:
    """A lower-case DNS name of two labels or more (RFC 1123 §2.1)."""
    return len(name) <= 253 and _DOMAIN.fullmatch(name) is not None


def check_role(role: Role, known: Collection[str]) -> None:
    """A custom role: its capabilities exist in `known`."""
    _check_name(role.name)
    _check_description(role.description)
    for name in sorted(role.capabilities - set(known)):
        near = get_close_matches(name, known, n=1)
        suggestion = f"; did you mean {near[0]!r}?" if near else ""
        raise Invalid(
            "capability_unknown",
            f"capabilities: {name!r} does not exist{suggestion}",
            field="capabilities",
        )
    if not role.capabilities:
        _refuse("capabilities", "expected at least one")


def check_identity(identity: Identity, *, allow_http_loopback: bool) -> None:
    """A new identity with its rules. `allow_http_loopback`: this is a development installation."""
    check_identity_fields(identity)
    check_relationship(
        identity.relationship, since=identity.created_at, allow_http_loopback=allow_http_loopback
    )


def check_identity_fields(identity: Identity) -> None:
    """All but the rules."""
    _check_name(identity.name)
    _check_description(identity.description)
    if not MIN_LIFETIME <= identity.max_token_lifetime <= MAX_LIFETIME:
        _refuse("max_token_lifetime", f"expected {MIN_LIFETIME} to {MAX_LIFETIME} seconds")
    if identity.is_person != identity.id.is_root:
        _refuse("id", "a person has a root UIDP, every other identity one below its group")


def check_relationship(
    relationship: Relationship, *, since: datetime, allow_http_loopback: bool
) -> None:
    """The rules. `since`: the identity's creation, from which the life of static keys counts."""
    match relationship:
        case ClaimMatch() as rules:
            _check_claim_match(rules, allow_http_loopback=allow_http_loopback)
        case StaticKeys() as static:
            _check_static(static, since, allow_http_loopback=allow_http_loopback)
        case AwsIdentity() as aws:
            _check_aws(aws)
        case ServicePrincipal() as service:
            if not service.name:
                _refuse("service_principal", "expected the name of a service")
        case Person() as person:
            check_issuer_url(person.issuer, allow_http_loopback=allow_http_loopback)
            _check_literal("subject", person.subject)


def check_profile(profile: Profile) -> None:
    """What a person says of themself."""
    for name, value in profile.details.items():
        if isinstance(value, str) and (len(value) > MAX_DESCRIPTION or not _printable(value)):
            _refuse(name, f"expected at most {MAX_DESCRIPTION} printable characters")


def check_name(name: str, description: str = "") -> None:
    """Of any record: 1 to 256 characters without control characters; a description of 2,048."""
    _check_name(name)
    _check_description(description)


def _check_claim_match(rules: ClaimMatch, *, allow_http_loopback: bool) -> None:
    _exactly_one("issuer", rules.issuer, rules.issuer_pattern)
    _exactly_one("subject", rules.subject, rules.subject_pattern)
    if rules.audience and rules.audience_pattern:
        _refuse("audience", "give audience or audience_pattern, not both")
    if len(rules.claims) + len(rules.claim_patterns) + 3 > MAX_RULES:
        _refuse("claims", f"more than {MAX_RULES} rules in all")
    if rules.issuer:
        check_issuer_url(rules.issuer, allow_http_loopback=allow_http_loopback)
    for name in ("subject", "audience"):
        if literal := getattr(rules, name):
            _check_literal(name, literal)
    for name in ("issuer_pattern", "subject_pattern", "audience_pattern"):
        if pattern := getattr(rules, name):
            _check_pattern(name, pattern)
    for name, literal in rules.claims.items():
        _check_claim_name("claims", name)
        _check_literal(f"claims.{name}", literal)
    for name, pattern in rules.claim_patterns.items():
        _check_claim_name("claim_patterns", name)
        _check_pattern(f"claim_patterns.{name}", pattern)


def _check_aws(aws: AwsIdentity) -> None:
    if not _AWS_ACCOUNT.fullmatch(aws.account):
        _refuse("aws_identity.aws_account", "expected the twelve digits of an AWS account")
    _exactly_one("arn", aws.arn, aws.arn_pattern)
    _exactly_one("user_id", aws.user_id, aws.user_id_pattern)
    if aws.arn:
        _check_literal("aws_identity.arn", aws.arn)
    if aws.user_id:
        _check_literal("aws_identity.user_id", aws.user_id)
    for name in ("arn_pattern", "user_id_pattern"):
        if pattern := getattr(aws, name):
            _check_pattern(f"aws_identity.{name}", pattern)


def _check_static(static: StaticKeys, since: datetime, *, allow_http_loopback: bool) -> None:
    check_issuer_url(static.issuer, allow_http_loopback=allow_http_loopback)
    _check_literal("subject", static.subject)
    for audience in static.audiences:
        _check_literal("static_keys.audiences", audience)
    if static.expiration <= since:
        _refuse("static_keys.expiration", "expected a time after now")
    if static.expiration > since + MAX_STATIC_LIFE:
        _refuse(
            "static_keys.expiration",
            f"expected at most {MAX_STATIC_LIFE.days} days after the identity's creation",
        )
    _check_jwks("static_keys.issuer_keys", static.issuer_keys)


def _check_jwks(field: str, text: str) -> None:
    if len(text) > MAX_JWKS:
        _refuse(field, f"longer than {MAX_JWKS} characters")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        _refuse(field, "not JSON; expected a JWK set, {'keys': […]}")
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys:
        _refuse(field, "expected a JWK set with at least one key, {'keys': […]}")
    for key in keys:
        # a tuple, since `in` a set fails on what cannot be hashed
        if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
            _refuse(field, "expected public keys of type RSA, EC or OKP")
        if _PRIVATE_MEMBERS & key.keys():
            _refuse(field, "holds a private key; give the public members only")


def _exactly_one(name: str, literal: str, pattern: str) -> None:
    if bool(literal) == bool(pattern):
        fault = "not both" if literal else "one of them is required"
        _refuse(name, f"give {name} or {name}_pattern, {fault}")


def _check_claim_name(field: str, name: str) -> None:
    if not name or len(name) > MAX_NAME or not _printable(name):
        _refuse(field, f"claim names are 1 to {MAX_NAME} printable characters")
    if name.startswith("/"):
        try:
            pointer(name)
        except ValueError as error:
            _refuse(f"{field}.{name}", str(error))


def _check_literal(field: str, literal: str) -> None:
    if not literal or len(literal) > MAX_LITERAL:
        _refuse(field, f"expected 1 to {MAX_LITERAL} characters")
    if not _printable(literal):
        _refuse(field, "holds a control character")


def _check_pattern(field: str, pattern: str) -> None:
    try:
        compile_pattern(pattern)
    except PatternError as error:
        raise Invalid("pattern_invalid", f"{field}: {error}", field=field) from None


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME:
        _refuse("name", f"expected 1 to {MAX_NAME} characters")
    if not _printable(name):
        _refuse("name", "holds a control or formatting character")
    if name != name.strip():
        _refuse("name", "begins or ends with white space")


def _check_description(description: str) -> None:
    if len(description) > MAX_DESCRIPTION:
        _refuse("description", f"longer than {MAX_DESCRIPTION} characters")
    if not _printable(description.replace("\n", "").replace("\t", "")):
        _refuse("description", "holds a control or formatting character")


def _printable(text: str) -> bool:
    # Cc control, Cf formatting (bidirectional overrides), Cs surrogate, Zl/Zp line separators
    return not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text)


def _refuse(field: str, fault: str) -> NoReturn:
    raise Invalid("field_invalid", f"{field}: {fault}", field=field)

"""Nodes → declared values. Notes every problem of form; what a record may hold is checked later."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar

import yaml

from broker.directory.declaration.declared import (
    NOTHING_SAID,
    Declaration,
    DeclaredBinding,
    DeclaredGroup,
    DeclaredIdentity,
    DeclaredPerson,
    DeclaredRole,
    Standing,
)
from broker.directory.declaration.document import compose, kind_of, mark_of
from broker.directory.declaration.fields import Fields
from broker.directory.declaration.problems import DeclarationProblems, Problem, Where
from broker.errors import Invalid
from broker.iam.model import (
    ClaimMatch,
    IssuerPolicy,
    OrganizationKind,
    OrganizationStatus,
    Person,
    PolicyMode,
    StaticKeys,
)
from broker.iam.uidp import Uidp
from broker.iam.validation import LIMITED, MAX_FOLDER_DEPTH

VERSION: Final = 1
DEFAULT_TOKEN_LIFETIME: Final = 3600

_RULES: Final = (
    "issuer_pattern",
    "subject_pattern",
    "audience",
    "audience_pattern",
    "claims",
    "claim_patterns",
)

# 0 of either is what an organization has of which nobody has said anything
_KINDS: Final = {each.name.lower(): each for each in OrganizationKind if each.value}
_MODES: Final = {each.value: each for each in PolicyMode}
_STATUSES: Final = {each.name.lower(): each for each in OrganizationStatus if each.value}


class _Named(Protocol):
    @property
    def name(self) -> str:
        """Its name in the file."""

    @property
    def where(self) -> Where:
        """Its place there."""


_Record = TypeVar("_Record", bound=_Named)


def parse_declaration(source: bytes) -> Declaration:
    """Read a declaration. Its `problems` are of parts of it.

    Raises `DeclarationProblems` when nothing can be read: it is no YAML within the bounds, or
    not a mapping.
    """
    node = compose(source)
    if node is None:
        raise DeclarationProblems(
            [Problem(1, 1, "", f"the file is empty; expected `version: {VERSION}`")]
        )
    problems: list[Problem] = []
    fields = Fields(node, "", problems)
    if not isinstance(node, yaml.MappingNode):
        raise DeclarationProblems(problems)
    fields.version("version", VERSION)
    organizations = [_group(each, 0, problems) for each in fields.records("organizations")]
    fields.finish()
    return Declaration(organizations=_named(organizations, problems), problems=tuple(problems))


def _group(fields: Fields, depth: int, problems: list[Problem]) -> DeclaredGroup:
    name = fields.text("name", required=True)
    description = fields.text("description")
    sound = fields.sound
    owners: tuple[DeclaredPerson, ...] = ()
    manage_people = False
    standing = NOTHING_SAID
    if depth == 0:
        people = [_person(each) for each in fields.records("owners")]
        owners = tuple(person for person in people if person is not None)
        manage_people = fields.flag("manage_people", default=False)
        standing = _standing(fields)
    roles = [_role(each) for each in fields.records("roles")]
    identities = [_identity(each) for each in fields.records("identities")]
    bindings = tuple(_binding(each) for each in fields.records("bindings"))
    if depth == MAX_FOLDER_DEPTH and "folders" in fields:
        fields.wrong("folders", f"folders end {MAX_FOLDER_DEPTH} levels below the organization")
        fields.node("folders")
        folders: list[DeclaredGroup] = []
    else:
        folders = [_group(each, depth + 1, problems) for each in fields.records("folders")]
    fields.finish()
    return DeclaredGroup(
        name=name,
        description=description,
        roles=_named(roles, problems),
        identities=_named(identities, problems),
        bindings=bindings,
        folders=_named(folders, problems),
        where=fields.where,
        sound=sound,
        owners=owners,
        manage_people=manage_people,
        standing=standing,
    )


def _standing(fields: Fields) -> Standing:
    return Standing(
        verified=fields.flag("verified", default=None),
        resource_limits=_resource_limits(fields),
        kind=fields.choice("kind", _KINDS),
        status=fields.choice("status", _STATUSES),
        issuer_policy=_issuer_policy(fields),
    )


def _issuer_policy(fields: Fields) -> IssuerPolicy | None:
    members = fields.mapping("issuer_policy")
    if members is None:
        return None
    node = members.node("mode")
    # YAML reads a bare `off` as false
    is_off = isinstance(node, yaml.ScalarNode) and node.value == PolicyMode.OFF.value
    mode = PolicyMode.OFF if is_off else members.choice("mode", _MODES)
    policy = IssuerPolicy(
        allow=tuple(members.texts("allow")),
        allow_patterns=tuple(members.texts("allow_patterns")),
        mode=mode or PolicyMode.ENFORCE,
    )
    members.finish()
    fields.under("issuer_policy", members)
    return policy if members.sound else None


def _resource_limits(fields: Fields) -> dict[str, int] | None:
    members = fields.mapping("resource_limits")
    if members is None:
        return None
    limits = {noun: members.count(noun) for noun in LIMITED}
    members.finish()
    return {noun: limit for noun, limit in limits.items() if limit is not None}


def _role(fields: Fields) -> DeclaredRole:
    name = fields.text("name", required=True)
    description = fields.text("description")
    capabilities = fields.texts("capabilities")
    if "capabilities" not in fields:
        fields.absent("capabilities")
    fields.finish()
    return DeclaredRole(
        name=name,
        description=description,
        capabilities=capabilities,
        where=fields.where,
        sound=fields.sound,
    )


def _identity(fields: Fields) -> DeclaredIdentity:
    name = fields.text("name", required=True)
    description = fields.text("description")
    lifetime = fields.seconds("max_token_lifetime", DEFAULT_TOKEN_LIFETIME)
    expires_with_upstream = fields.flag("expires_with_upstream", default=False)
    single_use = fields.flag("single_use", default=False)
    roles = fields.texts("roles")
    relationship = _static_keys(fields) if "static_keys" in fields else _claim_match(fields)
    fields.finish()
    return DeclaredIdentity(
        name=name,
        description=description,
        relationship=relationship if fields.sound else None,
        max_token_lifetime=lifetime,
        expires_with_upstream=expires_with_upstream,
        single_use=single_use,
        roles=roles,
        where=fields.where,
    )


def _claim_match(fields: Fields) -> ClaimMatch:
    return ClaimMatch(
        issuer=fields.text("issuer"),
        issuer_pattern=fields.text("issuer_pattern"),
        subject=fields.text("subject"),
        subject_pattern=fields.text("subject_pattern"),
        audience=fields.text("audience"),
        audience_pattern=fields.text("audience_pattern"),
        claims=fields.table("claims"),
        claim_patterns=fields.table("claim_patterns"),
    )


def _static_keys(fields: Fields) -> StaticKeys | None:
    issuer = fields.text("issuer", required=True)
    subject = fields.text("subject", required=True)
    for key in _RULES:
        if fields.node(key) is not None:
            fields.wrong(key, "does not go with static_keys; audiences belong in there")
    static = fields.mapping("static_keys")
    if static is None:
        return None
    keys = _issuer_keys(static)
    expiration = static.instant("expiration")
    audiences = tuple(static.texts("audiences"))
    static.finish()
    fields.under("static_keys", static)
    if expiration is None:
        return None
    return StaticKeys(
        issuer=issuer,
        subject=subject,
        issuer_keys=keys,
        expiration=expiration,
        audiences=audiences,
    )


def _issuer_keys(static: Fields) -> str:
    node = static.node("issuer_keys")
    if not isinstance(node, yaml.MappingNode):
        return static.text("issuer_keys", required=True)
    problems: list[str] = []
    value = _plain(node, problems)
    for problem in problems:
        static.wrong("issuer_keys", problem)
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _plain(node: yaml.Node, problems: list[str]) -> Any:
    """The node as a JSON value. Numbers are refused: `e: 1e3` is a text that YAML misread."""
    kind, line = kind_of(node), mark_of(node).line
    match node:
        case yaml.MappingNode():
            members: dict[str, Any] = {}
            for key, value in node.value:
                name = _plain(key, problems) if isinstance(key, yaml.ScalarNode) else None
                if not isinstance(name, str) or name in members:
                    problems.append(f"on line {line}: a member that is no text, or there twice")
                else:
                    members[name] = _plain(value, problems)
            return members
        case yaml.SequenceNode():
            return [_plain(element, problems) for element in node.value]
        case _ if kind == "bool":
            return node.value.lower() == "true"
        case _ if kind == "str":
            return node.value
    problems.append(f'on line {line}: {node.value!r} is not a text; quote it: "{node.value}"')
    return None


def _person(fields: Fields) -> DeclaredPerson | None:
    person = Person(
        issuer=fields.text("issuer", required=True),
        subject=fields.text("subject", required=True),
    )
    fields.finish()
    return DeclaredPerson(person=person, where=fields.where) if fields.sound else None


def _binding(fields: Fields) -> DeclaredBinding:
    role = fields.text("role", required=True)
    identity = _bound(fields)
    fields.finish()
    return DeclaredBinding(
        identity=identity or "", role=role, where=fields.where, sound=fields.sound
    )


def _bound(fields: Fields) -> str | Uidp | DeclaredPerson | None:
    if isinstance(fields.node("identity"), yaml.MappingNode):
        members = fields.mapping("identity")
        assert members is not None, "the member was there a line above"
        return _person(members)
    text = fields.text("identity", required=True)
    try:
        return Uidp.parse(text)
    except Invalid:
        return text


def _named(records: Iterable[_Record], problems: list[Problem]) -> tuple[_Record, ...]:
    """Those that have a name, each name once; the file's records are known by it."""
    seen: dict[str, _Record] = {}
    for record in records:
        first = seen.setdefault(record.name, record)
        if record.name and first is not record:
            line = first.where.at.line
            message = f"{record.name!r} is there twice, first on line {line}"
            problems.append(record.where.problem("name", message))
    seen.pop("", None)
    return tuple(seen.values())

"""Carrying a declaration out: read, plan and write in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from broker.directory.declaration.draft import Terms
from broker.directory.declaration.existing import load_existing
from broker.directory.declaration.linting import Found, PlacedFinding, found_in
from broker.directory.declaration.parsing import parse_declaration
from broker.directory.declaration.plan import Action, Change, Plan, RecordKind
from broker.directory.declaration.planning import make_plan
from broker.directory.declaration.problems import DeclarationProblems
from broker.directory.installation import LintMode
from broker.directory.recording import change_record
from broker.iam.capabilities import CapabilityTable
from broker.iam.lint import Level
from broker.iam.lint.findings import OWNER_OF_WEAK_RULES
from broker.iam.model import NO_POLICY, Group, Identity, IssuerPolicy, Role, RoleBinding
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import RandomBytes
from broker.store import Records, Store

ACTOR: Final = "local:apply"

_VERBS: Final = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
}


async def apply_declaration(
    store: Store,
    source: bytes,
    *,
    builtin_roles: BuiltinRoles,
    capabilities: CapabilityTable,
    clock: Callable[[], float],
    random: RandomBytes,
    allow_http_loopback: bool = False,
    lint: LintMode = LintMode.WARN,
    issuer_policy: IssuerPolicy = NO_POLICY,
    prune: bool = False,
    dry_run: bool = False,
    request_id: str = "",
) -> Plan:
    """Bring organizations to what a declaration (YAML, UTF-8) says, and give what it took.

    All of it happens or nothing. With `prune`, what the declared organizations have and the file
    lacks is deleted; with `dry_run`, nothing is written and the plan has no UIDPs for what is yet
    to be made. `clock` gives seconds since the epoch.

    What lint, and policies in audit mode, say of what changes is in the plan and in the audit
    records.

    Raises `DeclarationProblems`, for errors of lint too where those are refused, and `Unavailable`
    when other writers hold the store too long.
    """
    declaration = parse_declaration(source)
    terms = Terms(
        builtin_roles=builtin_roles,
        capabilities=capabilities,
        allow_http_loopback=allow_http_loopback,
        prune=prune,
        now=datetime.fromtimestamp(clock(), UTC),
        random=random,
        issuer_policy=issuer_policy,
    )
    # asked for before the store is locked: a large file takes a while
    found = {} if lint is LintMode.OFF else found_in(declaration, source, now=terms.now)
    if dry_run:
        async with store.read() as records:
            existing = await load_existing(records, declaration)
        plan = make_plan(declaration, existing, terms)
        return _linted(plan, _joined(found, plan), lint).preview()
    async with store.write() as records:
        existing = await load_existing(records, declaration)
        plan = make_plan(declaration, existing, terms)
        found = _joined(found, plan)
        plan = _linted(plan, found, lint)
        for change in plan.changes:
            await _carry_out(records, change)
            await records.audit.add(
                change_record(
                    change.record,
                    _VERBS[change.action],
                    fields=change.fields,
                    actor=ACTOR,
                    now=terms.now,
                    random=random,
                    request_id=request_id,
                    findings=[each.finding for each in _concerning(change, found)],
                )
            )
    return plan


def _joined(found: Found, plan: Plan) -> Found:
    """With what was found while the plan was made."""
    joined = {path: list(each) for path, each in found.items()}
    for each in plan.findings:
        joined.setdefault(each.identity, []).append(each)
    return joined


def _concerning(change: Change, found: Found) -> Sequence[PlacedFinding]:
    """What lint says of a change: of an identity, or of a binding that makes one an owner."""
    match change.kind:
        case RecordKind.IDENTITY:
            return found.get(change.path, ())
        case RecordKind.BINDING | RecordKind.OWNER:
            bound = found.get(str(change.fields["identity"][1]), ())
            return [each for each in bound if each.finding.rule is OWNER_OF_WEAK_RULES]
        case _:
            return ()


def _linted(plan: Plan, found: Found, mode: LintMode) -> Plan:
    """The plan with the findings that concern it. Raises `DeclarationProblems` for errors among
    them where those are refused.
    """
    concerned = {each for change in plan.changes for each in _concerning(change, found)}
    concerned.update(found.get("", ()))
    in_order = (each for group in found.values() for each in group if each in concerned)
    ordered = tuple(sorted(in_order, key=lambda each: each.line))
    errors = [each.problem() for each in ordered if each.finding.level is Level.ERROR]
    if errors and mode is LintMode.REFUSE:
        raise DeclarationProblems(errors)
    return replace(plan, findings=ordered)


async def _carry_out(records: Records, change: Change) -> None:
    match change.action, change.record:
        case Action.CREATE, Group() as group:
            await records.groups.add(group)
        case Action.CREATE, Role() as role:
            await records.roles.add(role)
        case Action.CREATE, Identity() as identity:
            await records.identities.add(identity)
        case Action.CREATE, RoleBinding() as binding:
            await records.bindings.add(binding)
        case Action.UPDATE, Group() as group:
            await records.groups.update(group)
        case Action.UPDATE, Role() as role:
            await records.roles.update(role)
        case Action.UPDATE, Identity() as identity:
            await records.identities.update(identity)
        case Action.DELETE, Group() as group:
            await records.groups.delete(group.id)
        case Action.DELETE, Role() as role:
            await records.roles.delete(role.id)
        case Action.DELETE, Identity() as identity:
            await records.identities.delete(identity.id)
        case Action.DELETE, RoleBinding() as binding:
            await records.bindings.delete(binding.id)

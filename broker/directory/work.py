"""One use case in one transaction: what it may touch, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.directory.caller import Caller
from broker.directory.description import FieldChanges, changed_fields
from broker.directory.recording import Record, described
from broker.errors import Exhausted, Invalid, NotFound
from broker.iam.lint import Finding
from broker.iam.model import Group, IdentityProvider
from broker.iam.uidp import RandomBytes, Uidp
from broker.store import Records
from broker.store.counts import Countable


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that was made, changed or removed."""

    record: Record
    verb: str
    """`created`, `updated`, `deleted`."""
    fields: FieldChanges
    findings: tuple[Finding, ...] = ()
    """What lint said of it."""


@dataclass(slots=True, kw_only=True)
class Work:
    """The records, who asks, and the moment; the changes are noted as they are made.

    Whoever opened the transaction writes the audit records of `changes` before it ends.
    """

    records: Records
    caller: Caller
    now: datetime
    random: RandomBytes
    within: tuple[Uidp, ...] = ()
    """For a list: the topmost groups where the caller may see the records."""
    changes: list[Changed] = field(default_factory=list)

    def blank_group(self, parent: Uidp | None) -> Group:
        """A group without a name yet: a folder, or without a parent an organization."""
        uidp = parent.child(self.random) if parent else Uidp.new_root(self.random)
        return Group(id=uidp, name="", created_at=self.now, updated_at=self.now)

    def created(self, record: Record, findings: tuple[Finding, ...] = ()) -> None:
        """Note a new record, and what lint says of it."""
        self._note(record, "created", {}, described(record), findings)

    def updated(self, before: Record, after: Record, findings: tuple[Finding, ...] = ()) -> None:
        """Note a change; also one that changes nothing, which was asked for and done."""
        self._note(after, "updated", described(before), described(after), findings)

    def deleted(self, record: Record) -> None:
        """Note that a record is gone, and what it was."""
        self._note(record, "deleted", described(record), {})

    async def group(self, uidp: Uidp, *, field: str) -> Group:
        """The group. Raises `NotFound` naming `field`."""
        found = await self.records.groups.get(uidp)
        if found is None:
            raise NotFound("group_not_found", f"{field}: the group does not exist", field=field)
        return found

    async def identity_provider(self, uidp: Uidp, *, field: str) -> IdentityProvider:
        """The provider. Raises `NotFound` naming `field`."""
        found = await self.records.identity_providers.get(uidp)
        if found is None:
            raise provider_not_found(field)
        return found

    async def expect_room(self, root: Uidp, noun: Countable, more: int = 1) -> None:
        """Raises `Exhausted` when the organization may not have `more` of this noun."""
        await expect_room(self.records, root, noun, more)

    def _note(
        self,
        record: Record,
        verb: str,
        before: dict[str, Any],
        after: dict[str, Any],
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.changes.append(Changed(record, verb, changed_fields(before, after), findings))


async def expect_room(records: Records, root: Uidp, noun: Countable, more: int = 1) -> None:
    """As `Work.expect_room`, where there is no caller."""
    organization = await records.groups.get(root)
    limit = organization.resource_limits.get(noun.value) if organization else None
    if limit is None:
        return
    if await records.count_below(noun, root) + more > limit:
        raise Exhausted(
            "resource_limit_reached",
            f"the organization may have {limit} {noun.value}; delete some, or ask the operator "
            "for more",
            field=noun.value,
        )


def provider_not_found(field: str) -> NotFound:
    """The identity provider that `field` names does not exist."""
    return NotFound(
        "identity_provider_not_found", f"{field}: the provider does not exist", field=field
    )


def group_of(uidp: Uidp, *, field: str) -> Uidp:
    """The group that a record lies in. Raises `Invalid` for a root, which lies in none."""
    parent = uidp.parent
    if parent is None:
        raise Invalid(
            "field_invalid", f"{field}: expected the UIDP of a record of a group", field=field
        )
    return parent

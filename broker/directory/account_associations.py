"""Account associations: which accounts elsewhere belong to a group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import orjson

from broker.directory.work import Work
from broker.errors import NotFound, field_invalid
from broker.iam.listing import Page, Selection
from broker.iam.model import AccountAssociation
from broker.iam.uidp import Uidp
from broker.iam.validation import check_name
from broker.store.counts import Countable

MAX_SIZE: Final = 32 * 1024
"""Bytes of all accounts of a group together, as JSON."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)


class State(Enum):
    """What is known of an account. Values are the wire's numbers."""

    UNKNOWN = 0
    READY = 1
    NOT_READY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The answer of a check."""

    state: State
    reason: str
    message: str


class AccountAssociations:
    """The use cases. The UIDP of an association is its group's."""

    async def get(self, work: Work, group: Uidp) -> AccountAssociation:
        """Raises `NotFound`."""
        association = await work.records.account_associations.get(group)
        if association is None:
            raise NotFound(
                "association_not_found", "group: it has no account association", field="group"
            )
        return association

    async def page(self, work: Work, selection: Selection) -> Page[AccountAssociation]:
        """What of a selection there is."""
        return await work.records.account_associations.page(selection)

    async def create(self, work: Work, association: AccountAssociation) -> AccountAssociation:
        """Raises `Invalid`, `NotFound` for the group, `Conflict` (`association_exists`),
        `Exhausted`.
        """
        await work.group(association.group, field="group")
        _check(association)
        await work.expect_room(association.group.root, Countable.ACCOUNT_ASSOCIATIONS)
        await work.records.account_associations.add(association)
        work.created(association)
        return association

    async def update(
        self, work: Work, before: AccountAssociation, after: AccountAssociation
    ) -> AccountAssociation:
        """Raises `Invalid`."""
        after = replace(after, updated_at=work.now)
        _check(after)
        await work.records.account_associations.update(after)
        work.updated(before, after)
        return after

    async def delete(self, work: Work, group: Uidp) -> AccountAssociation:
        """Raises `NotFound`."""
        association = await self.get(work, group)
        await work.records.account_associations.delete(group)
        work.deleted(association)
        return association

    async def check(self, work: Work, group: Uidp, provider: str) -> Status:
        """Whether the group has an account at `provider` (`amazon`, `google`, `azure`).

        The broker holds no credentials of clouds and asks none: what is configured is reported,
        and whether it works there is unknown. Raises `NotFound`.
        """
        association = await self.get(work, group)
        if not association.accounts.get(provider):
            return Status(
                state=State.NOT_READY,
                reason="NotConfigured",
                message=f"the group has no {provider} account",
            )
        return Status(
            state=State.UNKNOWN,
            reason="NotChecked",
            message=f"the {provider} account is configured; this broker does not call clouds",
        )


def _check(association: AccountAssociation) -> None:
    check_name(association.name, association.description)
    if len(orjson.dumps(dict(association.accounts))) > MAX_SIZE:
        raise field_invalid("accounts", f"larger than {MAX_SIZE} bytes together")
    match association.accounts.get("amazon"):
        case Mapping() as amazon if not _ACCOUNT.fullmatch(str(amazon.get("account", ""))):
            raise field_invalid("amazon.account", "expected the twelve digits of an AWS account")
    for text in _texts(association.accounts):
        if not text.isprintable():
            raise field_invalid("accounts", "holds a control character")


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case Mapping():
            return [text for pair in value.items() for text in (*_texts(pair[0]), *_texts(pair[1]))]
        case list() | tuple():
            return [text for member in value for text in _texts(member)]
        case _:
            return []

"""E-mail domains: which organization's people have addresses there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select

from broker.errors import Conflict
from broker.iam.uidp import Uidp
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.tables import email_domains
from broker.store.transaction import Transaction, storable


class EmailDomains:
    """The domains in a transaction, each of at most one organization. They are in lower case."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, domain: str, group: Uidp, now: datetime) -> None:
        """Raises `Conflict` (`email_domain_taken`) for one that some organization has, `NotFound`
        when the organization does not exist.
        """
        taken = Conflict(
            "email_domain_taken",
            f"email_domains: {domain!r} is another organization's",
            field="email_domains",
        )
        await self._transaction.insert(
            email_domains,
            {"domain": domain, "group_id": group, "created_at": now},
            {Violation.PRIMARY_KEY: taken, Violation.FOREIGN_KEY: group_missing()},
        )

    async def delete(self, domains: Iterable[str], group: Uidp) -> None:
        """Those of these that are the organization's; others are left alone."""
        for domain in domains:
            column = email_domains.c
            statement = delete(email_domains).where(
                column.domain == domain, column.group_id == group
            )
            await self._transaction.change(statement)

    async def of_group(self, group: Uidp) -> tuple[str, ...]:
        """Those of the organization, in order."""
        column = email_domains.c
        statement = select(column.domain).where(column.group_id == group).order_by(column.domain)
        return tuple(row.domain for row in await self._transaction.rows(statement))

    async def group_of(self, domain: str) -> Uidp | None:
        """Whose it is."""
        if not storable(domain):
            return None
        statement = select(email_domains.c.group_id).where(email_domains.c.domain == domain)
        row = await self._transaction.row(statement)
        return Uidp(row.group_id) if row else None

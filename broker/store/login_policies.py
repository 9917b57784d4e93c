"""Login policies: what organizations ask of the people who hold roles in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import orjson
from sqlalchemy import insert, select, update

from broker.iam.model import LoginPolicy
from broker.iam.uidp import Uidp
from broker.store.email_domains import EmailDomains
from broker.store.failures import Violation
from broker.store.groups import group_missing
from broker.store.tables import login_policies
from broker.store.transaction import Transaction


class LoginPolicies:
    """The policies in a transaction. An organization without a record has an empty one."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._domains = EmailDomains(transaction)

    async def get(self, group: Uidp) -> LoginPolicy:
        """The organization's, with its e-mail domains."""
        statement = select(login_policies).where(login_policies.c.group_id == group)
        row = await self._transaction.row(statement)
        return LoginPolicy(
            group=group,
            require_identity_provider=row.require_identity_provider if row else False,
            break_glass=_uidps(row.break_glass) if row else (),
            email_domains=await self._domains.of_group(group),
        )

    async def requiring(self, groups: Iterable[Uidp]) -> dict[Uidp, frozenset[Uidp]]:
        """Those of these organizations that require an identity provider of their own, each with
        the people whom that does not bind.
        """
        column = login_policies.c
        statement = select(column.group_id, column.break_glass).where(
            column.group_id.in_(sorted(set(groups))), column.require_identity_provider
        )
        rows = await self._transaction.rows(statement)
        return {Uidp(row.group_id): frozenset(_uidps(row.break_glass)) for row in rows}

    async def put(self, policy: LoginPolicy, now: datetime) -> None:
        """What the organization's policy is from now on.

        Raises `Conflict` (`email_domain_taken`), `NotFound` when the organization does not exist.
        """
        self._transaction.changed = True
        values = {
            "require_identity_provider": policy.require_identity_provider,
            "break_glass": orjson.dumps(policy.break_glass).decode(),
            "updated_at": now,
        }
        statement = update(login_policies).where(login_policies.c.group_id == policy.group)
        if not await self._transaction.change(statement.values(**values)):
            await self._transaction.change(
                insert(login_policies).values(group_id=policy.group, **values),
                {Violation.FOREIGN_KEY: group_missing()},
            )
        wanted = set(policy.email_domains)
        had = set(await self._domains.of_group(policy.group))
        await self._domains.delete(sorted(had - wanted), policy.group)
        for domain in sorted(wanted - had):
            await self._domains.add(domain, policy.group, now)


def _uidps(text: str) -> tuple[Uidp, ...]:
    return tuple(map(Uidp, orjson.loads(text)))

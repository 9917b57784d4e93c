"""How many records of a noun an organization has."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sqlalchemy import Column, func, select

from broker.iam.uidp import Uidp
from broker.store.tables import (
    account_associations,
    bindings,
    group_invites,
    groups,
    identities,
    identity_providers,
    roles,
    subscriptions,
)
from broker.store.transaction import Transaction, at_or_below, below


class Countable(Enum):
    """What an organization may have a limit of. Values are the nouns of its resource limits."""

    FOLDERS = "folders"
    IDENTITIES = "identities"
    ROLES = "roles"
    ROLE_BINDINGS = "role_bindings"
    GROUP_INVITES = "group_invites"
    IDENTITY_PROVIDERS = "identity_providers"
    SUBSCRIPTIONS = "subscriptions"
    ACCOUNT_ASSOCIATIONS = "account_associations"


# keys, so that the count reads an index and no row
_COLUMNS: Final[Mapping[Countable, Column[str]]] = MappingProxyType(
    {
        Countable.FOLDERS: groups.c.id,
        Countable.IDENTITIES: identities.c.id,
        Countable.ROLES: roles.c.id,
        Countable.ROLE_BINDINGS: bindings.c.id,
        Countable.GROUP_INVITES: group_invites.c.id,
        Countable.IDENTITY_PROVIDERS: identity_providers.c.id,
        Countable.SUBSCRIPTIONS: subscriptions.c.id,
        Countable.ACCOUNT_ASSOCIATIONS: account_associations.c.group_id,
    }
)


async def count_below(transaction: Transaction, noun: Countable, root: Uidp) -> int:
    """Those of the group and of everything below it; of folders, those below it."""
    column = _COLUMNS[noun]
    # an association's key is its group's, and the group's own counts
    is_keyed_by_group = noun is Countable.ACCOUNT_ASSOCIATIONS
    where = at_or_below(column, root) if is_keyed_by_group else below(column, root)
    row = await transaction.row(select(func.count()).select_from(column.table).where(where))
    assert row is not None, "an aggregate has one row"
    return int(row[0])

"""Everything that is kept, as one transaction sees it."""

from __future__ import annotations

from broker.store.audit import Audit
from broker.store.bindings import Bindings
from broker.store.groups import Groups
from broker.store.identities import Identities
from broker.store.keys import Keys
from broker.store.roles import Roles
from broker.store.transaction import Transaction


class Records:
    """The nouns, bound to one transaction. Use it inside the block that gave it only."""

    def __init__(self, transaction: Transaction) -> None:
        self.groups = Groups(transaction)
        self.identities = Identities(transaction)
        self.roles = Roles(transaction)
        self.bindings = Bindings(transaction)
        self.keys = Keys(transaction)
        self.audit = Audit(transaction)

"""Everything that is kept, as one transaction sees it."""

from __future__ import annotations

from broker.iam.uidp import Uidp
from broker.store.access_requests import AccessRequests
from broker.store.account_associations import AccountAssociations
from broker.store.audit import Audit
from broker.store.bindings import Bindings
from broker.store.counts import Countable, count_below
from broker.store.email_domains import EmailDomains
from broker.store.group_role_mappings import GroupRoleMappings
from broker.store.groups import Groups
from broker.store.identities import Identities
from broker.store.identity_providers import IdentityProviders
from broker.store.invites import Invites
from broker.store.keys import Keys
from broker.store.login_policies import LoginPolicies
from broker.store.refresh_grants import RefreshGrants
from broker.store.roles import Roles
from broker.store.scim import ScimCredentials, ScimUsers
from broker.store.subscriptions import Subscriptions
from broker.store.terms import Terms
from broker.store.transaction import Transaction


class Records:
    """The nouns, bound to one transaction. Use it inside the block that gave it only."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.groups = Groups(transaction)
        self.identities = Identities(transaction)
        self.roles = Roles(transaction)
        self.bindings = Bindings(transaction)
        self.invites = Invites(transaction)
        self.identity_providers = IdentityProviders(transaction)
        self.group_role_mappings = GroupRoleMappings(transaction)
        self.account_associations = AccountAssociations(transaction)
        self.terms = Terms(transaction)
        self.subscriptions = Subscriptions(transaction)
        self.login_policies = LoginPolicies(transaction)
        self.email_domains = EmailDomains(transaction)
        self.access_requests = AccessRequests(transaction)
        self.refresh_grants = RefreshGrants(transaction)
        self.scim_credentials = ScimCredentials(transaction)
        self.scim_users = ScimUsers(transaction)
        self.keys = Keys(transaction)
        self.audit = Audit(transaction)

    async def count_below(self, noun: Countable, root: Uidp) -> int:
        """How many the group and everything below it have; of folders, how many are below it."""
        return await count_below(self._transaction, noun, root)

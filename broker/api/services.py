"""Every service of the contract, over the directory's use cases."""

from __future__ import annotations

from broker.api.dispatch import Service
from broker.api.pkce import PkceReview
from broker.api.scim import Scim
from broker.api.v1.access_requests import AccessRequestsV1
from broker.api.v1.account_associations import AccountAssociationsV1
from broker.api.v1.auth import AuthV1
from broker.api.v1.explain import ExplainV1
from broker.api.v1.external_group_role_mappings import ExternalGroupRoleMappingsV1
from broker.api.v1.group_invites import GroupInvitesV1
from broker.api.v1.groups import GroupsV1
from broker.api.v1.identities import IdentitiesV1
from broker.api.v1.identity_provider_tests import IdentityProviderTestsV1
from broker.api.v1.identity_providers import IdentityProvidersV1
from broker.api.v1.login_policies import LoginPoliciesV1
from broker.api.v1.ping import PingV1
from broker.api.v1.role_bindings import RoleBindingsV1
from broker.api.v1.roles import RolesV1
from broker.api.v1.sessions import SessionsV1
from broker.api.v1.sts import SecurityTokenServiceV1
from broker.api.v1.subscriptions import SubscriptionsV1
from broker.api.v1.terms import TermsV1
from broker.api.v2.account_associations import AccountAssociationsV2
from broker.api.v2.external_group_role_mappings import ExternalGroupRoleMappingsV2
from broker.api.v2.group_invites import GroupInvitesV2
from broker.api.v2.groups import GroupsV2
from broker.api.v2.identities import IdentitiesV2
from broker.api.v2.identity_providers import IdentityProvidersV2
from broker.api.v2.role_bindings import RoleBindingsV2
from broker.api.v2.roles import RolesV2
from broker.api.v2.subscriptions import SubscriptionsV2
from broker.api.v2.terms import TermsV2
from broker.contract.capabilities import CapabilityNumbers
from broker.directory.access_requests import AccessRequests
from broker.directory.account_associations import AccountAssociations
from broker.directory.group_invites import GroupInvites
from broker.directory.group_role_mappings import GroupRoleMappings
from broker.directory.groups import Groups
from broker.directory.identities import Identities
from broker.directory.identity_providers import IdentityProviders, SecretWrapper
from broker.directory.installation import Installation
from broker.directory.login_policies import LoginPolicies
from broker.directory.role_bindings import RoleBindings
from broker.directory.roles import Roles
from broker.directory.scim_credentials import ScimCredentials
from broker.directory.subscriptions import Subscriptions
from broker.directory.terms import Terms
from broker.grants.exchange import Exchange
from broker.grants.explain import Explain
from broker.grants.headless import HeadlessSessions
from broker.grants.login.own_logins import OwnLogins
from broker.grants.platform_refresh import PlatformRefresh
from broker.grants.upstream_logins import UpstreamLogins
from broker.store import Store
from broker.upstream.login.inspection import ProviderInspection


def services(
    installation: Installation,
    exchange: Exchange,
    explain: Explain,
    wrapper: SecretWrapper,
    *,
    headless: HeadlessSessions,
    own_logins: OwnLogins,
    upstream_logins: UpstreamLogins,
    refresh: PlatformRefresh,
    store: Store,
    inspection: ProviderInspection,
    api_url: str,
) -> tuple[Service, ...]:
    """One object a service; v2beta1 has those of v2."""
    numbers = CapabilityNumbers(installation.capabilities)
    groups, roles = Groups(installation), Roles(installation)
    identities = Identities(installation, roles)
    bindings = RoleBindings(installation, roles)
    invites, requests = GroupInvites(roles), AccessRequests(bindings)
    providers = IdentityProviders(installation, roles, wrapper)
    pkce = PkceReview(store, inspection, allow_http_loopback=installation.allow_http_loopback)
    scim = Scim(ScimCredentials(installation.roles), api_url)
    mappings, associations = GroupRoleMappings(roles), AccountAssociations()
    terms, subscriptions = Terms(), Subscriptions(installation)
    return (
        AccessRequestsV1(requests),
        AccountAssociationsV1(associations),
        AccountAssociationsV2(associations),
        AuthV1(identities, roles, headless, upstream_logins),
        ExplainV1(explain),
        ExternalGroupRoleMappingsV1(mappings),
        ExternalGroupRoleMappingsV2(mappings),
        GroupInvitesV1(invites, groups, roles),
        GroupInvitesV2(invites, roles, numbers),
        GroupsV1(groups, requests),
        GroupsV2(groups, requests),
        IdentitiesV1(identities),
        IdentitiesV2(identities),
        IdentityProviderTestsV1(store, inspection),
        IdentityProvidersV1(providers, pkce, scim),
        IdentityProvidersV2(providers, pkce, scim),
        LoginPoliciesV1(LoginPolicies(installation)),
        PingV1(),
        RoleBindingsV1(bindings, roles),
        RoleBindingsV2(bindings, roles),
        RolesV1(roles),
        RolesV2(roles, numbers),
        SecurityTokenServiceV1(exchange, refresh),
        SessionsV1(own_logins),
        SubscriptionsV1(subscriptions),
        SubscriptionsV2(subscriptions),
        TermsV1(terms),
        TermsV2(terms),
    )

"""A request of every method of the contract, each about records that are there."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from google.rpc import code_pb2

from broker.contract.methods import Method
from broker.iam.model import (
    AccessRequest,
    AccountAssociation,
    ClaimMatch,
    Group,
    GroupInvite,
    GroupRoleMapping,
    Identity,
    IdentityProvider,
    RefreshGrant,
    Role,
    RoleBinding,
    ScimCredential,
    Subscription,
)
from broker.iam.uidp import Uidp
from tests.api.world import VIEWER, Acme
from tests.kit.api import CONTRACT, Caller, Json

HARMLESS: Final = "version.list"
"""The one capability of the role that the requests give: who calls has to hold it."""

PENDING: Final = {
    f"/chainguard.platform.{end}": answer
    for end, answer in {
        "auth.Auth/GetHeadlessSession": (code_pb2.NOT_FOUND, "headless_session_pending"),
        "auth.Auth/Register": (code_pb2.UNAUTHENTICATED, "login_not_verified"),
        "iam.Groups/RequestGroupAccess": (code_pb2.NOT_FOUND, "group_not_found"),
        "iam.v2.GroupsService/RequestGroupAccess": (code_pb2.NOT_FOUND, "group_not_found"),
        "oidc.SecurityTokenService/ExchangeRefreshToken": (
            code_pb2.PERMISSION_DENIED,
            "refresh_token_invalid",
        ),
    }.items()
}
"""What takes somebody who has logged in through a provider, and what it answers to others."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with one record of each noun, and what its requests are about."""

    acme: Acme
    sibling: Uidp
    """A folder beside it."""
    folder: Uidp
    leaf: Uidp
    """A folder in it, without any of its own."""
    bare: Uidp
    """Another, without an account association, with a folder in it."""
    inner: Uidp
    """That one."""
    role: str
    identity: str
    spare: str
    """Another identity."""
    binding: str
    invite: str
    provider: str
    mapping: str
    subscription: str
    access_request: str
    """To the organization."""
    top_role: str
    """Of the organization."""
    session: str
    """Of the caller's, in an application."""
    caller: str
    """Who will call: for what is asked of oneself."""

    def below(self, scope: Uidp) -> Uidp | None:
        """A group strictly below this scope, where there is one."""
        inside = {self.acme.id: self.sibling, self.folder: self.leaf, self.bare: self.inner}
        return inside.get(self.group(scope))

    def group(self, scope: Uidp) -> Uidp:
        """The group that this scope is, or lies in."""
        is_group = scope in {self.acme.id, self.folder, self.leaf, self.bare}
        return scope if is_group else Uidp(scope.rpartition("/")[0])

    def request(self, method: Method) -> Json:
        """Of that method."""
        name = method.stable_path.removeprefix("/").removeprefix("chainguard.platform.")
        return dict(self._requests[name])

    @property
    def _requests(self) -> dict[str, Json]:
        return self._iam_v1 | self._iam_v2 | self._rest

    @property
    def _identity(self) -> Json:
        issuer = self.acme.world.issuer.url
        return {"name": "robot", "claim_match": {"issuer": issuer, "subject": "robot"}}

    @property
    def _oidc(self) -> Json:
        return {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}

    @property
    def _iam_v1(self) -> dict[str, Json]:
        name = f"new-{self.acme.world.number()}"
        role = {"name": name, "capabilities": [HARMLESS]}
        provider = {"name": name, "oidc": self._oidc, "default_role": self.role}
        mapping = {
            "identity_provider_uidp": self.provider,
            "external_group_id": name,
            "role_uidp": self.role,
            "scope": self.folder,
        }
        bound = {"identity": self.spare, "role": self.role}
        account = {"name": name, "amazon": {"account": "123456789012"}}
        invite = {"role": self.role, "ttl": "3600s"}
        scim = {"identity_provider_id": self.provider}
        return {
            "iam.Groups/Create": {"parent": self.folder, "group": {"name": name}},
            "iam.Groups/Update": {"id": self.folder, "name": name},
            "iam.Groups/List": {},
            "iam.Groups/Delete": {"id": self.leaf},
            "iam.Groups/LookupGroup": {},
            "iam.Groups/RequestGroupAccess": {"group_id": self.folder},
            "iam.Groups/CheckEligibility": {},
            "iam.Roles/Create": {"parent_id": self.folder, "role": role},
            "iam.Roles/Update": {"id": self.role, **role},
            "iam.Roles/List": {},
            "iam.Roles/Delete": {"id": self.role},
            "iam.RoleBindings/Create": {"parent": self.folder, "role_binding": bound},
            "iam.RoleBindings/CreateBatch": {"parent": self.folder, "role_bindings": [bound]},
            "iam.RoleBindings/Update": {"id": self.binding, **bound},
            "iam.RoleBindings/List": {},
            "iam.RoleBindings/Delete": {"id": self.binding},
            "iam.Identities/Create": {"parent_id": self.folder, "identity": self._identity},
            "iam.Identities/Update": {"id": self.identity, **self._identity},
            "iam.Identities/List": {},
            "iam.Identities/Lookup": {
                "issuer": self.acme.world.issuer.url,
                "subject": f"ann-{self.acme.number}",
            },
            "iam.Identities/Delete": {"id": self.identity},
            "iam.GroupInvites/Create": {"group": self.folder, **invite},
            "iam.GroupInvites/CreateWithGroup": {"group": name, **invite, "role": VIEWER},
            "iam.GroupInvites/List": {},
            "iam.GroupInvites/Delete": {"id": self.invite},
            "iam.IdentityProviders/Create": {
                "parent_id": self.folder,
                "identity_provider": provider,
            },
            "iam.IdentityProviders/Update": {"id": self.provider, **provider},
            "iam.IdentityProviders/List": {},
            "iam.IdentityProviders/Delete": {"id": self.provider},
            "iam.IdentityProviders/GenerateScimToken": scim,
            "iam.IdentityProviders/RegenerateScimToken": scim,
            "iam.IdentityProviders/RevokeScimToken": scim,
            "iam.IdentityProviders/SetScimEnabled": scim,
            "iam.ExternalGroupRoleMappings/Create": {"parent_id": self.folder, "mapping": mapping},
            "iam.ExternalGroupRoleMappings/Get": {"uid": self.mapping},
            "iam.ExternalGroupRoleMappings/List": {},
            "iam.ExternalGroupRoleMappings/Delete": {"id": self.mapping},
            "iam.ExternalGroupRoleMappings/BatchDelete": {
                "parent_id": self.folder,
                "ids": [self.mapping],
            },
            "iam.GroupAccountAssociations/Create": {"group": self.bare, **account},
            "iam.GroupAccountAssociations/Update": {"group": self.folder, **account},
            "iam.GroupAccountAssociations/List": {},
            "iam.GroupAccountAssociations/Delete": {"group": self.folder},
            "iam.GroupAccountAssociations/Check": {"group": self.folder, "account_type": "AMAZON"},
            "iam.Terms/AcceptTerms": {"group": self.folder, "document_ids": [name]},
            "iam.Terms/ListAccepted": {"group": self.folder},
        }

    @property
    def _iam_v2(self) -> dict[str, Json]:
        name = f"new-{self.acme.world.number()}"
        role = {"name": name, "capabilities": ["CAP_VERSION_LIST"]}
        provider = {"name": name, "oidc": self._oidc, "default_role": self.role}
        mapping = {
            "identity_provider_uid": self.provider,
            "external_group_id": name,
            "role_uid": self.role,
            "scope": self.folder,
        }
        bound = {"identity_uid": self.spare, "role_uid": self.role}
        account = {"name": name, "amazon": {"account": "123456789012"}}
        scim = {"identity_provider_uid": self.provider}
        services: dict[str, dict[str, Json]] = {
            "Groups": {
                "GetGroup": {"uid": self.folder},
                "DeleteGroup": {"uid": self.leaf},
                "ListGroups": {},
                "CreateGroup": {"parent": self.folder, "group": {"name": name}},
                "UpdateGroup": {"group": {"uid": self.folder, "name": name}, "update_mask": "name"},
                "LookupGroup": {},
                "RequestGroupAccess": {"group_uid": self.folder},
                "CheckEligibility": {},
            },
            "Roles": {
                "GetRole": {"uid": self.role},
                "ListRoles": {},
                "CreateRole": {"parent": self.folder, "role": role},
                "UpdateRole": {"role": {"uid": self.role, **role}, "update_mask": "name"},
                "DeleteRole": {"uid": self.role},
            },
            "RoleBindings": {
                "GetRoleBinding": {"uid": self.binding},
                "CreateRoleBinding": {"parent": self.folder, "role_binding": bound},
                "DeleteRoleBinding": {"uid": self.binding},
                "ListRoleBindings": {},
                "BatchCreateRoleBindings": {
                    "parent": self.folder,
                    "requests": [{"role_binding": bound}],
                },
                "UpdateRoleBinding": {
                    "role_binding": {"uid": self.binding, **bound},
                    "update_mask": "identityUid",
                },
            },
            "Identities": {
                "CreateIdentity": {"parent": self.folder, "identity": self._identity},
                "GetIdentity": {"uid": self.identity},
                "DeleteIdentity": {"uid": self.identity},
                "UpdateIdentity": {
                    "identity": {"uid": self.identity, **self._identity},
                    "update_mask": "claimMatch",
                },
                "ListIdentities": {},
                "LookupIdentity": {"issuer": self.acme.world.issuer.url, "subject": "anybody"},
                "UpdateIdentityMetadata": {
                    "identity_metadata": {"company": name},
                    "update_mask": "company",
                },
            },
            "GroupInvites": {
                "CreateGroupInvite": {
                    "parent": self.folder,
                    "group_invite": {"role_uid": self.role, "ttl": "3600s"},
                },
                "GetGroupInvite": {"uid": self.invite},
                "DeleteGroupInvite": {"uid": self.invite},
                "ListGroupInvites": {},
            },
            "IdentityProviders": {
                "ListIdentityProviders": {},
                "GetIdentityProvider": {"uid": self.provider},
                "CreateIdentityProvider": {"parent": self.folder, "identity_provider": provider},
                "UpdateIdentityProvider": {
                    "identity_provider": {"uid": self.provider, **provider},
                    "update_mask": "name,oidc.clientSecret",
                },
                "DeleteIdentityProvider": {"uid": self.provider},
                "GenerateScimToken": scim,
                "RegenerateScimToken": scim,
                "RevokeScimToken": scim,
                "SetScimEnabled": scim,
            },
            "ExternalGroupRoleMappings": {
                "GetExternalGroupRoleMapping": {"uid": self.mapping},
                "CreateExternalGroupRoleMapping": {
                    "parent": self.folder,
                    "external_group_role_mapping": mapping,
                },
                "DeleteExternalGroupRoleMapping": {"uid": self.mapping},
                "BatchDeleteExternalGroupRoleMappings": {
                    "parent": self.folder,
                    "names": [self.mapping],
                },
                "ListExternalGroupRoleMappings": {},
            },
            "AccountAssociations": {
                "GetAccountAssociation": {"uid": self.folder},
                "CreateAccountAssociation": {"parent": self.bare, "account_association": account},
                "DeleteAccountAssociation": {"uid": self.folder},
                "ListAccountAssociations": {},
                "UpdateAccountAssociation": {
                    "account_association": {"uid": self.folder, **account},
                    "update_mask": "name",
                },
                "CheckAccountAssociation": {
                    "uid": self.folder,
                    "provider_type": "ACCOUNT_PROVIDER_TYPE_AMAZON",
                },
            },
            "Terms": {
                "AcceptTerms": {"group": self.folder, "document_ids": [name]},
                "ListTermsAcceptances": {"group": self.folder},
            },
        }
        return {
            f"iam.v2.{service}Service/{method}": request
            for service, methods in services.items()
            for method, request in methods.items()
        }

    @property
    def _rest(self) -> dict[str, Json]:
        sink = {"sink": "https://hook.example/events"}
        return {
            "auth.Auth/Validate": {},
            "auth.Auth/Register": {"code": "c"},
            "auth.Auth/GetHeadlessSession": {"code": secrets.token_urlsafe(31) + "A"},
            "auth.Auth/Delete": {"id": self.caller},
            "broker.v1.Explain/ExplainIdentity": {"uid": self.identity, "token": "t"},
            "broker.v1.IdentityProviderTests/TestIdentityProvider": {"uid": self.provider},
            "broker.v1.LoginPolicies/GetLoginPolicy": {"group": self.acme.id},
            "broker.v1.LoginPolicies/UpdateLoginPolicy": {
                "policy": {"group": self.acme.id},
                "update_mask": "breakGlass",
            },
            "broker.v1.AccessRequests/ListAccessRequests": {"group": self.acme.id},
            "broker.v1.AccessRequests/ApproveAccessRequest": {
                "uid": self.access_request,
                "role": self.top_role,
            },
            "broker.v1.AccessRequests/DenyAccessRequest": {"uid": self.access_request},
            "broker.v1.Sessions/ListSessions": {},
            "broker.v1.Sessions/RevokeSession": {"uid": self.session},
            "events.Subscriptions/Create": {"parent_id": self.folder, "subscription": sink},
            "events.Subscriptions/List": {},
            "events.Subscriptions/Delete": {"id": self.subscription},
            "events.v2.SubscriptionsService/GetSubscription": {"uid": self.subscription},
            "events.v2.SubscriptionsService/CreateSubscription": {
                "parent": self.folder,
                "subscription": sink,
            },
            "events.v2.SubscriptionsService/ListSubscriptions": {},
            "events.v2.SubscriptionsService/DeleteSubscription": {"uid": self.subscription},
            "oidc.SecurityTokenService/Exchange": {},
            "oidc.SecurityTokenService/ExchangeRefreshToken": {},
            "ping.PingService/Ping": {},
        }


async def place(acme: Acme, caller: Caller | None = None, *, at_root: bool = False) -> Place:
    """A new one, put straight into the database; `caller`: who will call; `at_root`: the folder
    is the organization itself."""
    now = datetime.now(UTC)
    new: Final = secrets.token_bytes
    folder, sibling = acme.id if at_root else acme.id.child(new), acme.id.child(new)
    leaf, bare = folder.child(new), folder.child(new)
    inner = bare.child(new)
    dated: dict[str, Any] = {"created_at": now, "updated_at": now}
    rules = ClaimMatch(issuer=acme.world.issuer.url, subject=f"robot-{acme.world.number()}")
    role = Role(id=folder.child(new), name="r", capabilities=frozenset({HARMLESS}), **dated)
    identity, spare = (
        Identity(id=folder.child(new), name="robot", relationship=rules, **dated) for _ in range(2)
    )
    provider = IdentityProvider(
        id=folder.child(new),
        name="id",
        issuer="https://id.example",
        client_id="c",
        pkce_enabled=True,
        **dated,
    )
    # so that a token can be generated, and is there to be replaced
    expired = ScimCredential(
        identity_provider=provider.id,
        secret_sha256=sha256(new(8)).hexdigest(),
        expires_at=now - timedelta(hours=1),
        updated_at=now,
    )
    binding = RoleBinding(id=folder.child(new), identity=identity.id, role=role.id, created_at=now)
    invite = GroupInvite(
        id=folder.child(new),
        role=role.id,
        expires_at=now + timedelta(hours=1),
        key_id=new(8).hex(),
        secret_sha256=sha256(new(8)).hexdigest(),
        created_at=now,
        created_by=Uidp(acme.ann.identity),
    )
    mapping = GroupRoleMapping(
        id=folder.child(new),
        identity_provider=provider.id,
        external_group="admins",
        role=role.id,
        scope=folder,
        created_at=now,
    )
    subscription = Subscription(id=folder.child(new), sink="https://hook.example", created_at=now)
    access_request = AccessRequest(
        id=acme.id.child(new), identity=identity.id, email="a@acme.example", created_at=now
    )
    top_role = Role(id=acme.id.child(new), name="t", capabilities=frozenset({HARMLESS}), **dated)
    session = RefreshGrant(
        id=new(16).hex(),
        identity=Uidp((caller or acme.ann).identity),
        client_id="broker-cli",
        provider=provider.id,
        audience=("c",),
        generation=0,
        secret_sha256=sha256(new(8)).hexdigest(),
        authenticated_at=now,
        used_at=now,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )
    async with acme.world.broker.store.write() as records:
        for n, uidp in enumerate((folder, sibling, leaf, bare, inner)[at_root:]):
            await records.groups.add(Group(id=uidp, name=f"{n}-{uidp[-16:]}", **dated))
        await records.roles.add(role)
        await records.roles.add(top_role)
        for each in (identity, spare):
            await records.identities.add(each)
        await records.access_requests.add(access_request)
        await records.bindings.add(binding)
        await records.invites.add(invite)
        await records.identity_providers.add(provider)
        await records.scim_credentials.put(expired)
        await records.group_role_mappings.add(mapping)
        await records.subscriptions.add(subscription)
        if await records.identities.get(session.identity):  # who deleted themself calls as well
            await records.refresh_grants.add(session)
        await records.account_associations.add(
            AccountAssociation(
                group=folder, name="accounts", accounts={"google": {"project_id": "p"}}, **dated
            )
        )
    return Place(
        acme=acme,
        sibling=sibling,
        folder=folder,
        leaf=leaf,
        bare=bare,
        inner=inner,
        role=role.id,
        identity=identity.id,
        spare=spare.id,
        binding=binding.id,
        invite=invite.id,
        provider=provider.id,
        mapping=mapping.id,
        subscription=subscription.id,
        access_request=access_request.id,
        top_role=top_role.id,
        session=session.id,
        caller=(caller or acme.ann).identity,
    )


def scope_path(method: Method) -> tuple[str, ...]:
    """Where the request says at what it needs its capabilities; empty where nothing says so.

    Two methods are declared to be unscoped, since there is no place to ask about when an
    organization is created or a built-in role is read; in all other cases there is.
    """
    unscoped = {"CreateGroup": "parent", "GetRole": "uid", "Create": "parent"}
    if method.authorization.unscoped and method.name in unscoped:
        return (unscoped[method.name],)
    return method.authorization.scope_path


def scope_of(method: Method, request: Json) -> Uidp:
    """The UIDP at which the request needs its capabilities."""
    at: Any = request
    for name in scope_path(method):
        at = at[name]
    return Uidp(at)


def with_scope(method: Method, request: Json, scope: str) -> Json:
    """The request, about something else."""
    changed = copy.deepcopy(request)
    *outer, last = scope_path(method)
    at: Any = changed
    for name in outer:
        at = at[name]
    at[last] = scope
    return changed


METHODS: Final = tuple(CONTRACT.methods.values())
SCOPED: Final = tuple(
    method for method in METHODS if method.authorization.capabilities and scope_path(method)
)
"""Those that need capabilities at a place that the request names."""


def named(method: Method) -> str:
    """For the names of tests."""
    return method.path.removeprefix("/chainguard.platform.")

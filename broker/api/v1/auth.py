"""chainguard.platform.auth.Auth."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.empty_pb2 import Empty

from broker.api.dispatch import Call
from broker.api.v1.groups import group_message
from broker.api.v1.roles import role_message
from broker.api.values import timestamp
from broker.contract.proto.auth.v1 import auth_pb2 as pb
from broker.contract.proto.iam.v1 import groups_pb2, roles_pb2
from broker.directory.identities import Identities
from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.errors import Unauthenticated
from broker.grants.headless import HeadlessSessions
from broker.grants.request import Call as LoginCall
from broker.grants.upstream_logins import UpstreamLogins
from broker.iam.model import Group, Role
from broker.iam.uidp import Uidp


class AuthV1:
    """Who the bearer of a token is."""

    service = "chainguard.platform.auth.Auth"

    def __init__(
        self,
        identities: Identities,
        roles: Roles,
        headless: HeadlessSessions,
        logins: UpstreamLogins,
    ) -> None:
        self._identities = identities
        self._roles = roles
        self._headless = headless
        self._logins = logins

    async def validate(self, work: Work, request: Empty) -> pb.WhoAmI:
        """What the token says, with groups and roles by name."""
        del request
        token = work.caller.token
        return pb.WhoAmI(
            issuer=token.issuer,
            subject=token.subject,
            audience=token.audience,
            expiry=timestamp(datetime.fromtimestamp(token.expires_at, UTC)),
            issued_at=timestamp(datetime.fromtimestamp(token.issued_at, UTC)),
            capabilities=await self._capabilities(work),
            email=token.email,
            profile=await self._profile(work),
        )

    async def register(self, request: pb.RegistrationRequest, call: Call) -> pb.Session:
        """The bearer is the upstream token."""
        if call.bearer is None:
            raise Unauthenticated(
                "token_missing",
                "authorization: expected 'Bearer' and the ID token of a login",
                field="authorization",
            )
        person = request.identity_id
        entered = await self._logins.register(
            call.bearer,
            LoginCall(request_id=call.request_id, dialect="register", address=call.address),
            invite=request.code,
            person=Uidp.parse(person, field="identity_id") if person else None,
        )
        # the group of the invite is the last that they joined
        group = entered.joined[-1] if request.code else ""
        return pb.Session(identity=entered.identity, group=group)

    async def get_headless_session(
        self, request: pb.GetHeadlessSessionRequest, call: Call
    ) -> pb.HeadlessSession:
        """Once."""
        del call
        sealed = await self._headless.take(request.code)
        return pb.HeadlessSession(
            ecdh_public_key=sealed.public_key.encode(), encrypted_idtoken=sealed.ciphertext
        )

    async def delete(self, work: Work, request: pb.DeletionRequest) -> Empty:
        """The caller's own account."""
        await self._identities.delete_account(work, Uidp.parse(request.id))
        return Empty()

    async def _capabilities(self, work: Work) -> list[pb.WhoAmI.Capability]:
        token, table = work.caller.token, work.caller.table
        groups = await work.records.groups.many(token.capabilities)
        roles = await self._held(work)
        return [
            pb.WhoAmI.Capability(
                group=_group(groups, group),
                role=role,
                capabilities=table.to_names(bits),
            )
            for group, bits in token.capabilities.items()
            for role in _roles_at(work, group, roles)
        ]

    async def _held(self, work: Work) -> dict[str, Role]:
        """Binding UIDP → the role that it gives now."""
        bindings = await work.records.bindings.of_identity(work.caller.identity)
        roles = await self._roles.many(work, {binding.role for binding in bindings})
        return {
            binding.id: role
            for binding in bindings
            if (role := roles.get(binding.role)) is not None
        }

    async def _profile(self, work: Work) -> pb.Profile:
        identity = await self._identities.get(work, work.caller.identity)
        details = identity.profile.details
        return pb.Profile(
            name=identity.name,
            picture=str(details.get("picture", "")),
            given_name=str(details.get("given_name", "")),
            family_name=str(details.get("family_name", "")),
        )


def _group(groups: dict[Uidp, Group], uidp: Uidp) -> groups_pb2.Group:
    found = groups.get(uidp)
    return group_message(found) if found else groups_pb2.Group(id=uidp)


def _roles_at(work: Work, group: Uidp, roles: dict[str, Role]) -> list[roles_pb2.Role] | list[None]:
    """Those that the token names there; one None where it has capabilities without a role."""
    named = [
        role_message(roles[binding["id"]])
        if binding["id"] in roles
        else roles_pb2.Role(name=binding["role"])
        for binding in work.caller.token.role_bindings
        if binding["group"] == group
    ]
    return named or [None]

"""chainguard.platform.iam.Identities."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from broker.api import relationships as wire
from broker.api.lists import whole
from broker.api.values import moment, timestamp
from broker.contract.proto.iam.v1 import identities_pb2 as pb
from broker.directory.identities import Identities
from broker.directory.work import Work
from broker.iam.model import (
    AwsIdentity,
    ClaimMatch,
    Identity,
    Person,
    Relationship,
    ServicePrincipal,
    StaticKeys,
)
from broker.iam.uidp import Uidp


class IdentitiesV1:
    """Who a token can be minted for."""

    service = "chainguard.platform.iam.Identities"

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def create(self, work: Work, request: pb.CreateIdentityRequest) -> pb.Identity:
        """In the group `parent_id`."""
        message = request.identity
        identity = Identity(
            id=Uidp(request.parent_id).child(work.random),
            name=message.name,
            description=message.description,
            relationship=relationship(message),
            created_at=work.now,
            updated_at=work.now,
        )
        return identity_message(await self._identities.create(work, identity))

    async def update(self, work: Work, request: pb.Identity) -> pb.Identity:
        """The whole record; its rules may become others of any kind."""
        before = await self._identities.get(work, Uidp(request.id))
        after = replace(
            before,
            name=request.name,
            description=request.description,
            relationship=relationship(request),
        )
        return identity_message(await self._identities.update(work, before, after))

    async def list(self, work: Work, request: pb.IdentityFilter) -> pb.IdentityList:
        """All that the filter selects."""
        page = await self._identities.page(work, await whole(work, request.uidp, ids=[request.id]))
        return pb.IdentityList(items=map(identity_message, page.records))

    async def lookup(self, work: Work, request: pb.LookupRequest) -> pb.Identity:
        """By issuer and subject; of others, no more than that they exist."""
        identity = await self._identities.lookup(work, request.issuer, request.subject)
        if identity.id == work.caller.identity or work.caller.may("identity.list", identity.id):
            return identity_message(identity)
        return pb.Identity(id=identity.id)

    async def delete(self, work: Work, request: pb.DeleteIdentityRequest) -> Empty:
        """With its bindings."""
        await self._identities.delete(work, Uidp(request.id))
        return Empty()


def relationship(message: pb.Identity) -> Relationship:
    """The rules of a message. Raises `Invalid` when there are none."""
    match wire.expect_relationship(message.WhichOneof("relationship")):
        case "claim_match":
            return wire.claim_match(message.claim_match)
        case "static":
            expiration = moment(message.static.expiration, field="static.expiration")
            return wire.static_keys(message.static, expiration)
        case "aws_identity":
            return wire.aws_identity(message.aws_identity)
        case _:
            return wire.service_principal(message.service_principal)


def identity_message(identity: Identity) -> pb.Identity:
    """The record on the wire; a person as the claims that they are known by."""
    message = pb.Identity(
        id=identity.id,
        name=identity.name,
        description=identity.description,
        created_at=timestamp(identity.created_at),
        updated_at=timestamp(identity.updated_at),
        last_seen=timestamp(identity.last_seen),
    )
    match identity.relationship:
        case ClaimMatch() as rules:
            message.claim_match.CopyFrom(pb.Identity.ClaimMatch(**wire.claim_match_members(rules)))
        case StaticKeys() as static:
            message.static.CopyFrom(
                pb.Identity.StaticKeys(
                    **wire.static_keys_members(static), expiration=timestamp(static.expiration)
                )
            )
        case AwsIdentity() as aws:
            message.aws_identity.CopyFrom(pb.Identity.AWSIdentity(**wire.aws_identity_members(aws)))
        case ServicePrincipal() as service:
            message.MergeFrom(pb.Identity(service_principal=service.name))
        case Person() as person:
            message.claim_match.CopyFrom(
                pb.Identity.ClaimMatch(issuer=person.issuer, subject=person.subject)
            )
    return message

"""chainguard.platform.iam.v2.IdentitiesService."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api import relationships as wire
from broker.api.lists import BY_NAME_OR_TIME, fill, paged
from broker.api.masks import patched
from broker.api.values import moment, timestamp
from broker.contract.proto.iam.v2 import identities_pb2 as pb
from broker.directory.identities import Identities
from broker.directory.work import Work
from broker.errors import Invalid
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

_ARMS: Final = ("claim_match", "static_keys", "aws_identity", "service_principal")
_SETTABLE: Final = ("name", "description", *_ARMS)
_ORDER: Final = {**BY_NAME_OR_TIME, "last_seen_time": "last_seen"}
_KINDS: Final = {
    pb.RELATIONSHIP_TYPE_UNSPECIFIED: "",
    pb.RELATIONSHIP_TYPE_CLAIM_MATCH: "claim_match",
    pb.RELATIONSHIP_TYPE_STATIC: "static_keys",
    pb.RELATIONSHIP_TYPE_AWS_IDENTITY: "aws_identity",
    pb.RELATIONSHIP_TYPE_SERVICE_PRINCIPAL: "service_principal",
}
_SERVICE: Final = "SERVICE_PRINCIPAL_"
_DETAILS: Final = tuple(
    field.name for field in pb.IdentityMetadata.DESCRIPTOR.fields if field.name != "uid"
)


class IdentitiesV2:
    """Who a token can be minted for."""

    service = "chainguard.platform.iam.v2.IdentitiesService"

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def create_identity(self, work: Work, request: pb.CreateIdentityRequest) -> pb.Identity:
        """In the group `parent`."""
        message = request.identity
        identity = Identity(
            id=Uidp(request.parent).child(work.random),
            name=message.name,
            description=message.description,
            relationship=_relationship(message),
            created_at=work.now,
            updated_at=work.now,
        )
        return identity_message(await self._identities.create(work, identity))

    async def get_identity(self, work: Work, request: pb.GetIdentityRequest) -> pb.Identity:
        """One."""
        return identity_message(await self._identities.get(work, Uidp(request.uid)))

    async def delete_identity(self, work: Work, request: pb.DeleteIdentityRequest) -> Empty:
        """With its bindings."""
        await self._identities.delete(work, Uidp(request.uid))
        return Empty()

    async def update_identity(self, work: Work, request: pb.UpdateIdentityRequest) -> pb.Identity:
        """What the mask names; its rules may become others of any kind."""
        before = await self._identities.get(work, Uidp(request.identity.uid))
        message = patched(
            identity_message(before), request.identity, request.update_mask, _SETTABLE
        )
        after = replace(
            before,
            name=message.name,
            description=message.description,
            relationship=_relationship(message),
        )
        return identity_message(await self._identities.update(work, before, after))

    async def list_identities(
        self, work: Work, request: pb.ListIdentitiesRequest
    ) -> pb.ListIdentitiesResponse:
        """A page."""
        kind = _KINDS.get(request.relationship_type)
        if kind is None:
            raise Invalid(
                "field_invalid",
                f"relationship_type: {request.relationship_type} is no such type",
                field="relationship_type",
            )
        equal = {"name": request.name, "kind": kind}
        asked = await paged(work, request, _ORDER, equal=equal)
        page = await self._identities.page(work, asked.selection)
        response = pb.ListIdentitiesResponse()
        fill(response, "identities", map(identity_message, page.records), page, asked)
        return response

    async def lookup_identity(
        self, work: Work, request: pb.LookupIdentityRequest
    ) -> pb.LookupIdentityResponse:
        """By issuer and subject; a person who has never come has a UIDP already."""
        uidp = await self._identities.uidp_of(work, request.issuer, request.subject)
        return pb.LookupIdentityResponse(uid=uidp)

    async def update_identity_metadata(
        self, work: Work, request: pb.UpdateIdentityMetadataRequest
    ) -> pb.IdentityMetadata:
        """What the caller, a person, says of themself."""
        patch = request.identity_metadata
        if patch.uid not in ("", work.caller.identity):
            raise Invalid(
                "field_invalid",
                "identity_metadata.uid: expected your own UIDP, or nothing",
                field="identity_metadata.uid",
            )
        before = await self._identities.get(work, work.caller.identity)
        message = patched(metadata_message(before), patch, request.update_mask, _DETAILS)
        details = {name: value for name in _DETAILS if (value := getattr(message, name))}
        return metadata_message(await self._identities.describe_self(work, details))


def identity_message(identity: Identity) -> pb.Identity:
    """The record on the wire; a person as the claims that they are known by."""
    message = pb.Identity(
        uid=identity.id,
        name=identity.name,
        description=identity.description,
        email=identity.profile.email,
        email_unverified=identity.profile.email_unverified,
        company=str(identity.profile.details.get("company", "")),
        last_seen_time=timestamp(identity.last_seen),
        create_time=timestamp(identity.created_at),
        update_time=timestamp(identity.updated_at),
    )
    match identity.relationship:
        case ClaimMatch() as rules:
            message.claim_match.CopyFrom(pb.Identity.ClaimMatch(**wire.claim_match_members(rules)))
        case StaticKeys() as static:
            message.static_keys.CopyFrom(
                pb.Identity.StaticKeys(
                    **wire.static_keys_members(static),
                    expiration_time=timestamp(static.expiration),
                )
            )
        case AwsIdentity() as aws:
            message.aws_identity.CopyFrom(pb.Identity.AWSIdentity(**wire.aws_identity_members(aws)))
        case ServicePrincipal() as service:
            message.MergeFrom(pb.Identity(service_principal=_SERVICE + service.name))
        case Person() as person:
            message.claim_match.CopyFrom(
                pb.Identity.ClaimMatch(issuer=person.issuer, subject=person.subject)
            )
    return message


def metadata_message(identity: Identity) -> pb.IdentityMetadata:
    """What a person said of themself."""
    known = {name: value for name, value in identity.profile.details.items() if name in _DETAILS}
    message = pb.IdentityMetadata(uid=identity.id)
    for name, value in known.items():
        setattr(message, name, value)
    return message


def _relationship(message: pb.Identity) -> Relationship:
    match wire.expect_relationship(message.WhichOneof("relationship")):
        case "claim_match":
            return wire.claim_match(message.claim_match)
        case "static_keys":
            static = message.static_keys
            expiration = moment(static.expiration_time, field="static_keys.expiration_time")
            return wire.static_keys(static, expiration)
        case "aws_identity":
            return wire.aws_identity(message.aws_identity)
        case _:
            return wire.service_principal(message.service_principal)

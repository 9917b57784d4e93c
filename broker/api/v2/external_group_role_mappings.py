"""chainguard.platform.iam.v2.ExternalGroupRoleMappingsService."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import fill, paged
from broker.api.scopes import resolve_group
from broker.api.values import timestamp
from broker.contract.proto.iam.v2 import external_group_role_mappings_pb2 as pb
from broker.directory.group_role_mappings import GroupRoleMappings
from broker.directory.work import Work
from broker.iam.model import GroupRoleMapping
from broker.iam.uidp import Uidp

_ORDER: Final = {
    "uid": "id",
    "identity_provider_uid": "identity_provider",
    "external_group_id": "external_group",
    "role_uid": "role",
    "scope": "scope",
    "create_time": "created_at",
}


class ExternalGroupRoleMappingsV2:
    """Roles that members of a provider's group hold while they are logged in."""

    service = "chainguard.platform.iam.v2.ExternalGroupRoleMappingsService"

    def __init__(self, mappings: GroupRoleMappings) -> None:
        self._mappings = mappings

    async def get_external_group_role_mapping(
        self, work: Work, request: pb.GetExternalGroupRoleMappingRequest
    ) -> pb.ExternalGroupRoleMapping:
        """One."""
        return _message(await self._mappings.get(work, Uidp(request.uid)))

    async def create_external_group_role_mapping(
        self, work: Work, request: pb.CreateExternalGroupRoleMappingRequest
    ) -> pb.ExternalGroupRoleMapping:
        """Below `parent`: the provider, or its group."""
        message, at = request.external_group_role_mapping, "external_group_role_mapping"
        mapping = GroupRoleMapping(
            id=Uidp(request.parent).child(work.random),
            identity_provider=Uidp.parse(
                message.identity_provider_uid, field=f"{at}.identity_provider_uid"
            ),
            external_group=message.external_group_id,
            role=Uidp.parse(message.role_uid, field=f"{at}.role_uid"),
            scope=await resolve_group(work.records, message.scope, field=f"{at}.scope"),
            created_at=work.now,
        )
        return _message(await self._mappings.create(work, mapping))

    async def delete_external_group_role_mapping(
        self, work: Work, request: pb.DeleteExternalGroupRoleMappingRequest
    ) -> Empty:
        """One."""
        await self._mappings.delete(work, [Uidp(request.uid)])
        return Empty()

    async def batch_delete_external_group_role_mappings(
        self, work: Work, request: pb.BatchDeleteExternalGroupRoleMappingsRequest
    ) -> pb.BatchDeleteExternalGroupRoleMappingsResponse:
        """Several of `parent`, a group or a provider, named by their UIDPs: all or none."""
        uidps = [Uidp.parse(uidp, field="names") for uidp in request.names]
        deleted = await self._mappings.delete(work, uidps, parent=Uidp(request.parent))
        return pb.BatchDeleteExternalGroupRoleMappingsResponse(
            parent=request.parent, external_group_role_mappings=map(_message, deleted)
        )

    async def list_external_group_role_mappings(
        self, work: Work, request: pb.ListExternalGroupRoleMappingsRequest
    ) -> pb.ListExternalGroupRoleMappingsResponse:
        """A page."""
        equal = {"identity_provider": request.identity_provider_uid}
        asked = await paged(work, request, _ORDER, equal=equal)
        page = await self._mappings.page(work, asked.selection)
        response = pb.ListExternalGroupRoleMappingsResponse()
        fill(response, "external_group_role_mappings", map(_message, page.records), page, asked)
        return response


def _message(mapping: GroupRoleMapping) -> pb.ExternalGroupRoleMapping:
    return pb.ExternalGroupRoleMapping(
        uid=mapping.id,
        identity_provider_uid=mapping.identity_provider,
        external_group_id=mapping.external_group,
        role_uid=mapping.role,
        scope=mapping.scope,
        create_time=timestamp(mapping.created_at),
    )

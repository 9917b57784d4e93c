"""chainguard.platform.iam.GroupAccountAssociations."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.accounts import accounts_of, set_accounts
from broker.api.lists import whole
from broker.contract.proto.common.v1.uidp_pb2 import UIDPFilter
from broker.contract.proto.iam.v1 import account_associations_pb2 as pb
from broker.directory.account_associations import AccountAssociations
from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.model import AccountAssociation
from broker.iam.uidp import Uidp

_PROVIDERS: Final = {
    pb.AccountAssociationsCheckRequest.GOOGLE: "google",
    pb.AccountAssociationsCheckRequest.AMAZON: "amazon",
    pb.AccountAssociationsCheckRequest.AZURE: "azure",
}


class AccountAssociationsV1:
    """Accounts elsewhere that belong to a group."""

    service = "chainguard.platform.iam.GroupAccountAssociations"

    def __init__(self, associations: AccountAssociations) -> None:
        self._associations = associations

    async def create(self, work: Work, request: pb.AccountAssociations) -> pb.AccountAssociations:
        """A group has at most one."""
        association = AccountAssociation(
            group=Uidp(request.group),
            name=request.name,
            description=request.description,
            accounts=accounts_of(request),
            created_at=work.now,
            updated_at=work.now,
        )
        return association_message(await self._associations.create(work, association))

    async def update(self, work: Work, request: pb.AccountAssociations) -> pb.AccountAssociations:
        """The whole record: an account that is left out is removed."""
        before = await self._associations.get(work, Uidp(request.group))
        after = replace(
            before,
            name=request.name,
            description=request.description,
            accounts=accounts_of(request),
        )
        return association_message(await self._associations.update(work, before, after))

    async def list(
        self, work: Work, request: pb.AccountAssociationsFilter
    ) -> pb.AccountAssociationsList:
        """All that the filter selects."""
        selection = await whole(
            work, UIDPFilter(), ids=[request.group], equal={"name": request.name}
        )
        page = await self._associations.page(work, selection)
        return pb.AccountAssociationsList(items=map(association_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteAccountAssociationsRequest) -> Empty:
        """The group's."""
        await self._associations.delete(work, Uidp(request.group))
        return Empty()

    async def check(
        self, work: Work, request: pb.AccountAssociationsCheckRequest
    ) -> pb.AccountAssociationsStatus:
        """Whether an account of that kind is configured."""
        provider = _PROVIDERS.get(request.account_type)
        if provider is None:
            raise Invalid(
                "field_invalid",
                "account_type: expected GOOGLE, AMAZON or AZURE",
                field="account_type",
            )
        status = await self._associations.check(work, Uidp(request.group), provider)
        return pb.AccountAssociationsStatus(
            ready=pb.AccountAssociationsStatus.State.Name(status.state.value),
            reason=status.reason,
            message=status.message,
        )


def association_message(association: AccountAssociation) -> pb.AccountAssociations:
    """The record on the wire."""
    message = pb.AccountAssociations(
        group=association.group, name=association.name, description=association.description
    )
    set_accounts(message, association.accounts)
    return message

"""chainguard.platform.iam.v2.AccountAssociationsService."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.accounts import PROVIDERS, accounts_of, set_accounts
from broker.api.lists import BY_NAME_OR_TIME, fill, paged
from broker.api.masks import patched
from broker.api.values import timestamp
from broker.contract.proto.iam.v2 import account_associations_pb2 as pb
from broker.directory.account_associations import AccountAssociations
from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.model import AccountAssociation
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("name", "description", *PROVIDERS)
_PROVIDERS: Final = {
    pb.ACCOUNT_PROVIDER_TYPE_GOOGLE: "google",
    pb.ACCOUNT_PROVIDER_TYPE_AMAZON: "amazon",
    pb.ACCOUNT_PROVIDER_TYPE_AZURE: "azure",
}


class AccountAssociationsV2:
    """Accounts elsewhere that belong to a group, by whose UIDP they are known."""

    service = "chainguard.platform.iam.v2.AccountAssociationsService"

    def __init__(self, associations: AccountAssociations) -> None:
        self._associations = associations

    async def get_account_association(
        self, work: Work, request: pb.GetAccountAssociationRequest
    ) -> pb.AccountAssociation:
        """Of one group."""
        return _message(await self._associations.get(work, Uidp(request.uid)))

    async def create_account_association(
        self, work: Work, request: pb.CreateAccountAssociationRequest
    ) -> pb.AccountAssociation:
        """Of the group `parent`, which has at most one."""
        blank = AccountAssociation(
            group=Uidp(request.parent), name="", created_at=work.now, updated_at=work.now
        )
        association = _filled(blank, request.account_association)
        return _message(await self._associations.create(work, association))

    async def delete_account_association(
        self, work: Work, request: pb.DeleteAccountAssociationRequest
    ) -> Empty:
        """The group's."""
        await self._associations.delete(work, Uidp(request.uid))
        return Empty()

    async def list_account_associations(
        self, work: Work, request: pb.ListAccountAssociationsRequest
    ) -> pb.ListAccountAssociationsResponse:
        """A page."""
        asked = await paged(work, request, BY_NAME_OR_TIME, equal={"name": request.name})
        page = await self._associations.page(work, asked.selection)
        response = pb.ListAccountAssociationsResponse()
        fill(response, "account_associations", map(_message, page.records), page, asked)
        return response

    async def update_account_association(
        self, work: Work, request: pb.UpdateAccountAssociationRequest
    ) -> pb.AccountAssociation:
        """What the mask names."""
        patch = request.account_association
        before = await self._associations.get(work, Uidp(patch.uid))
        message = patched(_message(before), patch, request.update_mask, _SETTABLE)
        after = await self._associations.update(work, before, _filled(before, message))
        return _message(after)

    async def check_account_association(
        self, work: Work, request: pb.CheckAccountAssociationRequest
    ) -> pb.CheckAccountAssociationResponse:
        """Whether an account of that kind is configured."""
        provider = _PROVIDERS.get(request.provider_type)
        if provider is None:
            raise Invalid(
                "field_invalid",
                "provider_type: expected one of " + ", ".join(pb.AccountProviderType.keys()[1:]),
                field="provider_type",
            )
        status = await self._associations.check(work, Uidp(request.uid), provider)
        return pb.CheckAccountAssociationResponse(
            status=pb.CheckStatus.Name(status.state.value),
            reason=status.reason,
            message=status.message,
        )


def _message(association: AccountAssociation) -> pb.AccountAssociation:
    message = pb.AccountAssociation(
        uid=association.group,
        name=association.name,
        description=association.description,
        create_time=timestamp(association.created_at),
        update_time=timestamp(association.updated_at),
    )
    set_accounts(message, association.accounts)
    return message


def _filled(base: AccountAssociation, message: pb.AccountAssociation) -> AccountAssociation:
    return replace(
        base,
        name=message.name,
        description=message.description,
        accounts=accounts_of(message),
    )

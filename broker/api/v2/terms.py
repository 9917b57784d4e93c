"""chainguard.platform.iam.v2.TermsService."""

from __future__ import annotations

from typing import Final

from broker.api.lists import fill, paged
from broker.api.values import timestamp
from broker.contract.proto.common.v1.uidp_pb2 import UIDPFilter
from broker.contract.proto.iam.v2 import terms_pb2 as pb
from broker.directory.terms import Terms
from broker.directory.work import Work
from broker.iam.model import TermsAcceptance
from broker.iam.uidp import Uidp

_ORDER: Final = {
    "doc_id": "document",
    "accepted_by": "accepted_by",
    "org_uid": "group",
    "create_time": "accepted_at",
}


class TermsV2:
    """Documents that were accepted for a group."""

    service = "chainguard.platform.iam.v2.TermsService"

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    async def accept_terms(
        self, work: Work, request: pb.AcceptTermsRequest
    ) -> pb.AcceptTermsResponse:
        """By the caller."""
        await self._terms.accept(work, Uidp(request.group), request.document_ids)
        return pb.AcceptTermsResponse(group=request.group, document_ids=request.document_ids)

    async def list_terms_acceptances(
        self, work: Work, request: pb.ListTermsAcceptancesRequest
    ) -> pb.ListTermsAcceptancesResponse:
        """A page, of this very group."""
        group = Uidp(request.group)
        asked = await paged(work, request, _ORDER, uidp=UIDPFilter(), within=(group,))
        page = await self._terms.page(work, group, asked.selection)
        response = pb.ListTermsAcceptancesResponse()
        fill(response, "terms_acceptances", map(_message, page.records), page, asked)
        return response


def _message(acceptance: TermsAcceptance) -> pb.TermsAcceptance:
    return pb.TermsAcceptance(
        doc_id=acceptance.document,
        accepted_by=acceptance.accepted_by,
        org_uid=acceptance.group,
        create_time=timestamp(acceptance.accepted_at),
    )

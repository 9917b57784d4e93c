"""chainguard.platform.iam.Terms."""

from __future__ import annotations

from broker.api.values import timestamp
from broker.contract.proto.iam.v1 import terms_pb2 as pb
from broker.directory.terms import Terms
from broker.directory.work import Work
from broker.iam.listing import Selection
from broker.iam.uidp import Uidp


class TermsV1:
    """Documents that were accepted for a group."""

    service = "chainguard.platform.iam.Terms"

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    async def accept_terms(
        self, work: Work, request: pb.AcceptTermsRequest
    ) -> pb.AcceptTermsResponse:
        """By the caller."""
        await self._terms.accept(work, Uidp(request.group), request.document_ids)
        return pb.AcceptTermsResponse(group=request.group, document_ids=request.document_ids)

    async def list_accepted(self, work: Work, request: pb.TermsFilter) -> pb.TermsList:
        """Of this very group."""
        page = await self._terms.page(work, Uidp(request.group), Selection())
        return pb.TermsList(
            items=[
                pb.TermsDocumentStatus(
                    doc_id=acceptance.document,
                    accepted_by=acceptance.accepted_by,
                    accepted_at=timestamp(acceptance.accepted_at),
                )
                for acceptance in page.records
            ]
        )

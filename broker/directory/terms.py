"""Terms: which documents somebody accepted for a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from broker.directory.work import Work
from broker.errors import Invalid
from broker.iam.listing import Page, Selection
from broker.iam.model import TermsAcceptance
from broker.iam.uidp import Uidp

MAX_DOCUMENTS: Final = 50
MAX_DOCUMENT_ID: Final = 256


class Terms:
    """The use cases."""

    async def accept(self, work: Work, group: Uidp, documents: Sequence[str]) -> None:
        """Note that the caller accepts; the first acceptance of a document stays.

        Raises `Invalid`, `NotFound` for the group.
        """
        await work.group(group, field="group")
        if not 1 <= len(documents) <= MAX_DOCUMENTS:
            raise _invalid(f"expected 1 to {MAX_DOCUMENTS}")
        for document in dict.fromkeys(documents):
            if not 1 <= len(document) <= MAX_DOCUMENT_ID or not document.isprintable():
                raise _invalid(f"expected ids of 1 to {MAX_DOCUMENT_ID} printable characters")
            acceptance = TermsAcceptance(
                group=group,
                document=document,
                accepted_by=work.caller.identity,
                accepted_at=work.now,
            )
            work.created(await work.records.terms.accept(acceptance))

    async def page(self, work: Work, group: Uidp, selection: Selection) -> Page[TermsAcceptance]:
        """What of a selection was accepted for this very group. Raises `NotFound`."""
        await work.group(group, field="group")
        return await work.records.terms.page(replace(selection, equal={"group": group}))


def _invalid(fault: str) -> Invalid:
    return Invalid("field_invalid", f"document_ids: {fault}", field="document_ids")

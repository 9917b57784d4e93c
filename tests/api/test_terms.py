"""Terms: documents that were accepted for a group."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2

from tests.api.world import Acme
from tests.kit.api import Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_was_accepted(acme: Acme, wire: Wire) -> None:
    """By whom, when, for which group: read in every version; the first acceptance stays."""
    ann = acme.ann.on(wire)
    answer = await ann("Terms/AcceptTerms", group=acme.id, document_ids=["b", "a", "b"])
    assert answer == {"group": acme.id, "documentIds": ["b", "a", "b"]}
    other = (await acme.holder("terms.accept", "terms.list")).on(wire)
    await other("v2.TermsService/AcceptTerms", group=acme.id, document_ids=["a", "c"])
    old = (await ann("Terms/ListAccepted", group=acme.id))["items"]
    new = (await ann("v2.TermsService/ListTermsAcceptances", group=acme.id))["termsAcceptances"]
    beta = await ann("v2beta1.TermsService/ListTermsAcceptances", group=acme.id)
    assert beta["termsAcceptances"] == new
    assert [(each["docId"], each["acceptedBy"]) for each in old] == [
        ("a", ann.identity),
        ("b", ann.identity),
        ("c", other.identity),
    ]
    assert [(each["docId"], each["acceptedBy"], each["acceptedAt"]) for each in old] == [
        (each["docId"], each["acceptedBy"], each["createTime"]) for each in new
    ]
    assert {each["orgUid"] for each in new} == {acme.id}


async def test_terms_of_the_very_group(acme: Acme, wire: Wire) -> None:
    """What was accepted above or below is another matter."""
    ann = acme.ann.on(wire)
    await ann("Terms/AcceptTerms", group=acme.id, document_ids=["above"])
    await ann("Terms/AcceptTerms", group=acme.shop, document_ids=["below"])
    for group, document in ((acme.id, "above"), (acme.shop, "below")):
        (found,) = (await ann("Terms/ListAccepted", group=group))["items"]
        assert found["docId"] == document


@pytest.mark.parametrize(
    "documents", [[], [""], ["x" * 257], ["a\n"], ["x"] * 51], ids=lambda d: str(d)[:20]
)
async def test_documents_that_are_none(acme: Acme, wire: Wire, documents: list[str]) -> None:
    """From 1 to 50 of 1 to 256 printable characters; of a list with a bad one none is kept."""
    ann = acme.ann.on(wire)
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="document_ids"):
        await ann("Terms/AcceptTerms", group=acme.id, document_ids=["good", *documents[:-1],
                  *documents[-1:]] if documents else [])  # fmt: skip
    assert (await ann("Terms/ListAccepted", group=acme.id))["items"] == []


async def test_terms_of_a_group_that_is_not_there(acme: Acme, wire: Wire) -> None:
    """Are neither accepted nor listed."""
    missing = f"{acme.shop}/0123456789abcdef"
    for name, request in (
        ("Terms/AcceptTerms", {"group": missing, "document_ids": ["a"]}),
        ("Terms/ListAccepted", {"group": missing}),
        ("v2.TermsService/ListTermsAcceptances", {"group": missing}),
    ):
        with refused(code_pb2.NOT_FOUND, "group_not_found", field="group"):
            await acme.ann.on(wire)(name, **request)

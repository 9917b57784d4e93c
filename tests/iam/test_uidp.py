"""UIDP algebra."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.uidp import MAX_LENGTH, Uidp

ROOTS = st.binary(min_size=20, max_size=20).map(bytes.hex)
PARTS = st.binary(min_size=8, max_size=8).map(bytes.hex)


@st.composite
def uidps(draw: st.DrawFn, max_depth: int = 6) -> Uidp:
    """Any UIDP of at most that depth."""
    return Uidp("/".join([draw(ROOTS), *draw(st.lists(PARTS, max_size=max_depth))]))


@given(uidps())
def test_every_uidp_parses_to_itself(uidp: Uidp) -> None:
    """Parsing keeps the text."""
    assert Uidp.parse(uidp) == uidp


@given(uidps(), st.binary(min_size=8, max_size=8))
def test_a_child_has_its_maker_as_parent(uidp: Uidp, random: bytes) -> None:
    """child and parent are inverse, and a child is one level deeper under the same root."""
    child = uidp.child(lambda n: random[:n])
    assert Uidp.parse(child).parent == uidp
    assert child.depth == uidp.depth + 1
    assert child.root == uidp.root
    assert uidp.covers(child)
    assert not child.covers(uidp)


@given(uidps(), uidps())
def test_covering_is_a_partial_order(one: Uidp, other: Uidp) -> None:
    """Everything covers itself; two that cover each other are the same."""
    assert one.covers(one)
    assert not (one.covers(other) and other.covers(one)) or one == other


@given(uidps())
def test_lineage_is_what_covers(uidp: Uidp) -> None:
    """The lineage holds exactly the prefixes, from itself to the root."""
    lineage = list(uidp.lineage())
    assert lineage[0] == uidp
    assert lineage[-1] == uidp.root
    assert len(lineage) == uidp.depth + 1
    assert all(above.covers(uidp) for above in lineage)


def test_a_sibling_whose_text_begins_alike_is_not_covered() -> None:
    """A prefix of the text is not an ancestor unless it ends at a level."""
    root = Uidp("a" * 40)
    assert not Uidp(f"{root}/{'1' * 16}").covers(f"{root}/{'1' * 15}2")
    assert not Uidp("a" * 39).covers(root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 39,
        "a" * 41,
        "A" * 40,
        "g" * 40,
        "a" * 40 + "/",
        "a" * 40 + "/" + "b" * 15,
        "a" * 40 + "//" + "b" * 16,
        "a" * 40 + "\n",
        " " + "a" * 40,
        "a" * 40 + "/" + "\uff11" * 16,
        "a" * 40 + "/../" + "b" * 16,
        "a" * 40 + ("/" + "b" * 16) * (MAX_LENGTH // 17),
    ],
)
def test_malformed_text_is_refused_with_the_field(text: str) -> None:
    """The error names the field that the caller gave."""
    with pytest.raises(Invalid) as caught:
        Uidp.parse(text, field="identity")
    assert caught.value.field == "identity"
    assert caught.value.code == "uidp_malformed"


def test_a_person_has_one_uidp() -> None:
    """It depends on issuer and subject, and on where one ends and the other begins."""
    person = Uidp.of_person("https://idp.example", "alice")
    assert Uidp.parse(person).is_root
    assert person == Uidp.of_person("https://idp.example", "alice")
    assert person != Uidp.of_person("https://idp.example", "bob")
    assert Uidp.of_person("https://a", "bc") != Uidp.of_person("https://ab", "c")

"""What a token carries, after scopes and capabilities."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.errors import Denied
from broker.iam.policy import Entitlement, Grant, entitle, narrow
from broker.iam.uidp import Uidp

FOO = Uidp("f" * 40)
BAR = Uidp(f"{FOO}/{'b' * 16}")
BAZ = Uidp(f"{FOO}/{'c' * 16}")
DEEP = Uidp(f"{BAR}/{'d' * 16}")
OTHER = Uidp("0" * 40)
GROUPS = (FOO, BAR, BAZ, DEEP, OTHER)

R1 = Grant(FOO.child(lambda n: b"\1" * n), FOO, "r1", 0b001)
R2 = Grant(BAR.child(lambda n: b"\2" * n), BAR, "r2", 0b110)

grants = st.lists(
    st.builds(
        lambda group, bits, n: Grant(
            group.child(lambda k: n.to_bytes(k, "big")), group, f"role{bits}", bits
        ),
        st.sampled_from(GROUPS),
        st.integers(1, 15),
        st.integers(0, 2**32),
    ),
    max_size=5,
)


def carried(entitlement: Entitlement) -> dict[Uidp, set[str]]:
    """Role names by group."""
    roles: dict[Uidp, set[str]] = {}
    for grant in entitlement.grants:
        roles.setdefault(grant.group, set()).add(grant.role)
    return roles


def test_scopes_carry_each_binding_at_the_topmost_scope() -> None:
    """The three cases of the platform's contract."""
    assert carried(narrow([R1, R2], scopes=[FOO, BAR])) == {FOO: {"r1"}, BAR: {"r2"}}
    assert carried(narrow([R1, R2], scopes=[BAR])) == {BAR: {"r1", "r2"}}
    assert carried(narrow([R1, R2], scopes=[FOO])) == {FOO: {"r1"}}


def test_a_scope_below_a_binding_inherits_it() -> None:
    """Bindings hold for everything below."""
    assert narrow([R1, R2], scopes=[DEEP]).capabilities == {DEEP: 0b111}


@pytest.mark.parametrize("scope", [OTHER, BAZ])
def test_a_scope_where_nothing_is_held_is_refused(scope: Uidp) -> None:
    """Another organization, or a sibling."""
    with pytest.raises(Denied) as caught:
        narrow([R2], scopes=[BAR, scope])
    assert caught.value.code == "scope_not_held"
    assert scope in caught.value.message


def test_a_role_is_listed_only_while_it_is_whole() -> None:
    """A reader of role_bindings takes the role for all of its capabilities."""
    narrowed = narrow([R1, R2], only=0b011)
    assert carried(narrowed) == {FOO: {"r1"}}
    assert narrowed.capabilities == {FOO: 0b001, BAR: 0b010}


def test_a_capability_that_is_not_held_is_refused() -> None:
    """Not dropped in silence."""
    with pytest.raises(Denied) as caught:
        narrow([R1], only=0b1001)
    assert caught.value.code == "capability_not_held"


@given(grants, st.lists(st.sampled_from(GROUPS), max_size=4), st.none() | st.integers(1, 15))
def test_narrowing_never_widens(held: list[Grant], scopes: list[Uidp], only: int | None) -> None:
    """Whatever a narrowed token allows somewhere, the whole one allowed there."""
    whole = entitle(held)
    try:
        narrowed = narrow(held, scopes=scopes, only=only)
    except Denied:
        assume(False)
    for group in (*GROUPS, *(g.child(lambda n: b"\7" * n) for g in GROUPS)):
        for bit in range(5):
            if narrowed.allows(bit, group):
                assert whole.allows(bit, group)
                assert only is None or only >> bit & 1
                assert not scopes or any(scope.covers(group) for scope in scopes)
    for grant in narrowed.grants:
        assert grant.capabilities == grant.capabilities & narrowed.capabilities.get(grant.group, 0)


@given(grants, st.lists(st.sampled_from(GROUPS), min_size=1, max_size=4))
def test_within_its_scopes_nothing_is_lost(held: list[Grant], scopes: list[Uidp]) -> None:
    """At a scope, everything that was held there or above is still held."""
    whole = entitle(held)
    try:
        narrowed = narrow(held, scopes=scopes)
    except Denied:
        assume(False)
    for scope in scopes:
        for bit in range(5):
            assert narrowed.allows(bit, scope) == whole.allows(bit, scope)

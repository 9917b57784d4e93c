"""Capability numbers and their encoding."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.iam.capabilities import CapabilityTable, decode, encode
from broker.iam.roles import BuiltinRoles

TABLE = CapabilityTable.load()


def test_numbers_of_the_contract_are_fixed() -> None:
    """Bits that verifiers have compiled in."""
    assert TABLE.bit("groups.create") == 1
    assert TABLE.bit("identity.list") == 31
    assert TABLE.bit("identity_providers.scim.manage") == 191
    assert len({capability.bit for capability in TABLE}) == len(TABLE.names) == 216


def test_every_builtin_role_holds_known_capabilities() -> None:
    """The two data files fit each other."""
    for role in BuiltinRoles(TABLE):
        assert role.capabilities
        assert role.capabilities <= TABLE.names


def test_the_encoding_is_least_significant_bit_first() -> None:
    """Bit 1 is 0x02 of the first byte, bit 8 is 0x01 of the second."""
    assert encode(1 << 1) == base64.urlsafe_b64encode(b"\x02").rstrip(b"=").decode()
    assert encode(1 << 8) == base64.urlsafe_b64encode(b"\x00\x01").rstrip(b"=").decode()
    assert encode(0) == ""


@given(st.sets(st.sampled_from(sorted(TABLE.names))))
def test_encoding_keeps_every_set(names: set[str]) -> None:
    """Names to bits to text and back."""
    bits = TABLE.to_bits(names)
    assert decode(encode(bits)) == bits
    assert set(TABLE.to_names(bits)) == names


def test_unknown_bits_are_shown_by_number() -> None:
    """A token of a newer broker stays readable."""
    assert TABLE.to_names(1 << 2000) == ("bit:2000",)


def test_an_operators_capability_joins_the_table_and_the_owner_role() -> None:
    """It can be granted, since owners hold it; other built-in roles do not get it."""
    table = CapabilityTable.load({"deploy.create": 1024})
    roles = BuiltinRoles(table)
    assert table.bit("deploy.create") == 1024
    assert "deploy.create" in roles.owner.capabilities
    editor = roles.by_name("editor")
    assert editor is not None
    assert "deploy.create" not in editor.capabilities


@pytest.mark.parametrize(
    ("custom", "part"),
    [
        ({"groups.list": 1024}, "built in"),
        ({"deploy": 1024}, "dots"),
        ({"Deploy.create": 1024}, "lower-case"),
        ({"deploy.create": 1023}, "between"),
        ({"deploy.create": 2048}, "between"),
        ({"deploy.create": 1024, "deploy.delete": 1024}, "also that of"),
    ],
)
def test_wrong_custom_capabilities_are_refused(custom: dict[str, int], part: str) -> None:
    """Each fault is named."""
    with pytest.raises(Invalid, match=part):
        CapabilityTable.load(custom)


@pytest.mark.parametrize("text", ["+w", "/w", "Ag==", "A", "é"])
def test_what_is_not_unpadded_base64url_does_not_decode(text: str) -> None:
    """One set has one spelling."""
    with pytest.raises(ValueError, match=r"unpadded|padding|base64|characters"):
        decode(text)

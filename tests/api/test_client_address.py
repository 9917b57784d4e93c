"""Who calls, where proxies are in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api.client_address import ClientAddresses

PROXIES = ClientAddresses(["10.0.0.0/8", "2001:db8:aaaa::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.1, 192.0.2.1,10.9.9.9"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["192.0.2.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.1", ["[2001:DB8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:0db8:0::1"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("::ffff:10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("2001:db8:aaaa::1", ["192.0.2.1"], "192.0.2.1"),
        ("fe80::1%eth0", ["192.0.2.1"], "fe80::1"),
        ("10.0.0.1", ["010.0.0.1"], "10.0.0.1"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_the_last_that_no_trusted_proxy_has(peer: str, forwarded: list[str], client: str) -> None:
    """Each proxy appends whom it saw; what is before the first that is not trusted is hearsay."""
    assert PROXIES.of(peer, forwarded) == client


def test_without_proxies_the_peer_is_the_client() -> None:
    """Whatever it says."""
    nobody = ClientAddresses([])
    assert not nobody.any
    assert nobody.of("10.0.0.1", ["192.0.2.1"]) == "10.0.0.1"


@given(st.lists(st.text(max_size=60), max_size=4), st.ip_addresses().map(str))
def test_whatever_a_client_sends_its_own_address_counts(sent: list[str], client: str) -> None:
    """A proxy that appends ends the search where it should."""
    found = PROXIES.of("10.0.0.1", [*sent, client])
    expected = PROXIES.of(client, [])
    if not PROXIES._is_trusted(expected):
        assert found == expected

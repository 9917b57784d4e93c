"""Which addresses are fetched from."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from broker.upstream.addresses import is_public, is_public_or_private, parse_address

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.127.0.1",
    "::1",
    "fd00::1",
]
NEVER = ["0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1", "::"]
EMBEDDING = ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808::1"]


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    """A global unicast address is public."""
    assert is_public(ip_address(text))
    assert is_public_or_private(ip_address(text))


@pytest.mark.parametrize("text", PRIVATE)
def test_private(text: str) -> None:
    """A private, shared or loopback address is not public, and is what a setting opens."""
    assert not is_public(ip_address(text))
    assert is_public_or_private(ip_address(text))


@pytest.mark.parametrize("text", NEVER + EMBEDDING)
def test_never(text: str) -> None:
    """Link-local, multicast, unspecified and embedding addresses are open to nobody."""
    assert not is_public(ip_address(text))
    assert not is_public_or_private(ip_address(text))


def test_parse() -> None:
    """A bracketed literal and one with a zone are addresses, a name is none."""
    assert parse_address("[::1]") == ip_address("::1")
    assert parse_address("fe80::1%eth0") == ip_address("fe80::1")
    assert parse_address("issuer.example") is None

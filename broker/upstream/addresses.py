"""Which IP addresses are fetched from: IANA's special-purpose registries (RFC 6890), as code.

Python's `is_global` follows the registries of its release; the lists are ours, so that the
answer is the same on every interpreter.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

IpAddress = IPv4Address | IPv6Address

_IPV4_SPECIAL: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; the unspecified address
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
)

_IPV6_GLOBAL: Final = IPv6Network("2000::/3")
"""All that is assigned for global unicast. Outside lie loopback, unspecified, v4-mapped, NAT64
(64:ff9b::/96, 64:ff9b:1::/48), unique local, link-local and multicast."""

_IPV6_SPECIAL: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments; Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",  # documentation
    )
)

_PRIVATE: Final[tuple[IPv4Network | IPv6Network, ...]] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)


def parse_address(text: str) -> IpAddress | None:
    """The address that a URL's host or a resolver's answer spells; None for a name."""
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Whether it is a global unicast address that embeds no other."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_SPECIAL)
    return address in _IPV6_GLOBAL and not any(address in network for network in _IPV6_SPECIAL)


def is_public_or_private(address: IpAddress) -> bool:
    """The same, with the private networks that a setting can open.

    Private, shared (CGNAT), unique local and loopback. Link-local stays closed, since that is
    where clouds serve credentials; so do multicast, reserved and translated addresses.
    """
    return is_public(address) or any(address in network for network in _PRIVATE)

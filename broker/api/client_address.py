"""Who calls, where proxies of the operator's are in between."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddresses:
    """Believes what `trusted` proxies say in `X-Forwarded-For`, and nobody else."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """CIDRs. Raises ValueError."""
        networks = tuple(ipaddress.ip_network(each) for each in trusted)
        self.any = bool(networks)
        """Whether it believes anybody."""

        @lru_cache(maxsize=4096)
        def is_trusted(address: str) -> bool:
            parsed = ipaddress.ip_address(address)
            return any(parsed in network for network in networks)

        self._is_trusted = is_trusted

    def of(self, peer: str, forwarded: Iterable[str]) -> str:
        """The client's address: the last that no trusted proxy has, as each appends whom it saw.

        `forwarded`: the values of `X-Forwarded-For`, in order. What stands before that address
        could be anybody's invention; from something that is no address on, it is taken for one.
        """
        client = _plain(peer)
        if client is None:
            return peer
        said = [part for value in forwarded for part in value.split(",")]
        while said and self._is_trusted(client):
            before = _plain(said.pop())
            if before is None:
                break
            client = before
        return client


@lru_cache(maxsize=4096)  # a pure function of its text; to parse an address takes some µs
def _plain(text: str) -> str | None:
    """An address without port, brackets or zone, in its shortest form; None when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)

"""What a call says beside its message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from broker.errors import Unauthenticated

AUTHORIZATION: Final = "authorization"
FORWARDED: Final = "x-forwarded-for"
REQUEST_ID: Final = "x-request-id"
STATUS_DETAILS: Final = "grpc-status-details-bin"
"""A google.rpc.Status, which has more than a code and a text."""


def bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """The bearer token (RFC 6750 §2.1); None without one.

    Raises `Unauthenticated` (`token_missing`) when there is something else in its place.
    """
    values = [value for name, value in metadata if name == AUTHORIZATION]
    if not values:
        return None
    scheme, _, token = str(values[0]).partition(" ")
    token = token.strip(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "token_missing",
            f"{AUTHORIZATION}: expected once, and 'Bearer' and a token",
            field=AUTHORIZATION,
        )
    return token


def forwarded(metadata: Iterable[tuple[str, str | bytes]]) -> list[str]:
    """What proxies say of whom they speak for, in order."""
    return [str(value) for name, value in metadata if name == FORWARDED]


def address(peer: str) -> str:
    """The caller's IP address, of what gRPC calls the peer; empty when it is not known.

    `ipv4:192.0.2.1:4711`, `ipv6:%5B2001:db8::1%5D:4711`; over the port that HTTP has, the name that
    `broker.web.shared_port` gives its socket: `unix-abstract:folder/number/192.0.2.1`.
    """
    family, _, place = unquote(peer).partition(":")
    match family:
        case "ipv4" | "ipv6":
            host = place.rpartition(":")[0].strip("[]").partition("%")[0]
            return host.removeprefix("::ffff:")  # IPv4 on a socket for both
        case "unix-abstract":
            return place.rpartition("/")[2]
        case _:
            return ""

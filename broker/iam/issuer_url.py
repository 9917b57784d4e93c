"""Which strings can be an issuer whose keys are fetched.

An issuer is kept and compared as the literal string. There is no normal form to bring it into:
what would need one is refused, so that two spellings of one address never both exist.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NoReturn

from broker.errors import Invalid

GOOGLE_WITHOUT_SCHEME: Final = "accounts.google.com"
"""Google puts its issuer into tokens with and without the scheme (OpenID Connect, Google's own
documentation); it is the one issuer that need not be a URL."""

MAX_URL: Final = 2048

_PARTS: Final = re.compile(r"(https?)://([^/?#]*)(/[^?#]*)?")
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def check_issuer_url(url: str, *, allow_http_loopback: bool, field: str = "issuer") -> None:
    """Refuse what is not an absolute https URL of a lower-case host, or `accounts.google.com`.

    No user information, query, fragment, dot segment or white space (OpenID Connect Core §2,
    `iss`; RFC 3986 §3). `allow_http_loopback`: this is a development installation, where http is
    taken for `localhost`, 127.0.0.0/8 and [::1]. Raises `Invalid` naming `field`.
    """
    if url != GOOGLE_WITHOUT_SCHEME:
        check_fetchable_url(url, allow_http_loopback=allow_http_loopback, field=field)


def check_fetchable_url(url: str, *, allow_http_loopback: bool, field: str) -> None:
    """The same for every other address that is fetched from, such as `jwks_uri`."""
    if len(url) > MAX_URL:
        _refuse(field, f"longer than {MAX_URL} characters")
    if not url.isascii() or not url.isprintable():
        _refuse(field, "expected printable ASCII")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        _refuse(field, "expected https://HOST[:PORT][/PATH], without query or fragment")
    scheme, authority, path = parts.group(1), parts.group(2), parts.group(3) or ""
    if "@" in authority:
        _refuse(field, "must not hold a user name or password")
    host, port = _host_and_port(authority)
    if not _is_host(host):
        _refuse(field, "expected a lower-case host name or an IP address as host")
    if port is not None and (not _PORT.fullmatch(port) or int(port) > 65535):
        _refuse(field, "expected a port from 1 to 65535")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.lower().replace("%2e", ".").split("/")):
        _refuse(field, "expected a plain path, without dot segments")
    if scheme == "http" and not (allow_http_loopback and is_loopback_host(host)):
        _refuse(
            field, "expected https; http is for loopback addresses of a development installation"
        )


def is_loopback_host(host: str) -> bool:
    """Whether the host of a URL is this machine by its spelling: nothing is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def fetch_base(issuer: str) -> str:
    """Where the documents of a checked issuer are: itself, but for Google's without scheme."""
    return f"https://{issuer}" if issuer == GOOGLE_WITHOUT_SCHEME else issuer


def _host_and_port(authority: str) -> tuple[str, str | None]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest[1:] if rest.startswith(":") else (rest or None)
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        # a zone ("%eth0") means something on one machine alone
        return host.endswith("]") and "%" not in host and _is_address(host[1:-1], version=6)
    labels = host.split(".")
    # resolvers read "127.1", "0x7f000001" and "2130706433" as addresses: a host that ends in a
    # number is one only in its usual form (WHATWG URL, "ends in a number")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        return _is_address(host, version=4)
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _is_address(text: str, *, version: int) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == version and str(address) == text


def _refuse(field: str, fault: str) -> NoReturn:
    raise Invalid("field_invalid", f"{field}: {fault}", field=field)

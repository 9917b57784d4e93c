"""RFC 6749 §4.1, the authorization code grant: identifiers, parameters, redirects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

GRANT_TYPE: Final = "authorization_code"
"""§4.1.3, value of `grant_type`."""

REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a word, §6, value of `grant_type`

CODE: Final = "code"
"""§3.1.1, the one `response_type`."""

QUERY: Final = "query"
"""OAuth 2.0 Multiple Response Types §2.1, the one `response_mode`."""

REPEATABLE: Final = frozenset({"resource"})
"""RFC 8707 §2; RFC 6749 §3.1 forbids it for every other parameter."""

ACCESS_DENIED: Final = "access_denied"
UNSUPPORTED_RESPONSE_TYPE: Final = "unsupported_response_type"
"""§4.1.2.1, errors beside those of the token endpoint."""

_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?(?=[/?]|\Z)")


def is_native(redirect_uri: str) -> bool:
    """Whether it leads to an application on the person's own machine (RFC 8252 §7.3)."""
    return _LOOPBACK.match(redirect_uri) is not None


def redirects_alike(registered: str, requested: str) -> bool:
    """Whether the requested redirect URI is the registered one.

    Literally (RFC 9700 §4.1.3), except for the port of a loopback address, which an application
    does not know beforehand (RFC 8252 §7.3).
    """
    if registered == requested:
        return True
    one, other = _LOOPBACK.match(registered), _LOOPBACK.match(requested)
    if one is None or other is None or one.group(1) != other.group(1):
        return False
    return registered[one.end() :] == requested[other.end() :]


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with these added to its query (§4.1.2); empty ones are left out."""
    added = urlencode({name: value for name, value in parameters.items() if value})
    if not added:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{added}"

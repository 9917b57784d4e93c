"""Where `/oauth` may send a token: loopback addresses, and origins that a setting names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import unquote_plus, urlencode

from broker.errors import Invalid, Stage

MAX_REDIRECT: Final = 2048

_CHARACTER: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})"
_FORM: Final = re.compile(
    rf"(?P<origin>https?://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(?P<port>[1-9][0-9]{{0,4}}))?)"
    rf"(?P<path>/{_CHARACTER}*)?(?:\?(?P<query>(?:{_CHARACTER}|\?)*))?",
    re.ASCII,
)
"""RFC 3986 §3 with less in it: no user, no fragment, and nothing that browsers read in another way
than the RFC (WHATWG URL: backslashes, tabs, dots of other scripts)."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ANSWERS: Final = frozenset({"token", "refresh_token", "error", "status_code"})


class Redirects:
    """Checks and fills in. `origins`: besides loopback, `https://HOST[:PORT]`."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origins)

    def check(self, redirect: str) -> str:
        """The same text. Raises `Invalid` (`redirect_not_allowed`)."""
        parts = _FORM.fullmatch(redirect) if len(redirect) <= MAX_REDIRECT else None
        if parts is None or int(parts["port"] or 0) > 65535:
            raise _refused("expected http://localhost:PORT/PATH, without user or fragment")
        if parts["origin"] in self._origins:
            return redirect
        if redirect.startswith("http://") and parts["host"] in _LOOPBACK:
            return redirect
        raise _refused("expected a loopback address, or an origin that is set up here")


def origin_of(redirect: str) -> str:
    """`SCHEME://HOST[:PORT]` of what has been checked; empty for a loopback address."""
    parts = _FORM.fullmatch(redirect)
    return parts["origin"] if parts and parts["host"] not in _LOOPBACK else ""


def with_answer(redirect: str, answer: Mapping[str, str]) -> str:
    """What has been checked, with `answer` in its query.

    What the query has under these names is replaced: clients put placeholders there
    (`?token=true&error=true`) and read the first of each name.
    """
    address, _, query = redirect.partition("?")
    kept = [pair for pair in query.split("&") if pair and _name(pair) not in _ANSWERS]
    return f"{address}?{'&'.join([*kept, urlencode(answer)])}"


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _refused(expected: str) -> Invalid:
    return Invalid(
        "redirect_not_allowed", f"redirect: {expected}", stage=Stage.REQUEST, field="redirect"
    )

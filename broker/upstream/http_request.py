"""One HTTP/1.1 request head (RFC 9112) as bytes, read without the leniency of servers.

Two readers must never see two requests in it: lines end with CRLF and nothing else, a header
stands once and on one line, and there is no body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_HEADERS: Final = 64

_REQUEST_LINE: Final = re.compile(r"([A-Z]{1,16}) ([!-~]+) HTTP/1\.1")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.1, a token
_FIELD_VALUE: Final = re.compile(r"[ -~]*")
_SPACES: Final = re.compile(" +")


class HttpRequestRefused(ValueError):
    """The text says what is wrong; it repeats nothing that may be secret."""

    def __init__(self, fault: str, header: str = "") -> None:
        super().__init__(fault)
        self.header = header
        """Lower-case name of the header at fault, where one is."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without a body."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Lower-case name → value, trimmed, each run of spaces as one, as SigV4 signs them."""


def parse_head(raw: bytes) -> HttpRequest:
    """The request. Raises `HttpRequestRefused`.

    One CRLF after the end of the headers is passed over (RFC 9112 §2.2: some clients send it).
    """
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        raise HttpRequestRefused("it does not end with an empty line")
    if rest not in (b"", b"\r\n"):
        raise HttpRequestRefused("it has a body")
    try:
        first, *lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise HttpRequestRefused("it has characters that are not ASCII") from None
    request_line = _REQUEST_LINE.fullmatch(first)
    if request_line is None:
        raise HttpRequestRefused("its first line is not METHOD TARGET HTTP/1.1")
    headers = _headers(lines)
    if "transfer-encoding" in headers:
        raise HttpRequestRefused("it has a Transfer-Encoding", "transfer-encoding")
    if headers.get("content-length", "0") != "0":
        raise HttpRequestRefused("its Content-Length is not 0", "content-length")
    return HttpRequest(request_line[1], request_line[2], headers)


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_HEADERS:
        raise HttpRequestRefused(f"it has more than {MAX_HEADERS} header lines")
    headers: dict[str, str] = {}
    for line in lines:
        if line[:1] in {" ", "\t"}:
            raise HttpRequestRefused("it has a header folded over several lines")
        name, colon, value = line.partition(":")
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise HttpRequestRefused("it has a line that is not NAME: VALUE")
        key, value = name.lower(), value.strip(" \t")
        if not _FIELD_VALUE.fullmatch(value):
            raise HttpRequestRefused(f"{key} has characters that are not printable", key)
        if key in headers:
            raise HttpRequestRefused(f"it has the header {key} twice", key)
        headers[key] = _SPACES.sub(" ", value)
    return headers

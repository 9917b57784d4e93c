"""Names in signed AWS requests: hosts of AWS STS with their regions, and our headers' prefix.

Source: AWS General Reference, "AWS Security Token Service endpoints and quotas".
"""

from __future__ import annotations

import re
from typing import Final

GLOBAL_HOST: Final = "sts.amazonaws.com"
HEADER_PREFIX: Final = "Chainguard"
"""Of the two headers that bind a request to a broker and an identity."""

_DOMAINS: Final = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
)
_REGIONAL: Final = re.compile(
    r"sts(?:-fips)?\.([a-z]{2,5}(?:-[a-z]+){1,3}-[0-9]{1,2})\.("
    + "|".join(re.escape(domain) for domain in _DOMAINS)
    + ")"
)


def signing_region(host: str) -> str | None:
    """The region in the credential scope of requests to `host`; None where it is no STS host."""
    if host == GLOBAL_HOST:
        return "us-east-1"
    match = _REGIONAL.fullmatch(host)
    return match[1] if match else None

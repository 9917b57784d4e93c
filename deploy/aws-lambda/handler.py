"""A Lambda function that calls a service with a token of the broker's.

Variables of the function:

    BROKER_API       issuer URL of the broker
    BROKER_IDENTITY  UIDP to assume, an identity with an AWS rule for the function's role
    SERVICE          URL to call
    AUDIENCE         audience that the service wants; without, the broker itself
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any

from broker.sdk import ambient
from broker.sdk.ambient import Platform
from broker.sdk.token_source import TokenSource

TIMEOUT = 10  # seconds


@cache
def tokens() -> TokenSource:
    """One for every environment of the function: what is invoked again finds the token there."""
    issuer = os.environ["BROKER_API"]
    identity = os.environ["BROKER_IDENTITY"]
    return TokenSource(
        issuer,
        lambda: ambient.token(issuer, identity=identity, platform=Platform.AWS),
        identity=identity,
        audience=[audience] if (audience := os.environ.get("AUDIENCE")) else [],
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """What Lambda calls. Gives the service's status; a refused exchange fails the invocation."""
    del event, context  # this one does the same each time
    request = urllib.request.Request(
        os.environ["SERVICE"], headers={"Authorization": f"Bearer {tokens().token()}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return {"status": response.status}
    except urllib.error.HTTPError as error:
        return {"status": error.code}

"""How settings are spelled."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "BROKER_"

CLIENT_VARIABLES: Final = {
    "BROKER_API": "URL of the broker that `broker iam` and `broker events` talk to. Default: "
    "`http://127.0.0.1:8080`. For `broker exchange`, which has no default, its issuer.",
    "BROKER_CREDENTIAL_FILE": "File with the upstream token that `broker exchange` sends.",
    "BROKER_IDENTITY": "UIDP of the identity that `broker exchange` assumes.",
    "BROKER_TOKEN": "The access token that they show, as `broker exchange` prints one.",
    "BROKER_TOKEN_FILE": "File with that token instead.",
}
"""Variables of the commands that talk to a broker. They are no settings, and a server that is
started in the same shell passes over them."""

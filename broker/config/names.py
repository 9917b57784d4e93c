"""How settings are spelled."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "BROKER_"


def none_where_empty(value: object) -> object:
    """A variable that is empty is one that is not set."""
    return None if value == "" else value


CLIENT_VARIABLES: Final = {
    "BROKER_API": "URL of the broker that `broker iam`, `broker events` and `broker auth` talk to. "
    "Default: `http://127.0.0.1:8080`. For `broker exchange`, which has no default, its issuer.",
    "BROKER_AUDIENCE": "Audience of the tokens that they use. Default: the issuer.",
    "BROKER_CLIENT_LOG_LEVEL": "What they tell of their requests: `debug`, `info`, `warn` or "
    "`error`.",
    "BROKER_CONFIG": "File of `broker config`, instead of the person's own.",
    "BROKER_CREDENTIAL_FILE": "File with the upstream token that `broker exchange` sends.",
    "BROKER_IDENTITY": "UIDP of the identity that `broker exchange` assumes; the other commands "
    "too, where nobody has logged in and the platform gives a token.",
    "BROKER_IDENTITY_PROVIDER": "UIDP of the identity provider that `broker auth login` goes to.",
    "BROKER_ORG_NAME": "Name of a verified organization, to whose provider it goes instead.",
    "BROKER_OUTPUT": "How results are printed, where a command knows the form.",
    "BROKER_SOCIAL_LOGIN": "`google`, `github` or `gitlab`, where it goes instead.",
    "BROKER_TOKEN": "The access token that they show, as `broker exchange` prints one.",
    "BROKER_TOKEN_FILE": "File with that token instead.",
}
"""Variables of the commands that talk to a broker. They are no settings, and a server that is
started in the same shell passes over them."""

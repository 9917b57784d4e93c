"""What to change after a refusal that does not say so by itself, for the owner of an identity."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from broker.errors import BrokerError

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "issuer_unavailable": (
            "The issuer has to be reachable from the broker over https, with a certificate that "
            "the broker trusts; an identity for one that is not needs static keys."
        ),
        "token_algorithm_refused": (
            "Let the issuer sign with a key pair; the operator decides which algorithms are "
            "accepted from whom."
        ),
        "token_is_access_token": (
            "This is a token for calling a service. Send the ID token that the workload gets from "
            "its platform."
        ),
        "token_key_unknown": (
            "If the issuer changed its keys, ask it for a new token: this one may be of a key that "
            "it has withdrawn. An unknown kid makes the broker ask the issuer again, at most "
            "once in 30 s."
        ),
        "token_malformed": (
            "Send the JWT alone, as the issuer gave it: without quotes, without 'Bearer', and not "
            "decoded."
        ),
        "token_without_expiry": "Ask the issuer for a token that expires; others are not accepted.",
    }
)

_STATIC: Final[Mapping[str, str]] = MappingProxyType(
    {
        "token_key_unknown": (
            "The identity has static keys: if the issuer changed its keys, give the identity the "
            "present ones."
        ),
    }
)


def advice(refusal: BrokerError, *, static_keys: bool) -> str:
    """A sentence or two; empty where there is nothing to add.

    `static_keys`: whether the keys are those on record with the identity.
    """
    special = _STATIC.get(refusal.code) if static_keys else None
    return special or _ADVICE.get(refusal.code, "")

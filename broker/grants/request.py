"""What a grant is asked, and what it answers. The wires make the one and render the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.grants.credentials import Credential
from broker.iam.policy import Entitlement
from broker.iam.uidp import Uidp
from broker.issuer.tokens import MintedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls, as far as the wire tells."""

    request_id: str
    dialect: str
    """`sts` (/sts/exchange) or a grant type of /token: `oauth` (RFC 8693), `jwt-bearer`,
    `client-credentials`; `login` where somebody is at a browser."""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """One parsed request."""

    call: Call
    token: str
    """The upstream token, unchecked."""
    presented: Credential | None = None
    """In the token's place, of what is none: a login."""
    identity: Uidp | None = None
    """Whom the caller wants to be; None for a person, who is known by issuer and subject."""
    identity_provider: Uidp | None = None
    """Of an organization: through which the person logged in whom the token is about."""
    audience: tuple[str, ...] = ()
    scopes: tuple[Uidp, ...] = ()
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The answer."""

    token: MintedToken
    expires_in: int
    """Seconds from its minting."""
    audience: tuple[str, ...]
    actor: Mapping[str, Any]
    """The `act` claim: who the upstream token is about, and what the rules saw of it."""
    entitlement: Entitlement

"""Upstream tokens that are exchanged once, for the identities that want it so."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Final

from broker.errors import BrokerError, Detail, Stage, Unauthenticated
from broker.grants.credentials import Credential
from broker.iam.claims import VerifiedClaims
from broker.iam.model import Identity, StaticKeys
from broker.state.state import State
from broker.upstream.oidc import LEEWAY

NAMESPACE: Final = "upstream-token"


class SingleUse:
    """What was used is kept in `state`, and asked for identities with `single_use` alone."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def consume(
        self, identity: Identity, credential: Credential, claims: VerifiedClaims, now: float
    ) -> None:
        """The last thing before something is minted: from now on the credential is used.

        Raises `Unauthenticated` (`token_already_used`), and `Unavailable` (`state_unavailable`)
        when nobody knows: what cannot be told to be fresh is not exchanged.
        """
        if not identity.single_use:
            return
        # It is taken for a leeway after its end. Another process may take it for one more, whose
        # clock is that far behind ours.
        ttl = math.ceil(claims.expires_at + 2 * LEEWAY - now)
        try:
            fresh = await self._state.put_once(NAMESPACE, _key(identity, credential, claims), ttl)
        except BrokerError as error:
            error.stage = Stage.USE
            raise
        if not fresh:
            raise _used(credential)


def _key(identity: Identity, credential: Credential, claims: VerifiedClaims) -> str:
    # Who wrote keys down for an identity of theirs chose the issuer's name as well: the tokens
    # that they sign must not use up those of the real one.
    keys_of = identity.id if isinstance(identity.relationship, StaticKeys) else ""
    parts = [keys_of, claims.issuer, credential.use_id]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _used(credential: Credential) -> Unauthenticated:
    return Unauthenticated(
        "token_already_used",
        "the token was exchanged before, and this identity takes each one once; get a new one",
        stage=Stage.USE,
        detail=Detail(
            "single_use",
            "a token that was not exchanged before",
            "used before",
            "A job that retries has to fetch a new token each time. If none does, somebody else "
            "has the token: the audit log has its first use under the same SHA-256, "
            f"{credential.sha256[:16]}….",
        ),
    )

"""What verifiers and clients discover: metadata, keys, capability numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from broker.iam.capabilities import CapabilityTable
from broker.issuer.keyring import KeyRing
from broker.issuer.schedule import KeyState
from broker.oauth import authorization as rfc6749
from broker.oauth import openid, pkce
from broker.web.grant_types import GRANT_TYPES
from broker.web.rendering import json_response

CLAIMS = [
    "iss", "sub", "aud", "iat", "nbf", "exp", "jti",
    "act", "role_bindings", "cap", "email", "email_verified",
    "idp", "sid", "group_mappings", "scope",
    "auth_time", "nonce", "at_hash", "name",
]  # fmt: skip


class WellKnown:
    """Handlers under `/.well-known/`. `clock` gives seconds since the epoch.

    `grant_types`: besides those for workloads.
    """

    def __init__(
        self,
        *,
        issuer: str,
        algorithm: str,
        keyring: KeyRing,
        capabilities: CapabilityTable,
        grant_types: Sequence[str],
        max_age: int,
        clock: Callable[[], float],
    ) -> None:
        self._keyring = keyring
        self._clock = clock
        self._cached = {"Cache-Control": f"public, max-age={max_age}"}
        self._issuer = issuer
        self._algorithm = algorithm
        self._grant_types = (*GRANT_TYPES, *grant_types)
        self._capabilities = orjson.dumps(
            {
                "encoding": "base64url without padding; number n is bit n % 8, least significant "
                "first, of byte n // 8",
                "capabilities": {capability.name: capability.bit for capability in capabilities},
            },
            option=orjson.OPT_INDENT_2,
        )

    async def metadata(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """OpenID Connect Discovery 1.0 §3 and RFC 8414 §2, one document."""
        del request, request_id
        # a key of an earlier setting signs until it is replaced
        states = self._keyring.states(self._clock())
        algorithms = {s.key.algorithm for s in states if s.state is not KeyState.GONE}
        algorithms.add(self._algorithm)
        return json_response(
            _metadata(self._issuer, sorted(algorithms), self._grant_types), headers=self._cached
        )

    async def jwks(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """RFC 7517 §5. May be cached for as long as new keys are published before they sign."""
        del request, request_id
        now = self._clock()
        max_age = self._keyring.jwks_max_age(now)
        return json_response(
            self._keyring.jwks(now), headers={"Cache-Control": f"public, max-age={max_age}"}
        )

    async def capability_numbers(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Name to bit number, for readers of the `cap` claim in any language."""
        del request, request_id
        return json_response(self._capabilities, headers=self._cached)


def _metadata(
    issuer: str, algorithms: Sequence[str], grant_types: Sequence[str]
) -> dict[str, object]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "grant_types_supported": list(grant_types),
        # not private_key_jwt: the key of a client assertion is its issuer's, never the client's
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        # `code` is what the authorization endpoint gives. Relying parties that only verify (AWS
        # IAM among them) insist on the other value, which means nothing to them.
        "response_types_supported": ["code", "id_token"],
        "response_modes_supported": [rfc6749.QUERY],
        "code_challenge_methods_supported": [pkce.S256],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "prompt_values_supported": list(openid.PROMPTS),
        "scopes_supported": list(openid.SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "claims_supported": CLAIMS,
        "capabilities_uri": f"{issuer}/.well-known/capabilities",
    }

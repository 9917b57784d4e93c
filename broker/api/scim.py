"""SCIM of identity providers, as both versions of the API have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.api.values import duration, moment, timestamp
from broker.contract.proto.iam.v1 import identity_providers_pb2 as v1
from broker.contract.proto.iam.v2 import identity_providers_pb2 as v2
from broker.directory.scim_credentials import Issued, Life, ScimCredentials, etag_of, state_of
from broker.directory.work import Work
from broker.iam.model import IdentityProvider, ScimCredential
from broker.iam.uidp import Uidp

Members = dict[str, Any]
"""Fields of a message, by name."""


class Scim:
    """Its methods, without the field that names the provider: that is spelled in two ways.

    `api_url` is where the endpoint is told to be.
    """

    def __init__(self, credentials: ScimCredentials, api_url: str) -> None:
        self._credentials = credentials
        self._api_url = api_url

    async def members(
        self, work: Work, providers: Sequence[IdentityProvider]
    ) -> dict[Uidp, Members]:
        """The `scim` member of each of these providers."""
        found = await self._credentials.many(work, [each.id for each in providers])
        return {uidp: self._members(each, work) for uidp, each in found.items()}

    async def generate(
        self,
        work: Work,
        provider: Uidp,
        request: v1.GenerateScimTokenRequest | v2.GenerateScimTokenRequest,
    ) -> Members:
        """The first token."""
        issued = await self._credentials.generate(work, provider, _life(request))
        return self._issued(issued)

    async def regenerate(
        self,
        work: Work,
        provider: Uidp,
        request: v1.RegenerateScimTokenRequest | v2.RegenerateScimTokenRequest,
    ) -> Members:
        """Another token."""
        overlap = duration(request.overlap, field="overlap")
        issued = await self._credentials.regenerate(
            work, provider, _life(request), overlap=overlap, etag=request.etag
        )
        previous = timestamp(issued.credential.previous_expires_at)
        return {
            **self._issued(issued),
            "previous_token_expire_time": previous,
            "requested_overlap": request.overlap if request.HasField("overlap") else None,
        }

    async def revoke(self, work: Work, provider: Uidp) -> Members:
        """No token."""
        credential = await self._credentials.revoke(work, provider)
        return {
            "etag": etag_of(credential),
            "enabled": credential.enabled,
            "revoke_time": timestamp(credential.revoked_at),
        }

    async def set_enabled(
        self,
        work: Work,
        provider: Uidp,
        request: v1.SetScimEnabledRequest | v2.SetScimEnabledRequest,
    ) -> Members:
        """On or off."""
        credential = await self._credentials.set_enabled(
            work, provider, enabled=request.enabled, etag=request.etag
        )
        return {"enabled": credential.enabled, "etag": etag_of(credential)}

    def _issued(self, issued: Issued) -> Members:
        credential = issued.credential
        return {
            "token": issued.token,
            "endpoint_url": self._endpoint(credential.identity_provider),
            "expire_time": timestamp(credential.expires_at),
            "etag": etag_of(credential),
        }

    def _members(self, credential: ScimCredential, work: Work) -> Members:
        previous = credential.previous_expires_at
        return {
            "enabled": credential.enabled,
            "endpoint_url": self._endpoint(credential.identity_provider),
            "token_expire_time": timestamp(credential.expires_at),
            "previous_token_expire_time": timestamp(
                previous if previous and previous > work.now else None
            ),
            "credential_state": state_of(credential, work.now).value,
            "etag": etag_of(credential),
        }

    def _endpoint(self, provider: Uidp) -> str:
        return f"{self._api_url}/scim/v2/{provider}"


def _life(
    request: v1.GenerateScimTokenRequest
    | v2.GenerateScimTokenRequest
    | v1.RegenerateScimTokenRequest
    | v2.RegenerateScimTokenRequest,
) -> Life:
    is_given = request.HasField("expire_time")
    return Life(
        expires_at=moment(request.expire_time, field="expire_time") if is_given else None,
        never_expires=request.never_expires,
    )

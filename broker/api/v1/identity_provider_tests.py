"""broker.v1.IdentityProviderTests: whether people can log in through a provider."""

from __future__ import annotations

from broker.api.dispatch import Asked
from broker.contract.proto.login.v1 import identity_provider_tests_pb2 as pb
from broker.directory.work import provider_not_found
from broker.iam.uidp import Uidp
from broker.store import Store
from broker.upstream.login.inspection import Check, ProviderInspection


class IdentityProviderTestsV1:
    """The dry run of a provider."""

    service = "broker.v1.IdentityProviderTests"
    outside = frozenset({"TestIdentityProvider"})
    """It waits for the provider."""

    def __init__(self, store: Store, inspection: ProviderInspection) -> None:
        self._store = store
        self._inspection = inspection

    async def test_identity_provider(
        self, asked: Asked, request: pb.TestIdentityProviderRequest
    ) -> pb.TestIdentityProviderResponse:
        """Every check."""
        del asked  # who may was seen to
        async with self._store.read() as records:
            provider = await records.identity_providers.get(Uidp(request.uid))
        if provider is None:
            raise provider_not_found("uid")
        checks = await self._inspection.run(provider)
        return pb.TestIdentityProviderResponse(
            ok=all(check.ok is not False for check in checks), checks=map(_check, checks)
        )


def _check(check: Check) -> pb.ProviderCheck:
    return pb.ProviderCheck(
        name=check.name,
        ok=check.ok is not False,
        expected=check.expected,
        got=check.got,
        hint=check.hint,
        uncertain=check.ok is None,
    )

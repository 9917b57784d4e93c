"""Identity providers as both versions of the API write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from broker.api.values import optional_uidp
from broker.contract.proto.iam.v1 import identity_providers_pb2 as v1
from broker.contract.proto.iam.v2 import identity_providers_pb2 as v2
from broker.errors import Invalid
from broker.iam.model import CorrelationRule, IdentityProvider


def oidc_members(provider: IdentityProvider) -> dict[str, Any]:
    """The `oidc` member, but for its enum; the client secret is never told."""
    return {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "additional_scopes": provider.additional_scopes,
        "groups_claim": provider.groups_claim,
        "pkce_enabled": provider.pkce_enabled,
    }


def filled(
    base: IdentityProvider, message: v1.IdentityProvider | v2.IdentityProvider
) -> IdentityProvider:
    """A provider with what a message says, but for its client secret. Raises `Invalid`."""
    expect_oidc(message.WhichOneof("configuration"))
    return replace(
        base,
        name=message.name,
        description=message.description,
        issuer=message.oidc.issuer,
        client_id=message.oidc.client_id,
        additional_scopes=tuple(message.oidc.additional_scopes),
        groups_claim=message.oidc.groups_claim,
        correlation_rule=correlation_rule(message.oidc.correlation_rule),
        pkce_enabled=message.oidc.pkce_enabled,
        default_role=optional_uidp(message.default_role, field="default_role"),
    )


def correlation_rule(number: int) -> CorrelationRule:
    """From the wire. Raises `Invalid`."""
    try:
        return CorrelationRule(number)
    except ValueError:
        raise Invalid(
            "field_invalid",
            f"oidc.correlation_rule: {number} is no such rule",
            field="oidc.correlation_rule",
        ) from None


def expect_oidc(arm: str | None) -> None:
    """Raises `Invalid` for a provider without a configuration."""
    if arm is None:
        raise Invalid("field_invalid", "oidc: is required", field="oidc")

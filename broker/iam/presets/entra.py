"""Managed identities and applications of Microsoft Entra ID.

An app-only access token has the object id of the identity as `sub` and `oid`, the tenant as `tid`.
Tokens of version 2.0 are of `https://login.microsoftonline.com/TENANT/v2.0`, with the client id of
the application that they are for as audience; those of version 1.0 of
`https://sts.windows.net/TENANT/`, with its identifier URI. The application that they are for
decides on the version (Microsoft, "Access token claims reference").
"""

from __future__ import annotations

from typing import Final

from broker.iam.model import ClaimMatch
from broker.iam.presets.forms import answered, uuid
from broker.iam.presets.preset import Preset, Question

VERSIONS: Final = {
    "1.0": "https://sts.windows.net/{tenant}/",
    "2.0": "https://login.microsoftonline.com/{tenant}/v2.0",
}
_CLIENT: Final = {"1.0": "appid", "2.0": "azp"}


def entra_rules(
    *,
    tenant_id: str,
    object_id: str,
    audience: str,
    client_id: str = "",
    version: str = "2.0",
    issuer: str = "",
) -> ClaimMatch:
    """Rules for one managed identity or service principal. Raises `Invalid`."""
    tenant = uuid("tenant_id", tenant_id)
    principal = uuid("object_id", object_id)
    client = uuid("client_id", client_id) if client_id else ""
    claims = answered(tid=tenant, oid=principal, **{_CLIENT[version]: client})
    return ClaimMatch(
        issuer=issuer or VERSIONS[version].format(tenant=tenant),
        subject=principal,
        audience=audience,
        claims=claims,
    )


ENTRA: Final = Preset(
    name="entra",
    workload="a managed identity or application of Microsoft Entra ID",
    guide="entra",
    rules=entra_rules,
    questions=(
        Question(
            name="tenant_id",
            flag="--tenant-id",
            label="Tenant id",
            help="Id of the tenant.",
            required=True,
            find="az account show --query tenantId",
        ),
        Question(
            name="object_id",
            flag="--object-id",
            label="Object id",
            help="Object (principal) id of the managed identity, or of the service principal; not "
            "that of an application.",
            required=True,
            find="az identity show --name NAME --resource-group GROUP --query principalId",
        ),
        Question(
            name="audience",
            flag="--audience",
            label="Audience",
            help="Application that tokens are for: its client id, or for version 1.0 its "
            "identifier URI.",
            required=True,
            find="az ad app list --display-name NAME --query '[].appId'",
        ),
        Question(
            name="client_id",
            flag="--client-id",
            label="Client id",
            help="Client id of the managed identity or application, besides.",
        ),
        Question(
            name="version",
            flag="--token-version",
            label="Version of the tokens",
            help="Version of the tokens, which the application that they are for decides.",
            default="2.0",
            choices=tuple(VERSIONS),
        ),
        Question(
            name="issuer",
            flag="--identity-issuer",
            label="Issuer",
            help="Issuer, in a national cloud. Default: that of the tenant and version.",
        ),
    ),
)

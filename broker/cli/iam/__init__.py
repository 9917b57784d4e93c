"""`broker iam`: the management commands. One module a noun; each talks to the API over HTTP."""

from __future__ import annotations

from typing import Final

import click

from broker.cli.groups import CommandGroup

NOUNS: Final = {
    "access-requests": "broker.cli.iam.access_requests:access_requests",
    "account-associations": "broker.cli.iam.account_associations:account_associations",
    "external-group-role-mappings": "broker.cli.iam.group_role_mappings:group_role_mappings",
    "folders": "broker.cli.iam.folders:folders",
    "identities": "broker.cli.iam.identities:identities",
    "identity-providers": "broker.cli.iam.identity_providers:identity_providers",
    "invites": "broker.cli.iam.invites:invites",
    "login-policy": "broker.cli.iam.login_policy:login_policy",
    "organizations": "broker.cli.iam.organizations:organizations",
    "role-bindings": "broker.cli.iam.role_bindings:role_bindings",
    "roles": "broker.cli.iam.roles:roles",
    "whoami": "broker.cli.iam.whoami:whoami",
}

ALIASES: Final = {
    "id": "identities",
    "ids": "identities",
    "idp": "identity-providers",
    "invite": "invites",
    "orgs": "organizations",
    "role-binding": "role-bindings",
}


@click.group(cls=CommandGroup, modules=NOUNS, aliases=ALIASES)
def iam() -> None:
    """Look after organizations: their folders, identities, roles, and who holds them."""

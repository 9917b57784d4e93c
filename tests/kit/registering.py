"""Logins let in by `Registration`, and invites straight in the records."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.directory.group_invites import InviteCode
from broker.directory.installation import Installation, OrganizationCreators
from broker.directory.registration import Entered, Registration
from broker.errors import BrokerError
from broker.iam.claims import VerifiedClaims
from broker.iam.model import GroupInvite, IdentityProvider
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.kit.organizations import CAPABILITIES, ROLES, Organization

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ISSUER = "https://id.example"


async def _nothing() -> None:
    return


def registration(store: Store, *, is_open: bool = False) -> Registration:
    """Of an installation that is open to everybody, or not."""
    return Registration(
        store,
        installation=Installation(
            capabilities=CAPABILITIES,
            roles=ROLES,
            organization_creators=OrganizationCreators.PEOPLE,
            allow_http_loopback=False,
        ),
        random=secrets.token_bytes,
        is_open=is_open,
        api_url="https://broker.example",
        changed=_nothing,
    )


def login(subject: str = "ann", *, provider: str = "google", **more: Any) -> Login:
    """Somebody, whose provider vouches for an address of theirs."""
    claims = VerifiedClaims(
        issuer=ISSUER,
        subject=subject,
        audience=("broker",),
        expires_at=int(NOW.timestamp()) + 300,
        claims={},
    )
    said: dict[str, Any] = {"email": f"{subject}@acme.example", "email_verified": True} | more
    return Login(provider=provider, claims=claims, **said)


async def enter(
    store: Store, who: Login, invite: str = "", *, is_open: bool = False, asked: bool = False
) -> Entered:
    """At noon."""
    return await registration(store, is_open=is_open).enter(
        who, invite=invite, may_register=asked, request_id="r", now=NOW.timestamp()
    )


async def refused(store: Store, who: Login, code: str, invite: str = "", **how: bool) -> None:
    """Nobody is let in, and nothing is written."""
    with pytest.raises(BrokerError) as caught:
        await enter(store, who, invite, **how)
    assert caught.value.code == code
    async with store.read() as records:
        assert await records.identities.get(who.identity) is None
        assert await records.bindings.of_identity(who.identity) == []


async def invited(
    acme: Organization,
    role: str | Uidp = "viewer",
    *,
    by: Uidp | None = None,
    group: Uidp | None = None,
    days: float = 7,
    **more: Any,
) -> str:
    """The code of an invite by an owner of the organization."""
    if by is None:
        by = await acme.person(ISSUER, secrets.token_hex(8))
        await acme.bind(by, "owner", acme.id)
    builtin = ROLES.by_name(role)
    at = group or acme.id
    code = InviteCode(at, secrets.token_hex(8), secrets.token_hex(24))
    invite = GroupInvite(
        id=at.child(secrets.token_bytes),
        role=builtin.id if builtin else Uidp(role),
        expires_at=NOW + timedelta(days=days),
        key_id=code.key_id,
        secret_sha256=code.secret_sha256,
        created_at=NOW - timedelta(days=1),
        created_by=by,
        **more,
    )
    async with acme.store.write() as records:
        await records.invites.add(invite)
    return code.text()


async def provider_of(acme: Organization, **more: Any) -> IdentityProvider:
    """An identity provider of the organization."""
    provider = IdentityProvider(
        id=acme.id.child(secrets.token_bytes),
        name="SSO",
        issuer=ISSUER,
        client_id="broker",
        pkce_enabled=True,
        created_at=NOW,
        updated_at=NOW,
        **more,
    )
    async with acme.store.write() as records:
        await records.identity_providers.add(provider)
    return provider


async def held(store: Store, who: Login) -> set[tuple[Uidp, Uidp]]:
    """Groups and roles of their bindings."""
    async with store.read() as records:
        bindings = await records.bindings.of_identity(who.identity)
    return {(binding.group, binding.role) for binding in bindings}


def role(name: str) -> Uidp:
    """A built-in one."""
    found = ROLES.by_name(name)
    assert found is not None
    return found.id

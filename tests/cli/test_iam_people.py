"""`broker iam login-policy` and `broker iam access-requests`."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

from broker.iam.model import AccessRequest
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.cli.management import Caller, Organization, login
from tests.cli.processes import refused
from tests.kit.organizations import Organization as InStore

POLICY = ("iam", "login-policy")
REQUESTS = ("iam", "access-requests")
OIDC = (
    "--oidc-issuer",
    "https://idp.example",
    "--oidc-client-id",
    "broker",
    "--oidc-client-secret",
    "s",
)


def asked(acme: Organization, subject: str) -> tuple[str, str]:
    """A registered person who asks to be let in: the request and they."""

    async def add() -> tuple[str, str]:
        store = Store.open(f"sqlite:///{acme.owner.served.folder}/var/broker.sqlite3")
        try:
            place = InStore(store, Uidp(acme.id), Uidp(acme.id))
            person = await place.person(acme.owner.issuer.url, subject)
            request = AccessRequest(
                id=Uidp(acme.id).child(secrets.token_bytes),
                identity=person,
                email=f"{subject}@acme.example",
                created_at=datetime.now(UTC),
            )
            async with store.write() as records:
                await records.access_requests.add(request)
            return request.id, person
        finally:
            await store.close()

    return asyncio.run(add())


def test_a_login_policy(acme: Organization, owner: Caller) -> None:
    """Is shown, changed in what is given alone, and emptied again."""
    empty = {
        "group": acme.id,
        "requireIdentityProvider": False,
        "breakGlass": [],
        "emailDomains": [],
    }
    assert owner.json(*POLICY, "view", acme.name) == empty
    owner.ok("iam", "idp", "create", "--name", "own", *OIDC, "--parent", acme.name)
    me = Uidp.of_person(owner.issuer.url, owner.subject)
    changed = owner.json(
        *POLICY, "update", acme.name, "--require-identity-provider", "--break-glass", me
    )
    assert changed == empty | {"requireIdentityProvider": True, "breakGlass": [me]}
    changed = owner.json(*POLICY, "update", acme.name, "--no-require-identity-provider")
    assert changed == empty | {"breakGlass": [me]}
    assert owner.json(*POLICY, "update", acme.name, "--break-glass", "") == empty


def test_a_login_policy_that_is_refused(acme: Organization, owner: Caller) -> None:
    """Nobody locks themselves out, or takes a domain; and what is no UIDP is named."""
    update = (*POLICY, "update", acme.name)
    refused(owner.run(*update, "--require-identity-provider"), "login_policy_without_provider")
    refused(owner.run(*update, "--email-domain", "acme.example"), "field_reserved")
    assert owner.run(*update, "--break-glass", "ann").code == 2
    assert owner.run(*update).code == 2


def test_access_requests(acme: Organization, owner: Caller) -> None:
    """Are listed, approved with a role, or denied; those that are decided are gone."""
    (first, ann), (second, _) = asked(acme, f"ann-{acme.name}"), asked(acme, f"bob-{acme.name}")
    found = owner.json(*REQUESTS, "list", "--parent", acme.name)
    assert [each["uid"] for each in found] == [first, second]
    assert owner.json(*REQUESTS, "approve", first, "--role", "viewer")["identity"] == ann
    owner.ok(*REQUESTS, "deny", second, "--yes")
    assert owner.ids(*REQUESTS, "list", "--parent", acme.name) == []
    refused(owner.run(*REQUESTS, "deny", first, "--yes"), "access_request_not_found")
    assert login(owner.served, owner.issuer, f"ann-{acme.name}", acme.id)

"""Whether somebody may log in, by what their organization's directory says.

Users are found by `externalId`, which is the `sub` or the `oid` of their logins, and never by
their e-mail address. Whom the directory has never named may log in: provisioning comes minutes or
hours after a login is possible, and whether somebody may use the application is the provider's to
say. It is those whom it has named, and takes back, who may not.
"""

from __future__ import annotations

from broker.errors import Denied
from broker.iam.model import CorrelationRule, Identity, IdentityProvider, ScimUser
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.store import Records, Store


async def scim_decision(
    records: Records, provider: IdentityProvider, login: Login
) -> ScimUser | None:
    """The user that somebody who logs in through `provider` is; None for one it never named.

    Raises `Denied` (`person_deactivated`) for one who is inactive or deleted, if SCIM is on.
    """
    if not await _is_on(records, provider):
        return None
    external_id = _external_id(provider, login)
    user = await records.scim_users.of_external_id(provider.id, external_id)
    _expect_active([user] if user else [])
    return user


class ScimLogins:
    """Asked at every login."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, login: Login) -> None:
        """Raises `Denied` (`person_deactivated`)."""
        uidp = login.organization_provider
        if uidp is None:
            return
        async with self._store.read() as records:
            provider = await records.identity_providers.get(uidp)
            user = await scim_decision(records, provider, login) if provider else None
        if user is None or provider is None or user.identity == login.identity:
            return
        if provider.correlation_rule is CorrelationRule.OID_EQUALS_EXTERNAL_ID:
            # from now on it is known whose sessions end with the user
            async with self._store.write() as records:
                await records.scim_users.link(user, login.identity)


class ScimRefreshes:
    """Asked at every refresh."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, person: Identity, provider: str) -> None:
        """Raises `Denied` (`person_deactivated`). `provider`: as `Login.provider`."""
        if "/" not in provider:
            return
        async with self._store.read() as records:
            record = await records.identity_providers.get(Uidp(provider))
            if record is not None and await _is_on(records, record):
                _expect_active(await _users_of(records, record, person))


def person_of(provider: IdentityProvider, user: ScimUser) -> Uidp | None:
    """Who a user is when they log in; None while that is not known."""
    if provider.correlation_rule is CorrelationRule.OID_EQUALS_EXTERNAL_ID:
        return user.identity
    return Uidp.of_person(provider.issuer, user.external_id)


async def _users_of(
    records: Records, provider: IdentityProvider, person: Identity
) -> list[ScimUser]:
    if provider.correlation_rule is CorrelationRule.OID_EQUALS_EXTERNAL_ID:
        return await records.scim_users.of_identity(provider.id, person.id)
    user = await records.scim_users.of_external_id(provider.id, person.subject)
    return [user] if user else []


async def _is_on(records: Records, provider: IdentityProvider) -> bool:
    credential = await records.scim_credentials.get(provider.id)
    return credential is not None and credential.enabled


def _external_id(provider: IdentityProvider, login: Login) -> str:
    if provider.correlation_rule is CorrelationRule.OID_EQUALS_EXTERNAL_ID:
        found = login.claims.claims.get("oid")
        return found if isinstance(found, str) else ""
    return login.claims.subject


def _expect_active(users: list[ScimUser]) -> None:
    if not all(user.active for user in users):
        raise Denied(
            "person_deactivated",
            "your organization's directory has deactivated this account; ask its administrator",
        )

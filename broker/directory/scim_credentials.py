"""SCIM of an identity provider: its token, and whether it is on."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from broker.directory.work import Work
from broker.errors import Aborted, Invalid, Precondition
from broker.iam.model import CorrelationRule, IdentityProvider, ScimCredential
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import Uidp
from broker.store import Records

PREFIX: Final = "cgscim_"
DEFAULT_LIFE: Final = timedelta(days=365)
MAX_LIFE: Final = timedelta(days=731)
"""Two years, one of which may be a leap year."""
MAX_OVERLAP: Final = timedelta(hours=24)
OWNERS_NEEDED: Final = 2


class CredentialState(Enum):
    """What there is of a token. Values are the wire's."""

    NOT_ISSUED = 1
    LIVE = 2
    EXPIRED = 3
    REVOKED = 4
    ROTATING = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long a token is to be good. Neither: a year."""

    expires_at: datetime | None = None
    never_expires: bool = False

    def end(self, now: datetime) -> datetime | None:
        """None: never. Raises `Invalid`."""
        if self.expires_at is None:
            return None if self.never_expires else now + DEFAULT_LIFE
        if self.never_expires:
            raise _invalid("never_expires", "is not possible together with expire_time")
        if not now < self.expires_at <= now + MAX_LIFE:
            raise _invalid("expire_time", "expected a time to come, at most two years from now")
        return self.expires_at


@dataclass(frozen=True, slots=True)
class Issued:
    """What is kept of a token, and the token, which is not."""

    credential: ScimCredential
    token: str = field(repr=False)


def state_of(credential: ScimCredential, now: datetime) -> CredentialState:
    """At this moment."""
    if credential.revoked_at is not None:
        return CredentialState.REVOKED
    if not credential.secret_sha256:
        return CredentialState.NOT_ISSUED
    if credential.expires_at is not None and credential.expires_at <= now:
        return CredentialState.EXPIRED
    if credential.previous_expires_at is not None and now < credential.previous_expires_at:
        return CredentialState.ROTATING
    return CredentialState.LIVE


def opens(credential: ScimCredential, token: str, now: datetime) -> bool:
    """Whether it is the provider's token, or the one before while both are good. Takes as long
    for a wrong one.
    """
    digest = token_sha256(token)
    is_newest = hmac.compare_digest(credential.secret_sha256, digest)
    is_previous = hmac.compare_digest(credential.previous_sha256, digest)
    if credential.revoked_at is not None:
        return False
    newest_end, previous_end = credential.expires_at, credential.previous_expires_at
    return (is_newest and (newest_end is None or now < newest_end)) or (
        is_previous and previous_end is not None and now < previous_end
    )


def token_sha256(token: str) -> str:
    """What of a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def etag_of(credential: ScimCredential) -> str:
    """Changes with every change."""
    return str(credential.version)


class ScimCredentials:
    """The use cases of those who manage it."""

    def __init__(self, roles: BuiltinRoles) -> None:
        self._roles = roles

    async def many(self, work: Work, providers: list[Uidp]) -> dict[Uidp, ScimCredential]:
        """Of each of these providers; one where SCIM was never set up has an empty one."""
        there = await work.records.scim_credentials.many(providers)
        return {each: there.get(each) or _nothing(each, work.now) for each in providers}

    async def generate(self, work: Work, provider: Uidp, life: Life) -> Issued:
        """The first token, or one in place of one that has ended.

        Raises `NotFound`, `Invalid`, `Precondition` (`scim_token_exists`).
        """
        before = await self._credential(work, provider)
        if state_of(before, work.now) in {CredentialState.LIVE, CredentialState.ROTATING}:
            raise Precondition(
                "scim_token_exists", "the identity provider has a SCIM token; regenerate it"
            )
        token, after = _with_new_token(before, life, work)
        return Issued(await self._keep(work, before, after), token)

    async def regenerate(
        self, work: Work, provider: Uidp, life: Life, *, overlap: timedelta, etag: str
    ) -> Issued:
        """Another token. The one before is good for `overlap` more, and never longer than it
        was going to be. `etag`: empty for whatever there is.

        Raises `NotFound`, `Invalid`, `Aborted` (`etag_outdated`), `Precondition`
        (`scim_token_missing`).
        """
        before = await self._credential(work, provider)
        _expect_etag(before, etag)
        if not timedelta(0) <= overlap <= MAX_OVERLAP:
            raise _invalid("overlap", "expected at most 24 hours")
        state = state_of(before, work.now)
        if state in {CredentialState.NOT_ISSUED, CredentialState.REVOKED}:
            raise Precondition(
                "scim_token_missing", "the identity provider has no SCIM token; generate one"
            )
        token, after = _with_new_token(before, life, work)
        if overlap and state is not CredentialState.EXPIRED:
            until = work.now + overlap
            after = replace(
                after,
                previous_sha256=before.secret_sha256,
                previous_expires_at=min(until, before.expires_at or until),
            )
        return Issued(await self._keep(work, before, after), token)

    async def revoke(self, work: Work, provider: Uidp) -> ScimCredential:
        """No token is good from now on, and SCIM is off. Raises `NotFound`, `Precondition`
        (`scim_token_missing`).
        """
        before = await self._credential(work, provider)
        if not before.secret_sha256:
            raise Precondition("scim_token_missing", "the identity provider has no SCIM token")
        after = replace(_without_token(before), enabled=False, revoked_at=work.now)
        return await self._keep(work, before, replace(after, secret_sha256=before.secret_sha256))

    async def set_enabled(
        self, work: Work, provider: Uidp, *, enabled: bool, etag: str
    ) -> ScimCredential:
        """On or off. Raises `NotFound`, `Aborted` (`etag_outdated`), `Precondition`
        (`scim_owners_missing`, `scim_correlation_rule_missing`).
        """
        before = await self._credential(work, provider)
        _expect_etag(before, etag)
        if enabled:
            await self._expect_ready(work, provider)
        return await self._keep(work, before, replace(before, enabled=enabled))

    async def _credential(self, work: Work, provider: Uidp) -> ScimCredential:
        await work.identity_provider(provider, field="identity_provider_id")
        return (await self.many(work, [provider]))[provider]

    async def _keep(
        self, work: Work, before: ScimCredential, after: ScimCredential
    ) -> ScimCredential:
        is_new = before.version == 0
        after = replace(after, version=before.version + 1, updated_at=work.now)
        await work.records.scim_credentials.put(after)
        if is_new:
            work.created(after)
        else:
            work.updated(before, after)
        return after

    async def _expect_ready(self, work: Work, uidp: Uidp) -> None:
        provider = await work.records.identity_providers.get(uidp)
        if provider is not None:
            expect_correlation(provider)
        if await _owners_by_hand(work.records, uidp.root, self._roles) < OWNERS_NEEDED:
            raise Precondition(
                "scim_owners_missing",
                f"the organization needs {OWNERS_NEEDED} owners who were bound by hand, so that "
                "its directory cannot lock everybody out",
            )


def expect_correlation(provider: IdentityProvider) -> None:
    """Raises `Precondition` (`scim_correlation_rule_missing`)."""
    if provider.correlation_rule is CorrelationRule.UNSPECIFIED:
        raise Precondition(
            "scim_correlation_rule_missing",
            "oidc.correlation_rule: SCIM needs one, to know whose logins a user's are",
            field="oidc.correlation_rule",
        )


async def _owners_by_hand(records: Records, organization: Uidp, roles: BuiltinRoles) -> int:
    """How many own the organization, less those who may have become it by just logging in: a
    binding does not say where it came from, but who comes from a provider that makes owners may
    have come by that.
    """
    providers = await records.identity_providers.of_group(organization)
    making = {each.issuer for each in providers if each.default_role == roles.owner.id}
    owners = {
        each.identity for each in await records.bindings.holders(organization, roles.owner.id)
    }
    known = await records.identities.many(owners)
    return len([each for each in owners if each not in known or known[each].issuer not in making])


def _nothing(provider: Uidp, now: datetime) -> ScimCredential:
    return ScimCredential(identity_provider=provider, version=0, updated_at=now)


def _without_token(credential: ScimCredential) -> ScimCredential:
    return replace(
        credential,
        secret_sha256="",
        expires_at=None,
        previous_sha256="",
        previous_expires_at=None,
    )


def _with_new_token(
    credential: ScimCredential, life: Life, work: Work
) -> tuple[str, ScimCredential]:
    token = PREFIX + work.random(32).hex()
    return token, replace(
        _without_token(credential),
        secret_sha256=token_sha256(token),
        expires_at=life.end(work.now),
        revoked_at=None,
    )


def _expect_etag(credential: ScimCredential, etag: str) -> None:
    if etag and etag != etag_of(credential):
        raise Aborted(
            "etag_outdated", "etag: somebody has changed it since; read it again", field="etag"
        )


def _invalid(name: str, fault: str) -> Invalid:
    return Invalid("field_invalid", f"{name}: {fault}", field=name)

"""Assumable identities, and what may be asked of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.directory.installation import Installation
from broker.directory.issuer_policies import heeded
from broker.directory.linting import saved_with
from broker.directory.ownership import expect_owners_left, organizations_owned
from broker.directory.roles import Roles
from broker.directory.work import Work, group_of
from broker.errors import Invalid, NotFound, Precondition
from broker.iam.issuer_policy import policies
from broker.iam.lint import Finding
from broker.iam.listing import Page, Selection
from broker.iam.model import Identity, Person
from broker.iam.uidp import Uidp
from broker.iam.validation import check_identity_fields, check_profile, check_relationship
from broker.store.counts import Countable


class Identities:
    """The use cases."""

    def __init__(self, installation: Installation, roles: Roles) -> None:
        self._installation = installation
        self._roles = roles

    async def get(self, work: Work, uidp: Uidp) -> Identity:
        """Raises `NotFound`."""
        identity = await work.records.identities.get(uidp)
        if identity is None:
            raise _not_found()
        return identity

    async def page(self, work: Work, selection: Selection) -> Page[Identity]:
        """What of a selection there is."""
        return await work.records.identities.page(selection)

    async def lookup(self, work: Work, issuer: str, subject: str) -> Identity:
        """The identity whose rules name exactly these, where the caller may list it; else the
        registered person. Raises `NotFound`.
        """
        for identity in await self._known_by(work, issuer, subject):
            if identity.is_person or work.caller.may("identity.list", identity.id):
                return identity
        raise _not_found()

    async def uidp_of(self, work: Work, issuer: str, subject: str) -> Uidp:
        """As `lookup`; for who is not registered, the UIDP that they will have."""
        for identity in await self._known_by(work, issuer, subject):
            if not identity.is_person and work.caller.may("identity.list", identity.id):
                return identity.id
        return Uidp.of_person(issuer, subject)

    async def _known_by(self, work: Work, issuer: str, subject: str) -> list[Identity]:
        for field, value in (("issuer", issuer), ("subject", subject)):
            if not value:
                raise Invalid("field_invalid", f"{field}: is required", field=field)
        found = await work.records.identities.by_issuer_subject(issuer, subject)
        return sorted(found, key=lambda identity: identity.is_person)

    async def create(self, work: Work, identity: Identity) -> Identity:
        """Raises `Invalid` (`lint_refused` too), `NotFound` for the group, `Exhausted`, `Denied`
        (`issuer_not_allowed`).
        """
        group = group_of(identity.id, field="parent_id")
        await work.group(group, field="parent_id")
        self._check(identity)
        await work.expect_room(group.root, Countable.IDENTITIES)
        findings = saved_with(identity, self._installation.lint, work.now)
        findings += await self._heeded(work, identity)
        await work.records.identities.add(identity)
        work.created(identity, findings)
        return identity

    async def update(self, work: Work, before: Identity, after: Identity) -> Identity:
        """Raises `Invalid` (`lint_refused` too), `Denied` (`grant_exceeds_own`,
        `issuer_not_allowed`).
        """
        after = replace(after, updated_at=work.now)
        self._check(after, before=before)
        findings: tuple[Finding, ...] = ()
        if before.relationship != after.relationship:
            await self._expect_grantable(work, after.id)
            owned = await work.records.bindings.of_identity(after.id)
            is_owner = any(each.role == self._installation.roles.owner.id for each in owned)
            findings = saved_with(after, self._installation.lint, work.now, is_owner=is_owner)
            findings += await self._heeded(work, after)
        await work.records.identities.update(after)
        work.updated(before, after, findings)
        return after

    async def delete(self, work: Work, uidp: Uidp) -> Identity:
        """With its bindings anywhere. Raises `NotFound`, `Precondition` (`last_owner`)."""
        identity = await self.get(work, uidp)
        roles = self._installation.roles
        owned = organizations_owned(await work.records.bindings.of_identity(uidp), roles)
        await work.records.identities.delete(uidp)
        await expect_owners_left(work.records, owned, roles)
        work.deleted(identity)
        return identity

    async def delete_account(self, work: Work, uidp: Uidp) -> Identity:
        """A person removes themself. Raises `Invalid` for anybody else, `Precondition`
        (`last_owner`).
        """
        if uidp != work.caller.identity:
            raise Invalid(
                "field_invalid", "id: expected your own UIDP; nobody deletes others", field="id"
            )
        if not work.caller.is_person:
            raise Precondition(
                "not_a_person",
                "id: only people delete their accounts; delete an assumable identity as such",
                field="id",
            )
        return await self.delete(work, uidp)

    async def describe_self(self, work: Work, details: Mapping[str, str | bool]) -> Identity:
        """What a person says of themself, to be kept whole. Raises `Invalid`, `Precondition`."""
        before = await self.get(work, work.caller.identity)
        if not before.is_person:
            raise Precondition("not_a_person", "only people have such a profile", field="uid")
        after = replace(
            before, profile=replace(before.profile, details=details), updated_at=work.now
        )
        check_profile(after.profile)
        await work.records.identities.update(after)
        work.updated(before, after)
        return after

    async def _expect_grantable(self, work: Work, uidp: Uidp) -> None:
        """Who says who can become an identity gives away all that it holds in its organization.
        Other organizations that bind it have trusted this one to say so.
        """
        bindings = await work.records.bindings.of_identity(uidp)
        roles = await self._roles.many(work, {binding.role for binding in bindings})
        for binding in bindings:
            role = roles.get(binding.role)
            if role is not None and uidp.root.covers(binding.group):
                work.caller.expect_grantable(role, binding.group, field="identity")

    async def _heeded(self, work: Work, identity: Identity) -> tuple[Finding, ...]:
        organization = await work.group(identity.id.root, field="parent_id")
        asked = policies(self._installation.issuer_policy, organization.issuer_policy)
        return heeded(identity, asked)

    def _check(self, identity: Identity, *, before: Identity | None = None) -> None:
        check_identity_fields(identity)
        if before is not None and before.relationship == identity.relationship:
            return  # it was sound when it was put there; static keys may have expired since
        if isinstance(identity.relationship, Person):
            raise Invalid(
                "field_invalid",
                "relationship: expected claim_match, static keys, aws_identity or "
                "service_principal; people register by themselves",
                field="relationship",
            )
        check_relationship(
            identity.relationship,
            since=identity.created_at,
            allow_http_loopback=self._installation.allow_http_loopback,
        )


def _not_found() -> NotFound:
    return NotFound("identity_not_found", "id: the identity does not exist", field="id")

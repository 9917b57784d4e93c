"""Login policies: what organizations ask of the people who hold roles in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from broker.directory.installation import Installation
from broker.directory.work import Work
from broker.errors import Denied, Precondition, field_invalid
from broker.iam.model import IdentityProvider, LoginPolicy
from broker.iam.uidp import Uidp
from broker.iam.validation import is_domain

MAX_BREAK_GLASS: Final = 20
MAX_EMAIL_DOMAINS: Final = 100


class LoginPolicies:
    """The use cases."""

    def __init__(self, installation: Installation) -> None:
        self._roles = installation.roles

    async def get(self, work: Work, group: Uidp) -> LoginPolicy:
        """Raises `Invalid` for a folder, `NotFound` (`group_not_found`)."""
        if not group.is_root:
            raise field_invalid("group", "expected an organization; folders have no login policy")
        await work.group(group, field="group")
        return await work.records.login_policies.get(group)

    async def update(self, work: Work, before: LoginPolicy, after: LoginPolicy) -> LoginPolicy:
        """Raises `Invalid`, `Denied` (`field_reserved`), `Conflict` (`email_domain_taken`), and
        `Precondition` (`login_policy_without_provider`, `login_policy_locks_out`).
        """
        after = replace(
            after,
            break_glass=tuple(sorted(set(after.break_glass))),
            email_domains=tuple(sorted(set(after.email_domains))),
        )
        _check_domains(work, before, after)
        await _check_break_glass(work, before, after)
        if after.require_identity_provider:
            await self._expect_a_way_in(work, after)
        await work.records.login_policies.put(after, work.now)
        work.updated(before, after)
        return after

    async def _expect_a_way_in(self, work: Work, policy: LoginPolicy) -> None:
        """Nobody locks themselves out: not by turning it on, and not by taking away the people
        whom it does not bind.
        """
        providers = await work.records.identity_providers.of_group(policy.group)
        if not providers:
            raise Precondition(
                "login_policy_without_provider",
                "require_identity_provider: the organization has no identity provider; create one "
                "first",
                field="require_identity_provider",
            )
        if _came_through(work, providers) or await self._has_exempt_owner(work, policy):
            return
        raise Precondition(
            "login_policy_locks_out",
            "require_identity_provider: nobody is known to come in; log in through the "
            "organization's identity provider and try again, or name an owner in break_glass",
            field="require_identity_provider",
        )

    async def _has_exempt_owner(self, work: Work, policy: LoginPolicy) -> bool:
        owners = await work.records.bindings.holders(policy.group, self._roles.owner.id)
        return any(binding.identity in policy.break_glass for binding in owners)


def _came_through(work: Work, providers: list[IdentityProvider]) -> bool:
    return work.caller.token.provider in {provider.id for provider in providers}


def _check_domains(work: Work, before: LoginPolicy, after: LoginPolicy) -> None:
    if before.email_domains == after.email_domains:
        return
    if not work.caller.is_operator:
        raise Denied(
            "field_reserved",
            "email_domains: set by the operator of the installation",
            field="email_domains",
        )
    if len(after.email_domains) > MAX_EMAIL_DOMAINS:
        raise field_invalid("email_domains", f"more than {MAX_EMAIL_DOMAINS}")
    for domain in after.email_domains:
        if not is_domain(domain) or domain != domain.lower():
            raise field_invalid("email_domains", f"{domain[:100]!r} is no domain in lower case")


async def _check_break_glass(work: Work, before: LoginPolicy, after: LoginPolicy) -> None:
    """Who is in it already may have left meanwhile; nobody has to tidy up to change the rest."""
    if len(after.break_glass) > MAX_BREAK_GLASS:
        raise field_invalid("break_glass", f"more than {MAX_BREAK_GLASS}")
    added = set(after.break_glass) - set(before.break_glass)
    known = await work.records.identities.many(added)
    for uidp in sorted(added):
        if uidp not in known or not known[uidp].is_person:
            raise field_invalid("break_glass", f"{uidp} is no registered person")

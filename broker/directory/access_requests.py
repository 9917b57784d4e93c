"""Access requests: people with an organization's e-mail address ask to be let in."""

from __future__ import annotations

from typing import Final

from broker.directory.description import changed_fields
from broker.directory.recording import described
from broker.directory.role_bindings import RoleBindings
from broker.directory.work import Changed, Work
from broker.errors import Conflict, Exhausted, NotFound, field_invalid
from broker.iam.model import AccessRequest, Group, OrganizationStatus, RoleBinding
from broker.iam.uidp import Uidp
from broker.iam.validation import is_domain

MAX_LISTED: Final = 500
MAX_OF_PERSON: Final = 10
"""That nobody has decided."""


class AccessRequests:
    """The use cases."""

    def __init__(self, bindings: RoleBindings) -> None:
        self._bindings = bindings

    async def organization_of(self, work: Work) -> Group | None:
        """The organization that has the domain of the caller's e-mail address: as one of its e-mail
        domains, or verified, as its name. None for an address that nobody who speaks for the
        domain has verified.
        """
        caller = work.caller
        domain = caller.verified_email.rpartition("@")[2].lower()
        if not caller.is_person or not is_domain(domain):
            return None
        records = work.records
        owner = await records.email_domains.group_of(domain)
        group = await (records.groups.get(owner) if owner else records.groups.by_name(None, domain))
        if group is None or not (owner or group.verified):
            return None
        if group.status is OrganizationStatus.SUSPENDED:
            return None
        return group if _vouches(caller.token.provider, group) else None

    async def ask(self, work: Work, group: Uidp) -> AccessRequest | None:
        """What the caller has asked of the organization; asked again, it is what it was. None for
        who holds a role there already.

        Raises `NotFound` (`group_not_found`) for another organization than the caller's,
        `Exhausted` (`access_requests_exhausted`).
        """
        organization = await self.organization_of(work)
        if organization is None or organization.id != group:
            raise NotFound(
                "group_not_found",
                "group: expected the organization that looking up finds for you",
                field="group",
            )
        records, person = work.records, work.caller.identity
        held = await records.bindings.of_identity(person)
        if any(group.covers(binding.group) for binding in held):
            return None
        if (asked := await records.access_requests.of_identity(person, group)) is not None:
            return asked
        if await records.access_requests.count(identity=person) >= MAX_OF_PERSON:
            raise Exhausted(
                "access_requests_exhausted",
                f"you have {MAX_OF_PERSON} access requests that nobody has decided yet",
            )
        request = AccessRequest(
            id=group.child(work.random),
            identity=person,
            email=work.caller.verified_email,
            created_at=work.now,
        )
        await records.access_requests.add(request)
        work.created(request)
        return request

    async def of_group(self, work: Work, group: Uidp) -> list[AccessRequest]:
        """Those to an organization, the oldest first, at most `MAX_LISTED`. Raises `Invalid` for a
        folder, `NotFound`.
        """
        if not group.is_root:
            raise field_invalid("group", "expected an organization; nobody asks a folder")
        await work.group(group, field="group")
        return await work.records.access_requests.of_group(group, limit=MAX_LISTED)

    async def approve(self, work: Work, uidp: Uidp, role: Uidp) -> AccessRequest:
        """Binds the role at the organization. Raises as `RoleBindings.create`, and `NotFound`
        (`access_request_not_found`).
        """
        request = await self._decide(work, uidp, "approved")
        binding = RoleBinding(
            id=request.group.child(work.random),
            identity=request.identity,
            role=role,
            created_at=work.now,
        )
        held = await work.records.bindings.of_identity(request.identity)
        if any((each.group, each.role) == (request.group, role) for each in held):
            raise Conflict(
                "binding_exists",
                "role: the person has it already; deny the request, which takes nothing away",
                field="role",
            )
        await self._bindings.create(work, [binding])
        return request

    async def deny(self, work: Work, uidp: Uidp) -> AccessRequest:
        """Raises `NotFound` (`access_request_not_found`)."""
        return await self._decide(work, uidp, "denied")

    async def _decide(self, work: Work, uidp: Uidp, verb: str) -> AccessRequest:
        request = await work.records.access_requests.get(uidp)
        if request is None:
            raise NotFound(
                "access_request_not_found", "uid: the access request does not exist", field="uid"
            )
        await work.records.access_requests.delete(uidp)
        said = changed_fields(described(request), {})
        work.changes.append(Changed(request, verb, said))
        return request


def _vouches(provider: str, group: Group) -> bool:
    """Whether the provider of a login may say whose addresses these are. An organization's own
    speaks for that organization alone, or its owner could make up addresses of others.
    """
    return bool(provider) and ("/" not in provider or Uidp(provider).parent == group.id)

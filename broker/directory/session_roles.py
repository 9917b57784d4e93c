"""Session roles: what membership in groups at an organization's identity provider gives.

They hold for the length of a login and are never stored as bindings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from broker.audit.identifiers import record_id
from broker.audit.record import AuditRecord, Outcome
from broker.iam.model import GroupRoleMapping
from broker.iam.people import Login
from broker.iam.roles import BuiltinRoles
from broker.iam.uidp import RandomBytes, Uidp
from broker.store import Records, Store

MAX_MAPPINGS: Final = 32
"""Of a login, since each of its tokens names them. What is beyond is left out, and written down."""

_EVENT: Final = "dev.chainguard.api.auth.session_roles.resolved.v1"
_SOURCE: Final = "/auth/v1/session_roles"


class SessionRoles:
    """Resolves groups to roles. `api_url` is the source of events."""

    def __init__(
        self, store: Store, *, roles: BuiltinRoles, random: RandomBytes, api_url: str
    ) -> None:
        self._store = store
        self._roles = roles
        self._random = random
        self._api_url = api_url

    async def of(self, login: Login, *, request_id: str, now: float) -> tuple[Uidp, ...]:
        """UIDPs of the group role mappings that hold for the login's groups at its provider.

        None where the provider left the groups out since they are too many. Where there are any,
        or would be, an audit record names them, the provider and the groups.
        """
        provider = login.organization_provider
        if provider is None or not (login.groups or login.groups_overage):
            return ()
        async with self._store.read() as records:
            mappings = await records.group_role_mappings.of_provider(provider)
            groups = frozenset(login.groups)
            holding = [each for each in mappings if each.external_group in groups]
            held, left_out = holding[:MAX_MAPPINGS], holding[MAX_MAPPINGS:]
            roles = await self._names(records, held)
        if not held and not (login.groups_overage and mappings):
            return ()
        said = {
            "provider": provider,
            "groups": sorted({each.external_group for each in held}),
            "roles": [
                {"mapping": each.id, "role": roles.get(each.role, ""), "group": each.scope}
                for each in held
            ],
        }
        detail: dict[str, Any] = {
            **said,
            **({"left_out": [each.id for each in left_out]} if left_out else {}),
            **({"groups_overage": True} if login.groups_overage else {}),
        }
        at = datetime.fromtimestamp(now, UTC)
        if held:
            detail["event"] = self._event(login, provider, at, said)
        await self._store.append_audit([self._record(login, provider, at, request_id, detail)])
        return tuple(each.id for each in held)

    async def _names(
        self, records: Records, held: Sequence[GroupRoleMapping]
    ) -> Mapping[Uidp, str]:
        custom = await records.roles.many({each.role for each in held})
        found = {each.role: custom.get(each.role) or self._roles.by_id(each.role) for each in held}
        return {uidp: role.name for uidp, role in found.items() if role is not None}

    def _record(
        self, login: Login, provider: Uidp, at: datetime, request_id: str, detail: Mapping[str, Any]
    ) -> AuditRecord:
        return AuditRecord(
            id=record_id(at, self._random),
            at=at,
            action="session_roles.resolved",
            outcome=Outcome.OK,
            actor=f"{login.claims.issuer} {login.claims.subject}",
            subject=login.identity,
            group=provider.parent,
            request_id=request_id,
            detail=json.dumps(detail, ensure_ascii=False),
        )

    def _event(
        self, login: Login, provider: Uidp, at: datetime, said: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """CloudEvents 1.0 §3; the body is no message of the contract, which names none."""
        claims = login.claims
        return {
            "type": _EVENT,
            "source": self._api_url + _SOURCE,
            "subject": login.identity,
            "time": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "group": str(provider.parent),
            "identityprovider": provider,
            "audience": "customer",
            "bodytype": "google.protobuf.Struct",
            "data": {
                "actor": {
                    "subject": login.identity,
                    "act": {"iss": claims.issuer, "sub": claims.subject},
                },
                "body": said,
            },
        }

"""The built-in roles. They are part of the program, not records: nobody can change them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from broker.iam.capabilities import CapabilityTable
from broker.iam.model import Role
from broker.iam.uidp import Uidp

OWNER: Final = "owner"
"""Holds everything that can be granted, the operator's own capabilities too."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BuiltinRoles:
    """The built-in roles of an installation, by name and by UIDP."""

    def __init__(self, capabilities: CapabilityTable) -> None:
        data = json.loads(files("broker.iam").joinpath("data/builtin_roles.json").read_text())
        self._by_name = {
            name: Role(
                id=Uidp.derived("builtin-role", name),
                name=name,
                capabilities=frozenset(held)
                | (capabilities.custom if name == OWNER else frozenset()),
                created_at=_EPOCH,
                updated_at=_EPOCH,
                description=f"Built-in role {name}",
            )
            for name, held in data.items()
        }
        self._by_id = {role.id: role for role in self._by_name.values()}

    def __iter__(self) -> Iterator[Role]:
        return iter(self._by_name.values())

    @property
    def owner(self) -> Role:
        """The role of who rules an organization."""
        return self._by_name[OWNER]

    def by_name(self, name: str) -> Role | None:
        """The role of that name."""
        return self._by_name.get(name)

    def by_id(self, uidp: str) -> Role | None:
        """The role of that UIDP."""
        return self._by_id.get(Uidp(uidp))

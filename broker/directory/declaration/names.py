"""The records of one organization by name: those that exist, and those that a plan makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from broker.directory.declaration.existing import Tree
from broker.iam.model import Group, Identity, Role
from broker.iam.uidp import Uidp


class Names:
    """Folders, roles and identities by (group, name), and the path of names of each record."""

    def __init__(self, tree: Tree | None) -> None:
        self._paths: dict[Uidp, str] = {}
        self._folders: dict[tuple[Uidp, str], list[Group]] = defaultdict(list)
        self._roles: dict[tuple[Uidp, str], list[Role]] = defaultdict(list)
        self._identities: dict[tuple[Uidp, str], list[Identity]] = defaultdict(list)
        self.identity_ids: dict[Uidp, Identity] = {}
        self.role_ids: dict[Uidp, Role] = {}
        if tree is not None:
            # A UIDP sorts after that of its parent, whose path its own path needs.
            for group in sorted((tree.organization, *tree.folders), key=lambda each: each.id):
                self.add(group)
            for role in tree.roles:
                self.add(role)
            for identity in tree.identities:
                self.add(identity)

    def add(self, record: Group | Role | Identity) -> None:
        """Take in a record; those of its group's above it must be in already."""
        group = record.id.parent
        self._paths[record.id] = f"{self._paths[group]}/{record.name}" if group else record.name
        if isinstance(record, Group):
            if group is not None:
                self._folders[group, record.name].append(record)
            return
        assert group is not None, "roles and assumable identities lie below a group"
        if isinstance(record, Role):
            self._roles[group, record.name].append(record)
            self.role_ids[record.id] = record
        else:
            self._identities[group, record.name].append(record)
            self.identity_ids[record.id] = record

    def path(self, record: Uidp) -> str:
        """Names from the organization down; the UIDP itself of what is not here."""
        return self._paths.get(record, record)

    def folders(self, group: Uidp, name: str) -> Sequence[Group]:
        """Its folders of that name."""
        return self._folders.get((group, name), ())

    def roles(self, group: Uidp, name: str) -> Sequence[Role]:
        """Its custom roles of that name."""
        return self._roles.get((group, name), ())

    def identities(self, group: Uidp, name: str) -> Sequence[Identity]:
        """Its assumable identities of that name."""
        return self._identities.get((group, name), ())

    def visible_roles(self, group: Uidp, name: str) -> Sequence[Role]:
        """The custom roles of that name at the nearest group that has one, going upwards."""
        for at in group.lineage():
            if found := self.roles(at, name):
                return found
        return ()

    def role_names(self, group: Uidp) -> set[str]:
        """Names of every custom role that can be bound there."""
        lineage = set(group.lineage())
        return {name for at, name in self._roles if at in lineage}

    def identity_names(self, group: Uidp) -> set[str]:
        """Names of the group's own assumable identities."""
        return {name for at, name in self._identities if at == group}

    def identities_on_path(self, organization: Uidp, path: str) -> Sequence[Identity]:
        """Those that a path of names from the organization down leads to: `platform/ci`.

        Folder names have no `/`; an identity's may, so what is left when no folder fits is taken
        for its name.
        """
        at, rest = organization, path.removeprefix("/")
        visited = [(at, rest)]
        while "/" in rest:
            name, _, rest = rest.partition("/")
            folders = self.folders(at, name)
            if len(folders) != 1:
                break
            at = folders[0].id
            visited.append((at, rest))
        for group, name in reversed(visited):
            if found := self.identities(group, name):
                return found
        return ()

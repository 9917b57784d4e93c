"""Names where UIDPs are meant: `acme/shop` for a folder, `acme/shop/deploy` for what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from broker.cli.options import printable
from broker.errors import Invalid, NotFound
from broker.iam.uidp import Uidp
from broker.sdk.api import GROUPS, IDENTITIES, ROLES, ApiClient, Collection, Record

MAX_CANDIDATES: Final = 20
"""How many of the records that have one name are told."""

IDS_A_CALL: Final = 100
"""UIDPs in one query: they have up to 1,024 characters, and a request line 32 KiB."""


class Names:
    """Looks names up among what the caller may list, in one or two calls.

    Raises `NotFound` (`name_not_found`), and `Invalid` (`name_ambiguous`) with the candidates
    when several records have the name.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def group(self, text: str, *, flag: str) -> Uidp:
        """A UIDP, a path of names from an organization on, or the end of one."""
        if (uidp := _uidp(text)) is not None:
            return uidp
        return Uidp((await self._found(GROUPS, text, flag=flag))["uid"])

    async def record(
        self, collection: Collection, text: str, *, flag: str, parent: Uidp | None = None
    ) -> Record:
        """The whole record: by UIDP, by its name in `parent`, or by names with slashes between,
        the last of which is its own and those before are its groups'.
        """
        if (uidp := _uidp(text)) is not None:
            return await self._api.get(collection, uidp)
        return await self._found(collection, text, flag=flag, parent=parent)

    async def uidp(
        self, collection: Collection, text: str, *, flag: str, parent: Uidp | None = None
    ) -> Uidp:
        """The same where only the UIDP is needed: no call for text that is one."""
        if (uidp := _uidp(text)) is not None:
            return uidp
        return Uidp((await self._found(collection, text, flag=flag, parent=parent))["uid"])

    async def role(self, text: str, *, at: Uidp, flag: str) -> Uidp:
        """A role that can be given at a group: built in, or of the group or of one above."""
        if (uidp := _uidp(text)) is not None:
            return uidp
        named = await self._api.records(ROLES, {"name": text})
        found = [role for role in named if can_be_given(role, at)]
        return Uidp((await self._only(ROLES, found, text, flag=flag))["uid"])

    async def identity(self, text: str, *, at: Uidp, flag: str) -> Uidp:
        """An identity, those of a group before those of others."""
        if (uidp := _uidp(text)) is not None:
            return uidp
        if "/" in text:
            return Uidp((await self._found(IDENTITIES, text, flag=flag))["uid"])
        named = await self._api.records(IDENTITIES, {"name": text})
        near = [one for one in named if Uidp(one["uid"]).parent == at]
        return Uidp((await self._only(IDENTITIES, near or named, text, flag=flag))["uid"])

    async def paths(self, uids: Iterable[str]) -> dict[str, str]:
        """UIDP → names of the groups on its path that the caller may list, joined by slashes."""
        uidps = [Uidp(uid) for uid in uids]
        wanted = {each for uidp in uidps for each in uidp.lineage()}
        groups = await self._names_of(wanted)
        return {uidp: "/".join(_path(uidp, groups)) for uidp in uidps}

    async def _found(
        self, collection: Collection, text: str, *, flag: str, parent: Uidp | None = None
    ) -> Record:
        if parent is not None:
            filters = {"name": text, "uidp.childrenOf": str(parent)}
            named = await self._api.records(collection, filters)
            return await self._only(collection, named, text, flag=flag)
        *above, name = text.split("/")
        named = await self._api.records(collection, {"name": name}) if name else []
        if above and named:
            named = await self._below(named, above)
        if collection is GROUPS:
            # an organization's name is a whole path; a folder's may be the end of one
            whole = [group for group in named if len(_groups_above(group)) == len(above)]
            named = whole or named
        return await self._only(collection, named, text, flag=flag)

    async def _below(self, records: Sequence[Record], above: Sequence[str]) -> list[Record]:
        wanted = {each for record in records for each in _groups_above(record)}
        groups = await self._names_of(wanted)
        return [
            record
            for record in records
            if [groups.get(each) for each in _groups_above(record)][-len(above) :] == list(above)
        ]

    async def _names_of(self, uidps: Iterable[Uidp]) -> dict[str, str]:
        ids = sorted(uidps)
        names: dict[str, str] = {}
        for start in range(0, len(ids), IDS_A_CALL):
            part = ids[start : start + IDS_A_CALL]
            groups = await self._api.records(GROUPS, {"uidp.ids": part})
            names |= {group["uid"]: group["name"] for group in groups}
        return names

    async def _only(
        self, collection: Collection, found: Sequence[Record], text: str, *, flag: str
    ) -> Record:
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound(
                "name_not_found",
                f"{flag}: no {collection.noun} named {text!r} among those that you may list",
                field=flag,
            )
        paths = await self.paths(record["uid"] for record in found[:MAX_CANDIDATES])
        candidates = "".join(
            f"\n  {uid}  {printable(path)}".rstrip() for uid, path in sorted(paths.items())
        )
        raise Invalid(
            "name_ambiguous",
            f"{flag}: {text!r} names several, give the UIDP of one:{candidates}",
            field=flag,
        )


def can_be_given(role: Record, at: Uidp) -> bool:
    """Whether a role is built in, or of a group at or above `at`."""
    parent = Uidp(role["uid"]).parent
    return parent is None or parent.covers(at)


def group_paths(groups: Sequence[Record]) -> dict[str, str]:
    """UIDP → path of names, as far as the groups above are among them."""
    names = {group["uid"]: group["name"] for group in groups}
    return {uid: "/".join(_path(Uidp(uid), names)) for uid in names}


def _path(uidp: Uidp, names: Mapping[str, str]) -> list[str]:
    return [names[each] for each in reversed(list(uidp.lineage())) if each in names]


def _groups_above(record: Record) -> list[Uidp]:
    """UIDPs of the groups above a record, the organization first."""
    return list(reversed(list(Uidp(record["uid"]).lineage())))[:-1]


def _uidp(text: str) -> Uidp | None:
    try:
        return Uidp.parse(text)
    except Invalid:
        return None

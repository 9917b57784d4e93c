"""The nouns of the API in the words of each version, so that one story can be told in any.

What is told and read is in the words of version 2, as JSON in snake case when it is told and as
it comes when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from broker.contract.options import capability_names
from broker.contract.proto.capabilities.capabilities_pb2 import Capability
from tests.kit.api import Caller, Json

NAMES: Final = capability_names(Capability.DESCRIPTOR)
ENUM: Final = {NAMES[value.number]: value.name for value in Capability.DESCRIPTOR.values
               if value.number in NAMES}  # fmt: skip
"""Name of a capability → of its value in the enum."""


class Version(Protocol):
    """One way to say it."""

    async def make(self, caller: Caller, noun: str, parent: str, record: Json) -> str:
        """A new record; its UIDP."""
        ...

    async def read(self, caller: Caller, noun: str, uid: str) -> Json:
        """It."""
        ...

    async def change(self, caller: Caller, noun: str, uid: str, record: Json) -> None:
        """All that can be set."""
        ...

    async def remove(self, caller: Caller, noun: str, uid: str) -> None:
        """It is gone."""
        ...


@dataclass(frozen=True)
class _Noun:
    old: str
    """The service of version 1."""
    parent: str
    """Where its creation says the parent in version 1."""
    member: str
    """Where it says the record; empty: beside the parent."""
    service: str
    """The service of version 2, without `Service`."""
    name: str
    """Of the record in version 2's methods."""
    changes: bool = True


_NOUNS: Final = {
    "group": _Noun("Groups", "parent", "group", "Groups", "Group"),
    "role": _Noun("Roles", "parent_id", "role", "Roles", "Role"),
    "identity": _Noun("Identities", "parent_id", "identity", "Identities", "Identity"),
    "binding": _Noun("RoleBindings", "parent", "role_binding", "RoleBindings", "RoleBinding"),
    "invite": _Noun("GroupInvites", "group", "", "GroupInvites", "GroupInvite", changes=False),
    "provider": _Noun(
        "IdentityProviders",
        "parent_id",
        "identity_provider",
        "IdentityProviders",
        "IdentityProvider",
    ),
    "mapping": _Noun(
        "ExternalGroupRoleMappings",
        "parent_id",
        "mapping",
        "ExternalGroupRoleMappings",
        "ExternalGroupRoleMapping",
        changes=False,
    ),
    "association": _Noun(
        "GroupAccountAssociations", "group", "", "AccountAssociations", "AccountAssociation"
    ),
    "subscription": _Noun(
        "Subscriptions", "parent_id", "subscription", "Subscriptions", "Subscription", changes=False
    ),
}

CHANGING: Final = tuple(noun for noun, words in _NOUNS.items() if words.changes)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


@dataclass(frozen=True)
class New:
    """Version 2, or its beta."""

    name: str

    def _method(self, noun: str, verb: str) -> str:
        words = _NOUNS[noun]
        return f"{self.name}.{words.service}Service/{verb}{words.name}"

    async def make(self, caller: Caller, noun: str, parent: str, record: Json) -> str:
        field = _snake(_NOUNS[noun].name)
        request = {"parent": parent, field: record}
        return str((await caller(self._method(noun, "Create"), **request))["uid"])

    async def read(self, caller: Caller, noun: str, uid: str) -> Json:
        return await caller(self._method(noun, "Get"), uid=uid)

    async def change(self, caller: Caller, noun: str, uid: str, record: Json) -> None:
        field = _snake(_NOUNS[noun].name)
        mask = ",".join(_camel(name) for name in record)
        request: Json = {field: {"uid": uid, **record}, "update_mask": mask}
        await caller(self._method(noun, "Update"), **request)

    async def remove(self, caller: Caller, noun: str, uid: str) -> None:
        await caller(self._method(noun, "Delete"), uid=uid)


class Old:
    """Version 1."""

    name = "v1"

    async def make(self, caller: Caller, noun: str, parent: str, record: Json) -> str:
        words = _NOUNS[noun]
        said = _in_old_words(noun, record)
        request = {words.parent: parent} | ({words.member: said} if words.member else said)
        made = await caller(f"{words.old}/Create", **request)
        return str(made["group"] if noun == "association" else made["id"])

    async def read(self, caller: Caller, noun: str, uid: str) -> Json:
        words = _NOUNS[noun]
        if noun == "mapping":
            return _in_new_words(noun, await caller(f"{words.old}/Get", uid=uid))
        where = {"group" if noun == "association" else "id": uid}
        (found,) = (await caller(f"{words.old}/List", **where))["items"]
        return _in_new_words(noun, found)

    async def change(self, caller: Caller, noun: str, uid: str, record: Json) -> None:
        key = "group" if noun == "association" else "id"
        said = _in_old_words(noun, record)
        await caller(f"{_NOUNS[noun].old}/Update", **{key: uid, **said})

    async def remove(self, caller: Caller, noun: str, uid: str) -> None:
        key = "group" if noun == "association" else "id"
        await caller(f"{_NOUNS[noun].old}/Delete", **{key: uid})


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.title, rest))


_OLD_WORDS: Final = {
    "identity_provider_uid": "identity_provider_uidp",
    "role_uid": "role_uidp",
}


def _in_old_words(noun: str, record: Json) -> Json:
    said = dict(record)
    match noun:
        case "binding":
            return {"identity": said["identity_uid"], "role": said["role_uid"]}
        case "invite":
            return {"role": said.pop("role_uid"), **said}
        case "mapping":
            return {_OLD_WORDS.get(name, name): value for name, value in said.items()}
        case "role":
            by_enum = {value: name for name, value in ENUM.items()}
            return said | {"capabilities": [by_enum[name] for name in said["capabilities"]]}
        case "identity" if "static_keys" in said:
            keys = dict(said.pop("static_keys"))
            return said | {"static": {"expiration": keys.pop("expiration_time"), **keys}}
        case "identity" if "service_principal" in said:
            name = said["service_principal"].removeprefix("SERVICE_PRINCIPAL_")
            return said | {"service_principal": name}
        case _:
            return said


_NEW_WORDS: Final = {
    "id": "uid",
    "createdAt": "createTime",
    "updatedAt": "updateTime",
    "expiration": "expirationTime",
    "identityProviderUidp": "identityProviderUid",
    "roleUidp": "roleUid",
}


def _in_new_words(noun: str, found: Json) -> Json:
    read: dict[str, Any] = {_NEW_WORDS.get(name, name): value for name, value in found.items()}
    match noun:
        case "binding":
            return {
                "uid": read["uid"],
                "identityUid": read["identity"],
                "roleUid": read["role"]["id"],
                "createTime": read["createTime"],
            }
        case "invite":
            role = read.pop("role")
            return read | {"roleUid": role["id"]}
        case "association":
            return {"uid": read.pop("group"), **read}
        case "role":
            return read | {"capabilities": [ENUM[name] for name in read["capabilities"]]}
        case "identity" if "static" in read:
            keys = dict(read.pop("static"))
            return read | {"staticKeys": {"expirationTime": keys.pop("expiration"), **keys}}
        case "identity" if "servicePrincipal" in read:
            return read | {"servicePrincipal": f"SERVICE_PRINCIPAL_{read['servicePrincipal']}"}
        case _:
            return read


VERSIONS: Final[dict[str, Version]] = {"v1": Old(), "v2": New("v2"), "v2beta1": New("v2beta1")}

"""Paths of a patch (RFC 7644 §3.5.2): `userName`, `name.givenName`, `emails[type eq "work"].value`.

An attribute of the enterprise extension has its URN and a colon before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from broker.iam.scim.filters import Filter, parse_filter
from broker.iam.scim.refusals import path_invalid, read_only
from broker.iam.scim.schema import (
    BY_NAME,
    ENTERPRISE_BY_NAME,
    ENTERPRISE_URN,
    NOT_KEPT,
    READ_ONLY,
    USER_URN,
    Attribute,
)

MAX_LENGTH: Final = 1024
"""Characters."""

_PATH: Final = re.compile(
    r"(?P<name>[A-Za-z$][A-Za-z0-9$_-]*)(?:\[(?P<filter>[^\x00-\x1f]*)\])?"
    r"(?:\.(?P<member>[A-Za-z$][A-Za-z0-9$_-]*))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What an operation is about."""

    attribute: Attribute
    is_enterprise: bool = False
    filter: Filter | None = None
    """Which values of a multi-valued attribute."""
    member: Attribute | None = None
    """The sub-attribute."""

    @property
    def name(self) -> str:
        """To name it in an error."""
        member = f".{self.member.name}" if self.member else ""
        return f"{self.attribute.name}{member}"


def parse_path(text: str) -> Path | None:
    """None for an attribute that is not kept here, such as a password.

    Raises `Invalid`: `scim_path_invalid`, `scim_filter_invalid`, `scim_attribute_read_only`.
    """
    if len(text) > MAX_LENGTH:
        raise path_invalid(text, f"is longer than {MAX_LENGTH} characters")
    is_enterprise, rest = _namespace(text)
    found = _PATH.fullmatch(rest)
    if found is None:
        raise path_invalid(text, "is no path of an attribute")
    name = found["name"].lower()
    if not is_enterprise and name in READ_ONLY:
        raise read_only(found["name"])
    if not is_enterprise and name in NOT_KEPT:
        return None
    attribute = (ENTERPRISE_BY_NAME if is_enterprise else BY_NAME).get(name)
    if attribute is None:
        raise path_invalid(text, "is no attribute of the schema")
    return Path(
        attribute=attribute,
        is_enterprise=is_enterprise,
        filter=_filter(attribute, found["filter"], text),
        member=_member(attribute, found["member"], text),
    )


def known_path(text: str) -> Path | None:
    """The same where nobody minds what is unknown or read-only: None for it."""
    is_enterprise, rest = _namespace(text)
    found = _PATH.fullmatch(rest)
    table = ENTERPRISE_BY_NAME if is_enterprise else BY_NAME
    return parse_path(text) if found and found["name"].lower() in table else None


def _namespace(text: str) -> tuple[bool, str]:
    """Whether it is the extension's, and what is left."""
    for urn, is_enterprise in ((ENTERPRISE_URN, True), (USER_URN, False)):
        if text.lower().startswith(f"{urn.lower()}:"):
            return is_enterprise, text[len(urn) + 1 :]
    return False, text


def _filter(attribute: Attribute, text: str | None, path: str) -> Filter | None:
    if text is None:
        return None
    if not attribute.multi_valued:
        raise path_invalid(path, "has a filter, and the attribute has one value only")
    return parse_filter(text, {each.name.lower(): each for each in attribute.members})


def _member(attribute: Attribute, name: str | None, path: str) -> Attribute | None:
    if name is None:
        return None
    member = attribute.member(name)
    if member is None:
        raise path_invalid(path, "is no attribute of the schema")
    return member

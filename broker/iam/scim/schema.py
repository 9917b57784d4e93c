"""Which attributes a user has: the core schema (RFC 7643 §4.1) and the enterprise one (§4.3), less
what is nothing to a broker: passwords, certificates, groups.

What is declared here is what is read, kept, patched and told at `/Schemas`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

USER_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_URN: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

MAX_KEY: Final = 256
"""Characters of `userName` and of `externalId`, which are indexed."""
MAX_TEXT: Final = 1024
"""Characters of any other text."""
MAX_VALUES: Final = 50
"""Of an attribute that may have several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """RFC 7643 §7. `type` is `string`, `boolean`, `reference` or `complex`."""

    name: str
    description: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    unique: bool = False
    limit: int = MAX_TEXT
    members: tuple[Attribute, ...] = ()
    """Sub-attributes of a complex one."""

    def member(self, name: str) -> Attribute | None:
        """The sub-attribute of this name."""
        return next((each for each in self.members if each.name.lower() == name.lower()), None)

    def described(self) -> dict[str, Any]:
        """As `/Schemas` has it."""
        text = {} if self.type in {"boolean", "complex"} else {"caseExact": self.case_exact}
        references = {"referenceTypes": ["external"]} if self.type == "reference" else {}
        members = [each.described() for each in self.members]
        return {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            **text,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "server" if self.unique else "none",
            **references,
            **({"subAttributes": members} if members else {}),
        }


def _texts(**described: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name=name, description=text) for name, text in described.items())


def _several(name: str, description: str, *more: Attribute) -> Attribute:
    """A multi-valued attribute with the usual sub-attributes (RFC 7643 §2.4)."""
    usual = (
        *_texts(value="The value.", display="As people read it.", type="Its kind: work, home."),
        Attribute(name="primary", type="boolean", description="Whether it is the preferred one."),
    )
    return Attribute(
        name=name,
        description=description,
        type="complex",
        multi_valued=True,
        members=more or usual,
    )


EXTERNAL_ID: Final = Attribute(
    name="externalId",
    description="What the user's logins have as sub or oid, by the provider's correlation rule.",
    required=True,
    case_exact=True,
    unique=True,
    limit=MAX_KEY,
)
"""Common to all resources (RFC 7643 §3.1), and so in no schema; required here."""

USER: Final = (
    Attribute(
        name="userName",
        description="By what people know the user. Nobody is found by it at a login.",
        required=True,
        unique=True,
        limit=MAX_KEY,
    ),
    Attribute(
        name="name",
        description="The parts of the user's name.",
        type="complex",
        members=_texts(
            formatted="All of it.",
            familyName="Last name.",
            givenName="First name.",
            middleName="Middle names.",
            honorificPrefix="Such as Ms.",
            honorificSuffix="Such as III.",
        ),
    ),
    *_texts(
        displayName="The name to show.",
        nickName="What friends say.",
        title="Such as Vice President.",
        userType="How the user belongs to the organization.",
        preferredLanguage="As in Accept-Language.",
        locale="Such as en-US.",
        timezone="Such as Europe/Berlin.",
    ),
    Attribute(name="profileUrl", type="reference", description="A page of the user's."),
    Attribute(
        name="active",
        type="boolean",
        description="Whether the user may log in. True unless it is said.",
    ),
    _several("emails", "E-mail addresses. Nobody is found by them at a login."),
    _several("phoneNumbers", "Phone numbers."),
    _several("photos", "URLs of pictures."),
    _several(
        "addresses",
        "Postal addresses.",
        *_texts(
            formatted="All of it.",
            streetAddress="Street and number.",
            locality="City.",
            region="State.",
            postalCode="Postal code.",
            country="ISO 3166-1 code.",
            type="Its kind: work, home.",
        ),
        Attribute(name="primary", type="boolean", description="Whether it is the preferred one."),
    ),
    _several("roles", "What the directory calls roles. They give nothing here."),
    _several("entitlements", "What the directory calls entitlements. They give nothing here."),
)

ENTERPRISE: Final = (
    *_texts(
        employeeNumber="Number at the organization.",
        costCenter="Cost center.",
        organization="Organization.",
        division="Division.",
        department="Department.",
    ),
    Attribute(
        name="manager",
        description="Whom the user reports to.",
        type="complex",
        members=_texts(value="Their id.", displayName="Their name."),
    ),
)


def _by_name(attributes: Iterable[Attribute]) -> Mapping[str, Attribute]:
    return MappingProxyType({each.name.lower(): each for each in attributes})


BY_NAME: Final = _by_name((EXTERNAL_ID, *USER))
"""Of the core, by name in lower case."""
ENTERPRISE_BY_NAME: Final = _by_name(ENTERPRISE)

_ID: Final = Attribute(name="id", description="Ours.", case_exact=True, unique=True)
FILTERABLE: Final = _by_name(
    (_ID, EXTERNAL_ID, *(each for each in USER if each.name in {"userName", "active"}))
)
"""What users are found by, by name in lower case."""

READ_ONLY: Final = frozenset({"id", "meta", "schemas", "groups"})
"""In lower case. Ignored where a whole user is sent (RFC 7644 §3.5.1); no patch may name them."""
NOT_KEPT: Final = frozenset({"password", "ims", "x509certificates"})
"""In lower case. Directories send them anyhow; they are ignored everywhere."""

"""What a client asks for, at the authorization endpoint and for a device: the same parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.errors import Invalid, Stage
from broker.grants.audiences import Audiences
from broker.iam.uidp import Uidp
from broker.oauth import openid
from broker.web.parameters import Parameters, audiences_of, single
from broker.web.parameters import uidp as parse_uidp

MAX_WORDS: Final = 100
"""In `scope`."""
MAX_HINT: Final = 320
MAX_INVITE: Final = 1024

REPEATABLE: Final = frozenset({"resource", "audience"})
NAMES: Final = frozenset(
    {"client_id", "scope", "resource", "audience", "idp_id", "connection", "invite"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The part that both have."""

    scope: tuple[str, ...]
    """Words of OpenID Connect."""
    groups: tuple[Uidp, ...]
    audience: tuple[str, ...]
    idp_id: str
    connection: str
    invite: str


def read_asked(parameters: Parameters, audiences: Audiences) -> Asked:
    """Parse it. Raises `Invalid`: `scope_unknown`, `audience_invalid`, `audience_not_allowed`,
    `authorization_invalid`.
    """
    scope, groups = read_scope(single(parameters, "scope"))
    audience = tuple(dict.fromkeys(audiences_of(parameters)))
    audiences.of(audience)  # now, and not when the person has logged in for nothing
    return Asked(
        scope=scope,
        groups=groups,
        audience=audience,
        idp_id=short(parameters, "idp_id", MAX_HINT),
        connection=short(parameters, "connection", MAX_HINT),
        invite=short(parameters, "invite", MAX_INVITE),
    )


def read_scope(text: str) -> tuple[tuple[str, ...], tuple[Uidp, ...]]:
    """Words of OpenID Connect, and groups. Raises `Invalid` (`scope_unknown`)."""
    words = tuple(dict.fromkeys(text.split()))
    if len(words) > MAX_WORDS:
        raise _scope_unknown(f"expected at most {MAX_WORDS} words")
    known = tuple(word for word in words if word in openid.SCOPES)
    try:
        return known, tuple(parse_uidp(word, "scope") for word in words if word not in known)
    except Invalid:
        raise _scope_unknown(
            f"expected {', '.join(openid.SCOPES)} and UIDPs of groups, separated by spaces"
        ) from None


def short(parameters: Parameters, name: str, limit: int) -> str:
    """A value of at most so many characters. Raises `Invalid` (`authorization_invalid`)."""
    value = single(parameters, name)
    if len(value) > limit or not value.isprintable():
        raise not_taken(name, f"at most {limit} printable characters")
    return value


def not_taken(name: str, expected: str) -> Invalid:
    """A parameter that is missing, or has a value that is not taken."""
    return Invalid(
        "authorization_invalid",
        f"{name}: expected {expected}",
        stage=Stage.REQUEST,
        field=name,
    )


def _scope_unknown(fault: str) -> Invalid:
    return Invalid("scope_unknown", f"scope: {fault}", stage=Stage.REQUEST, field="scope")

"""What a provider's claims say of a person, taken with care: all of it came from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from broker.iam.matching import value_named
from broker.upstream.login.refusals import too_many_groups, unsuitable

MAX_GROUPS: Final = 1000
MAX_GROUP: Final = 512

_MAX_NAME: Final = 256
_MAX_EMAIL: Final = 254
"""RFC 5321 §4.5.3.1.3, less the angle brackets."""
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+")


def email_of(claims: Mapping[str, Any]) -> tuple[str, bool]:
    """The address and whether the provider vouches for it; nothing where it is no address.

    OpenID Connect Core §5.1 has a boolean; Cognito's userinfo and Apple send the word `true`. A
    provider that says nothing (Entra) does not vouch.
    """
    email = text_of(claims, "email", _MAX_EMAIL)
    if not _EMAIL.fullmatch(email):
        return "", False
    return email, _is_true(claims.get("email_verified"))


def text_of(claims: Mapping[str, Any], name: str, limit: int = _MAX_NAME) -> str:
    """A printable string of at most `limit` characters; empty for everything else."""
    value = claims.get(name)
    if isinstance(value, str) and len(value) <= limit and value.isprintable():
        return value
    return ""


def picture_of(claims: Mapping[str, Any], name: str = "picture") -> str:
    """An https URL; empty for everything else."""
    url = text_of(claims, name, 2048)
    return url if url.startswith("https://") and url.isascii() else ""


def groups_of(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """The values of the groups claim `name`, a claim's name or a JSON pointer; None without it.

    Raises `Precondition`: `login_groups_too_many`, and `identity_provider_unsuitable` for a claim
    that is neither a string nor a list of strings.
    """
    try:
        value = value_named(claims, name)
    except ValueError as error:
        raise unsuitable("groups_claim", f"the name of a claim: {error}", name) from error
    if value is None:
        return None
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise unsuitable(name, "a string or a list of strings", f"(a {type(value).__name__})")
    if len(values) > MAX_GROUPS:
        raise too_many_groups(_GROUPS, str(len(values)))
    longest = max(map(len, values), default=0)
    if longest > MAX_GROUP:
        raise too_many_groups(_GROUPS, f"one of {longest} characters")
    return tuple(dict.fromkeys(values))


def has_overage(claims: Mapping[str, Any], name: str) -> bool:
    """Whether the provider left the groups claim out since it would be too long.

    Microsoft, "Configure group claims": `_claim_names` (OpenID Connect Core §5.6.2) says that the
    claim is elsewhere, or `hasgroups` is true.
    """
    distributed = claims.get("_claim_names")
    first = name.split("/")[1] if name.startswith("/") else name
    left_out = isinstance(distributed, Mapping) and first in distributed
    return left_out or _is_true(claims.get("hasgroups"))


def _is_true(value: object) -> bool:
    return value is True or value == "true"


_GROUPS: Final = f"at most {MAX_GROUPS:,} of at most {MAX_GROUP} characters"

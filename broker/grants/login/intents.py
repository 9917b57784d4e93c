"""Why somebody logs in: what happens once it is known who they are.

Each is a frozen value that is remembered, as JSON, while the person is at their provider.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from broker.iam.uidp import Uidp


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLogin:
    """`/oauth`: a token in the query of `redirect`."""

    redirect: str
    audience: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """UIDPs of groups."""
    identity: str = ""
    """UIDP of an assumable identity whose rules the login has to pass; empty: the person."""
    invite: str = ""
    skip_registration: bool = False
    create_refresh_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlessLogin:
    """`/oauth?headless_code=`: a token for somebody who polls, sealed for the key that is the
    code.
    """

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """`/authorize`: a code for a registered client (RFC 6749 §4.1)."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    """RFC 7636 §4.2, S256."""
    state: str = ""
    nonce: str = ""
    scope: tuple[str, ...] = ()
    """`openid` and others that this broker knows."""
    groups: tuple[str, ...] = ()
    """UIDPs of groups to which the access token is to be narrowed."""
    audience: tuple[str, ...] = ()
    """`resource` (RFC 8707)."""
    identity: str = ""
    invite: str = ""
    max_age: int | None = None
    """Seconds since the last time that the person proved who they are, at most."""
    person: str = ""
    """UIDP of the one who is to be logged in (`id_token_hint`); empty: whoever is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceApproval:
    """`/device`: whether a device that shows this code may act for the person (RFC 8628 §3.3)."""

    user_code: str = ""
    """Empty: the person has not entered it yet."""
    invite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """`/auth/join`: to accept an invite."""

    invite: str
    organization: str = ""
    """Its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`/account`: nothing but to be here."""


Intent = PlatformLogin | HeadlessLogin | Authorization | DeviceApproval | Joining | Visit

_KINDS: Final[dict[str, type[Intent]]] = {
    "platform": PlatformLogin,
    "headless": HeadlessLogin,
    "authorization": Authorization,
    "device": DeviceApproval,
    "joining": Joining,
    "visit": Visit,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def intent_as_json(intent: Intent) -> dict[str, Any]:
    """JSON values, from which `intent_from_json` makes it again."""
    return {"kind": _NAMES[type(intent)], **asdict(intent)}


def intent_from_json(members: dict[str, Any]) -> Intent:
    """The reverse. What is read was written by this version, or one that knew fewer members."""
    kind = _KINDS[members["kind"]]
    known = {each.name for each in fields(kind)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in members.items()
        if name in known
    }
    return kind(**values)


def invite_of(intent: Intent) -> str:
    """The invite that the person brought; empty without one."""
    return str(getattr(intent, "invite", ""))


def assumed_identity(intent: Intent) -> Uidp | None:
    """Whom the person wants to be instead of themself."""
    named = getattr(intent, "identity", "")
    return Uidp(named) if named else None


def needs_login(intent: Intent) -> bool:
    """Whether a session that the browser has is not enough.

    The rules of an identity are about claims of a login, and an invite's e-mail address about
    what the provider vouches for now.
    """
    return assumed_identity(intent) is not None or bool(invite_of(intent))


def skips_registration(intent: Intent) -> bool:
    """Whether who is unknown is to be told so, and not asked."""
    return isinstance(intent, PlatformLogin) and intent.skip_registration

"""How a login can end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from broker.errors import BrokerError, Denied, NotFound, Unauthenticated, Unavailable
from broker.grants.login.intents import Intent
from broker.grants.login.sessions import Session
from broker.iam.people import Login
from broker.iam.uidp import Uidp

UNKNOWN_PERSON: Final = "person_not_registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackParameters:
    """What a provider sends a browser back with (RFC 6749 §4.1.2, §4.1.2.1; RFC 9207 §2)."""

    state: str
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Somebody has logged in."""

    intent: Intent
    login: Login
    session: Session | None
    """None where an identity is to be assumed: that takes no registration, and leaves nothing."""
    cookie: str = field(default="", repr=False)
    """Of the session."""
    registered: bool = False
    joined: tuple[Uidp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """Somebody has shown who they are, and nobody is registered as that."""

    id: str
    """To `register` with; empty where that is not for them."""
    intent: Intent
    login: Login
    refusal: NotFound | None = None
    """Why it is not."""


def can_register(error: NotFound) -> bool:
    """Whether `Registration.enter` refused only because nobody said that they want it."""
    return error.code == UNKNOWN_PERSON and bool(getattr(error, "can_register", False))


def not_pending() -> Unauthenticated:
    """A browser came back that was not sent."""
    return Unauthenticated(
        "login_not_pending",
        "this sign-in is over, took longer than ten minutes, or was begun in another browser; "
        "begin again where you came from",
    )


def interaction_unknown() -> Unauthenticated:
    """A page or question of another browser, or none."""
    return Unauthenticated(
        "interaction_unknown",
        "this page is too old, or was opened in another browser; begin again where you came from",
    )


def refused_there(error: str) -> BrokerError:
    """RFC 6749 §4.1.2.1. The provider's words go no further than this."""
    if error == "access_denied":
        return Denied(
            "login_declined", "the identity provider was not allowed to sign you in, or declined to"
        )
    if error in {"temporarily_unavailable", "server_error"}:
        return Unavailable(
            "identity_provider_unavailable", "the identity provider cannot sign anybody in now"
        )
    return Denied(
        "login_failed", "the identity provider answered with an error, not with a sign-in"
    )

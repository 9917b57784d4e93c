"""What each page shows. Text is plain text, times are seconds since the epoch.

`action` is the path to which a form is posted, `csrf` goes into its field `csrf`, and `hidden` are
further fields that come back with it. What else a form sends is said at its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose: what is sent, and what is read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteShown:
    """What an invite offers."""

    organization: str
    role: str
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How to log in. Sends one of `organization` (what was typed), `connector` and `continue`."""

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    organization: str = ""
    """What stands in the field already: a name, or an e-mail address."""
    connectors: tuple[Choice, ...] = ()
    """Providers that everybody may use; `label` is the provider's name."""
    session: Choice | None = None
    """Who is logged in already; `label` is their name or e-mail address."""
    client: str = ""
    """Name of what asks them to log in."""
    error: str = ""
    """What was wrong with what was typed; a sentence."""
    invite: InviteShown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Whether somebody whom nobody knows is to be registered. Sends `decision`: `register` or
    `cancel`.
    """

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    email: str = ""
    provider_label: str
    """Where they have logged in."""
    organization: str = ""
    """Which they join with it; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRegistered:
    """Nobody is registered as this, and an invite is needed."""

    name: str = ""
    email: str = ""
    provider_label: str
    again: str = ""
    """Path at which to log in with another account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry:
    """The code that a device shows (RFC 8628 §3.3). Sends `user_code`."""

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    """What stands in the field already."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfirm:
    """Whether a device may act for somebody (RFC 8628 §5.4). Sends `user_code`, and `decision`:
    `allow` or `deny`.
    """

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    code: str
    """As the device shows it: `BCDF-GHJK`."""
    client: str
    address: str = ""
    """From where the device asked."""
    signed_in_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlessConfirm:
    """Whether a terminal elsewhere gets a token. Sends `decision`: `allow` or `deny`."""

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str
    """Of the code; the terminal shows it too."""
    signed_in_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Whether to accept an invite. Sends `decision`: `accept` or `decline`."""

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    organization: str
    role: str
    email: str = ""
    """For whom alone it is; empty: for whoever has it."""
    expires: int | None = None
    signed_in_as: str = ""
    """Empty: they log in next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutConfirm:
    """Whether to sign out. Sends `decision`: `sign_out` or `stay`."""

    action: str
    csrf: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    """Name of what asks for it."""
    signed_in_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """The session of this browser has ended."""

    again: str = ""
    """Path at which to log in; empty: no link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionShown:
    """A browser in which somebody is logged in."""

    id: str
    current: bool = False
    browser: str
    """What it is, in words: `Firefox on Linux`."""
    address: str
    started: int
    last_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationShown:
    """A client that may renew its tokens."""

    id: str
    name: str
    started: int
    last_used: int
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is logged in, and where. Each button sends `id`; that for signing out nothing."""

    csrf: str
    name: str
    email: str = ""
    provider_label: str
    sessions: tuple[SessionShown, ...] = ()
    applications: tuple[ApplicationShown, ...] = ()
    identity: str = ""
    """UIDP, which administrators ask for."""
    end_session: str = "/account/sessions/end"
    end_application: str = "/account/applications/end"
    sign_out: str = "/signout"
    notice: str = ""
    """What has just been done; a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing is left to do here."""

    title: str
    text: str
    stopped: bool = False
    """Whether nothing has come of it, as they wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """What went wrong."""

    title: str
    message: str
    request_id: str
    code: str = ""
    hint: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The way to another origin, taken at once.

    For the answer to a form: see `page_response` for why that is no redirect.
    """

    url: str = field(repr=False)
    """https, or http; may hold a code or a token."""

    def __post_init__(self) -> None:
        """A URL of a script must not become a link, whoever checked it before."""
        if urlsplit(self.url).scheme not in {"https", "http"} or not self.host:
            raise ValueError("url: expected https://HOST or http://HOST")

    @property
    def host(self) -> str:
        """Where it leads."""
        return urlsplit(self.url).hostname or ""

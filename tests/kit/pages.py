"""One of each page that people see, in each of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, Final

from broker.web.pages import (
    Account,
    ApplicationShown,
    Choice,
    DeviceConfirm,
    DeviceEntry,
    Done,
    ErrorPage,
    HeadlessConfirm,
    Invite,
    InviteShown,
    Leaving,
    NotRegistered,
    Pages,
    Register,
    SessionShown,
    SignedOut,
    SignIn,
    SignOutConfirm,
)

NOON: Final = 1_795_608_000
"""25 November 2026, 12:00 UTC."""
DAY: Final = 86_400
PROVIDERS: Final = (
    Choice(value="google", label="Google"),
    Choice(value="github", label="GitHub"),
    Choice(value="gitlab", label="GitLab"),
)
_ASKED: Final[dict[str, Any]] = {
    "action": "/posted",
    "csrf": "0" * 64,
    "hidden": {"interaction": "abc123"},
}

SAMPLES: Final[Mapping[str, tuple[str, Any]]] = {
    "sign-in": ("sign_in", SignIn(**_ASKED, connectors=PROVIDERS, client="Acme Console")),
    "sign-in-organization-alone": ("sign_in", SignIn(**_ASKED)),
    "sign-in-again": (
        "sign_in",
        SignIn(
            **_ASKED,
            connectors=PROVIDERS,
            session=Choice(value="1", label="Ada Lovelace"),
            client="broker command line",
        ),
    ),
    "sign-in-error": (
        "sign_in",
        SignIn(
            **_ASKED,
            connectors=PROVIDERS,
            organization="acme.exmaple",
            error="No organization of this name signs in here. Check how it is spelled.",
        ),
    ),
    "sign-in-invited": (
        "sign_in",
        SignIn(
            **_ASKED,
            connectors=PROVIDERS,
            invite=InviteShown(organization="Acme", role="viewer", expires=NOON + 7 * DAY),
        ),
    ),
    "register": (
        "register",
        Register(**_ASKED, name="Ada Lovelace", email="ada@acme.example", provider_label="Google"),
    ),
    "register-organization": (
        "register",
        Register(**_ASKED, name="Ada Lovelace", provider_label="Acme login", organization="Acme"),
    ),
    "not-registered": (
        "not_registered",
        NotRegistered(email="ada@acme.example", provider_label="GitHub", again="/sign-in"),
    ),
    "device": ("device", DeviceEntry(**_ASKED)),
    "device-error": (
        "device",
        DeviceEntry(
            **_ASKED, code="BCDF-GHJK", error="No device shows this code, or it is too old."
        ),
    ),
    "device-confirm": (
        "device_confirm",
        DeviceConfirm(
            **_ASKED,
            code="BCDF-GHJK",
            client="broker command line",
            address="203.0.113.7",
            signed_in_as="ada@acme.example",
        ),
    ),
    "headless-confirm": (
        "headless_confirm",
        HeadlessConfirm(
            **_ASKED, fingerprint="7f3a 91c2 0be4 d655", signed_in_as="ada@acme.example"
        ),
    ),
    "invite": (
        "invite",
        Invite(
            **_ASKED,
            organization="Acme",
            role="viewer",
            email="ada@acme.example",
            expires=NOON + 7 * DAY,
        ),
    ),
    "invite-signed-in": (
        "invite",
        Invite(**_ASKED, organization="Acme", role="owner", signed_in_as="Ada Lovelace"),
    ),
    "account": (
        "account",
        Account(
            csrf="0" * 64,
            name="Ada Lovelace",
            email="ada@acme.example",
            provider_label="Google",
            identity="0123456789abcdef0123456789abcdef01234567",
            notice="The session has ended.",
            sessions=(
                SessionShown(
                    id="a1",
                    current=True,
                    browser="Chromium on Linux",
                    address="203.0.113.7",
                    started=NOON - DAY,
                    last_used=NOON,
                ),
                SessionShown(
                    id="b2",
                    browser="Safari on iPhone",
                    address="2001:db8:85a3::8a2e:370:7334",
                    started=NOON - 5 * DAY,
                    last_used=NOON - 3 * DAY,
                ),
            ),
            applications=(
                ApplicationShown(
                    id="c3",
                    name="broker command line",
                    started=NOON - 9 * DAY,
                    last_used=NOON - DAY,
                    ends=NOON + 21 * DAY,
                ),
            ),
        ),
    ),
    "account-alone": ("account", Account(csrf="0" * 64, name="Ada", provider_label="Google")),
    "sign-out-confirm": (
        "sign_out_confirm",
        SignOutConfirm(**_ASKED, client="Acme Console", signed_in_as="Ada Lovelace"),
    ),
    "signed-out": ("signed_out", SignedOut(again="/sign-in")),
    "done": ("done", Done(title="You joined Acme", text="Your role there is viewer.")),
    "error": (
        "error",
        ErrorPage(
            title="That did not work",
            message="This login was begun in another browser, or too long ago.",
            hint="Begin again where you came from.",
            code="login_unknown",
            request_id="0b5c2f6e7d8a9b1c",
        ),
    ),
    "error-bare": (
        "error",
        ErrorPage(
            title="Something went wrong",
            message="It has been written down.",
            request_id="0b5c2f6e7d8a9b1c",
        ),
    ),
    "leaving": ("leaving", Leaving(url="https://accounts.example/authorize?state=1&nonce=2")),
}
"""The method of `Pages`, and what it shows."""


def drawn(pages: Pages) -> Mapping[str, Callable[[], bytes]]:
    """Each page's HTML by its name."""
    made = {name: partial(getattr(pages, method), page) for name, (method, page) in SAMPLES.items()}
    return made | {
        "device-allowed": partial(pages.device_done, allowed=True),
        "device-denied": partial(pages.device_done, allowed=False),
    }


def with_every_text(page: Any, text: str) -> Any:
    """The page with `text` wherever it has some, but for `url`, which must be one."""
    if isinstance(page, str):
        return text
    if isinstance(page, tuple):
        return tuple(with_every_text(each, text) for each in page)
    if isinstance(page, Mapping):
        return {text: text}
    if is_dataclass(page) and not isinstance(page, type):
        changed = {
            each.name: with_every_text(getattr(page, each.name), text)
            for each in fields(page)
            if each.name != "url"
        }
        return replace(page, **changed)
    return page

"""The pages that people see: what is shown, as frozen values, and the HTML of it.

Decides nothing and reads no request: a handler hands in what is to be shown and gets bytes, which
`page_response` sends with the headers that keep a page from being framed, scripted or kept. No page
has a script, an inline style, or anything from another origin.
"""

from broker.web.pages.pages import Pages
from broker.web.pages.response import page_response
from broker.web.pages.shown import (
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
    Register,
    SessionShown,
    SignedOut,
    SignIn,
    SignOutConfirm,
)

__all__ = [
    "Account",
    "ApplicationShown",
    "Choice",
    "DeviceConfirm",
    "DeviceEntry",
    "Done",
    "ErrorPage",
    "HeadlessConfirm",
    "Invite",
    "InviteShown",
    "Leaving",
    "NotRegistered",
    "Pages",
    "Register",
    "SessionShown",
    "SignIn",
    "SignOutConfirm",
    "SignedOut",
    "page_response",
]

"""The values as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from broker.api.status import told
from broker.error_codes import CATALOGUE
from broker.errors import BrokerError, Kind
from broker.web.pages import shown
from broker.web.pages.response import page_response
from broker.web.static import Static

_TITLES: Final[Mapping[Kind, str]] = {
    Kind.INVALID: "That did not work",
    Kind.UNAUTHENTICATED: "Please sign in again",
    Kind.DENIED: "That is not allowed",
    Kind.NOT_FOUND: "Nothing is here",
    Kind.CONFLICT: "Somebody was faster",
    Kind.ABORTED: "Somebody was faster",
    Kind.PRECONDITION: "That is not possible now",
    Kind.EXHAUSTED: "Too many attempts",
    Kind.UNAVAILABLE: "Please try again in a moment",
    Kind.UNIMPLEMENTED: "Not available",
}
_DEFECT: Final = "Something went wrong here. It has been written down."


class Pages:
    """Makes each page. Text of any origin may be in what is shown: it is escaped here."""

    def __init__(self, issuer: str) -> None:
        """`issuer`: its URL. Its host is shown, so that people see where they are."""
        parts = urlsplit(issuer)
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self.assets: Mapping[str, Static] = {
            "/login/style.css": Static(lambda: _file("style.css"), "text/css; charset=utf-8"),
            "/login/icon.svg": Static(lambda: _file("icon.svg"), "image/svg+xml"),
        }
        """What the pages load, by path."""

    def sign_in(self, page: shown.SignIn) -> bytes:
        """How to log in: through the organization's provider, another one, or as before."""
        return self._render("sign_in.html", page)

    def register(self, page: shown.Register) -> bytes:
        """Whether to be registered."""
        return self._render("register.html", page)

    def not_registered(self, page: shown.NotRegistered) -> bytes:
        """Nobody is registered as this, and an invite is needed."""
        return self._render("not_registered.html", page)

    def device(self, page: shown.DeviceEntry) -> bytes:
        """Where the code of a device is typed in."""
        return self._render("device.html", page)

    def device_confirm(self, page: shown.DeviceConfirm) -> bytes:
        """Whether a device may act for somebody."""
        return self._render("device_confirm.html", page)

    def device_done(self, *, allowed: bool) -> bytes:
        """How they decided."""
        if allowed:
            return self.done(
                shown.Done(title="Your device is signed in", text="Go back to it to continue.")
            )
        text = "The device did not get access. If you did not start this, nothing else is to do."
        return self.done(shown.Done(title="Request denied", text=text, stopped=True))

    def headless_confirm(self, page: shown.HeadlessConfirm) -> bytes:
        """Whether a terminal elsewhere gets a token."""
        return self._render("headless_confirm.html", page)

    def invite(self, page: shown.Invite) -> bytes:
        """Whether to accept an invite."""
        return self._render("invite.html", page)

    def account(self, page: shown.Account) -> bytes:
        """Who is logged in, and where."""
        return self._render("account.html", page)

    def sign_out_confirm(self, page: shown.SignOutConfirm) -> bytes:
        """Whether to sign out."""
        return self._render("sign_out_confirm.html", page)

    def signed_out(self, page: shown.SignedOut) -> bytes:
        """The session has ended."""
        return self._render("signed_out.html", page)

    def done(self, page: shown.Done) -> bytes:
        """Nothing is left to do here: the window may be closed."""
        return self._render("done.html", page)

    def leaving(self, page: shown.Leaving) -> bytes:
        """The way to another origin, taken at once."""
        return self._render("leaving.html", page, url=page.url, to=page.host)

    def error(self, page: shown.ErrorPage) -> bytes:
        """What went wrong."""
        return self._render("error.html", page)

    def page_error(self, error: BrokerError | None, request_id: str) -> web.Response:
        """An error as a page: an `ErrorRenderer` for routes that people look at."""
        wire, message, _, retry_after = told(error, request_id)
        if error is None:
            page = shown.ErrorPage(
                title="Something went wrong", message=_DEFECT, request_id=request_id
            )
        else:
            page = shown.ErrorPage(
                title=_TITLES[error.kind],
                message=_sentence(message, error.field),
                request_id=request_id,
                code=error.code,
                hint=CATALOGUE[error.code].cure if error.code in CATALOGUE else "",
            )
        headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        return page_response(self.error(page), wire.status, headers)

    def _render(self, template: str, page: object, **more: Any) -> bytes:
        return (
            self._environment.get_template(template)
            .render(page=page, host=self._host, base=self._base, **more)
            .encode("utf-8", "replace")  # a lone surrogate is text to Python, and to nobody else
        )

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader("broker.web.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["moment"] = _moment
        environment.filters["day"] = _day
        environment.filters["machine"] = _machine
        environment.filters["with_code"] = _with_code
        return environment


def _file(name: str) -> bytes:
    return files("broker.web.pages").joinpath(name).read_bytes()


def _sentence(message: str, field: str | None) -> str:
    """Messages begin in lower case and have no full stop; the name of a field stays as it is."""
    if not (field and message.startswith(f"{field}:")):
        message = f"{message[:1].upper()}{message[1:]}"
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _with_code(text: str) -> Markup:
    """Between backticks is code; the rest is plain."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # one is left over: it is a character like any other
        return escape(text)
    # what is not ours is escaped by `format` and `escape`
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces)
    )


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(seconds: int) -> str:
    at = _at(seconds)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _moment(seconds: int) -> str:
    # no locale: neither the server's nor, without a script, the reader's says anything of the other
    return f"{_day(seconds)}, {_at(seconds):%H:%M}\N{NO-BREAK SPACE}UTC"


def _machine(seconds: int) -> str:
    return f"{_at(seconds):%Y-%m-%dT%H:%M:%SZ}"


_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)

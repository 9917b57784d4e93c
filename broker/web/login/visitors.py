"""Who sends a request, by the cookies of their browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import hdrs, web

from broker.errors import Denied, Unauthenticated
from broker.grants.login.browser import Browser
from broker.grants.login.sessions import Session, Sessions
from broker.iam.uidp import RandomBytes
from broker.web.parameters import Parameters, single

MAX_AGENT: Final = 256
_SECRET: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SAME_SITE: Final[Literal["Lax"]] = "Lax"
"""Not Strict: providers send browsers back, and they have to be known then."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, and who has logged in there."""

    browser: Browser
    session: Session | None
    is_new: bool
    """Whether the browser has yet to be told its cookie."""

    def check_form(self, form: Parameters) -> None:
        """Whether a form came from a page that this browser was shown.

        Raises `Denied` (`form_not_ours`).
        """
        if not self.browser.has_sent(single(form, "csrf")):
            raise Denied(
                "form_not_ours",
                "the form was not sent from a page of this browser's; go back, reload the page and "
                "send it again",
                field="csrf",
            )

    def expect_session(self) -> Session:
        """Raises `Unauthenticated` (`session_ended`) for who is not logged in."""
        if self.session is None:
            raise Unauthenticated("session_ended", "you are not signed in any more; sign in again")
        return self.session


class Visitors:
    """The two cookies: that of the browser ends with it, that of the session with the session.

    `secure`: whether the issuer is https; the names have the prefix `__Host-` then, so that no
    other host of the domain, and nothing without TLS, can set them (RFC 6265bis §4.1.3.2).
    `lifetime`: seconds of a session.
    """

    def __init__(
        self, sessions: Sessions, *, secure: bool, lifetime: int, random: RandomBytes
    ) -> None:
        prefix = "__Host-" if secure else ""
        self.browser_cookie = f"{prefix}broker-browser"
        self.session_cookie = f"{prefix}broker-session"
        self._sessions = sessions
        self._secure = secure
        self._lifetime = lifetime
        self._random = random

    async def of(self, request: web.BaseRequest) -> Visitor:
        """Whose request it is. Raises `Unavailable`."""
        secret = request.cookies.get(self.browser_cookie, "")
        is_new = _SECRET.fullmatch(secret) is None
        browser = Browser(
            secret=self._random(32).hex() if is_new else secret,
            address=request.remote or "",
            agent=request.headers.get(hdrs.USER_AGENT, "")[:MAX_AGENT],
        )
        cookie = request.cookies.get(self.session_cookie, "")
        session = await self._sessions.of_cookie(cookie) if cookie else None
        return Visitor(browser, session, is_new)

    def greet(self, response: web.Response, visitor: Visitor) -> web.Response:
        """Tell a browser its cookie, unless it knows it."""
        if visitor.is_new:
            self._set(response, self.browser_cookie, visitor.browser.secret)
        return response

    def sign_in(self, response: web.Response, cookie: str) -> web.Response:
        """Hand out a session."""
        self._set(response, self.session_cookie, cookie, self._lifetime)
        return response

    def sign_out(self, response: web.Response) -> web.Response:
        """Take it back."""
        self._set(response, self.session_cookie, "", 0)
        return response

    def _set(
        self, response: web.Response, name: str, value: str, max_age: int | None = None
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite=_SAME_SITE,
        )

"""RFC 8628: `POST /device_authorization` for devices, `GET|POST /device` for people."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.errors import NotFound
from broker.grants.audiences import Audiences
from broker.grants.clients import Clients
from broker.grants.device_code import LIFETIME, DeviceCodes, DeviceRequest
from broker.grants.login.intents import DeviceApproval, Intent
from broker.grants.login.sessions import Session
from broker.oauth.device import read_user_code, shown
from broker.web.login.arrivals import Arrived, Failed
from broker.web.login.entrance import Entrance, Wish
from broker.web.login.visitors import Visitor, Visitors
from broker.web.oauth.asking import NAMES, REPEATABLE, read_asked
from broker.web.oauth.token_grants import client_of
from broker.web.pages import DeviceConfirm, DeviceEntry, Pages, page_response
from broker.web.parameters import check_names, read_form, read_query, single
from broker.web.rendering import json_response

_FROM_DEVICES: Final = NAMES | {"client_secret", "redirect_uri"}
"""The redirect URI is ignored: some clients send the one that they have for browsers."""
_SENT: Final = frozenset({"csrf", "user_code", "decision"})
UNKNOWN: Final = "No device waits under this code. Look again at the device, or begin again there."


class DeviceAuthorization:
    """The handler for devices. `page`: URL of the page for people."""

    def __init__(
        self, clients: Clients, audiences: Audiences, devices: DeviceCodes, *, page: str
    ) -> None:
        self._clients = clients
        self._audiences = audiences
        self._devices = devices
        self._page = page

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """RFC 8628 §3.1, §3.2."""
        del request_id
        sent = await read_form(request)
        check_names(sent, _FROM_DEVICES, REPEATABLE)
        client_id = client_of(request, sent, self._clients)
        asked = read_asked(sent, self._audiences)
        code, waiting = await self._devices.begin(
            DeviceRequest(
                client_id=client_id,
                user_code="",
                address=request.remote or "",
                expires_at=0,
                scope=asked.scope,
                groups=asked.groups,
                audience=asked.audience,
                idp_id=asked.idp_id,
                connection=asked.connection,
                invite=asked.invite,
            )
        )
        user_code = shown(waiting.user_code)
        return json_response(
            {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": self._page,
                "verification_uri_complete": f"{self._page}?user_code={user_code}",
                "expires_in": LIFETIME,
                "interval": waiting.interval,
            }
        )


class DevicePage:
    """The page for people, and what they send from it. `base`: the path of the issuer."""

    def __init__(
        self,
        devices: DeviceCodes,
        clients: Clients,
        visitors: Visitors,
        entrance: Entrance,
        pages: Pages,
        *,
        base: str,
    ) -> None:
        self._devices = devices
        self._clients = clients
        self._visitors = visitors
        self._entrance = entrance
        self._pages = pages
        self._action = f"{base}/device"

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: where the code is typed in. One in the URL has to be sent by a click too (§5.4)."""
        del request_id
        visitor = await self._visitors.of(request)
        code = read_user_code(single(read_query(request), "user_code"))
        return self._entry(visitor, shown(code) if code else "")

    async def take(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST: the code, then the decision."""
        del request_id
        form = await read_form(request)
        check_names(form, _SENT, ())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        typed = single(form, "user_code")[:64]
        try:
            waiting = await self._devices.try_code(read_user_code(typed), visitor.browser)
        except NotFound:
            return self._entry(visitor, typed, error=UNKNOWN)
        if single(form, "decision"):
            return await self._decide(visitor, waiting, single(form, "decision"))
        return await self._ask(visitor, waiting)

    async def _ask(self, visitor: Visitor, waiting: DeviceRequest) -> web.Response:
        session = visitor.session
        if session is not None and not waiting.invite and waiting.idp_id in {"", session.provider}:
            return self.confirm(visitor, waiting, session)
        intent = DeviceApproval(user_code=waiting.user_code, invite=waiting.invite)
        wish = Wish(idp_id=waiting.idp_id, connection=waiting.connection)
        return await self._entrance.lead(visitor, intent, wish, after_form=True)

    async def _decide(
        self, visitor: Visitor, waiting: DeviceRequest, decision: str
    ) -> web.Response:
        session = visitor.expect_session()
        allowed = decision == "allow"
        await self._devices.decide(waiting.user_code, session, allow=allowed)
        return page_response(self._pages.device_done(allowed=allowed))

    def confirm(self, visitor: Visitor, waiting: DeviceRequest, session: Session) -> web.Response:
        """Whether the device may act for them (§3.3, §5.4)."""
        page = DeviceConfirm(
            action=self._action,
            csrf=visitor.browser.csrf,
            code=shown(waiting.user_code),
            client=self._clients.name_of(waiting.client_id),
            address=waiting.address,
            signed_in_as=session.email or session.name or session.identity,
        )
        return self._visitors.greet(page_response(self._pages.device_confirm(page)), visitor)

    def _entry(self, visitor: Visitor, code: str, *, error: str = "") -> web.Response:
        page = DeviceEntry(action=self._action, csrf=visitor.browser.csrf, code=code, error=error)
        response = page_response(self._pages.device(page), 404 if error else 200)
        return self._visitors.greet(response, visitor)


class DeviceCompletion:
    """Somebody has logged in for a device: they are asked whether to let it in."""

    def __init__(self, devices: DeviceCodes, page: DevicePage) -> None:
        self._devices = devices
        self._page = page

    def client(self, intent: Intent) -> str:
        """It is not told on the way: what asks is shown on the page that lets it in."""
        del intent
        return ""

    async def succeed(self, arrived: Arrived) -> web.Response:
        """The page. Raises `NotFound` when the code has expired meanwhile."""
        intent = arrived.intent
        assert isinstance(intent, DeviceApproval), "the completion of this intent"
        assert arrived.session is not None, "no identity is assumed for a device"
        waiting = await self._devices.find(intent.user_code)
        return self._page.confirm(arrived.visitor, waiting, arrived.session)

    def fail(self, failed: Failed) -> None:
        """On the usual page."""
        del failed

"""The paths of logging in."""

from __future__ import annotations

from collections.abc import Mapping

from broker.web.front_door import Handler, Route
from broker.web.login.account import AccountPages
from broker.web.login.callback import Callback
from broker.web.login.headless import HeadlessDecision
from broker.web.login.joining import JoinPage
from broker.web.login.organizations import OrganizationCheck
from broker.web.login.platform import PlatformEntry
from broker.web.login.registering import RegisterPage
from broker.web.login.sign_in import SignInPage
from broker.web.pages import Pages


def login_routes(
    *,
    entry: PlatformEntry,
    callback: Callback,
    sign_in: SignInPage,
    headless: HeadlessDecision,
    register: RegisterPage,
    join: JoinPage,
    account: AccountPages,
    organizations: OrganizationCheck,
    pages: Pages,
) -> dict[str, Route]:
    """Every path; what goes wrong is a page, where people look at it."""
    handlers: Mapping[str, Mapping[str, Handler]] = {
        "/oauth": {"GET": entry},
        "/oauth/callback": {"GET": callback},
        "/login": {"GET": sign_in.show, "POST": sign_in.take},
        "/login/headless": {"POST": headless},
        "/register": {"GET": register.show, "POST": register.take},
        "/auth/join": {"GET": join.show, "POST": join.take},
        "/account": {"GET": account.show},
        "/account/sessions/end": {"POST": account.end_session},
        "/account/applications/end": {"POST": account.end_application},
        "/signout": {"GET": account.ask_to_sign_out, "POST": account.sign_out},
    }
    assets = {path: Route({"GET": each, "HEAD": each}) for path, each in pages.assets.items()}
    return {
        **{path: Route(each, errors=pages.page_error) for path, each in handlers.items()},
        "/orgcheck": Route({"GET": organizations}),
        **assets,
    }

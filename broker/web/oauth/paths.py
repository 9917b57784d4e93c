"""The paths of the standard endpoints for clients of people."""

from __future__ import annotations

from broker.web.front_door import Route
from broker.web.oauth.authorize import AuthorizationEndpoint
from broker.web.oauth.device import DeviceAuthorization, DevicePage
from broker.web.oauth.logout import LogoutEndpoint
from broker.web.oauth.revocation import Revocation
from broker.web.oauth.userinfo import UserInfoEndpoint, userinfo_error
from broker.web.pages import Pages
from broker.web.rendering import oauth_error
from broker.web.sts_refresh import StsRefresh


def oauth_routes(
    *,
    authorize: AuthorizationEndpoint,
    device_authorization: DeviceAuthorization,
    device: DevicePage,
    userinfo: UserInfoEndpoint,
    revocation: Revocation,
    logout: LogoutEndpoint,
    sts_refresh: StsRefresh,
    pages: Pages,
) -> dict[str, Route]:
    """Every path; errors are pages where people look, and JSON where clients do."""
    refresh = Route({"POST": sts_refresh})
    return {
        "/authorize": Route({"GET": authorize, "POST": authorize}, errors=pages.page_error),
        "/device_authorization": Route({"POST": device_authorization}, errors=oauth_error),
        "/device": Route({"GET": device.show, "POST": device.take}, errors=pages.page_error),
        "/userinfo": Route({"GET": userinfo, "POST": userinfo}, errors=userinfo_error),
        "/revoke": Route({"POST": revocation}, errors=oauth_error),
        "/logout": Route({"GET": logout.show, "POST": logout.take}, errors=pages.page_error),
        "/sts/exchange_refresh_token": refresh,
        "/sts/access_token": refresh,
    }

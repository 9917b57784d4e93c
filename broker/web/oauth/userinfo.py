"""`GET|POST /userinfo` (OpenID Connect Core §5.3): the access token is the bearer token."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from broker.errors import BrokerError, Kind
from broker.grants.userinfo import UserInfo
from broker.oauth import openid
from broker.web.bearer import bearer, missing
from broker.web.rendering import BEARER, description, json_response, oauth_code, oauth_error

_EXPECTED: Final = "an access token"
_INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - a word, RFC 6750 §3.1


class UserInfoEndpoint:
    """The handler."""

    def __init__(self, userinfo: UserInfo) -> None:
        self._userinfo = userinfo

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Who the bearer is about."""
        del request_id
        token = bearer(request, expected=_EXPECTED)
        if token is None:
            raise missing("is missing", _EXPECTED)
        return json_response(await self._userinfo.of(token))


def userinfo_error(error: BrokerError | None, request_id: str) -> web.Response:
    """RFC 6750 §3: what is wrong stands in the challenge; without a token, nothing does."""
    response = oauth_error(error, request_id)
    if error is None or error.kind not in {Kind.UNAUTHENTICATED, Kind.DENIED}:
        return response
    is_short = oauth_code(error) == openid.INSUFFICIENT_SCOPE
    word = openid.INSUFFICIENT_SCOPE if is_short else _INVALID_TOKEN
    challenge = f'{BEARER}, error="{word}", error_description="{description(error.message)}"'
    response.headers[hdrs.WWW_AUTHENTICATE] = BEARER if error.code == "token_missing" else challenge
    response.set_status(403 if is_short else 401)
    return response

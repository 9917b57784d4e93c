"""`POST /sts/exchange_refresh_token`: the platform's dialect of a refresh.

`Authorization: Bearer <refresh token>`; parameters `aud` (repeats), `scope`, `scopes` (repeats),
`cap` (repeats) in the query, in a form, or in JSON. Also at `/sts/access_token`, where the
platform's Go SDK posts in its HTTP/1 mode. Answers `token` and `refreshToken`, each an object of
`token` and `expiry`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from broker.contract.proto.oidc.v1.security_token_service_pb2 import ExchangeRefreshTokenRequest
from broker.errors import BrokerError
from broker.grants.person_tokens import Wanted
from broker.grants.platform_refresh import PlatformRefresh
from broker.grants.request import Call
from broker.web.bearer import bearer, missing
from broker.web.parameters import check_names
from broker.web.parameters import uidps as parse_uidps
from broker.web.rendering import json_response
from broker.web.sts import read_parameters

_NAMES: Final = frozenset({"aud", "scope", "scopes", "cap"})
_REPEATABLE: Final = frozenset({"aud", "scopes", "cap"})
_EXPECTED: Final = "the refresh token"


class StsRefresh:
    """The handler."""

    def __init__(self, refresh: PlatformRefresh) -> None:
        self._refresh = refresh

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Renew."""
        call = Call(request_id=request_id, dialect="sts-refresh", address=request.remote or "")
        try:
            token, wanted = await _parse(request)
        except BrokerError as error:
            await self._refresh.refuse(call, error)
            raise
        pair = await self._refresh.run(token, wanted, call)
        return json_response(
            {
                "token": _told(pair.token, pair.expires_at),
                "refreshToken": _told(pair.refresh_token, pair.refresh_expires_at),
            }
        )


async def _parse(request: web.BaseRequest) -> tuple[str, Wanted]:
    sent = await read_parameters(request, ExchangeRefreshTokenRequest)
    check_names(sent, _NAMES, _REPEATABLE)
    token = bearer(request, expected=_EXPECTED)
    if token is None:
        raise missing("is missing", _EXPECTED)
    scopes = [*sent.get("scope", ()), *sent.get("scopes", ())]
    return token, Wanted(
        audience=tuple(dict.fromkeys(each for each in sent.get("aud", ()) if each)),
        scopes=parse_uidps([scope for scope in scopes if scope], "scopes"),
        capabilities=tuple(dict.fromkeys(sent.get("cap", ()))),
    )


def _told(token: str, expires_at: int) -> dict[str, str]:
    expiry = datetime.fromtimestamp(expires_at, UTC).isoformat()[:19] + "Z"
    return {"token": token, "refreshToken": "", "expiry": expiry}

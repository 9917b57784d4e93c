"""`POST /revoke` (RFC 7009): a refresh token, and with it all that came of its login."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.errors import Invalid, Stage
from broker.grants.clients import Clients
from broker.grants.refresh import RefreshGrants
from broker.grants.request import Call
from broker.web.grant_types import required
from broker.web.oauth.token_grants import client_of
from broker.web.parameters import Parameters, check_names, read_form, single
from broker.web.rendering import NO_STORE, document_response

_SENT: Final = frozenset({"token", "token_type_hint", "client_id", "client_secret"})


class Revocation:
    """The handler."""

    def __init__(self, clients: Clients, refresh_grants: RefreshGrants) -> None:
        self._clients = clients
        self._refresh_grants = refresh_grants

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """200 for a token that is none, too: it is as good as revoked (§2.2)."""
        sent = await read_form(request)
        check_names(sent, _SENT, ())
        token = required(sent, "token")
        client_id = self._client(request, sent)
        if token.count(".") == 2:
            raise Invalid(
                "token_not_revocable",
                "token: access tokens and ID tokens end by themselves within the hour; revoke the "
                "refresh token",
                stage=Stage.REQUEST,
                field="token",
            )
        call = Call(request_id=request_id, dialect="revocation", address=request.remote or "")
        await self._refresh_grants.revoke(token, client_id=client_id, call=call)
        return document_response(b"", headers=NO_STORE)

    def _client(self, request: web.BaseRequest, sent: Parameters) -> str:
        """Empty for tokens of `/oauth`, whose clients have no name."""
        if not single(sent, "client_id") and "Authorization" not in request.headers:
            return ""
        return client_of(request, sent, self._clients)

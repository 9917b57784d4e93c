"""chainguard.platform.oidc.SecurityTokenService: the exchange and the refresh over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime

from broker.api.dispatch import Call
from broker.api.values import timestamp
from broker.contract.proto.oidc.v1 import security_token_service_pb2 as pb
from broker.errors import BrokerError, Stage, Unauthenticated
from broker.grants.exchange import Exchange
from broker.grants.person_tokens import Wanted
from broker.grants.platform_refresh import PlatformRefresh
from broker.grants.request import Call as ExchangeCall
from broker.grants.request import ExchangeRequest
from broker.iam.uidp import Uidp


class SecurityTokenServiceV1:
    """Somebody else's token in, ours out."""

    service = "chainguard.platform.oidc.SecurityTokenService"

    def __init__(self, exchange: Exchange, refresh: PlatformRefresh) -> None:
        self._exchange = exchange
        self._refresh = refresh

    async def exchange(self, request: pb.ExchangeRequest, call: Call) -> pb.RawToken:
        """The bearer is the upstream token."""
        caller = ExchangeCall(request_id=call.request_id, dialect="grpc", address=call.address)
        try:
            parsed = _parse(request, call, caller)
        except BrokerError as error:
            error.stage = Stage.REQUEST
            await self._exchange.refuse(caller, error)
            raise
        minted = (await self._exchange.run(parsed)).token
        return _raw(minted.token, minted.expires_at)

    async def exchange_refresh_token(
        self, request: pb.ExchangeRefreshTokenRequest, call: Call
    ) -> pb.TokenPair:
        """The bearer is the refresh token."""
        caller = ExchangeCall(
            request_id=call.request_id, dialect="grpc-refresh", address=call.address
        )
        try:
            token, wanted = _parse_refresh(request, call)
        except BrokerError as error:
            error.stage = Stage.REQUEST
            await self._refresh.refuse(caller, error)
            raise
        pair = await self._refresh.run(token, wanted, caller)
        return pb.TokenPair(
            token=_raw(pair.token, pair.expires_at),
            refresh_token=_raw(pair.refresh_token, pair.refresh_expires_at),
        )


def _raw(token: str, expires_at: int) -> pb.RawToken:
    return pb.RawToken(token=token, expiry=timestamp(datetime.fromtimestamp(expires_at, UTC)))


def _parse_refresh(request: pb.ExchangeRefreshTokenRequest, call: Call) -> tuple[str, Wanted]:
    if call.bearer is None:
        raise Unauthenticated(
            "token_missing",
            "authorization: expected 'Bearer' and the refresh token",
            field="authorization",
        )
    scopes = [scope for scope in (request.scope, *request.scopes) if scope]
    return call.bearer, Wanted(
        audience=tuple(dict.fromkeys(each for each in request.aud if each)),
        scopes=tuple(Uidp.parse(scope, field="scopes") for scope in dict.fromkeys(scopes)),
        capabilities=tuple(dict.fromkeys(request.cap)),
    )


def _parse(request: pb.ExchangeRequest, call: Call, caller: ExchangeCall) -> ExchangeRequest:
    if call.bearer is None:
        raise Unauthenticated(
            "token_missing",
            "authorization: expected 'Bearer' and the upstream token",
            field="authorization",
        )
    provider = request.identity_provider
    scopes = [scope for scope in (request.scope, *request.scopes) if scope]
    return ExchangeRequest(
        call=caller,
        token=call.bearer,
        identity=Uidp.parse(request.identity, field="identity") if request.identity else None,
        identity_provider=Uidp.parse(provider, field="identity_provider") if provider else None,
        audience=tuple(dict.fromkeys(request.aud)),
        scopes=tuple(Uidp.parse(scope, field="scopes") for scope in dict.fromkeys(scopes)),
        capabilities=tuple(dict.fromkeys(request.cap)),
    )

"""chainguard.platform.oidc.SecurityTokenService: the exchange over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime

from broker.api.dispatch import Call
from broker.api.values import timestamp
from broker.contract.proto.oidc.v1 import security_token_service_pb2 as pb
from broker.errors import BrokerError, Invalid, Stage, Unauthenticated, Unimplemented
from broker.grants.exchange import Exchange
from broker.grants.request import Call as ExchangeCall
from broker.grants.request import ExchangeRequest
from broker.iam.uidp import Uidp


class SecurityTokenServiceV1:
    """Somebody else's token in, ours out."""

    service = "chainguard.platform.oidc.SecurityTokenService"

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

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
        expiry = timestamp(datetime.fromtimestamp(minted.expires_at, UTC))
        return pb.RawToken(token=minted.token, expiry=expiry)

    async def exchange_refresh_token(
        self, request: pb.ExchangeRefreshTokenRequest, call: Call
    ) -> pb.TokenPair:
        """Not there yet."""
        del request, call
        raise Unimplemented("method_unimplemented", "refresh tokens are not supported yet")


def _parse(request: pb.ExchangeRequest, call: Call, caller: ExchangeCall) -> ExchangeRequest:
    if call.bearer is None:
        raise Unauthenticated(
            "token_missing",
            "authorization: expected 'Bearer' and the upstream token",
            field="authorization",
        )
    if request.identity_provider:
        raise Invalid(
            "parameter_unsupported",
            "identity_provider: not supported by this broker",
            field="identity_provider",
        )
    scopes = [scope for scope in (request.scope, *request.scopes) if scope]
    return ExchangeRequest(
        call=caller,
        token=call.bearer,
        identity=Uidp.parse(request.identity, field="identity") if request.identity else None,
        audience=tuple(dict.fromkeys(request.aud)),
        scopes=tuple(Uidp.parse(scope, field="scopes") for scope in dict.fromkeys(scopes)),
        capabilities=tuple(dict.fromkeys(request.cap)),
    )

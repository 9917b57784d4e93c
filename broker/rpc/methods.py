"""The methods of the contract, as gRPC calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from structlog.contextvars import bind_contextvars

from broker.api.dispatch import Api, Call
from broker.api.status import Told, told
from broker.contract.methods import Method
from broker.errors import BrokerError, Invalid
from broker.rpc.metadata import REQUEST_ID, STATUS_DETAILS, address, bearer
from broker.rpc.status import CODES, status

Context = grpc.aio.ServicerContext[bytes, bytes]

log = structlog.get_logger()


class Methods(grpc.GenericRpcHandler):
    """Every method of every version, by path; gRPC itself answers what is none."""

    def __init__(self, api: Api, request_id: Callable[[], str]) -> None:
        self._handlers: Final[Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {
            # without (de)serializers: what they raise would be told in gRPC's words
            path: grpc.unary_unary_rpc_method_handler(_Handler(api, method, request_id).run)
            for path, method in api.contract.methods.items()
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of the method that is called."""
        return self._handlers.get(handler_call_details.method)


class _Handler:
    """Of one method."""

    def __init__(self, api: Api, method: Method, request_id: Callable[[], str]) -> None:
        self._api = api
        self._method = method
        self._request_id = request_id

    async def run(self, encoded: bytes, context: Context) -> bytes:
        """Answer, whatever happens, and log how it went."""
        started = perf_counter()
        request_id = self._request_id()
        bind_contextvars(request_id=request_id)
        code = "CANCELLED"
        try:
            answer = await self._answer(encoded, context, request_id)
            code = CODES[answer.wire.grpc].name if isinstance(answer, Told) else "OK"
        finally:
            ms = round((perf_counter() - started) * 1000, 2)
            log.info("call", path=self._method.path, code=code, ms=ms)
        metadata = [(REQUEST_ID, request_id)]
        if isinstance(answer, Told):
            details = (STATUS_DETAILS, status(answer).SerializeToString())
            await context.abort(CODES[answer.wire.grpc], answer.message, (*metadata, details))
        context.set_trailing_metadata(metadata)
        return answer

    async def _answer(self, encoded: bytes, context: Context, request_id: str) -> bytes | Told:
        try:
            request = self._request(encoded)
            metadata = context.invocation_metadata() or ()
            call = Call(
                request_id=request_id, bearer=bearer(metadata), address=address(context.peer())
            )
            return (await self._api.call(self._method, request, call)).SerializeToString()
        except BrokerError as error:
            log.debug("refused", code=error.code, stage=error.stage and error.stage.value)
            return told(error, request_id)
        except Exception:  # the one place where a defect is caught: told to nobody, logged once
            log.exception("defect")
            return told(None, request_id)

    def _request(self, encoded: bytes) -> Message:
        try:
            return self._method.request.FromString(encoded)
        except DecodeError as error:
            name = self._method.request.DESCRIPTOR.full_name
            raise Invalid("message_malformed", f"request: expected a {name}") from error

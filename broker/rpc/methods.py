"""The methods of the contract, as gRPC calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any, Final

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from structlog.contextvars import bind_contextvars

from broker.api.client_address import ClientAddresses
from broker.api.dispatch import Api, Call
from broker.api.lint import LINT, lint_header
from broker.api.status import Told, told
from broker.contract.methods import Method
from broker.errors import BrokerError, Invalid
from broker.iam.lint import Finding
from broker.measures import Tally
from broker.rpc.metadata import REQUEST_ID, STATUS_DETAILS, address, bearer, forwarded
from broker.rpc.status import CODES, status

Context = grpc.aio.ServicerContext[bytes, bytes]

log = structlog.get_logger()


class Methods(grpc.GenericRpcHandler):
    """Every method of every version, by path; gRPC itself answers what is none."""

    def __init__(self, api: Api, request_id: Callable[[], str], addresses: ClientAddresses) -> None:
        self._api = api
        self._addresses = addresses
        self._request_id = request_id
        self._running: set[asyncio.Task[bytes | Told]] = set()
        self.calls = Tally("method", "code")
        self._handlers: Final[Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {
            # without (de)serializers: what they raise would be told in gRPC's words
            path: grpc.unary_unary_rpc_method_handler(partial(self._run, method))
            for path, method in api.contract.methods.items()
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of the method that is called."""
        return self._handlers.get(handler_call_details.method)

    async def finish(self, grace: float) -> None:
        """Wait `grace` seconds for what runs, and cut it off."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for answering in self._running:
            answering.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, method: Method, encoded: bytes, context: Context) -> bytes:
        request_id = self._request_id()
        bind_contextvars(request_id=request_id)
        findings: list[Finding] = []
        answering = asyncio.create_task(
            self._answer(method, encoded, context, request_id, findings)
        )
        self._running.add(answering)
        answering.add_done_callback(self._running.discard)
        # As over HTTP, what has begun is done, whether or not its caller waits. To cancel it in a
        # transaction would cost the connection, and keep the store locked until that is collected.
        answer = await asyncio.shield(answering)
        metadata = [(REQUEST_ID, request_id)]
        if isinstance(answer, Told):
            details = (STATUS_DETAILS, status(answer).SerializeToString())
            await context.abort(CODES[answer.wire.grpc], answer.message, (*metadata, details))
        if findings:
            metadata.append((LINT, lint_header(findings)))
        context.set_trailing_metadata(metadata)
        return answer

    async def _answer(
        self,
        method: Method,
        encoded: bytes,
        context: Context,
        request_id: str,
        findings: list[Finding],
    ) -> bytes | Told:
        """Answer, whatever happens, and log how it went. `findings`: to put those of lint into."""
        started = perf_counter()
        answer: bytes | Told
        try:
            call = self._call(context, request_id, findings)
            response = await self._api.call(method, _parsed(method, encoded), call)
            answer = response.SerializeToString()
        except BrokerError as error:
            log.debug("refused", code=error.code, stage=error.stage and error.stage.value)
            answer = told(error, request_id)
        except Exception:  # the one place where a defect is caught: told to nobody, logged once
            log.exception("defect")
            answer = told(None, request_id)
        code = CODES[answer.wire.grpc].name if isinstance(answer, Told) else "OK"
        self.calls.add(method.path, code)
        log.info(
            "call",
            path=method.path,
            code=code,
            ms=round((perf_counter() - started) * 1000, 2),
        )
        return answer

    def _call(self, context: Context, request_id: str, findings: list[Finding]) -> Call:
        metadata = context.invocation_metadata() or ()
        return Call(
            request_id=request_id,
            bearer=bearer(metadata),
            address=self._addresses.of(address(context.peer()), forwarded(metadata)),
            findings=findings,
        )


def _parsed(method: Method, encoded: bytes) -> Message:
    try:
        return method.request.FromString(encoded)
    except DecodeError as error:
        name = method.request.DESCRIPTOR.full_name
        raise Invalid("message_malformed", f"request: expected a {name}") from error

"""The contract over HTTP: every rule of every method, in front of the one door."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import orjson
from aiohttp import web

from broker.api.dispatch import Api, Call
from broker.api.lint import LINT, lint_header
from broker.contract.methods import Contract
from broker.contract.proto_json import to_json
from broker.errors import Invalid
from broker.web.bearer import bearer
from broker.web.bodies import JSON, MAX_JSON, check_type, parse_json, read_body
from broker.web.front_door import Place
from broker.web.parameters import read_query
from broker.web.path_routing import PathRouter, WrongMethod
from broker.web.rendering import NO_STORE, json_response
from broker.web.transcoding import Operation

MAX_PARAMETERS: Final = 1200
"""As many as fit into a request line: a list can be asked for up to 1,000 ids."""


def operations(contract: Contract) -> Iterable[Operation]:
    """Every HTTP rule of every method."""
    for method in contract.methods.values():
        for rule in method.http:
            yield Operation(method, rule)


class ApiPaths:
    """The paths of the API. What a hand-written handler has as well is that handler's."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._router = PathRouter(
            (operation.rule.verb, operation.template, operation)
            for operation in operations(api.contract)
        )

    def find(self, request: web.BaseRequest) -> Place | None:
        """What the path leads to."""
        found = self._router.find(request.method, request.rel_url.raw_path)
        if found is None:
            return None
        if isinstance(found, WrongMethod):
            return Place(found.template, None, found.allowed)
        operation, value = found
        return Place(operation.rule.template, partial(self._answer, operation, value))

    async def _answer(
        self, operation: Operation, value: str, request: web.BaseRequest, request_id: str
    ) -> web.Response:
        call = Call(
            request_id=request_id,
            bearer=bearer(request, expected="an access token of this broker"),
            address=request.remote or "",
        )
        query = read_query(request, limit=MAX_PARAMETERS, keep_empty=True)
        message = operation.message(value, query, await _body(operation, request))
        response = await self._api.call(operation.method, message, call)
        headers = {**NO_STORE, LINT: lint_header(call.findings)} if call.findings else NO_STORE
        return json_response(orjson.dumps(to_json(response)), headers=headers)


async def _body(operation: Operation, request: web.BaseRequest) -> Any:
    """The JSON value of the body; None when there is none."""
    body = await read_body(request, MAX_JSON) if request.can_read_body else b""
    if not body:
        return None
    if not operation.takes_body:
        raise Invalid("body_unexpected", "the body: expected none; fields belong into the query")
    check_type(request, JSON)
    return parse_json(body)

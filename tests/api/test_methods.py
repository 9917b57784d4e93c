"""Every method of every version, over both wires: none is forgotten."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2

from broker.contract.methods import Method
from tests.api.samples import METHODS, PENDING, named, place
from tests.api.world import Acme
from tests.kit.api import Caller, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _caller(acme: Acme, method: Method) -> Caller:
    """Who calls it: an owner; for the deletion of an account somebody who is none."""
    if method.name == "Exchange":
        token = acme.world.issuer.token({"sub": f"ann-{acme.number}"})
        return Caller(acme.world.grpc, token, acme.ann.identity)
    return acme.vic if method.path.endswith("Auth/Delete") else acme.ann


@pytest.mark.parametrize("method", METHODS, ids=named)
async def test_every_method_answers(acme: Acme, method: Method) -> None:
    """With success over each wire that it is declared for, or as it has to while nobody has logged
    in."""
    world = acme.world
    for wire in (world.http, world.grpc) if method.http else (world.grpc,):
        caller = await _caller(acme, method)
        requests = await place(acme, caller)
        if method.stable_path in PENDING:
            with refused(*PENDING[method.stable_path]):
                await wire.call(method, requests.request(method), caller.token)
        elif method.path.endswith("Auth/Delete") and wire is world.grpc:
            with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
                await wire.call(method, requests.request(method), caller.token)
        else:
            await wire.call(method, requests.request(method), caller.token)


@pytest.mark.parametrize("missing", ["Ping"])
async def test_ping_needs_no_token(acme: Acme, wire: Wire, missing: str) -> None:
    """Somebody is there."""
    answer = await Caller(wire, None)("PingService/Ping")
    assert answer == {"response": "pong"}

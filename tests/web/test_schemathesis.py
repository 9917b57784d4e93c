"""Requests made of the OpenAPI document, to a running broker: no defect, no answer that it lacks.

The document is the one that the broker serves. Half of the values that stand for records are those
of records that exist, so that requests come as far as the database.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broker.contract.methods import Contract, descriptions
from broker.web.api import operations
from broker.web.openapi.document import openapi_document
from tests.api.world import Acme, world
from tests.kit.organizations import ROLES

EXAMPLES: Final = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
"""Requests an operation. Raise it to look for what the usual number does not find."""


def is_no_defect(_context: Any, response: Any, _case: Any) -> None:
    """501 is an answer: what is not there yet."""
    assert response.status_code < 500 or response.status_code == 501, response.text


CHECKS: Final[list[CheckFunction]] = [
    is_no_defect,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

CONTRACT: Final = Contract.load()
DOCUMENT: Final = openapi_document(CONTRACT, descriptions(), operations(CONTRACT), "1")
SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT)
BOUNDED: Final = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""The same requests every time."""


@dataclass(frozen=True)
class Target:
    """A broker in a thread of its own, and an owner's way in."""

    url: str
    token: str = field(repr=False)
    records: Mapping[str, str]
    """UIDPs by what they are of."""


async def _serve(folder: Any, ready: Future[Target], stop: asyncio.Event) -> None:
    async with world(folder) as running:
        acme = await running.organization()
        ready.set_result(Target(running.broker.url, acme.ann.token or "", await _records(acme)))
        await stop.wait()


async def _records(acme: Acme) -> dict[str, str]:
    identity, role = await acme.identity(), await acme.role("groups.list")
    provider = await acme.ann(
        "IdentityProviders/Create",
        parent_id=acme.id,
        identity_provider={
            "name": "idp",
            "oidc": {"issuer": acme.world.issuer.url, "client_id": "x", "client_secret": "y"},
        },
    )
    records = {
        "organization": acme.id,
        "folder": acme.shop,
        "doomed": await acme.folder(),
        "identity": identity,
        "role": role,
        "viewer": next(role.id for role in ROLES if role.name == "viewer"),
        "binding": await acme.bind(identity, role),
        "provider": provider["id"],
        "elsewhere": acme.other,
    }
    return {name: str(uidp) for name, uidp in records.items()}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The requests wait for answers, so the broker has a thread."""
    ready: Future[Target] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        try:
            loop.run_until_complete(_serve(tmp_path_factory.mktemp("broker"), ready, stop))
        except BaseException as error:  # noqa: BLE001 - the test that waits has to hear of it
            if not ready.done():
                ready.set_exception(error)

    thread = threading.Thread(target=run, name="broker")
    thread.start()
    try:
        yield ready.result(60)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all of them."""
    with requests.Session() as session:
        yield session


_WHERE: Final = frozenset({"uid", "id", "parent", "parentId", "group", "groupId"})
_NOUNS: Final = {
    "identity": ("identity",),
    "identityUid": ("identity",),
    "role": ("role", "viewer"),
    "roleUid": ("role", "viewer"),
    "defaultRole": ("role", "viewer"),
    "identityProviderUid": ("provider",),
    "identityProviderId": ("provider",),
    "ids": ("folder", "identity", "role", "binding"),
    "scopes": ("organization", "folder"),
}
_SOUND: Final = {
    "issuer": ("https://issuer.example.com", "http://127.0.0.1:1"),
    "issuerPattern": ("https://.*",),
    "subject": ("repo:acme/shop", "x"),
    "subjectPattern": ("repo:.*",),
    "audience": ("https://broker.example.com",),
    "sink": ("https://sink.example.com/events",),
    "clientId": ("client",),
    "clientSecret": ("secret",),
    "ttl": ("3600s", "60s", "100000000000s"),
    "expiration": (
        "2100-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
    ),
    "awsAccount": ("123456789012",),
    "arn": ("arn:aws:sts::123456789012:assumed-role/deploy/x",),
    "userId": ("AROAEXAMPLE:x",),
    "account": ("123456789012",),
    "projectId": ("acme-shop",),
    "projectNumber": ("123456",),
    "email": ("ann@acme.example",),
    "tenantId": ("6dd5f1b6-4a5c-4d3b-9f0e-3f1d2c4b5a60",),
    "orderBy": ("name desc", "create_time,uid", "uid"),
    "pageToken": ("", "WyJ4IiwxLCJ5Il0"),
    "updateMask": ("name", "description", "claimMatch.subject", "oidc.issuer"),
    "issuerKeys": ('{"keys": []}',),
}
"""Values that the schema cannot tell from any other string."""


def _salted(value: Any, target: Target, random: Random, name: str = "") -> Any:
    """With records that exist in the place of some strings."""
    if isinstance(value, dict):
        return {key: _salted(inner, target, random, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_salted(inner, target, random, name) for inner in value]
    leaf = name.rpartition(".")[2]
    if not isinstance(value, str) or random.random() < 0.3:
        return value
    if leaf in _NOUNS:
        return target.records[random.choice(_NOUNS[leaf])]
    if leaf in _WHERE or name.startswith("uidp."):
        return target.records[random.choice(sorted(target.records))]
    if leaf in _SOUND:
        return random.choice(_SOUND[leaf])
    if leaf == "name":
        return f"name-{random.randrange(10_000)}"
    return value


def _prepare(case: Any, target: Target) -> None:
    random = Random(repr((case.path, case.query, case.body)))
    case.query = _salted(dict(case.query or {}), target, random)
    case.body = _salted(case.body, target, random)
    uid = case.path_parameters.get("uid")
    if uid is not None and random.random() < 0.7:
        uid = target.records[random.choice(sorted(target.records))]
        if case.method == "DELETE" and uid == target.records["organization"]:
            uid = target.records["doomed"]  # what is in it is needed by the requests after
        case.path_parameters["uid"] = uid


@SCHEMA.parametrize()
@BOUNDED
def test_an_owner_meets_no_defect(case: Any, target: Target, session: requests.Session) -> None:
    """What is answered to the owner of an organization, well or badly formed, is documented."""
    _prepare(case, target)
    headers = {"Authorization": f"Bearer {target.token}"}
    case.call_and_validate(base_url=target.url, session=session, headers=headers, checks=CHECKS)


@SCHEMA.exclude(path=["/ping/v1/ping"]).parametrize()
@BOUNDED
def test_a_stranger_meets_no_defect(case: Any, target: Target, session: requests.Session) -> None:
    """What is answered without a token is documented, and no record."""
    response = case.call_and_validate(base_url=target.url, session=session, checks=CHECKS)
    needs_token = any("accessToken" in one for one in case.operation.definition.raw["security"])
    assert not needs_token or response.status_code in {400, 401, 405}

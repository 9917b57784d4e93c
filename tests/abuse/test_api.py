"""Bad input to the management API: the right code, a message that helps, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.api import Caller, Refused, Wire, login, wires
from tests.kit.brokers import RunningBroker
from tests.kit.calls import Answer, call
from tests.kit.organizations import Organization

INVALID, DENIED, UNAUTHENTICATED, NOT_FOUND = 3, 7, 16, 5
CLAIM_MATCH = {"issuer": "https://issuer.example", "subject": "s"}


@pytest.fixture
async def ways(broker: RunningBroker) -> AsyncIterator[dict[str, Wire]]:
    """To the broker."""
    async with wires(broker) as both:
        yield both


@pytest.fixture
async def ann(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ways: dict[str, Wire]
) -> Caller:
    """An owner of acme."""
    await acme.bind(await acme.person(issuer.url, "ann"), "owner", acme.id)
    return await login(broker, issuer, ways["http"], "ann")


async def send(broker: RunningBroker, ann: Caller, verb: str, path: str, body: bytes) -> Answer:
    """Bytes as they are."""
    return await call(
        verb,
        broker.url + path,
        data=body,
        headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"},
    )


def identity(**rules: Any) -> dict[str, Any]:
    """A request's identity with these rules over sound ones; an empty one takes its away."""
    merged = CLAIM_MATCH | rules
    return {"name": "ci", "claimMatch": {name: rule for name, rule in merged.items() if rule}}


BAD_IDENTITIES: dict[str, tuple[dict[str, Any], str]] = {
    "pattern": (identity(subjectPattern="(", subject=""), "subject_pattern"),
    "long": (identity(subjectPattern="a" * 1025, subject=""), "subject_pattern"),
    "claim pattern": (identity(claimPatterns={"ref": "x)|("}), "claim_patterns.ref"),
    "claim without a name": (identity(claims={"": "x"}), "claims"),
    "many rules": (identity(claims={str(n): "x" for n in range(33)}), "claims"),
    "issuer's case": (identity(issuer="https://Issuer.example"), "issuer"),
    "http": (identity(issuer="http://issuer.example"), "issuer"),
    "control character": (identity(subject="a\u0001b"), "subject"),
    "no rules": ({"name": "ci"}, "identity"),
    "empty rules": ({"name": "ci", "claimMatch": {}}, "issuer"),
    "no name": (identity() | {"name": ""}, "name"),
    "long name": (identity() | {"name": "x" * 257}, "name"),
    "reversed name": (identity() | {"name": "a\u202eb"}, "name"),
    "name of two lines": (identity() | {"name": "a\nb"}, "name"),
    "description": (identity() | {"description": "x" * 2049}, "description"),
    "account": (
        {"name": "aws", "awsIdentity": {"awsAccount": "12", "arn": "a", "userId": "u"}},
        "aws_identity.aws_account",
    ),
    "half of an AWS identity": (
        {"name": "aws", "awsIdentity": {"awsAccount": "123456789012", "arn": "a"}},
        "user_id",
    ),
    "no expiration": (
        {"name": "static", "static": {"issuer": "https://i.example", "subject": "s"}},
        "static_keys.expiration",
    ),
    "no service": ({"name": "service", "servicePrincipal": "UNKNOWN"}, "service_principal"),
    "an unknown service": ({"name": "service", "servicePrincipal": 99}, "service_principal"),
}


@pytest.mark.parametrize("wire", ["http", "grpc"])
async def test_identities_that_make_no_sense(
    ann: Caller, acme: Organization, ways: dict[str, Wire], wire: str
) -> None:
    """Each is refused by the field that is at fault, on either wire, and none is kept."""
    caller = ann.on(ways[wire])
    for what, (bad, field) in BAD_IDENTITIES.items():
        with pytest.raises(Refused) as refused:
            await caller("Identities/Create", parentId=acme.id, identity=bad)
        assert (refused.value.code, refused.value.metadata["field"]) == (INVALID, field), what
        assert field.rpartition(".")[2] in refused.value.message, what
    assert (await ann("Identities/List"))["items"] == []


BAD_BODIES = {
    "no JSON": b"{",
    "a list": b"[]",
    "text": b'"text"',
    "not UTF-8": b"\xff",
    "a member twice": b'{"name": "a", "name": "b"}',
    "an unknown member": b'{"nome": "a"}',
    "a number for a string": b'{"name": 1}',
    "a list for a string": b'{"name": ["a"]}',
    "an object for a string": b'{"name": {"a": "b"}}',
    "a string for a boolean": b'{"verified": "yes"}',
    "half a role": b'{"resourceLimits": {"roles": 1.5}}',
    "an int32 too large": b'{"resourceLimits": {"roles": 9999999999}}',
    "a list for a map": b'{"resourceLimits": []}',
    "an unknown enum value": b'{"kind": "ORG_KIND_OF_ITS_OWN"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "deep": b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a megabyte": json.dumps({"name": "x" * 1_000_000}).encode(),
}


async def test_bodies_that_are_no_group(
    broker: RunningBroker, ann: Caller, acme: Organization
) -> None:
    """Each is an invalid argument with a message that quotes little of it."""
    for what, body in BAD_BODIES.items():
        answer = await send(broker, ann, "POST", f"/iam/v1/groups/{acme.id}", body)
        assert (answer.status, answer.body["code"]) == (400, INVALID), what
        assert 0 < len(answer.body["message"]) < 400, what
    assert [group["name"] for group in (await ann("Groups/List"))["items"]] == ["acme", "shop"]


BAD_QUERIES = [
    ("pageSize=-1", "page_size"),
    ("pageSize=x", "pageSize"),
    ("pageSize=99999999999", "pageSize"),
    ("pageSize=1&pageSize=2", "pageSize"),
    ("skip=-1", "skip"),
    ("pageToken=x", "page_token"),
    ("pageToken=e30", "page_token"),
    ("orderBy=nome", "order_by"),
    ("orderBy=name up", "order_by"),
    ("orderBy=name;drop", "order_by"),
    ("uidp.descendantsOf=x", "uidp.descendants_of"),
    ("uidp.childrenOf=" + "0" * 39, "uidp.children_of"),
    ("uidp.ids=" + "G" * 40, "uidp.ids"),
    ("uidp=x", "uidp"),
    ("uidp.inRoot=perhaps", "uidp.inRoot"),
    ("uidp.nowhere=x", "uidp.nowhere"),
    ("nome=x", "nome"),
]


async def test_lists_of_what_cannot_be(broker: RunningBroker, ann: Caller) -> None:
    """Each parameter that is wrong is named."""
    for query, field in BAD_QUERIES:
        answer = await send(broker, ann, "GET", f"/iam/v2/groups?{quote(query, safe='=&;')}", b"")
        assert (answer.status, answer.body["code"]) == (400, INVALID), query
        assert answer.body["details"][0]["metadata"]["field"] == field, query
        assert field in answer.body["message"], query


async def test_a_page_that_is_too_large_is_as_large_as_pages_are(ann: Caller) -> None:
    """AIP-158: a page size over the limit is brought down to it."""
    assert len((await ann("v2.GroupsService/ListGroups", pageSize=2**31 - 1))["groups"]) == 2


async def test_records_that_cannot_be(broker: RunningBroker, ann: Caller) -> None:
    """A UIDP that is none is an invalid argument, not a record that is not found."""
    root = "0" * 40
    for uidp in ("x", root + "0", "A" * 40, f"{root}/x", f"{root}//{root[:16]}", "0" * 2000, "%00"):
        answer = await send(broker, ann, "GET", f"/iam/v2/groups/{uidp}", b"")
        assert (answer.status, answer.reason) == (400, "uidp_malformed"), uidp


async def test_masks_of_fields_that_do_not_exist(
    broker: RunningBroker, ann: Caller, acme: Organization, ways: dict[str, Wire]
) -> None:
    """Each is refused, and nothing is changed by the fields that do exist."""
    new = {"name": "new", "description": "new"}
    for mask in ("nome", "name.length", "resourceLimits.roles", "name,,description", "name name"):
        path = f"/iam/v2/groups/{acme.folder}?updateMask={quote(mask)}"
        answer = await send(broker, ann, "PATCH", path, json.dumps(new).encode())
        assert (answer.status, answer.body["code"]) == (400, INVALID), mask
    for mask in ("nome", "name.length", "resourceLimits.roles"):
        with pytest.raises(Refused) as refused:
            await ann.on(ways["grpc"])(
                "v2.GroupsService/UpdateGroup",
                group={"uid": acme.folder, **new},
                updateMask=mask,
            )
        assert refused.value.reason == "update_mask_invalid", mask
    assert {group["name"] for group in (await ann("Groups/List"))["items"]} == {"acme", "shop"}


async def test_what_is_not_json(broker: RunningBroker, ann: Caller, acme: Organization) -> None:
    """A form is told what is expected."""
    answer = await call(
        "POST",
        f"{broker.url}/iam/v1/groups/{acme.id}",
        data={"name": "x"},
        headers={"Authorization": f"Bearer {ann.token}"},
    )
    assert (answer.status, answer.reason) == (400, "content_type_unsupported")


async def test_methods_and_paths_that_do_not_exist(broker: RunningBroker, ann: Caller) -> None:
    """405 says what is allowed; another path is not found."""
    wrong = await send(broker, ann, "DELETE", "/iam/v1/groups:lookupGroup", b"")
    assert wrong.status in {400, 405}
    unknown = await send(broker, ann, "GET", "/iam/v3/groups", b"")
    assert (unknown.status, unknown.reason) == (404, "path_unknown")


async def test_tokens_that_do_not_let_anybody_in(
    broker: RunningBroker, issuer: LocalIssuer, ann: Caller, ways: dict[str, Wire]
) -> None:
    """No token, an upstream one, a changed one, one of another audience: UNAUTHENTICATED."""
    assert ann.token is not None
    other = await login(broker, issuer, ways["http"], "ann", aud="https://elsewhere.example")
    head, payload, signature = ann.token.split(".")
    upstream = issuer.token({"sub": "ann"})
    bad = {
        "token_missing": None,
        "access_token_expected": upstream,
        "access_token_audience": other.token,
        "token_signature_invalid": f"{head}.{payload}.{'A' * len(signature)}",
        "token_malformed": "x",
    }
    for wire in ways.values():
        for reason, token in bad.items():
            with pytest.raises(Refused) as refused:
                await Caller(wire, token)("Auth/Validate")
            assert (refused.value.code, refused.value.reason) == (UNAUTHENTICATED, reason)


async def test_a_token_of_another_broker(broker: RunningBroker, ways: dict[str, Wire]) -> None:
    """One that claims our issuer and is signed by somebody else's key lets nobody in."""
    forged = LocalIssuer(issuer=broker.url, algorithm="ES256")
    token = forged.token(
        {"sub": "0" * 40, "act": {}, "role_bindings": [], "cap": {}, "aud": broker.url},
        header={"typ": "at+jwt"},
    )
    with pytest.raises(Refused) as refused:
        await Caller(ways["http"], token)("Auth/Validate")
    assert (refused.value.code, refused.value.reason) == (UNAUTHENTICATED, "token_key_unknown")


async def test_the_answer_to_a_refused_token_says_how_to_come(broker: RunningBroker) -> None:
    """RFC 6750 §3: WWW-Authenticate names the scheme."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{broker.url}/auth/v1/ok") as response,
    ):
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

"""Bad input to the management API: the right code, a message that helps, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

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


BAD_IDENTITIES = [
    pytest.param(identity(subjectPattern="(", subject=""), "subject_pattern", id="pattern"),
    pytest.param(identity(subjectPattern="a" * 1025, subject=""), "subject_pattern", id="long"),
    pytest.param(identity(claimPatterns={"ref": "x)|("}), "claim_patterns.ref", id="claim pattern"),
    pytest.param(identity(claims={"": "x"}), "claims", id="claim without a name"),
    pytest.param(identity(claims={str(n): "x" for n in range(33)}), "claims", id="many rules"),
    pytest.param(identity(issuer="https://Issuer.example"), "issuer", id="issuer's case"),
    pytest.param(identity(issuer="http://issuer.example"), "issuer", id="http"),
    pytest.param(identity(subject="a\u0001b"), "subject", id="control character"),
    pytest.param({"name": "ci"}, "identity", id="no rules"),
    pytest.param({"name": "ci", "claimMatch": {}}, "issuer", id="empty rules"),
    pytest.param(identity() | {"name": ""}, "name", id="no name"),
    pytest.param(identity() | {"name": "x" * 257}, "name", id="long name"),
    pytest.param(identity() | {"name": "a\u202eb"}, "name", id="reversed name"),
    pytest.param(identity() | {"name": "a\nb"}, "name", id="name of two lines"),
    pytest.param(identity() | {"description": "x" * 2049}, "description", id="description"),
    pytest.param(
        {"name": "aws", "awsIdentity": {"awsAccount": "12", "arn": "a", "userId": "u"}},
        "aws_identity.aws_account",
        id="account",
    ),
    pytest.param(
        {"name": "aws", "awsIdentity": {"awsAccount": "123456789012", "arn": "a"}},
        "user_id",
        id="half of an AWS identity",
    ),
    pytest.param(
        {"name": "static", "static": {"issuer": "https://i.example", "subject": "s"}},
        "static_keys.expiration",
        id="no expiration",
    ),
    pytest.param({"name": "service", "servicePrincipal": "UNKNOWN"}, "service_principal", id="0"),
    pytest.param({"name": "service", "servicePrincipal": 99}, "service_principal", id="99"),
]


@pytest.mark.parametrize("wire", ["http", "grpc"])
@pytest.mark.parametrize(("bad", "field"), BAD_IDENTITIES)
async def test_identities_that_make_no_sense(
    ann: Caller, acme: Organization, ways: dict[str, Wire], wire: str, bad: Any, field: str
) -> None:
    """Each is refused by the field that is at fault, on either wire, and none is kept."""
    with pytest.raises(Refused) as refused:
        await ann.on(ways[wire])("Identities/Create", parentId=acme.id, identity=bad)
    assert refused.value.code == INVALID
    assert refused.value.metadata["field"] == field
    assert field.rpartition(".")[2] in refused.value.message
    assert (await ann("Identities/List"))["items"] == []


BAD_BODIES = [
    pytest.param(b"{", id="no JSON"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b'"text"', id="text"),
    pytest.param(b"\xff", id="not UTF-8"),
    pytest.param(b'{"name": "a", "name": "b"}', id="a member twice"),
    pytest.param(b'{"nome": "a"}', id="an unknown member"),
    pytest.param(b'{"name": 1}', id="a number for a string"),
    pytest.param(b'{"name": ["a"]}', id="a list for a string"),
    pytest.param(b'{"name": {"a": "b"}}', id="an object for a string"),
    pytest.param(b'{"verified": "yes"}', id="a string for a boolean"),
    pytest.param(b'{"resourceLimits": {"roles": 1.5}}', id="half a role"),
    pytest.param(b'{"resourceLimits": {"roles": 9999999999}}', id="an int32 too large"),
    pytest.param(b'{"resourceLimits": []}', id="a list for a map"),
    pytest.param(b'{"kind": "ORG_KIND_OF_ITS_OWN"}', id="an unknown enum value"),
    pytest.param(b'{"name": "\\ud800"}', id="half a surrogate pair"),
    pytest.param(b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", id="deep"),
    pytest.param(json.dumps({"name": "x" * 1_000_000}).encode(), id="a megabyte"),
]


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_bodies_that_are_no_group(
    broker: RunningBroker, ann: Caller, acme: Organization, body: bytes
) -> None:
    """Each is an invalid argument with a message that quotes little of it."""
    answer = await send(broker, ann, "POST", f"/iam/v1/groups/{acme.id}", body)
    assert (answer.status, answer.body["code"]) == (400, INVALID)
    assert 0 < len(answer.body["message"]) < 400
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


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES)
async def test_lists_of_what_cannot_be(
    broker: RunningBroker, ann: Caller, query: str, field: str
) -> None:
    """Each parameter that is wrong is named."""
    answer = await send(broker, ann, "GET", f"/iam/v2/groups?{query.replace(' ', '%20')}", b"")
    assert (answer.status, answer.body["code"]) == (400, INVALID)
    assert answer.body["details"][0]["metadata"]["field"] == field
    assert field in answer.body["message"]


async def test_a_page_that_is_too_large_is_as_large_as_pages_are(ann: Caller) -> None:
    """AIP-158: a page size over the limit is brought down to it."""
    assert len((await ann("v2.GroupsService/ListGroups", pageSize=2**31 - 1))["groups"]) == 2


@pytest.mark.parametrize(
    "uidp",
    ["x", "0" * 41, "A" * 40, "0" * 40 + "/x", "0" * 40 + "//" + "0" * 16, "0" * 2000, "%00"],
)
async def test_records_that_cannot_be(broker: RunningBroker, ann: Caller, uidp: str) -> None:
    """A UIDP that is none is an invalid argument, not a record that is not found."""
    answer = await send(broker, ann, "GET", f"/iam/v2/groups/{uidp}", b"")
    assert (answer.status, answer.reason) == (400, "uidp_malformed")


@pytest.mark.parametrize(
    "mask", ["nome", "name.length", "resourceLimits.roles", "name,,description", "name name"]
)
@pytest.mark.parametrize("wire", ["http", "grpc"])
async def test_masks_of_fields_that_do_not_exist(
    ann: Caller, acme: Organization, ways: dict[str, Wire], wire: str, mask: str
) -> None:
    """Each is refused, and nothing is changed by the fields that do exist."""
    try:
        await ann.on(ways[wire])(
            "v2.GroupsService/UpdateGroup",
            group={"uid": acme.folder, "name": "new", "description": "new"},
            updateMask=mask,
        )
    except Refused as refused:
        assert refused.code == INVALID
        assert refused.metadata["field"] in {"update_mask", "updateMask"}
    except Exception as error:  # noqa: BLE001 - protobuf's own client refuses some of them
        assert "FieldMask" in str(error) or "field_mask" in str(error).lower()
    groups = (await ann("Groups/List"))["items"]
    assert {group["name"] for group in groups} == {"acme", "shop"}


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

"""Partial updates: which fields a mask names, and what becomes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.rpc import code_pb2

from broker.sdk.testing.issuer import LocalIssuer
from tests.api.samples import METHODS, named, place
from tests.api.world import VIEWER, Acme
from tests.kit.api import Caller, Json, Wire, refused
from tests.kit.calls import call

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDENTITIES = "v2.IdentitiesService"
PROVIDERS = "v2.IdentityProvidersService"
JWKS = json.dumps(LocalIssuer(algorithm="ES256").jwks())
TIMES = ("createTime", "updateTime")


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _timeless(record: Json) -> Json:
    return {name: value for name, value in record.items() if name not in TIMES}


async def _identity(caller: Caller, acme: Acme, **rules: Any) -> Json:
    return await caller(
        f"{IDENTITIES}/CreateIdentity",
        parent=acme.shop,
        identity={"name": "robot", "description": "d"}
        | (rules or {"claim_match": {"issuer": "https://id.example", "subject": "x",
                                     "audience": "a", "claims": {"a": "b"}}}),
    )  # fmt: skip


async def _update(caller: Caller, uidp: str, /, mask: str, **members: Any) -> Json:
    return await caller(
        f"{IDENTITIES}/UpdateIdentity", identity={"uid": uidp, **members}, update_mask=mask
    )


CHANGES: dict[str, tuple[Json, Json]] = {
    "name": ({"name": "other"}, {"name": "other"}),
    "description": ({"description": "other"}, {"description": "other"}),
    "claimMatch.subject": (
        {"claim_match": {"subject": "y"}},
        {"claimMatch": {"subject": "y"}},
    ),
    "claimMatch.subjectPattern": (
        {"claim_match": {"subject_pattern": "y.*"}},
        {"claimMatch": {"subject": None, "subjectPattern": "y.*"}},
    ),
    "claimMatch.issuer": (
        {"claim_match": {"issuer": "https://other.example"}},
        {"claimMatch": {"issuer": "https://other.example"}},
    ),
    "claimMatch.issuerPattern": (
        {"claim_match": {"issuer_pattern": "https://.*"}},
        {"claimMatch": {"issuer": None, "issuerPattern": "https://.*"}},
    ),
    "claimMatch.audiencePattern": (
        {"claim_match": {"audience_pattern": "a.*"}},
        {"claimMatch": {"audience": None, "audiencePattern": "a.*"}},
    ),
    "claimMatch.audience": ({}, {"claimMatch": {"audience": None}}),
    "claimMatch.claims": (
        {"claim_match": {"claims": {"c": "d"}}},
        {"claimMatch": {"claims": {"c": "d"}}},
    ),
    "claimMatch.claimPatterns": (
        {"claim_match": {"claim_patterns": {"c": "d"}}},
        {"claimMatch": {"claimPatterns": {"c": "d"}}},
    ),
}


def _merged(record: Json, change: Json) -> Json:
    result = dict(record)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and name == "claimMatch":
            result[name] = _merged(record[name], value)
        else:
            result[name] = value
    return result


@pytest.mark.parametrize("mask", CHANGES)
async def test_one_field_of_an_identity(acme: Acme, wire: Wire, mask: str) -> None:
    """Changes, in whatever depth, and every other field stays, though the request says otherwise;
    what the mask names and the request leaves out is cleared."""
    ann = acme.ann.on(wire)
    before = await _identity(ann, acme)
    sent, expected = CHANGES[mask]
    noise = {"name": "passed over", "description": "passed over"} | {
        name: value for name, value in sent.items() if name != "claim_match"
    }
    after = await _update(
        ann, before["uid"], mask, **noise, **{k: v for k, v in sent.items() if k not in noise}
    )
    assert _timeless(after) == _timeless(_merged(before, expected))
    assert after["createTime"] == before["createTime"] < after["updateTime"]
    assert await ann(f"{IDENTITIES}/GetIdentity", uid=before["uid"]) == after


async def test_rules_of_another_kind(acme: Acme, wire: Wire) -> None:
    """Named as a whole, they take the place of those that there were."""
    ann = acme.ann.on(wire)
    kinds: dict[str, Any] = {
        "claimMatch": {"issuer": "https://id.example", "subject": "x"},
        "staticKeys": {
            "issuer": "https://id.example",
            "subject": "x",
            "issuerKeys": JWKS,
            "expirationTime": _in_days(3),
            "audiences": ["a"],
        },
        "awsIdentity": {"awsAccount": "123456789012", "arn": "a", "userId": "u"},
        "servicePrincipal": "SERVICE_PRINCIPAL_INGESTER",
    }
    made = await _identity(ann, acme)
    for mask in ("named", "*", ""):
        for kind, rules in kinds.items():
            whole = {"name": "robot", kind: rules}
            after = await _update(ann, made["uid"], kind if mask == "named" else mask, **whole)
            assert [name for name in kinds if name in after] == [kind]
            shown = after[kind]
            assert shown == (rules if isinstance(rules, str) else shown | rules)
    later = _in_days(5)
    await _update(ann, made["uid"], "staticKeys", staticKeys=kinds["staticKeys"])
    after = await _update(
        ann, made["uid"], "staticKeys.expirationTime", static_keys={"expiration_time": later}
    )
    assert after["staticKeys"] == kinds["staticKeys"] | {"expirationTime": later}


async def test_a_part_of_rules_of_another_kind(acme: Acme, wire: Wire) -> None:
    """Is not enough: one field of a kind that the identity does not have makes no rules."""
    ann = acme.ann.on(wire)
    made = await _identity(ann, acme)
    keys = {"issuer": "https://id.example"}
    with refused(code_pb2.INVALID_ARGUMENT):
        await _update(ann, made["uid"], "staticKeys.issuer", static_keys=keys)
    # a part of what neither has is nothing to take over
    after = await _update(ann, made["uid"], "awsIdentity.arn", name="passed over")
    assert _timeless(after) == _timeless(made)
    for mask in ("claimMatch", "claimMatch.subject", "claimMatch.issuer"):
        with refused(code_pb2.INVALID_ARGUMENT):
            await _update(ann, made["uid"], mask)


async def test_everything(acme: Acme, wire: Wire) -> None:
    """`*` names every field that can be set: what the request leaves out is cleared, as far as it
    can be."""
    ann = acme.ann.on(wire)
    made = await _identity(ann, acme)
    rules = {"issuer": "https://other.example", "subject": "y"}
    after = await _update(ann, made["uid"], "*", name="other", claimMatch=rules)
    assert (after["name"], after["description"]) == ("other", "")
    assert after["claimMatch"] == rules | {"claims": {}, "claimPatterns": {}}
    with refused(code_pb2.INVALID_ARGUMENT, field="name"):
        await _update(ann, made["uid"], "*", claimMatch=rules)
    with refused(code_pb2.INVALID_ARGUMENT, field="identity"):
        await _update(ann, made["uid"], "*", name="x")


MASKED = [method for method in METHODS if method.name.startswith("Update")
          and "update_mask" in method.request.DESCRIPTOR.fields_by_name]  # fmt: skip


@pytest.mark.parametrize("method", MASKED, ids=named)
async def test_masks_that_are_none(acme: Acme, method: Any) -> None:
    """A path that the message does not have, through a list or a map, or of nothing at all is
    refused by every update; nothing changes."""
    requests = await place(acme)
    request = requests.request(method)
    for wire in (acme.world.http, acme.world.grpc):
        for path in ("nope", "name.first", "oidc.nope", "claimMatch.claims.a", "resourceLimits.x",
                     "capabilities.a", "claimMatch.", ".name", "name.", "."):  # fmt: skip
            before = await acme.world.last_record()
            with refused(code_pb2.INVALID_ARGUMENT, field="update_mask"):
                await wire.call(method, request | {"update_mask": path}, acme.ann.token)
            assert await acme.world.last_record() == before


@pytest.mark.parametrize("method", MASKED, ids=named)
async def test_what_the_server_sets_is_passed_over(acme: Acme, method: Any) -> None:
    """UIDP and times can be named, and do not change; a mask of nothing else changes nothing but
    the time of the update."""
    if method.name == "UpdateIdentityMetadata":
        return  # has none of them but the caller's own UIDP
    requests = await place(acme)
    request = requests.request(method)
    (field,) = (name for name in request if name != "update_mask")
    key = "uid" if "uid" in request[field] else "group"  # a policy has its organization's
    record = {key: request[field][key]}
    if "create_time" in method.request.DESCRIPTOR.fields_by_name[field].message_type.fields_by_name:
        record["create_time"] = "2001-01-01T00:00:00Z"
    for wire in (acme.world.http, acme.world.grpc):
        for mask in (key, ",".join(record)):
            after = await wire.call(
                method, {field: record, "update_mask": _camel(mask)}, acme.ann.token
            )
            again = await wire.call(method, {field: record, "update_mask": key}, acme.ann.token)
            assert _timeless(after) == _timeless(again)
            assert after[key] == record[key]
            assert not after.get("createTime", "").startswith("2001")


def _camel(mask: str) -> str:
    return mask.replace("create_time", "createTime")


# without a mask


async def test_without_a_mask(acme: Acme, wire: Wire) -> None:
    """The fields that the request has are those that change."""
    ann = acme.ann.on(wire)
    made = await _identity(ann, acme)
    after = await ann(
        f"{IDENTITIES}/UpdateIdentity", identity={"uid": made["uid"], "description": "other"}
    )
    assert _timeless(after) == _timeless(made) | {"description": "other"}
    unchanged = await ann(f"{IDENTITIES}/UpdateIdentity", identity={"uid": made["uid"]})
    assert _timeless(unchanged) == _timeless(after)


async def test_an_empty_member_over_http(acme: Acme) -> None:
    """Is there in JSON, and so it is meant: protobuf does not know it from one that is not."""
    http = acme.ann.on(acme.world.http)
    made = await _identity(http, acme)
    url = f"{acme.world.broker.url}/iam/v2/identities/{made['uid']}"
    after = await _patch(acme, url, {"description": ""})
    assert after == made | {"description": "", "updateTime": after["updateTime"]}
    after = await _patch(acme, url, {"claimMatch": {"audience": "", "subjectPattern": "y.*"}})
    assert "audience" not in after["claimMatch"] or after["claimMatch"]["audience"] == ""
    assert after["claimMatch"]["subjectPattern"] == "y.*"
    assert after["claimMatch"]["claims"] == {"a": "b"}
    after = await _patch(acme, url, {"claim_match": {"claims": {}}})
    assert after["claimMatch"]["claims"] == {}
    # with a mask, what the body has besides is passed over
    after = await _patch(acme, f"{url}?updateMask=name", {"name": "n", "description": "no"})
    assert (after["name"], after["description"]) == ("n", "")
    read = await http(f"{IDENTITIES}/GetIdentity", uid=made["uid"])
    assert read == after


async def _patch(acme: Acme, url: str, body: Json) -> Json:
    answer = await call(
        "PATCH",
        url,
        data=json.dumps(body),
        headers={
            "Authorization": f"Bearer {acme.ann.token}",
            "Content-Type": "application/json",
        },
    )
    assert answer.status == 200, answer.body
    return dict(answer.body)


# other nouns


async def test_one_field_of_a_provider(acme: Acme, wire: Wire) -> None:
    """Of its configuration, the others stay."""
    ann = acme.ann.on(wire)
    issuer = acme.world.issuer.url  # it is asked whether it can do PKCE
    oidc = {
        "issuer": issuer,
        "client_id": "c",
        "client_secret": "geheim",
        "additional_scopes": ["a", "b"],
        "groups_claim": "g",
        "correlation_rule": "CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID",
        "pkce_enabled": True,
    }
    made = await ann(
        f"{PROVIDERS}/CreateIdentityProvider",
        parent=acme.shop,
        identity_provider={"name": "id", "description": "d", "default_role": VIEWER, "oidc": oidc},
    )
    changes: dict[str, tuple[str, Any]] = {
        "issuer": ("issuer", f"{issuer}/other"),
        "client_id": ("clientId", "other"),
        "additional_scopes": ("additionalScopes", ["c"]),
        "groups_claim": ("groupsClaim", ""),
        "correlation_rule": ("correlationRule", "CORRELATION_RULE_UNSPECIFIED"),
        "pkce_enabled": ("pkceEnabled", False),
    }
    expected = dict(made["oidc"])
    for name, (shown, value) in changes.items():
        expected[shown] = value
        after = await ann(
            f"{PROVIDERS}/UpdateIdentityProvider",
            identity_provider={"uid": made["uid"], "oidc": {name: value}, "name": "passed over"},
            update_mask=f"oidc.{shown}",
        )
        assert after["oidc"] == expected
        assert (after["name"], after["defaultRole"]) == ("id", VIEWER)
    after = await ann(
        f"{PROVIDERS}/UpdateIdentityProvider",
        identity_provider={"uid": made["uid"]},
        update_mask="defaultRole,description",
    )
    assert (after["defaultRole"], after["description"], after["oidc"]) == ("", "", expected)


async def test_one_field_of_a_role(acme: Acme, wire: Wire) -> None:
    """Its capabilities are replaced whole."""
    ann = acme.ann.on(wire)
    uidp = await acme.role("groups.list", "roles.list", name="r")
    update = "v2.RolesService/UpdateRole"
    one = ["CAP_IAM_IDENTITY_LIST"]
    after = await ann(
        update, role={"uid": uidp, "capabilities": one, "name": "x"}, update_mask="capabilities"
    )
    assert (after["name"], after["capabilities"]) == ("r", one)
    after = await ann(update, role={"uid": uidp, "capabilities": one, "name": "x"},
                      update_mask="name")  # fmt: skip
    assert (after["name"], after["capabilities"]) == ("x", one)
    with refused(code_pb2.INVALID_ARGUMENT, field="capabilities"):
        await ann(update, role={"uid": uidp, "name": "y"}, update_mask="*")


async def test_one_field_of_a_group(acme: Acme, wire: Wire) -> None:
    """An owner's `*` repeats what the operator said, or is refused."""
    ann = acme.ann.on(wire)
    update = "v2.GroupsService/UpdateGroup"
    before = await ann("v2.GroupsService/GetGroup", uid=acme.id)
    after = await ann(update, group={"uid": acme.id, "description": "d"}, update_mask="description")
    assert _timeless(after) == _timeless(before) | {"description": "d"}
    back = await ann(update, group=before, update_mask="*")
    assert _timeless(back) == _timeless(before)
    assert back["createTime"] == before["createTime"] < back["updateTime"]


async def test_one_field_of_a_binding(acme: Acme, wire: Wire) -> None:
    """Identity or role; neither can be cleared."""
    ann = acme.ann.on(wire)
    one, other = await acme.identity(), await acme.identity()
    uidp = await acme.bind(one, VIEWER, acme.shop)
    role = await acme.role("groups.list")
    update = "v2.RoleBindingsService/UpdateRoleBinding"
    both = {"uid": uidp, "identity_uid": other, "role_uid": role}
    after = await ann(update, role_binding=both, update_mask="roleUid")
    assert (after["identityUid"], after["roleUid"]) == (one, role)
    after = await ann(update, role_binding=both | {"role_uid": VIEWER}, update_mask="identityUid")
    assert (after["identityUid"], after["roleUid"]) == (other, role)
    after = await ann(update, role_binding={"uid": uidp}, update_mask="identityUid,roleUid")
    assert (after["identityUid"], after["roleUid"]) == (other, role)

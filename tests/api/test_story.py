"""One story, told over each wire and in each version, and read over and in the others."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.rpc import code_pb2

from broker.sdk.testing.issuer import LocalIssuer
from tests.api.versions import CHANGING, ENUM, VERSIONS, Version
from tests.api.world import OWNER, VIEWER, Acme, ids
from tests.kit.api import Caller, Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

JWKS = json.dumps(LocalIssuer(algorithm="ES256").jwks())
WIRES = [("http", "http"), ("grpc", "grpc"), ("http", "grpc"), ("grpc", "http")]


def _days(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _claims(subject: str) -> Json:
    return {"claim_match": {"issuer": "https://id.example", "subject": subject,
                            "claim_patterns": {"ref": "refs/.*"}}}  # fmt: skip


def _records(acme: Acme, role: str, identity: str, provider: str) -> Iterator[tuple[str, Json]]:
    """What is made in the folder, each noun after those that it speaks of."""
    yield "identity", {"name": "claims", "description": "d", **_claims("x")}
    keys = {
        "issuer": "https://id.example",
        "subject": "x",
        "issuer_keys": JWKS,
        "expiration_time": _days(3),
        "audiences": ["a"],
    }
    yield "identity", {"name": "static", "static_keys": keys}
    aws = {"aws_account": "123456789012", "arn_pattern": "a.*", "user_id": "u"}
    yield "identity", {"name": "aws", "aws_identity": aws}
    yield "identity", {"name": "service", "service_principal": "SERVICE_PRINCIPAL_SKILLS"}
    yield "role", {"name": "r", "description": "d", "capabilities": [ENUM["groups.list"]]}
    yield "binding", {"identity_uid": identity, "role_uid": role}
    yield "invite", {"role_uid": role, "ttl": "86400s", "email": "a@b.example", "single_use": True}
    oidc = {"issuer": acme.world.issuer.url, "client_id": "c", "additional_scopes": ["groups"],
            "pkce_enabled": True}  # fmt: skip
    yield "provider", {"name": "id", "description": "d", "oidc": oidc, "default_role": role}
    yield (
        "mapping",
        {
            "identity_provider_uid": provider,
            "external_group_id": "admins",
            "role_uid": role,
            "scope": acme.shop,
        },
    )
    yield "association", {"name": "a", "google": {"project_id": "p", "project_number": "1"}}
    yield "subscription", {"sink": "https://hook.example/x"}
    yield "group", {"name": "inner", "description": "d"}


CHANGES: dict[str, Json] = {
    "group": {"name": "other", "description": "other"},
    "role": {"name": "other", "description": "o", "capabilities": [ENUM["roles.list"]]},
    "identity": {"name": "other", "description": "o", **_claims("y")},
    "provider": {
        "name": "other",
        "description": "o",
        "default_role": VIEWER,
        "oidc": {"client_id": "o", "pkce_enabled": True},
    },
    "association": {"name": "other", "description": "o", "amazon": {"account": "123456789012"}},
}


def _agree(one: Json, other: Json) -> None:
    """What both versions tell of a record is the same."""
    common = one.keys() & other.keys()
    assert "uid" in common
    for name in common - {"role", "group", "identity"}:
        assert one[name] == other[name], name


PAIRS = [
    (*versions, *WIRES[number % len(WIRES)])
    for number, versions in enumerate(itertools.product(VERSIONS, VERSIONS))
]


@pytest.mark.parametrize(("told", "read", "out", "back"), PAIRS)
async def test_records_are_the_same_everywhere(
    acme: Acme, told: str, read: str, out: str, back: str
) -> None:
    """Made, changed and deleted in one version over one wire, they are read so in another version
    over another wire."""
    teller, reader = VERSIONS[told], VERSIONS[read]
    here, there = (acme.ann.on(_wire(acme, name)) for name in (out, back))
    role = await teller.make(
        here, "role", acme.shop, {"name": "base", "capabilities": [ENUM["version.list"]]}
    )
    identity = await teller.make(here, "identity", acme.shop, {"name": "base", **_claims("base")})
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    provider = await teller.make(here, "provider", acme.shop, {"name": "base", "oidc": oidc})
    made: list[tuple[str, str]] = []
    for noun, record in _records(acme, role, identity, provider):
        uid = await teller.make(here, noun, acme.shop, record)
        made.append((noun, uid))
        _told(record, await reader.read(there, noun, uid))
    for noun, uid in made:
        await _everywhere(acme, noun, uid)
        if noun in CHANGING:
            change = CHANGES.get(noun, {"identity_uid": identity, "role_uid": VIEWER})
            if noun == "provider":  # it is asked whether it can do PKCE
                elsewhere = {"issuer": f"{acme.world.issuer.url}/other"}
                change = change | {"oidc": change["oidc"] | elsewhere}
            await teller.change(here, noun, uid, change)
            _told(change, await reader.read(there, noun, uid))
            await _everywhere(acme, noun, uid)
    for noun, uid in reversed(made):
        await teller.remove(here, noun, uid)
        await _gone(reader, there, noun, uid)


def _wire(acme: Acme, name: str) -> Wire:
    return acme.world.http if name == "http" else acme.world.grpc


def _told(record: Json, read: Json) -> None:
    """What was asked for is what is there."""
    for name, value in record.items():
        head, *rest = name.split("_")
        shown = read.get(head + "".join(map(str.title, rest)))
        if name == "ttl":
            continue  # version 1 tells the end alone
        if isinstance(value, dict) and name != "claim_patterns":
            assert shown is not None, name
            _told(value, shown)
        elif name == "expiration_time":
            assert datetime.fromisoformat(str(shown)) == datetime.fromisoformat(value)
        else:
            assert shown == value, name


async def _everywhere(acme: Acme, noun: str, uid: str) -> None:
    readings = [
        await version.read(acme.ann.on(wire), noun, uid)
        for version in VERSIONS.values()
        for wire in (acme.world.http, acme.world.grpc)
    ]
    for reading in readings[1:]:
        _agree(readings[0], reading)


async def _gone(reader: Version, there: Caller, noun: str, uid: str) -> None:
    if reader is VERSIONS["v1"] and noun != "mapping":
        with pytest.raises(ValueError, match="not enough values"):
            await reader.read(there, noun, uid)
        return
    with refused(code_pb2.NOT_FOUND):
        await reader.read(there, noun, uid)


@pytest.mark.parametrize(("out", "back"), WIRES)
async def test_from_nothing_to_nothing(acme: Acme, out: str, back: str) -> None:
    """Somebody makes an organization, gives others roles in it, sets up what stands around it,
    and takes it all down: the whole of it by the API alone."""
    world = acme.world
    number = world.number()
    founder_subject = f"founder-{number}"
    await acme.records.person(world.issuer.url, founder_subject)
    here, there = _wire(acme, out), _wire(acme, back)

    async def founder(wire: Wire) -> Caller:
        return (await world.login(founder_subject)).on(wire)

    # an organization and its tree
    first = await founder(here)
    root = (await first("Groups/Create", group={"name": f"org-{number}"}))["id"]
    me = await founder(here)
    team = await me("v2.GroupsService/CreateGroup", parent=root, group={"name": "team"})
    deep = await me("Groups/Create", parent=team["uid"], group={"name": "deep"})
    seen = await (await founder(there))("v2beta1.GroupsService/ListGroups")
    assert ids(seen) == [root, team["uid"], deep["id"]]
    # a machine that may do something
    role = await me(
        "v2.RolesService/CreateRole",
        parent=root,
        role={"name": "lister", "capabilities": [ENUM["groups.list"]]},
    )
    rules = {"issuer": world.issuer.url, "subject": f"ci-{number}"}
    ci = await me(
        "Identities/Create",
        parent_id=team["uid"],
        identity={"name": "ci", "claim_match": rules},
    )
    await me(
        "v2.RoleBindingsService/BatchCreateRoleBindings",
        parent=team["uid"],
        role_uid=role["uid"],
        requests=[{"role_binding": {"identity_uid": ci["id"]}}],
    )
    robot = (await world.assumed(ci["id"], f"ci-{number}")).on(there)
    assert ids(await robot("Groups/List")) == [team["uid"], deep["id"]]
    (held,) = (await robot("Auth/Validate"))["capabilities"]
    assert (held["group"]["name"], held["role"]["name"]) == ("team", "lister")
    # what stands around it
    await me("GroupInvites/Create", group=root, role=VIEWER, ttl="3600s")
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    provider = await me(
        "IdentityProviders/Create",
        parent_id=root,
        identity_provider={"name": "id", "oidc": oidc, "default_role": role["uid"]},
    )
    mapping = {
        "identity_provider_uid": provider["id"],
        "external_group_id": "admins",
        "role_uid": OWNER,
        "scope": team["uid"],
    }
    await me(
        "v2.ExternalGroupRoleMappingsService/CreateExternalGroupRoleMapping",
        parent=provider["id"],
        external_group_role_mapping=mapping,
    )
    await me("GroupAccountAssociations/Create", group=root, name="x", google={"project_id": "p"})
    await me("Terms/AcceptTerms", group=root, document_ids=["eula"])
    await me("Subscriptions/Create", parent_id=root, subscription={"sink": "https://h.example"})
    # and down again
    other = await founder(there)
    for uid in (deep["id"], team["uid"]):
        await other("v2.GroupsService/DeleteGroup", uid=uid)
    with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
        await robot("Auth/Validate")
    assert (await other("ExternalGroupRoleMappings/List"))["items"] == []
    with refused(code_pb2.FAILED_PRECONDITION, "last_owner"):
        await me("Auth/Delete", id=me.identity)
    await other("Groups/Delete", id=root)
    assert ids(await me("Groups/List")) == []
    await me("Auth/Delete", id=me.identity)
    with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
        await other("Auth/Validate")

"""Identities: who a token can be minted for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from google.rpc import code_pb2

from broker.iam.model import StaticKeys
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.api.world import EDITOR, OWNER, VIEWER, Acme, ids
from tests.kit.api import Json, Wire, refused
from tests.kit.calls import exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

ISSUER = "https://id.example"
JWKS = json.dumps(LocalIssuer(algorithm="ES256").jwks())


def _at(days: float) -> str:
    moment = datetime.now(UTC) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _static(**more: object) -> Json:
    keys: Json = {"issuer": ISSUER, "subject": "x", "issuer_keys": JWKS, "expiration": _at(1)}
    return {"static": keys | more}


def _claims(**more: object) -> Json:
    return {"claim_match": {"issuer": ISSUER, "subject": "x"} | more}


def _aws(**more: object) -> Json:
    aws: Json = {"aws_account": "123456789012", "arn": "arn:aws:x", "user_id": "AIDA"}
    return {"aws_identity": {k: v for k, v in (aws | more).items() if v is not None}}


KINDS: dict[str, Json] = {
    "claim match": _claims(audience="a", claims={"ref": "main"}, claim_patterns={"/a/b": "c.*"}),
    "patterns": {
        "claim_match": {
            "issuer_pattern": "https://.*",
            "subject_pattern": "x.*",
            "audience_pattern": "a|b",
        }
    },
    "static": _static(audiences=["a", "b"]),
    "aws": _aws(),
    "aws patterns": _aws(arn=None, arn_pattern="a.*", user_id=None, user_id_pattern="A.*"),
    "service principal": {"service_principal": "CATALOG_SYNCER"},
}


def _in_v2(rules: Json) -> Json:
    if "static" in rules:
        keys = dict(rules["static"])
        return {"static_keys": {"expiration_time": keys.pop("expiration"), **keys}}
    if "service_principal" in rules:
        return {"service_principal": f"SERVICE_PRINCIPAL_{rules['service_principal']}"}
    return rules


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.title, rest))


def _same(read: Json, rules: Json) -> None:
    """What was asked for is in what is read."""
    for name, value in rules.items():
        got = read[_camel(name)]
        if isinstance(value, dict) and name not in ("claims", "claim_patterns"):
            _same(got, value)
        elif name.startswith("expiration"):
            assert datetime.fromisoformat(got) == datetime.fromisoformat(value)
        else:
            assert got == value


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_rules(acme: Acme, wire: Wire, kind: str) -> None:
    """Made and changed in either version, it reads the same in the other."""
    ann, rules = acme.ann.on(wire), KINDS[kind]
    v1 = await ann(
        "Identities/Create",
        parent_id=acme.shop,
        identity={"name": "robot", "description": "d", **rules},
    )
    v2 = await ann(
        "v2.IdentitiesService/CreateIdentity",
        parent=acme.shop,
        identity={"name": "robot", "description": "d", **_in_v2(rules)},
    )
    for uidp in (v1["id"], v2["uid"]):
        (old,) = (await ann("Identities/List", id=uidp))["items"]
        new = await ann("v2.IdentitiesService/GetIdentity", uid=uidp)
        assert new == await ann("v2beta1.IdentitiesService/GetIdentity", uid=uidp)
        _same(old, rules)
        _same(new, _in_v2(rules))
        assert (old["name"], old["description"]) == (new["name"], new["description"])
        assert old["createdAt"] == new["createTime"] == new["updateTime"] == old["updatedAt"]
        assert "lastSeen" not in old
        assert "lastSeenTime" not in new


@pytest.mark.parametrize("before", KINDS)
async def test_rules_of_another_kind(acme: Acme, wire: Wire, before: str) -> None:
    """An update takes an identity to any kind, and leaves nothing of the kind that it was."""
    ann = acme.ann.on(wire)
    for rules in KINDS.values():
        made = await ann(
            "Identities/Create", parent_id=acme.shop, identity={"name": "a", **KINDS[before]}
        )
        changed = await ann("Identities/Update", id=made["id"], name="b", **rules)
        _same(changed, rules)
        arms = {"claimMatch", "static", "awsIdentity", "servicePrincipal"}
        assert len(arms & changed.keys()) == 1
        assert changed["createdAt"] == made["createdAt"]


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({}, "identity"),
        (_claims(issuer=""), "issuer"),
        (_claims(issuer="http://id.example"), "issuer"),
        (_claims(issuer="https://id.example?x"), "issuer"),
        (_claims(subject=""), "subject"),
        (_claims(subject="x" * 2049), "subject"),
        (_claims(subject="a\x01"), "subject"),
        ({"claim_match": {"issuer": ISSUER, "subject_pattern": "("}}, "subject_pattern"),
        ({"claim_match": {"issuer": ISSUER, "subject_pattern": "(?=x)"}}, "subject_pattern"),
        ({"claim_match": {"issuer_pattern": "[", "subject": "x"}}, "issuer_pattern"),
        (_claims(claim_patterns={"ref": "("}), "claim_patterns.ref"),
        (_claims(claims={"": "x"}), "claims"),
        (_claims(claims={"/a~2": "x"}), "claims./a~2"),
        (_claims(claims={f"c{n}": "x" for n in range(40)}), "claims"),
        (_static(expiration=_at(-1)), "static_keys.expiration"),
        (_static(expiration=_at(31)), "static_keys.expiration"),
        (_static(expiration=None), "static_keys.expiration"),
        (_static(issuer_keys="x"), "static_keys.issuer_keys"),
        (_static(issuer_keys="[" * 100_000), "static_keys.issuer_keys"),
        (_static(issuer_keys='{"keys": []}'), "static_keys.issuer_keys"),
        (_static(issuer_keys='{"keys": [{"kty": "oct", "k": "eA"}]}'), "static_keys.issuer_keys"),
        (_static(issuer_keys='{"keys": [{"kty": ["RSA"]}]}'), "static_keys.issuer_keys"),
        (_static(issuer_keys='{"keys": [{"kty": "EC", "d": "eA"}]}'), "static_keys.issuer_keys"),
        (_static(subject=""), "subject"),
        (_static(audiences=[""]), "static_keys.audiences"),
        (_aws(aws_account="1"), "aws_identity.aws_account"),
        (_aws(aws_account="١٢٣٤٥٦٧٨٩٠١٢"), "aws_identity.aws_account"),
        (_aws(arn=None), "arn"),
        (_aws(user_id=None, user_id_pattern="("), "aws_identity.user_id_pattern"),
        ({"service_principal": "UNKNOWN"}, "service_principal"),
        ({"service_principal": 99}, "service_principal"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_rules_that_are_refused(acme: Acme, wire: Wire, rules: Json, field: str) -> None:
    """The field at fault is named, at creation and at update."""
    ann = acme.ann.on(wire)
    uidp = await acme.identity()
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("Identities/Create", parent_id=acme.shop, identity={"name": "x", **rules})
    with refused(code_pb2.INVALID_ARGUMENT, field=field):
        await ann("Identities/Update", id=uidp, name="x", **rules)


async def test_names_need_not_be_unique(acme: Acme, wire: Wire) -> None:
    """Two of a group may have the same name and the same rules."""
    ann = acme.ann.on(wire)
    made = [
        await ann("Identities/Create", parent_id=acme.shop, identity={"name": "x", **_claims()})
        for _ in range(2)
    ]
    assert made[0]["id"] != made[1]["id"]
    found = await ann("v2.IdentitiesService/ListIdentities", name="x")
    assert found["totalCount"] == "2"


# exchanges


async def test_what_an_exchange_sees(acme: Acme, wire: Wire) -> None:
    """Rules that were just made, changed or deleted, at once in the same process."""
    ann, issuer = acme.ann.on(wire), acme.world.issuer

    async def status(subject: str) -> int:
        token = issuer.token({"sub": subject})
        return (await exchange(acme.world.broker, token, uidp)).status

    uidp = await acme.identity("one")
    assert (await status("one"), await status("two")) == (200, 403)
    rules = {"issuer": issuer.url, "subject": "two"}
    await ann("Identities/Update", id=uidp, name="x", claim_match=rules)
    assert (await status("one"), await status("two")) == (403, 200)
    seen = await ann("v2.IdentitiesService/GetIdentity", uid=uidp)
    assert seen["name"] == "x"
    await ann("Identities/Delete", id=uidp)
    assert await status("two") == 403
    for name, request in (
        ("Identities/Delete", {"id": uidp}),
        ("Identities/Update", {"id": uidp, "name": "x", **_claims()}),
        ("v2.IdentitiesService/GetIdentity", {"uid": uidp}),
    ):
        with refused(code_pb2.NOT_FOUND, "identity_not_found"):
            await ann(name, **request)


async def test_static_keys_prove_and_expire(acme: Acme, wire: Wire) -> None:
    """Before their expiration tokens by them are accepted; after it none is minted."""
    offline = LocalIssuer(
        algorithm="ES256", issuer="https://offline.example", audience=acme.world.broker.url
    )
    keys = {
        "issuer": offline.url,
        "subject": "x",
        "issuer_keys": json.dumps(offline.jwks()),
        "expiration": _at(30 - 1 / 24),
    }
    made = await acme.ann.on(wire)(
        "Identities/Create", parent_id=acme.shop, identity={"name": "x", "static": keys}
    )
    token = offline.token({"sub": "x"})
    assert (await exchange(acme.world.broker, token, made["id"])).status == 200
    now = datetime.now(UTC)
    expired = await acme.records.identity(
        StaticKeys(
            issuer=offline.url,
            subject="x",
            issuer_keys=json.dumps(offline.jwks()),
            expiration=now - timedelta(seconds=1),
        )
    )
    answer = await exchange(acme.world.broker, token, expired)
    assert (answer.status, answer.reason) == (403, "identity_refused")
    # reading and renaming it are still in order
    await acme.ann.on(wire)(
        "v2.IdentitiesService/UpdateIdentity", identity={"uid": expired, "name": "old"}
    )


async def test_the_life_of_static_keys_counts_from_the_creation(acme: Acme, wire: Wire) -> None:
    """New keys do not make an identity live longer than 30 days after it was made."""
    made = await acme.ann.on(wire)(
        "Identities/Create", parent_id=acme.shop, identity={"name": "x", **_static()}
    )
    later = _static(expiration=_at(30.1))
    with refused(code_pb2.INVALID_ARGUMENT, field="static_keys.expiration"):
        await acme.ann.on(wire)("Identities/Update", id=made["id"], name="x", **later)


@pytest.mark.parametrize("kind", ["service principal", "aws"])
async def test_what_nothing_is_exchanged_for(acme: Acme, wire: Wire, kind: str) -> None:
    """An OIDC token proves neither an AWS identity nor a service principal."""
    made = await acme.ann.on(wire)(
        "Identities/Create", parent_id=acme.shop, identity={"name": "x", **KINDS[kind]}
    )
    answer = await exchange(acme.world.broker, acme.world.issuer.token({"sub": "x"}), made["id"])
    assert (answer.status, answer.reason) == (403, "identity_refused")


# nobody hands over what they do not hold


async def test_who_an_identity_is(acme: Acme, wire: Wire) -> None:
    """Is said by who holds everything that the identity holds in its organization: else an
    editor's own token would make them what the identity is."""
    eddy, issuer = acme.eddy.on(wire), acme.world.issuer.url
    uidp = await acme.identity("robot")
    await eddy("Identities/Update", id=uidp, name="x", **_claims(issuer=issuer, subject="mine"))
    await acme.bind(uidp, await acme.role("groups.list"), acme.shop)
    await eddy("Identities/Update", id=uidp, name="x", **_claims(issuer=issuer, subject="again"))
    await acme.bind(uidp, OWNER, acme.shop)
    before = await eddy("v2.IdentitiesService/GetIdentity", uid=uidp)
    for name, request in (
        ("Identities/Update", {"id": uidp, "name": "x", **_claims(issuer=issuer)}),
        (
            "v2.IdentitiesService/UpdateIdentity",
            {
                "identity": {"uid": uidp, "claim_match": {"subject": "eddy"}},
                "update_mask": "claimMatch.subject",
            },
        ),
        ("v2.IdentitiesService/UpdateIdentity", {"identity": {"uid": uidp, **_in_v2(_static())}}),
    ):
        with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own", field="identity"):
            await eddy(name, **request)
    assert await eddy("v2.IdentitiesService/GetIdentity", uid=uidp) == before
    rules = {"claim_match": before["claimMatch"]}
    await eddy("Identities/Update", id=uidp, name="renamed", description="d", **rules)
    await acme.ann.on(wire)("Identities/Update", id=uidp, name="x", **_claims())


async def test_what_others_gave_an_identity(acme: Acme, wire: Wire) -> None:
    """Does not bind the hands of its own organization: they trusted it to say who it is."""
    uidp = await acme.identity("robot")
    await acme.oda(
        "RoleBindings/Create",
        parent=acme.other,
        role_binding={"identity": uidp, "role": VIEWER},
    )
    await acme.eddy.on(wire)("Identities/Update", id=uidp, name="x", **_claims())


# deletion


async def test_what_goes_with_an_identity(acme: Acme, wire: Wire) -> None:
    """Its bindings, in other organizations too, and its tokens at the API."""
    uidp = await acme.identity("robot")
    await acme.bind(uidp, VIEWER, acme.shop)
    await acme.oda(
        "RoleBindings/Create", parent=acme.other, role_binding={"identity": uidp, "role": VIEWER}
    )
    robot = await acme.world.assumed(uidp, "robot")
    assert {acme.shop, acme.other} <= set(ids(await robot.on(wire)("Groups/List")))
    await acme.ann.on(wire)("Identities/Delete", id=uidp)
    with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
        await robot.on(wire)("Groups/List")
    for owner in (acme.ann, acme.oda):
        bound = (await owner("RoleBindings/List"))["items"]
        assert uidp not in {binding["identity"] for binding in bound}


async def test_an_identity_that_is_the_last_owner(acme: Acme, wire: Wire) -> None:
    """Stays, until somebody else is."""
    uidp = await acme.identity("robot")
    await acme.bind(uidp, OWNER)
    await acme.ann("RoleBindings/Delete", id=await acme.binding_of(acme.ann))
    robot = (await acme.world.assumed(uidp, "robot")).on(wire)
    with refused(code_pb2.FAILED_PRECONDITION, "last_owner"):
        await robot("Identities/Delete", id=uidp)
    with refused(code_pb2.FAILED_PRECONDITION, "last_owner"):
        await robot("Groups/Delete", id=acme.shop)
    await robot(
        "RoleBindings/Create",
        parent=acme.id,
        role_binding={"identity": acme.vic.identity, "role": OWNER},
    )
    await robot("Identities/Delete", id=uidp)


# looking up


async def test_looking_up(acme: Acme, wire: Wire) -> None:
    """By issuer and subject: the identity that names them where the caller may list it, else the
    person, of whom a stranger learns the UIDP alone; in version 2 also before they have come."""
    issuer, subject = acme.world.issuer.url, f"robot-{acme.world.number()}"
    uidp = await acme.identity(subject)
    ann, oda = acme.ann.on(wire), acme.oda.on(wire)
    asked = {"issuer": issuer, "subject": subject}
    person = acme.world.person_uidp(subject)
    found = await ann("Identities/Lookup", **asked)
    assert (found["id"], found["name"]) == (uidp, "ci")
    assert await ann("v2.IdentitiesService/LookupIdentity", **asked) == {"uid": uidp}
    with refused(code_pb2.NOT_FOUND, "identity_not_found"):
        await oda("Identities/Lookup", **asked)
    assert await oda("v2.IdentitiesService/LookupIdentity", **asked) == {"uid": person}
    await acme.records.person(issuer, subject)
    told = await oda("Identities/Lookup", **asked)
    assert (told["id"], told["name"], told.get("claimMatch")) == (person, "", None)
    mine = {"issuer": issuer, "subject": f"oda-{acme.number}"}
    assert (await oda("Identities/Lookup", **mine))["claimMatch"]["subject"] == mine["subject"]
    for version in ("Identities/Lookup", "v2.IdentitiesService/LookupIdentity"):
        for field in ("issuer", "subject"):
            with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field=field):
                await ann(version, **asked | {field: ""})


async def test_editors_make_identities(acme: Acme, wire: Wire) -> None:
    """An identity without roles gives nothing away."""
    assert "identity.create" in EDITOR
    made = await acme.eddy.on(wire)(
        "Identities/Create", parent_id=acme.shop, identity={"name": "x", **_claims()}
    )
    assert Uidp(made["id"]).parent == acme.shop

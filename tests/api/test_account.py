"""The caller's own account: who they are, what they say of themselves, their deletion."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from google.rpc import code_pb2

from tests.api.world import OWNER, VIEWER, Acme, ids
from tests.kit.api import Caller, Wire, refused
from tests.kit.organizations import ROLES

pytestmark = pytest.mark.asyncio(loop_scope="module")

V2 = "v2.IdentitiesService"


async def test_who_am_i(acme: Acme, wire: Wire) -> None:
    """What the token says, with groups and roles as they are: issuer, subject, audience, times,
    and for each binding the group, the role and the capabilities."""
    world = acme.world
    vic = acme.vic.on(wire)
    me = await vic("Auth/Validate")
    assert (me["issuer"], me["audience"]) == (world.broker.url, [world.broker.url])
    assert me["subject"] == vic.identity
    issued, expiry = (datetime.fromisoformat(me[name]) for name in ("issuedAt", "expiry"))
    assert (expiry - issued).total_seconds() == 3600
    assert abs(issued.timestamp() - time.time()) < 600
    (held,) = me["capabilities"]
    assert held["group"]["id"] == acme.id
    assert (held["role"]["id"], held["role"]["name"]) == (VIEWER, "viewer")
    viewer = next(role for role in ROLES if role.id == VIEWER)
    assert set(held["capabilities"]) == viewer.capabilities == set(held["role"]["capabilities"])
    assert me["profile"]["name"] == f"vic-{acme.number}"


async def test_who_am_i_with_several_roles(acme: Acme, wire: Wire) -> None:
    """One entry for each role; narrowed, what the token still carries."""
    await acme.bind(acme.vic.identity, OWNER, acme.shop)
    await acme.bind(acme.vic.identity, await acme.role("groups.list", name="own"), acme.shop)
    me = await (await acme.again("vic")).on(wire)("Auth/Validate")
    assert sorted((each["group"]["id"], each["role"]["name"]) for each in me["capabilities"]) == [
        (acme.id, "viewer"),
        (acme.shop, "own"),
        (acme.shop, "owner"),
    ]
    me = await (await acme.again("vic", cap="roles.list")).on(wire)("Auth/Validate")
    assert sorted(
        (each["group"]["id"], tuple(each["capabilities"]), "role" in each)
        for each in me["capabilities"]
    ) == [(acme.id, ("roles.list",), False), (acme.shop, ("roles.list",), False)]


async def test_who_am_i_without_any_role(acme: Acme, wire: Wire) -> None:
    """Somebody, all the same."""
    stranger = (await acme.stranger()).on(wire)
    me = await stranger("Auth/Validate")
    assert (me["subject"], me["capabilities"]) == (stranger.identity, [])


async def test_the_email_of_the_token(acme: Acme, wire: Wire) -> None:
    """Is told as the provider told it."""
    token = acme.world.issuer.token({"sub": f"vic-{acme.number}", "email": "vic@acme.example"})
    answer = await Caller(wire, token)("SecurityTokenService/Exchange")
    me = await Caller(wire, answer["token"])("Auth/Validate")
    assert me["email"] == "vic@acme.example"


# what people say of themselves


async def test_metadata(acme: Acme, wire: Wire) -> None:
    """Whatever the mask names is kept, for oneself alone; company and names are shown."""
    vic = acme.vic.on(wire)
    said = {
        "name": "Vic",
        "given_name": "Victoria",
        "family_name": "Viewer",
        "company": "Acme",
        "updates_opt_in": True,
        "job_title": "x",
        "self_serve": True,
    }
    kept = await vic(f"{V2}/UpdateIdentityMetadata", identity_metadata=said)
    assert (kept["uid"], kept["givenName"], kept["updatesOptIn"], kept["product"]) == (
        vic.identity,
        "Victoria",
        True,
        "",
    )
    kept = await vic(
        f"{V2}/UpdateIdentityMetadata",
        identity_metadata={"uid": vic.identity, "company": "Other", "name": "passed over"},
        update_mask="company,updatesOptIn",
    )
    assert (kept["company"], kept["updatesOptIn"], kept["name"]) == ("Other", False, "Vic")
    me = await vic("Auth/Validate")
    assert (me["profile"]["givenName"], me["profile"]["familyName"]) == ("Victoria", "Viewer")


async def test_metadata_that_is_refused(acme: Acme, wire: Wire) -> None:
    """Of another person, of a machine, with control characters, of fields that are not there."""
    vic = acme.vic.on(wire)
    update = f"{V2}/UpdateIdentityMetadata"
    with refused(code_pb2.INVALID_ARGUMENT, field="identity_metadata.uid"):
        await vic(update, identity_metadata={"uid": acme.ann.identity, "company": "x"})
    for value in ("a\x07", "x" * 2049):
        with refused(code_pb2.INVALID_ARGUMENT, field="company"):
            await vic(update, identity_metadata={"company": value})
    with refused(code_pb2.INVALID_ARGUMENT, "update_mask_invalid", field="update_mask"):
        await vic(update, identity_metadata={"company": "x"}, update_mask="email")
    uidp = await acme.identity("robot")
    robot = (await acme.world.assumed(uidp, "robot")).on(wire)
    with refused(code_pb2.FAILED_PRECONDITION, "not_a_person"):
        await robot(update, identity_metadata={"company": "x"})


# deletion


async def test_people_delete_themselves(acme: Acme, wire: Wire) -> None:
    """With their bindings; their tokens end at once, and so does the login."""
    vic = acme.vic.on(wire)
    await acme.bind(vic.identity, VIEWER, acme.shop)
    await vic("Auth/Delete", id=vic.identity)
    with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
        await vic("Auth/Validate")
    with pytest.raises(AssertionError, match="identity_refused"):
        await acme.again("vic")
    bound = (await acme.ann("RoleBindings/List"))["items"]
    assert vic.identity not in {binding["identity"] for binding in bound}


async def test_nobody_deletes_others(acme: Acme, wire: Wire) -> None:
    """Not even an owner; machines are deleted as identities."""
    ann = acme.ann.on(wire)
    for uidp in (acme.vic.identity, acme.id, OWNER):
        with refused(code_pb2.INVALID_ARGUMENT, field="id"):
            await ann("Auth/Delete", id=uidp)
    with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed", field="id"):
        await ann("Auth/Delete", id="me")
    uidp = await acme.identity("robot")
    robot = await acme.world.assumed(uidp, "robot")
    with refused(code_pb2.FAILED_PRECONDITION, "not_a_person"):
        await robot("Auth/Delete", id=uidp)  # over gRPC: the path over HTTP takes no slash
    assert acme.vic.identity
    assert ids(await acme.vic.on(wire)("Groups/List"))

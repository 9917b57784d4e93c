"""SCIM of identity providers: its token, and whether it is on."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from google.rpc import code_pb2

from broker.iam.uidp import Uidp
from tests.api.world import EDITOR, OWNER, VIEWER, Acme, World
from tests.kit.api import Caller, Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1 = "IdentityProviders"
SUB = "CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID"
TOKEN = re.compile("cgscim_[0-9a-f]{64}")


async def provider(acme: Acme, /, default_role: str = "", rule: str = SUB, **oidc: Any) -> str:
    """A new one of the organization; its UIDP."""
    settings = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    made = await acme.ann(
        f"{V1}/Create",
        parent_id=acme.id,
        identity_provider={
            "name": "id",
            "oidc": settings | {"correlation_rule": rule} | oidc,
            "default_role": default_role,
        },
    )
    return str(made["id"])


async def second_owner(acme: Acme) -> None:
    await acme.records.bind(Uidp(secrets.token_hex(20)), OWNER, acme.id)


async def shown(caller: Caller, uidp: str) -> Json:
    """The `scim` member, the same in both versions."""
    (old,) = (await caller(f"{V1}/List", id=uidp))["items"]
    new = await caller("v2.IdentityProvidersService/GetIdentityProvider", uid=uidp)
    (listed,) = [
        each
        for each in (await caller("v2.IdentityProvidersService/ListIdentityProviders"))[
            "identityProviders"
        ]
        if each["uid"] == uidp
    ]
    assert old["scim"] == new["scim"] == listed["scim"]
    scim: Json = new["scim"]
    return scim


async def opens(world: World, uidp: str, token: str) -> int:
    """The status that a directory with this token gets."""
    url = f"{world.broker.url}/scim/v2/{uidp}/Users"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status


@pytest.mark.parametrize(
    ("service", "key"),
    [(V1, "identity_provider_id"), ("v2.IdentityProvidersService", "identity_provider_uid")],
)
async def test_the_life_of_a_token(acme: Acme, wire: Wire, service: str, key: str) -> None:
    """Generated, regenerated with an overlap, revoked; the state and the etag tell of each."""
    ann, world = acme.ann.on(wire), acme.world
    uidp = await provider(acme)
    await second_owner(acme)
    before = await shown(ann, uidp)
    assert before["credentialState"] == "CREDENTIAL_STATE_NOT_ISSUED"
    assert before["enabled"] is False
    assert before["endpointUrl"] == f"{world.broker.url}/scim/v2/{uidp}"
    with refused(code_pb2.FAILED_PRECONDITION, "scim_token_missing"):
        await ann(f"{service}/RegenerateScimToken", **{key: uidp})
    first = await ann(f"{service}/GenerateScimToken", **{key: uidp})
    assert first["identityProviderId" if service == V1 else "identityProviderUid"] == uidp
    assert TOKEN.fullmatch(first["token"])
    assert first["endpointUrl"] == before["endpointUrl"]
    with refused(code_pb2.FAILED_PRECONDITION, "scim_token_exists"):
        await ann(f"{service}/GenerateScimToken", **{key: uidp})
    assert await opens(world, uidp, first["token"]) == 403
    on = await ann(f"{service}/SetScimEnabled", **{key: uidp, "enabled": True})
    assert on["enabled"] is True
    assert await opens(world, uidp, first["token"]) == 200
    live = await shown(ann, uidp)
    assert live["credentialState"] == "CREDENTIAL_STATE_LIVE"
    assert live["etag"] == on["etag"] != first["etag"] != before["etag"]
    second = await ann(f"{service}/RegenerateScimToken", **{key: uidp, "overlap": "3600s"})
    assert second["requestedOverlap"] == "3600s"
    rotating = await shown(ann, uidp)
    assert rotating["credentialState"] == "CREDENTIAL_STATE_ROTATING"
    assert rotating["previousTokenExpireTime"] == second["previousTokenExpireTime"]
    assert await opens(world, uidp, first["token"]) == 200
    assert await opens(world, uidp, second["token"]) == 200
    third = await ann(f"{service}/RegenerateScimToken", **{key: uidp})
    assert await opens(world, uidp, first["token"]) == 401
    assert await opens(world, uidp, second["token"]) == 401
    assert await opens(world, uidp, third["token"]) == 200
    gone = await ann(f"{service}/RevokeScimToken", **{key: uidp})
    assert gone["enabled"] is False
    assert gone["revokeTime"]
    after = await shown(ann, uidp)
    assert after["credentialState"] == "CREDENTIAL_STATE_REVOKED"
    assert (after["enabled"], after["etag"]) == (False, gone["etag"])
    assert await opens(world, uidp, third["token"]) == 401
    with refused(code_pb2.FAILED_PRECONDITION, "scim_token_missing"):
        await ann(f"{service}/RegenerateScimToken", **{key: uidp})
    assert TOKEN.fullmatch((await ann(f"{service}/GenerateScimToken", **{key: uidp}))["token"])


async def test_how_long_a_token_lives(acme: Acme, wire: Wire) -> None:
    """A year, up to two, or for ever."""
    ann = acme.ann.on(wire)
    uidp = await provider(acme)
    now = datetime.now(UTC)
    made = await ann(f"{V1}/GenerateScimToken", identity_provider_id=uidp)
    year = datetime.fromisoformat(made["expireTime"]) - now
    assert timedelta(days=364) < year < timedelta(days=366)
    again = f"{V1}/RegenerateScimToken"
    for end in (now - timedelta(seconds=1), now + timedelta(days=733)):
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="expire_time"):
            await ann(again, identity_provider_id=uidp, expire_time=rfc3339(end))
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="never_expires"):
        await ann(
            again,
            identity_provider_id=uidp,
            expire_time=rfc3339(now + timedelta(days=1)),
            never_expires=True,
        )
    for overlap in ("86401s", "-1s"):
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="overlap"):
            await ann(again, identity_provider_id=uidp, overlap=overlap)
    two = rfc3339(now + timedelta(days=730))
    made = await ann(again, identity_provider_id=uidp, expire_time=two)
    assert datetime.fromisoformat(made["expireTime"]) == datetime.fromisoformat(two)
    await ann(again, identity_provider_id=uidp, never_expires=True)
    scim = await shown(ann, uidp)
    assert not scim.get("tokenExpireTime")
    assert scim["credentialState"] == "CREDENTIAL_STATE_LIVE"


async def test_a_token_that_has_expired(acme: Acme) -> None:
    """Opens nothing, has no overlap, and may be generated anew."""
    uidp, name = await provider(acme), f"{V1}/GenerateScimToken"
    first = await acme.ann(name, identity_provider_id=uidp)
    async with acme.world.broker.store.write() as records:
        kept = await records.scim_credentials.get(Uidp(uidp))
        assert kept is not None
        past = datetime.now(UTC) - timedelta(seconds=1)
        await records.scim_credentials.put(replace(kept, expires_at=past, enabled=True))
    assert (await shown(acme.ann, uidp))["credentialState"] == "CREDENTIAL_STATE_EXPIRED"
    assert await opens(acme.world, uidp, first["token"]) == 401
    again = await acme.ann(f"{V1}/RegenerateScimToken", identity_provider_id=uidp, overlap="60s")
    assert not again.get("previousTokenExpireTime")
    assert await opens(acme.world, uidp, first["token"]) == 401
    assert await opens(acme.world, uidp, again["token"]) == 200


async def test_an_overlap_does_not_lengthen_a_life(acme: Acme) -> None:
    """The token before ends when it was going to end."""
    uidp = await provider(acme)
    end = rfc3339(datetime.now(UTC) + timedelta(minutes=5))
    await acme.ann(f"{V1}/GenerateScimToken", identity_provider_id=uidp, expire_time=end)
    again = await acme.ann(f"{V1}/RegenerateScimToken", identity_provider_id=uidp, overlap="600s")
    assert datetime.fromisoformat(again["previousTokenExpireTime"]) == datetime.fromisoformat(end)


async def test_an_etag_of_before(acme: Acme, wire: Wire) -> None:
    """Nobody overwrites what somebody else has changed since they looked."""
    ann = acme.ann.on(wire)
    uidp = await provider(acme)
    old = (await shown(ann, uidp))["etag"]
    new = (await ann(f"{V1}/GenerateScimToken", identity_provider_id=uidp))["etag"]
    for method, more in (("RegenerateScimToken", {}), ("SetScimEnabled", {"enabled": False})):
        with refused(code_pb2.ABORTED, "etag_outdated", field="etag"):
            await ann(f"{V1}/{method}", identity_provider_id=uidp, etag=old, **more)
    await ann(f"{V1}/SetScimEnabled", identity_provider_id=uidp, etag=new, enabled=False)


async def test_owners_who_stay_whatever_a_directory_says(acme: Acme, wire: Wire) -> None:
    """Two, bound by hand: who may have become an owner by just logging in does not count."""
    ann = acme.ann.on(wire)
    making = acme.world.issuer.url
    uidp = await provider(acme, OWNER, issuer=making, pkce_enabled=False)
    turn_on: Json = {"identity_provider_id": uidp, "enabled": True}
    await second_owner(acme)
    with refused(code_pb2.FAILED_PRECONDITION, "scim_owners_missing"):
        await ann(f"{V1}/SetScimEnabled", **turn_on)  # ann is of that issuer
    await second_owner(acme)
    await ann(f"{V1}/SetScimEnabled", **turn_on)
    await ann(f"{V1}/SetScimEnabled", **(turn_on | {"enabled": False}))


async def test_whose_logins_a_user_is_has_to_be_said(acme: Acme, wire: Wire) -> None:
    """SCIM is not turned on without a correlation rule, and the rule stays while it is on."""
    ann = acme.ann.on(wire)
    uidp = await provider(acme, rule="CORRELATION_RULE_UNSPECIFIED")
    await second_owner(acme)
    turn_on: Json = {"identity_provider_id": uidp, "enabled": True}
    with refused(code_pb2.FAILED_PRECONDITION, "scim_correlation_rule_missing"):
        await ann(f"{V1}/SetScimEnabled", **turn_on)
    (kept,) = (await ann(f"{V1}/List", id=uidp))["items"]
    message = {"id": uidp, "name": "id", "oidc": kept["oidc"] | {"correlationRule": SUB}}
    await ann(f"{V1}/Update", **message)
    await ann(f"{V1}/SetScimEnabled", **turn_on)
    without = kept["oidc"] | {"correlationRule": "CORRELATION_RULE_UNSPECIFIED"}
    with refused(code_pb2.FAILED_PRECONDITION, "scim_correlation_rule_missing"):
        await ann(f"{V1}/Update", **(message | {"oidc": without}))


async def test_who_may_manage_it(acme: Acme, wire: Wire) -> None:
    """Whoever holds identity_providers.scim.manage there, besides seeing providers."""
    uidp = await provider(acme)
    eddy, vic, oda = (each.on(wire) for each in (acme.eddy, acme.vic, acme.oda))
    assert "identity_providers.update" in EDITOR
    for caller in (eddy, vic, oda):
        with refused(code_pb2.PERMISSION_DENIED):
            await caller(f"{V1}/GenerateScimToken", identity_provider_id=uidp)
    may = await acme.holder("identity_providers.scim.manage", "identity_providers.list")
    assert await may.on(wire)(f"{V1}/GenerateScimToken", identity_provider_id=uidp)
    assert VIEWER


async def test_a_token_is_told_once_and_kept_nowhere(acme: Acme) -> None:
    """Neither a record nor the audit log has it; each change is in the log with its event."""
    before = await acme.world.last_record()
    uidp = await provider(acme)
    made = await acme.ann(f"{V1}/GenerateScimToken", identity_provider_id=uidp)
    await acme.ann(f"{V1}/RevokeScimToken", identity_provider_id=uidp)
    found = await acme.world.audit(before)
    written = [each for each in found if each.action.startswith("scim_credential.")]
    assert [each.action for each in written] == [
        "scim_credential.created",
        "scim_credential.updated",
    ]
    for each in found:
        assert made["token"] not in str(each)
        assert made["token"].removeprefix("cgscim_") not in str(each)
    assert "scim_token.generated.v1" in written[0].detail
    assert "scim_token.revoked.v1" in written[1].detail
    assert {each.subject for each in written} == {uidp}
    assert {each.group for each in written} == {acme.id}
    async with acme.world.broker.store.read() as records:
        kept = await records.scim_credentials.get(Uidp(uidp))
    assert made["token"].removeprefix("cgscim_") not in str(kept)


async def test_a_provider_that_does_not_exist(acme: Acme, wire: Wire) -> None:
    """Is not found, by who may look."""
    nowhere = acme.id.child(secrets.token_bytes)
    for method in ("GenerateScimToken", "RegenerateScimToken", "RevokeScimToken", "SetScimEnabled"):
        with refused(code_pb2.NOT_FOUND):
            await acme.ann.on(wire)(f"{V1}/{method}", identity_provider_id=nowhere)


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

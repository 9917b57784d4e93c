"""What a call leaves in the audit log: the change, and the event of its method."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.rpc import code_pb2

from broker.audit.record import AuditRecord, Outcome
from broker.contract.methods import Method
from tests.api.samples import METHODS, PENDING, named, place
from tests.api.world import OWNER, VIEWER, Acme, World, world
from tests.kit.api import CONTRACT, Json, Wire, refused
from tests.kit.calls import call

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMITTING = [m for m in METHODS if m.event and m.stable_path not in PENDING]
SILENT = [
    m for m in METHODS if not m.event and m.stable_path not in PENDING and m.name != "Exchange"
]


def _event(record: AuditRecord) -> Json | None:
    event: Json | None = json.loads(record.detail).get("event")
    return event


def _uidp(message: Json) -> str:
    return str(message.get("id") or message.get("uid") or message["group"])


def _extensions(method: Method, group: str, mapping: Json | None) -> Json:
    known: Json = {"group": group}
    if mapping is not None:
        known["identityprovider"] = (
            mapping.get("identityProviderUid") or mapping["identityProviderUidp"]
        )
    assert method.event is not None
    return {name: known[name] for name in method.event.extensions}


@pytest.mark.parametrize("method", EMITTING, ids=named)
async def test_the_event_of_a_method(everything: World, wire: Wire, method: Method) -> None:
    """Each success leaves one record with it, whose attributes and data tell what happened to
    which record, by whom and when, in the words of the message that was answered or asked."""
    acme = await everything.organization()
    caller = acme.vic if method.path.endswith("Auth/Delete") else acme.ann
    requests = await place(acme, caller)
    request = requests.request(method)
    mapping = None
    if "ExternalGroup" in method.service:
        mapping = await acme.ann("ExternalGroupRoleMappings/Get", uid=requests.mapping)
    before = await everything.last_record()
    response = await wire.call(method, request, caller.token)
    records = await everything.audit(before)
    (record,) = [each for each in records if _event(each)]
    event = _event(record)
    assert event is not None
    assert method.event is not None
    # who, when, how
    assert record.outcome is Outcome.OK
    assert record.actor == caller.identity
    assert event["data"]["actor"]["subject"] == caller.identity
    act = event["data"]["actor"]["act"]
    assert (act["iss"], act["aud"]) == (everything.issuer.url, everything.broker.url)
    assert act["sub"].endswith(f"-{acme.number}")
    assert datetime.fromisoformat(event["time"]) == record.at
    assert {each.request_id for each in records} == {record.request_id}
    # what
    assert event["type"] == method.event.type
    source = method.http[0].template.partition("{")[0].partition(":")[0].rstrip("/")
    assert event["source"] == everything.broker.url + source
    assert event["subject"] == record.subject
    is_told = bool(response)
    kind = method.response if is_told else method.request
    assert event["bodytype"] == kind.DESCRIPTOR.full_name
    body = event["data"]["body"]
    if is_told:
        secrets = {name: "" for name in ("code", "token") if name in response}
        assert body == response | secrets
    else:
        assert _uidp(body) == _uidp(request) == event["subject"]
    # to whom
    assert event["audience"] == method.event.audience.value.lower()
    group = _group_of(record)
    if group is None:
        assert "group" not in event
    else:
        expected = _extensions(method, group, mapping)
        assert {name: event[name] for name in expected} == expected
        assert record.group == group
    known = {"type", "source", "subject", "time", "audience", "bodytype", "data"}
    assert event.keys() - known <= set(method.event.extensions)


def _group_of(record: AuditRecord) -> str | None:
    """The group that reads of the record: a group's and an association's own, else the parent."""
    noun = record.action.partition(".")[0]
    if noun in ("group", "account_association", "terms_acceptance", "login_policy"):
        return record.subject
    return record.subject.rpartition("/")[0] or None


@pytest.mark.parametrize("method", SILENT, ids=named)
async def test_methods_without_an_event(everything: World, method: Method) -> None:
    """Emit none; what only reads writes nothing at all, but for the dry run of an exchange."""
    acme = await everything.organization()
    caller = acme.vic if method.path.endswith("Auth/Delete") else acme.ann
    requests = await place(acme, caller)
    before = await everything.last_record()
    await everything.grpc.call(method, requests.request(method), caller.token)
    records = await everything.audit(before)
    assert not [each for each in records if _event(each)]
    writing = {"CreateWithGroup", "Delete", "ExplainIdentity", "RevokeSession"}
    assert bool(records) is (method.name in writing)


async def test_an_event_a_call(acme: Acme, wire: Wire) -> None:
    """Of several changes one carries it: an organization's and not its owner's binding's, one of
    the bindings of a batch."""
    world = acme.world
    stranger = (await acme.stranger()).on(wire)
    before = await world.last_record()
    await stranger("Groups/Create", group={"name": f"new-{world.number()}"})
    created = await world.audit(before)
    assert {record.action: bool(_event(record)) for record in created} == {
        "group.created": True,
        "role_binding.created": False,
    }
    batch = [{"identity": await acme.identity(), "role": VIEWER} for _ in range(3)]
    before = await world.last_record()
    answer = await acme.ann.on(wire)(
        "RoleBindings/CreateBatch", parent=acme.shop, role_bindings=batch
    )
    records = await world.audit(before)
    assert sorted(record.subject for record in records) == sorted(
        binding["id"] for binding in answer["roleBindings"]
    )
    (event,) = filter(None, map(_event, records))
    assert event["data"]["body"] == answer
    assert event["type"] == "dev.chainguard.api.iam.rolebindings.created.batch.v1"


async def test_what_a_change_says(acme: Acme, wire: Wire) -> None:
    """Of each field what it was and what it is."""
    world, ann = acme.world, acme.ann.on(wire)
    uidp = await acme.role("groups.list", name="one")
    before = await world.last_record()
    await ann("v2.RolesService/UpdateRole", role={"uid": uidp, "name": "two"}, update_mask="name")
    await ann("Roles/Delete", id=uidp)
    updated, deleted = await world.audit(before)
    assert json.loads(updated.detail)["fields"] == {"name": {"before": "one", "after": "two"}}
    fields = json.loads(deleted.detail)["fields"]
    assert fields["capabilities"] == {"before": ["groups.list"], "after": None}
    assert (updated.action, deleted.action) == ("role.updated", "role.deleted")


async def test_the_id_of_the_request(acme: Acme) -> None:
    """Is in the answer and in the record."""
    answer = await call(
        "POST",
        f"{acme.world.broker.url}/iam/v1/groups/{acme.shop}",
        data=json.dumps({"name": "team"}),
        headers={
            "Authorization": f"Bearer {acme.ann.token}",
            "Content-Type": "application/json",
        },
    )
    assert answer.status == 200
    async with acme.world.broker.store.read() as records:
        (record,) = await records.audit.find(request_id=answer.request_id)
    assert record.subject == answer.body["id"]


async def test_secrets_are_not_written_down(acme: Acme, wire: Wire) -> None:
    """Neither the code of an invite nor a client secret is in a record, however it came."""
    world, ann = acme.world, acme.ann.on(wire)
    before = await world.last_record()
    secret = "streng-geheim-987654"
    v1 = await ann("GroupInvites/Create", group=acme.shop, role=VIEWER)
    v2 = await ann(
        "v2.GroupInvitesService/CreateGroupInvite",
        parent=acme.shop,
        group_invite={"role_uid": VIEWER},
    )
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": secret}
    provider = {"name": "id", "oidc": oidc}
    made = await ann("IdentityProviders/Create", parent_id=acme.id, identity_provider=provider)
    await ann("IdentityProviders/Update", id=made["id"], **provider)
    records = await world.audit(before)
    assert len([record for record in records if _event(record)]) == 4
    for code in (v1["code"], v2["code"], secret):
        assert code
        assert code not in repr(records)
    parts = [json.loads(_unpadded(code))["secret"] for code in (v1["code"], v2["code"])]
    assert not [part for part in parts if part in repr(records)]


def _unpadded(code: str) -> bytes:
    return base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))


async def test_a_refused_call_leaves_nothing(acme: Acme, wire: Wire) -> None:
    """Though it had changed something before it was refused."""
    world, ann = acme.world, acme.ann.on(wire)
    identity = await acme.identity()
    bound = {"identity": identity, "role": VIEWER}
    missing = f"{acme.shop}/0123456789abcdef"
    before, generation = await world.last_record(), await world.broker.store.generation()
    for name, request, code in (
        ("RoleBindings/CreateBatch",
         {"parent": acme.id, "role_bindings": [bound, {**bound, "identity": missing}]},
         code_pb2.NOT_FOUND),
        ("RoleBindings/Delete", {"id": await acme.binding_of(acme.ann)},
         code_pb2.FAILED_PRECONDITION),
        ("Auth/Delete", {"id": ann.identity}, code_pb2.FAILED_PRECONDITION),
        ("Groups/Create", {"parent": acme.id, "group": {"name": "shop"}}, code_pb2.ALREADY_EXISTS),
        ("Terms/AcceptTerms", {"group": acme.id, "document_ids": ["a", ""]},
         code_pb2.INVALID_ARGUMENT),
        ("GroupInvites/CreateWithGroup", {"group": f"x-{missing[-16:]}", "role": missing},
         code_pb2.NOT_FOUND),
    ):  # fmt: skip
        # of the two wires, one has it
        caller = ann if name != "GroupInvites/CreateWithGroup" else acme.ann
        with refused(code):
            await caller(name, **request)
    assert await world.last_record() == before
    assert await world.broker.store.generation() == generation


@contextmanager
def _failing(path: Path, trigger: str) -> Iterator[None]:
    """The database refuses a statement."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            f"CREATE TRIGGER fails BEFORE {trigger} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        try:
            yield
        finally:
            connection.execute("DROP TRIGGER fails")


@pytest.mark.parametrize("trigger", ["INSERT ON audit_records", "UPDATE ON generations"])
async def test_change_and_record_are_one(tmp_path: Path, trigger: str) -> None:
    """When the record cannot be written the change is not made; when the transaction fails after
    both were written, neither is there. The caller is told no more than that it failed."""
    async with world(tmp_path) as running:
        acme = await running.organization()
        body = json.dumps({"name": "team"})
        url = f"{running.broker.url}/iam/v1/groups/{acme.shop}"
        headers = {
            "Authorization": f"Bearer {acme.ann.token}",
            "Content-Type": "application/json",
        }
        before = await running.last_record()
        with _failing(tmp_path / "broker.sqlite3", trigger):
            answer = await call("POST", url, data=body, headers=headers)
        assert answer.status == 500
        assert answer.body["message"] == "internal error"
        assert await running.last_record() == before
        async with running.broker.store.read() as records:
            assert await records.groups.children(acme.shop) == []
        answer = await call("POST", url, data=body, headers=headers)
        assert answer.status == 200
        assert len(await running.audit(before)) == 1


async def test_what_emits_is_all_there_is() -> None:
    """Of the contract's events, only those of methods that are not there yet are not emitted."""
    emitted = {m.event.type for m in EMITTING if m.event}
    declared: set[Any] = {m.event.type for m in CONTRACT.methods.values() if m.event}
    missing = {kind.rpartition("iam.")[2].rpartition("api.")[2] for kind in declared - emitted}
    assert missing == {"auth.registered.v1"}
    assert OWNER

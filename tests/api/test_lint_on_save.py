"""What lint says when an identity is saved: told in a header, written down, refused by setting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import aiohttp
import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import code_pb2

from broker.audit.record import AuditRecord
from broker.iam.uidp import Uidp
from tests.api.world import Acme, world
from tests.kit.api import Json, method, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

GITHUB: Final = "https://token.actions.githubusercontent.com"
OPEN: Final = {"issuer": GITHUB, "subject_pattern": "repo:acme.*"}
SOUND: Final = {"issuer": "https://ci.example", "subject": "deploy"}
SAID: Final = [
    'owner-not-pinned;level=error;field="subject_pattern"',
    'trailing-wildcard;level=warning;field="subject_pattern"',
    'github-untrusted-events;level=warning;field="subject_pattern"',
]


def _identity(**rules: Any) -> Json:
    return {"name": "ci", "claim_match": rules}


async def _over_http(acme: Acme, **rules: Any) -> str | None:
    url = f"{acme.world.broker.url}/iam/v2/identities/{acme.id}"
    headers = {"Authorization": f"Bearer {acme.ann.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=_identity(**rules), headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        return response.headers.get("X-Broker-Lint")


async def _over_grpc(acme: Acme, **rules: Any) -> str | None:
    create = method("v2.IdentitiesService/CreateIdentity")
    request = {"parent": acme.id, "identity": _identity(**rules)}
    host = acme.world.broker.url.partition("://")[2]
    async with grpc.aio.insecure_channel(host) as channel:
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(create.path)
        call = unary(
            ParseDict(request, create.request()).SerializeToString(),
            metadata=(("authorization", f"Bearer {acme.ann.token}"),),
        )
        await call
        metadata = dict(await call.trailing_metadata())
    value = metadata.get("x-broker-lint")
    return None if value is None else str(value)


@pytest.mark.parametrize("create", [_over_http, _over_grpc])
async def test_findings_are_told_beside_the_answer(acme: Acme, create: Any) -> None:
    """Errors and warnings, the worst first; nothing where there are none."""
    assert await create(acme, **OPEN) == ", ".join(SAID)
    assert await create(acme, **SOUND) is None


async def test_a_name_that_is_no_ascii(acme: Acme) -> None:
    """Is percent-encoded, so that the header stays one."""
    said = await _over_http(acme, **SOUND, claim_patterns={'caf\u00e9"': "a.b"})
    assert said == 'unescaped-dot;level=warning;field="claim_patterns.caf%C3%A9%22"'


async def test_many_findings(acme: Acme) -> None:
    """A header names twenty, the audit record all."""
    patterns = {f"c{number}": "a.b" for number in range(25)}
    said = await _over_http(acme, **SOUND, claim_patterns=patterns)
    assert said is not None
    assert len(said.split(", ")) == 20
    assert len(_lint((await acme.world.audit())[-1])) == 25


def _lint(record: AuditRecord) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(record.detail).get("lint", [])
    return found


async def test_findings_are_written_down(acme: Acme) -> None:
    """With the change, each with its rule, level, field and message."""
    after = await acme.world.last_record()
    await _over_http(acme, **OPEN)
    await _over_http(acme, **SOUND)
    with_findings, without = await acme.world.audit(after)
    assert [f"{each['rule']};level={each['level']}" for each in _lint(with_findings)] == [
        said.rpartition(";")[0] for said in SAID
    ]
    assert _lint(with_findings)[0]["message"].startswith("a stranger's GitHub token passes")
    assert _lint(without) == []


async def test_rules_that_stay_are_not_looked_at_again(acme: Acme) -> None:
    """A new name says nothing; new rules do, also of what the identity holds."""
    made = await acme.ann(
        "v2.IdentitiesService/CreateIdentity", parent=acme.id, identity=_identity(**SOUND)
    )
    await acme.records.bind(Uidp(made["uid"]), "owner", acme.id)
    after = await acme.world.last_record()
    update = "v2.IdentitiesService/UpdateIdentity"
    await acme.ann(update, identity={"uid": made["uid"], "name": "other"}, update_mask="name")
    rules = {"uid": made["uid"], "claim_match": SOUND | {"claim_patterns": {"a": "a.b"}}}
    await acme.ann(update, identity=rules, update_mask="claimMatch")
    renamed, changed = await acme.world.audit(after)
    assert _lint(renamed) == []
    assert [each["rule"] for each in _lint(changed)] == ["owner-of-weak-rules", "unescaped-dot"]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_errors_are_refused_where_the_installation_says_so(
    tmp_path: Path, version: str
) -> None:
    """With the rule and the field; warnings are told as ever."""
    async with world(tmp_path, BROKER_LINT="refuse") as running:
        acme = await running.organization()
        with refused(
            code_pb2.INVALID_ARGUMENT, "lint_refused", field="subject_pattern"
        ) as expected:
            await _created(acme, version, OPEN)
        assert "owner-not-pinned" in expected.error.message
        assert await _over_http(acme, **SOUND, claim_patterns={"a": "a.b"}) is not None
        made = await _created(acme, version, SOUND)
        with refused(code_pb2.INVALID_ARGUMENT, "lint_refused", field="subject_pattern"):
            await acme.ann(
                "v2.IdentitiesService/UpdateIdentity",
                identity={"uid": made, "claim_match": OPEN},
                update_mask="claimMatch",
            )


async def test_nothing_is_said_where_the_installation_says_so(tmp_path: Path) -> None:
    """Neither told nor written down."""
    async with world(tmp_path, BROKER_LINT="off") as running:
        acme = await running.organization()
        after = await running.last_record()
        assert await _over_http(acme, **OPEN) is None
        (record,) = await running.audit(after)
        assert _lint(record) == []


async def _created(acme: Acme, version: str, rules: Json) -> str:
    if version == "v1":
        made = await acme.ann("Identities/Create", parent_id=acme.id, identity=_identity(**rules))
        return str(made["id"])
    made = await acme.ann(
        "v2.IdentitiesService/CreateIdentity", parent=acme.id, identity=_identity(**rules)
    )
    return str(made["uid"])

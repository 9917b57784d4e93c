"""The API as HTTP clients meet it: what a request may look like, and what is said when it may not."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.api.world import Acme, World, world
from tests.kit.calls import Answer, call

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET: Final = "geheim-geheim-geheim"
JSON: Final = {"Content-Type": "application/json"}
GROUPS: Final = "/iam/v2/groups"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A broker for this module."""
    async with world(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acme(everything: World) -> Acme:
    """An organization; no test changes what another one looks at."""
    return await everything.organization()


async def ask(acme: Acme, method: str, path: str, /, body: Any = None, **more: Any) -> Answer:
    """One request of the owner's; `body` as JSON, or as it is when it is bytes."""
    headers = {"Authorization": f"Bearer {acme.ann.token}", **JSON} | more.pop("headers", {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return await call(method, acme.world.broker.url + path, data=body, headers=headers, **more)


async def test_a_record_lives_by_http_alone(acme: Acme) -> None:
    """Made, read, listed, changed by PATCH and PUT, removed; UIDPs in paths as they are."""
    made = await ask(acme, "POST", f"{GROUPS}/{acme.id}", {"name": "tools", "description": "d"})
    assert made.status == 200, made.body
    uid = made.body["uid"]
    assert uid.startswith(f"{acme.id}/")
    assert (await ask(acme, "GET", f"{GROUPS}/{uid}")).body == made.body
    assert (await ask(acme, "GET", f"{GROUPS}/{uid.replace('/', '%2F')}")).body == made.body
    listed = await ask(acme, "GET", f"{GROUPS}?uidp.childrenOf={acme.id}&name=tools&page_size=1")
    assert (listed.body["groups"], listed.body["totalCount"]) == ([made.body], "1")
    changed = await ask(acme, "PATCH", f"{GROUPS}/{uid}", {"name": "tooling"})
    assert (changed.body["name"], changed.body["description"]) == ("tooling", "d")
    cleared = await ask(acme, "PATCH", f"{GROUPS}/{uid}", {"description": None})
    assert (cleared.body["name"], cleared.body["description"]) == ("tooling", "")
    masked = await ask(
        acme, "PATCH", f"{GROUPS}/{uid}?updateMask=description", {"name": "x", "description": "e"}
    )
    assert (masked.body["name"], masked.body["description"]) == ("tooling", "e")
    whole = await ask(acme, "PUT", f"/iam/v1/groups/{uid}", {"id": uid, "name": "again"})
    assert (whole.body["name"], whole.body["description"]) == ("again", "")
    gone = await ask(acme, "DELETE", f"{GROUPS}/{uid}")
    assert (gone.status, gone.body) == (200, {})
    assert (await ask(acme, "GET", f"{GROUPS}/{uid}")).status == 404


async def test_a_part_of_a_message_is_patched(acme: Acme) -> None:
    """The members of an object within are changed one by one."""
    uid = await acme.identity("before")
    answer = await ask(
        acme, "PATCH", f"/iam/v2/identities/{uid}", {"claimMatch": {"subject": "after"}}
    )
    assert answer.status == 200, answer.body
    assert answer.body["claimMatch"]["subject"] == "after"
    assert answer.body["claimMatch"]["issuer"] == acme.world.issuer.url
    assert answer.body["name"] == "ci"


async def test_an_organization_is_made_at_the_path_without_a_parent(acme: Acme) -> None:
    """With a slash at its end, and without."""
    for path in (GROUPS, f"{GROUPS}/"):
        name = f"org-{acme.world.number()}"
        answer = await ask(acme, "POST", path, {"name": name})
        assert (answer.status, answer.body.get("name")) == (200, name), answer.body
        assert len(answer.body["uid"]) == 40


async def test_an_array_is_a_body_where_the_rule_says_so(acme: Acme) -> None:
    """`rolebindings/batch` takes the bindings themselves."""
    identity, role = await acme.identity(), await acme.role("groups.list")
    path = f"/iam/v1/rolebindings/batch/{acme.id}"
    answer = await ask(acme, "POST", path, [{"identity": identity, "role": role}])
    assert answer.status == 200, answer.body
    (binding,) = answer.body["roleBindings"]
    assert (binding["identity"], binding["role"]) == (identity, role)


async def test_a_head_is_a_get_without_its_body(acme: Acme) -> None:
    """RFC 9110 §9.3.2."""
    headers = {"Authorization": f"Bearer {acme.ann.token}"}
    url = f"{acme.world.broker.url}{GROUPS}/{acme.id}"
    full = await call("GET", url, headers=headers)
    async with aiohttp.ClientSession() as session, session.head(url, headers=headers) as head:
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == full.headers["Content-Length"]


async def test_answers_are_kept_by_nobody(acme: Acme) -> None:
    """Records belong to those who may see them."""
    answer = await ask(acme, "GET", GROUPS)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ([], 401, "token_missing"),
        (["Bearer"], 401, "token_missing"),
        (["Bearer "], 401, "token_missing"),
        (["Basic eDp5"], 401, "token_missing"),
        (["Bearer x", "Bearer x"], 401, "token_missing"),
        (["Bearer x"], 401, "token_malformed"),
        ([f"Bearer {'x' * 20_000}"], 401, "token_too_large"),
    ],
)
async def test_a_call_needs_one_bearer_token(
    acme: Acme, authorization: list[str], status: int, code: str
) -> None:
    """RFC 6750 §3: 401 with a challenge."""
    headers = [("Authorization", value) for value in authorization]
    answer = await call("GET", f"{acme.world.broker.url}{GROUPS}", headers=headers)
    assert (answer.status, answer.reason, answer.body["code"]) == (status, code, 16)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="broker"')


async def test_what_needs_no_token_is_answered_without(acme: Acme) -> None:
    """The ping."""
    assert (await call("GET", f"{acme.world.broker.url}/ping/v1/ping")).status == 200


BAD: Final[list[tuple[str, str, Any, str, str | None]]] = [
    # the query
    ("GET", f"{GROUPS}?nam=x", None, "parameter_unknown", "nam"),
    ("GET", f"{GROUPS}?name=x&name=y", None, "parameter_repeated", "name"),
    ("GET", f"{GROUPS}?page_size=many", None, "field_invalid", "page_size"),
    ("GET", f"{GROUPS}?page_size=-1", None, "field_invalid", "page_size"),
    ("GET", f"{GROUPS}?pageSize=99999999999", None, "field_invalid", "pageSize"),
    ("GET", f"{GROUPS}?name=%ff", None, "parameters_malformed", None),
    ("GET", f"{GROUPS}?uidp.inRoot=1", None, "field_invalid", "uidp.inRoot"),
    ("GET", f"{GROUPS}?uidp.childrenOf=x", None, "uidp_malformed", "uidp.children_of"),
    ("GET", f"{GROUPS}?order_by=size", None, "field_invalid", "order_by"),
    ("GET", f"{GROUPS}?page_token=x", None, "field_invalid", "page_token"),
    ("GET", f"{GROUPS}?{'&'.join(['uidp.ids=x'] * 1201)}", None, "parameters_malformed", None),
    ("POST", f"{GROUPS}/{{org}}?name=x", {}, "parameter_unknown", "name"),
    ("PUT", "/iam/v1/groups/{org}?name=x", {}, "parameter_unknown", "name"),
    # the path
    ("GET", f"{GROUPS}/", None, "uidp_malformed", "uid"),
    ("GET", f"{GROUPS}/x", None, "uidp_malformed", "uid"),
    ("GET", f"{GROUPS}/{{org}}/", None, "uidp_malformed", "uid"),
    ("GET", f"{GROUPS}/{{org}}%00", None, "uidp_malformed", "uid"),
    ("GET", f"{GROUPS}/%0a{SECRET}", None, "uidp_malformed", "uid"),
    ("DELETE", GROUPS, None, "uidp_malformed", "uid"),
    ("PUT", "/iam/v1/groups/{org}", {"id": "other"}, "field_invalid", "id"),
    ("PATCH", f"{GROUPS}/{{org}}", {"uid": "other"}, "field_invalid", "group.uid"),
    # the body
    ("POST", f"{GROUPS}/{{org}}", b"{", "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b"\xff\xfe", "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b'{"name": "a", "name": "b"}', "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b'{"name": NaN}', "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b'{"name": "\\u0000"}', "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b'{"a":' * 40 + b"1" + b"}" * 40, "body_malformed", None),
    ("POST", f"{GROUPS}/{{org}}", b'"x"', "field_invalid", None),
    ("POST", f"{GROUPS}/{{org}}", b"[]", "field_invalid", None),
    ("POST", f"{GROUPS}/{{org}}", {"nam": "x"}, "field_unknown", "nam"),
    ("POST", f"{GROUPS}/{{org}}", {SECRET * 99: "x"}, "field_unknown", None),
    ("POST", f"{GROUPS}/{{org}}", {"name": 5}, "field_invalid", "name"),
    ("POST", f"{GROUPS}/{{org}}", {"name": ["x"]}, "field_invalid", "name"),
    ("POST", f"{GROUPS}/{{org}}", {"name": "x", "Name": "y"}, "field_unknown", "Name"),
    (
        "POST",
        f"{GROUPS}/{{org}}",
        {"name": "x", "resourceLimits": {"a": "b"}},
        "field_invalid",
        "resourceLimits.a",
    ),
    (
        "POST",
        f"{GROUPS}/{{org}}",
        {"name": "x", "resourceLimits": {"a": 1}, "resource_limits": {}},
        "field_invalid",
        "resource_limits",
    ),
    ("POST", "/iam/v1/rolebindings/batch/{org}", {}, "field_invalid", None),
    ("POST", "/iam/v1/rolebindings/batch/{org}", [{"x": 1}], "field_unknown", "[0].x"),
    ("POST", f"{GROUPS}/{{org}}", b" " * (256 * 1024 + 1), "body_too_large", None),
    ("GET", GROUPS, {"name": "x"}, "body_unexpected", None),
    ("DELETE", f"{GROUPS}/{{org}}", {"uid": "x"}, "body_unexpected", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "field"), BAD, ids=lambda value: str(value)[:40]
)
async def test_bad_input_is_told_what_is_wrong(
    acme: Acme, method: str, path: str, body: Any, code: str, field: str | None
) -> None:
    """400 with the field, in words that hold little of what was sent; never a 500."""
    with capture_logs() as logged:
        answer = await ask(acme, method, path.replace("{org}", acme.id), body)
    assert (answer.status, answer.reason, answer.body["code"]) == (400, code, 3), answer.body
    metadata = answer.body["details"][0]["metadata"]
    assert field is None or metadata["field"] == field
    assert answer.body["message"].isprintable()
    assert len(answer.body["message"]) < 600
    assert "defect" not in [line["event"] for line in logged]


@pytest.mark.parametrize("total", [True, -1, 1 << 63, 1.5, "1", []])
async def test_a_page_token_that_was_tampered_with_is_refused(acme: Acme, total: Any) -> None:
    """It is base64 of JSON, which anybody can write: a count that is none is no defect."""
    first = await ask(acme, "GET", f"{GROUPS}?pageSize=1")
    token = first.body["nextPageToken"]
    digest, _, *after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([digest, total, *after]).encode()).decode()
    answer = await ask(acme, "GET", f"{GROUPS}?pageSize=1&pageToken={forged.rstrip('=')}")
    assert (answer.status, answer.reason) == (400, "field_invalid"), answer.body
    assert answer.body["details"][0]["metadata"]["field"] == "page_token"


async def test_a_body_is_json(acme: Acme) -> None:
    """And says so: another type, or none, is not guessed at."""
    path = f"{GROUPS}/{acme.id}"
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await ask(
            acme, "POST", path, b'{"name": "x"}', headers={"Content-Type": content_type}
        )
        assert (answer.status, answer.reason) == (400, "content_type_unsupported")
    answer = await ask(
        acme,
        "POST",
        path,
        {"name": "utf"},
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert answer.status == 200, answer.body


async def test_a_body_may_be_left_out_or_come_compressed(acme: Acme) -> None:
    """Nothing is an empty message; gzip is understood, and its limit is that of what is inside."""
    path = f"{GROUPS}/{acme.id}"
    assert (await ask(acme, "PATCH", path)).status == 200
    zipped = {"Content-Encoding": "gzip"}
    answer = await ask(acme, "POST", path, gzip.compress(b'{"name": "zipped"}'), headers=zipped)
    assert (answer.status, answer.body["name"]) == (200, "zipped")
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await ask(acme, "POST", path, bomb, headers=zipped)
    assert (answer.status, answer.reason) == (400, "body_too_large")


async def test_a_thousand_ids_fit_into_a_query(acme: Acme) -> None:
    """As many short ones as a list takes."""
    query = "&".join(["uidp.ids=acme.example"] * 1000)
    answer = await ask(acme, "GET", f"{GROUPS}?{query}")
    assert (answer.status, answer.reason) == (404, "group_not_found")

"""SCIM: tokens that are not this provider's, filters and patches that are meant to hurt."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from broker.directory.scim_credentials import token_sha256
from broker.directory.scim_users import MAX_USERS
from broker.iam.uidp import Uidp
from tests.kit.organizations import organization
from tests.kit.people import Installation, identity_provider, installation
from tests.kit.scim import PATCH, USER, Directory, connected, turned_on, user

SECRET = f"cgscim_{'5e' * 32}"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as running:
        yield running


@pytest.fixture
async def directory(here: Installation) -> AsyncIterator[Directory]:
    async with connected(here) as opened:
        yield opened


ALL = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("GET", "/Users/{id}"),
    ("PUT", "/Users/{id}"),
    ("PATCH", "/Users/{id}"),
    ("DELETE", "/Users/{id}"),
    ("GET", "/ServiceProviderConfig"),
    ("GET", "/ResourceTypes"),
    ("GET", "/ResourceTypes/User"),
    ("GET", "/Schemas"),
    ("GET", f"/Schemas/{USER}"),
    ("GET", "/Groups"),
    ("POST", "/Bulk"),
    ("GET", "/Me"),
    ("GET", "/Nothing"),
]


@pytest.mark.parametrize(("method", "path"), ALL)
async def test_everything_needs_the_token_of_this_provider(
    here: Installation, directory: Directory, method: str, path: str
) -> None:
    """Another organization's, one that has expired, was replaced or revoked, a provider that does
    not exist: 401, in the same words.
    """
    ann = await directory.create()
    path = path.replace("{id}", ann["id"])
    other = await organization(here.broker.store, "other.example")
    foreign = await turned_on(here.broker.store, await identity_provider(other, here.acme))
    before = await turned_on(here.broker.store, await identity_provider(other, here.acme, "Off"))
    past, soon = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    nowhere = Uidp(f"{directory.provider.root}/{'0' * 16}")
    expired, replaced, revoked = [
        await identity_provider(other, here.acme, name) for name in ("a", "b", "c")
    ]
    asked = [
        directory.of(token=foreign),
        directory.of(token=before),
        directory.of(token=SECRET),
        directory.of(token=token_sha256(directory.token)),
        directory.of(token=directory.token.upper()),
        directory.of(provider=nowhere),
        directory.of(
            provider=expired.id,
            token=await turned_on(here.broker.store, expired, expires_at=past),
        ),
        directory.of(
            provider=replaced.id,
            token=await _replaced(here, replaced, past),
        ),
        directory.of(
            provider=revoked.id,
            token=await turned_on(here.broker.store, revoked, revoked_at=past, expires_at=soon),
        ),
    ]
    texts = set()
    for each in asked:
        answer = await each.ask(method, path, user() if method != "GET" else None)
        assert answer.refusal == (401, "")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        texts.add(answer.body["detail"].partition("(")[0])
    assert len(texts) == 1
    for headers in ({"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        assert (await directory.ask(method, path, headers=headers)).refusal == (401, "")
    (still,) = (await directory.find())["Resources"]
    assert still == ann


async def test_a_token_of_the_broker_is_no_scim_token(
    here: Installation, directory: Directory
) -> None:
    """Nor is a SCIM token one that the API takes."""
    browser = await here.signed_in()
    assert (await browser.get("/account")).status == 200
    url = f"{here.url}/iam/v1/identityProviders"
    headers = {"Authorization": f"Bearer {directory.token}"}
    async with directory.session.get(url, headers=headers) as response:
        assert response.status == 401
    token = here.acme.token({"sub": "ann"})
    assert (await directory.of(token=token).ask("GET", "/Users")).refusal == (401, "")


async def _replaced(here: Installation, provider: Any, past: datetime) -> str:
    """The token before, whose overlap is over."""
    before = f"cgscim_{secrets.token_hex(32)}"
    await turned_on(
        here.broker.store,
        provider,
        previous_sha256=token_sha256(before),
        previous_expires_at=past,
    )
    return before


async def test_where_scim_is_off_the_token_opens_nothing(
    here: Installation, directory: Directory
) -> None:
    """403, which tells the administrator what to do."""
    off = directory.of(token=await turned_on(here.broker.store, here.provider, enabled=False))
    for method, path in ALL:
        answer = await off.ask(method, path.replace("{id}", "x"), {} if method == "POST" else None)
        assert answer.refusal == (403, "")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 9 + 'id eq "a"' + ")" * 9,
        "(" * 2000,
        " or ".join(['id eq "a"'] * 21),
        f'userName eq "{"a" * 3000}"',
        'userName eq "' + "\\" * 1000,
        'userName eq "a" or 1 eq 1',
        'userName eq "\x00"',
        "userName eq \"' OR '1'='1",
        'attributes eq "x"',
        'identity_provider eq "x"',
        'user_name eq "x"',
    ],
)
async def test_filters_that_are_meant_to_hurt(directory: Directory, text: str) -> None:
    """Are refused before anything is looked up."""
    assert (await directory.ask("GET", "/Users", filter=text)).refusal == (400, "invalidFilter")


async def test_what_looks_like_sql_is_a_value(directory: Directory) -> None:
    """And finds who has it, and nobody else."""
    names = ["' OR 1=1 --", "%", "a_b", "*", "ann\\"]
    for name in names:
        await directory.create(userName=name)
    for name in names:
        found = await directory.find(f"userName eq {json.dumps(name)}")
        assert [each["userName"] for each in found["Resources"]] == [name]


@pytest.mark.parametrize(
    ("operations", "refusal"),
    [
        ([{"op": "replace", "path": "id", "value": "x"}], (400, "mutability")),
        ([{"op": "replace", "path": "meta.created", "value": "x"}], (400, "mutability")),
        ([{"op": "replace", "path": "identity_provider", "value": "x"}], (400, "invalidPath")),
        ([{"op": "replace", "path": "deleted_at", "value": "x"}], (400, "invalidPath")),
        ([{"op": "replace", "path": "__proto__.x", "value": "x"}], (400, "invalidPath")),
        ([{"op": "replace", "path": "active.__class__", "value": "x"}], (400, "invalidPath")),
        ([{"op": "remove", "path": "active"}], (400, "invalidValue")),
        ([{"op": "remove", "path": "externalId"}], (400, "invalidValue")),
        ([{"op": "remove"}], (400, "noTarget")),
        ([{"op": "add", "path": "title", "value": "x"}] * 101, (400, "invalidSyntax")),
        ([{"op": "add", "path": f'emails[value eq "{n}"].type', "value": "x"} for n in range(60)],
         (400, "invalidValue")),
        ([{"op": "add", "path": 'emails[' + "(" * 9 + 'type eq "a"' + ")" * 9 + "].value",
           "value": "x"}], (400, "invalidFilter")),
    ],
)  # fmt: skip
async def test_patches_that_are_meant_to_hurt(
    directory: Directory, operations: list[Any], refusal: tuple[int, str]
) -> None:
    """Are refused whole: no operation before the bad one is done."""
    ann = await directory.create()
    first = {"op": "replace", "path": "nickName", "value": "changed"}
    answer = await directory.patch(ann["id"], *(operations[:100] and [first]), *operations)
    assert answer.refusal == refusal
    assert (await directory.ask("GET", f"/Users/{ann['id']}")).body == ann


async def test_what_is_set_by_us_cannot_be_sent(directory: Directory) -> None:
    """Ids, versions and times of whole users are ours, whatever is sent."""
    theirs = {"id": "theirs", "meta": {"version": 'W/"9"'}, "identity_provider": "x", "version": 9}
    ann = await directory.create(**theirs)
    assert ann["id"] != "theirs"
    assert ann["meta"]["version"] == 'W/"1"'
    assert not {"identity_provider", "version"} & set(ann)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (400, "invalidSyntax")),
        (b"{", (400, "invalidSyntax")),
        (b"[]", (400, "invalidSyntax")),
        (b"null", (400, "invalidSyntax")),
        (b'{"schemas":["x"]}', (400, "invalidSyntax")),
        (b'{"active":true,"active":false}', (400, "invalidSyntax")),
        (json.dumps(user() | {"Active": False}).encode(), (400, "invalidSyntax")),
        (json.dumps(user() | {"externalId": "\0"}).encode(), (400, "invalidSyntax")),
        (json.dumps(user() | {"externalId": "\ud800"}).encode(), (400, "invalidSyntax")),
        (json.dumps(user() | {"externalId": None}).encode(), (400, "invalidValue")),
        (json.dumps(user() | {"externalId": 7}).encode(), (400, "invalidValue")),
        (json.dumps(user() | {"externalId": "x" * 257}).encode(), (400, "invalidValue")),
        (json.dumps(user() | {"userName": " "}).encode(), (400, "invalidValue")),
        (json.dumps(user() | {"active": "perhaps"}).encode(), (400, "invalidValue")),
        (json.dumps(user() | {"emails": [{}] * 51}).encode(), (400, "invalidValue")),
        (b"[" * 60_000, (400, "invalidSyntax")),
        (b" " * (64 * 1024 + 1), (413, "")),
    ],
    ids=lambda each: str(each)[:60],
)
async def test_bodies_that_are_no_user(
    directory: Directory, body: bytes, refusal: tuple[int, str]
) -> None:
    """Are refused by what is wrong with them; nobody is made."""
    assert (await directory.ask("POST", "/Users", body)).refusal == refusal
    assert (await directory.find())["totalResults"] == 0


async def test_a_user_does_not_grow_without_end(directory: Directory) -> None:
    """Patch by patch they may not become larger than one could be sent."""
    ann = await directory.create()
    answer = None
    for name in ("emails", "phoneNumbers", "photos", "roles", "entitlements"):
        values = [{"value": f"{n}{'x' * 1000}", "display": name} for n in range(20)]
        operation = {"op": "add", "path": name, "value": values}
        body = {"schemas": [PATCH], "Operations": [operation]}
        answer = await directory.ask("PATCH", f"/Users/{ann['id']}", body)
    assert answer is not None
    assert answer.refusal == (400, "invalidValue")


@pytest.mark.parametrize(
    "path", ["/Users/..%2f..", "/Users/%00", "/Users/%ff", "/Users/a%2fb", "/Users/" + "x" * 5000]
)
async def test_ids_that_are_none(directory: Directory, path: str) -> None:
    """Are nobody's."""
    url = URL(f"{directory.url}/scim/v2/{directory.provider}{path}", encoded=True)
    headers = {"Authorization": f"Bearer {directory.token}"}
    async with directory.session.get(url, headers=headers) as response:
        assert response.status == 404


async def test_a_provider_has_so_many_users(
    here: Installation, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was deleted counts, or a directory could fill the store by turns; to bring somebody back
    is possible all the same."""
    assert MAX_USERS == 100_000
    monkeypatch.setattr("broker.directory.scim_users.MAX_USERS", 2)
    ann, bob = await directory.create(), await directory.create()
    await directory.ask("DELETE", f"/Users/{bob['id']}")
    assert (await directory.ask("POST", "/Users", user())).refusal == (429, "")
    again = user(externalId=bob["externalId"])
    assert (await directory.ask("POST", "/Users", again)).status == 201
    assert ann

"""Users over HTTP, as RFC 7644 has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.kit.people import Installation, identity_provider
from tests.kit.scim import ENTERPRISE, USER, Directory, turned_on, user

FULL = user(
    schemas=[USER, ENTERPRISE],
    name={"givenName": "Ann", "familyName": "Example"},
    displayName="Ann Example",
    emails=[{"value": "ann@acme.example", "type": "work", "primary": True}],
    **{ENTERPRISE: {"department": "Ops", "manager": {"value": "00u9", "displayName": "Bob"}}},
)


async def test_a_user_is_made_read_replaced_and_deleted(directory: Directory) -> None:
    """RFC 7644 §3.3, §3.4.1, §3.5.1, §3.6, with locations and versions."""
    made = await directory.ask("POST", "/Users", FULL)
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/scim+json"
    assert made.headers["Cache-Control"] == "no-store"
    meta = made.body["meta"]
    assert made.headers["Location"] == meta["location"]
    assert meta["location"] == (
        f"{directory.url}/scim/v2/{directory.provider}/Users/{made.body['id']}"
    )
    assert made.headers["ETag"] == meta["version"] == 'W/"1"'
    assert meta["resourceType"] == "User"
    assert {name: made.body[name] for name in FULL} == FULL
    path = f"/Users/{made.body['id']}"
    assert (await directory.ask("GET", path)).body == made.body
    less = user(externalId=FULL["externalId"], userName=FULL["userName"])
    replaced = await directory.ask("PUT", path, less)
    assert replaced.status == 200
    assert replaced.headers["ETag"] == 'W/"2"'
    assert set(replaced.body) == {*less, "id", "meta"}
    assert (await directory.ask("DELETE", path)).status == 204
    for method, body in {"GET": None, "PUT": less, "DELETE": None}.items():
        assert (await directory.ask(method, path, body)).refusal == (404, "")
    assert (await directory.find())["totalResults"] == 0
    again = await directory.create(**FULL)
    assert again["id"] != made.body["id"]


async def test_what_is_asked_for_is_shown(directory: Directory) -> None:
    """RFC 7644 §3.9: `attributes` and `excludedAttributes`, with sub-attributes and URNs."""
    ann = await directory.create(**FULL)
    path = f"/Users/{ann['id']}"
    for wanted, expected in {
        "userName": {"userName": FULL["userName"]},
        "USERNAME, name.givenName": {
            "userName": FULL["userName"],
            "name": {"givenName": "Ann"},
        },
        "emails.value": {"emails": [{"value": "ann@acme.example"}]},
        f"{USER}:active": {"active": True},
        f"{ENTERPRISE}:department": {ENTERPRISE: {"department": "Ops"}},
        f"{ENTERPRISE}:manager.value": {ENTERPRISE: {"manager": {"value": "00u9"}}},
        "nothing": {},
    }.items():
        answer = await directory.ask("GET", path, attributes=wanted)
        assert answer.body == {"schemas": ann["schemas"], "id": ann["id"]} | expected, wanted
    left = await directory.ask("GET", path, excludedAttributes="id,meta,emails,name.givenName")
    assert left.body == {
        name: value for name, value in ann.items() if name not in {"meta", "emails"}
    } | {"name": {"familyName": "Example"}}
    (found,) = (await directory.find(attributes="userName"))["Resources"]
    assert set(found) == {"schemas", "id", "userName"}


async def test_versions(directory: Directory) -> None:
    """RFC 7644 §3.14: nothing is overwritten that was not read, nor read that is known."""
    ann = await directory.create()
    path, old = f"/Users/{ann['id']}", {"If-Match": 'W/"1"'}
    change = {"op": "replace", "path": "title", "value": "Boss"}
    await directory.patch(ann["id"], change)
    body = user(externalId=ann["externalId"], userName=ann["userName"])
    assert (await directory.ask("PUT", path, body, headers=old)).refusal == (412, "")
    assert (await directory.ask("DELETE", path, headers=old)).refusal == (412, "")
    known = await directory.ask("GET", path, headers={"If-None-Match": 'W/"2"'})
    assert (known.status, known.body) == (304, None)
    assert (await directory.ask("GET", path, headers={"If-None-Match": 'W/"1"'})).status == 200
    several = {"If-Match": 'W/"7", "2"'}
    assert (await directory.ask("PUT", path, body, headers=several)).headers["ETag"] == 'W/"3"'
    assert (await directory.ask("DELETE", path, headers={"If-Match": "*"})).status == 204


async def test_what_changes_nothing_is_no_version(directory: Directory) -> None:
    """A directory that sends everything again every hour leaves no trace."""
    ann = await directory.create()
    same = await directory.patch(ann["id"], {"op": "replace", "value": {"active": "True"}})
    assert same.body == ann


async def test_pages(directory: Directory) -> None:
    """RFC 7644 §3.4.2.4: `startIndex` is from 1 on; at most 200 users a page."""
    users = [await directory.create() for _ in range(3)]
    ids = sorted(each["id"] for each in users)
    for start, count, expected, first in (
        ("1", "2", ids[:2], 1),
        ("3", "2", ids[2:], 3),
        ("4", "2", [], 4),
        ("-7", "1", ids[:1], 1),
        ("2", "0", [], 2),
        ("1", "-1", [], 1),
        ("1", "999999", ids, 1),
    ):
        page = await directory.find(startIndex=start, count=count)
        assert [each["id"] for each in page["Resources"]] == expected
        assert page["totalResults"] == 3
        assert (page["startIndex"], page["itemsPerPage"]) == (first, len(expected))
    for name, value in (("startIndex", "one"), ("count", "1e3"), ("count", "9" * 30)):
        answer = await directory.ask("GET", f"/Users?{name}={value}")
        assert answer.refusal == (400, "invalidValue")


async def test_filters(directory: Directory) -> None:
    """RFC 7644 §3.4.2.2: found by userName without regard to case, by externalId with it."""
    ann = await directory.create(userName="Ann@Acme.example", externalId="00uA")
    await directory.create(active=False)
    for text, total in {
        'userName eq "ann@acme.example"': 1,
        'USERNAME EQ "ANN@ACME.EXAMPLE"': 1,
        f'{USER}:userName eq "ann@acme.example"': 1,
        'externalId eq "00uA"': 1,
        'externalId eq "00ua"': 0,
        f'id eq "{ann["id"]}" and active eq true': 1,
        'userName eq "nobody" or active eq false': 1,
    }.items():
        assert (await directory.find(text))["totalResults"] == total, text
    for text in ('emails.value eq "a@b"', 'userName sw "a"', "userName pr", "(active eq true"):
        assert (await directory.ask("GET", "/Users", filter=text)).refusal == (
            400,
            "invalidFilter",
        )


async def test_no_two_users_are_alike(directory: Directory) -> None:
    """RFC 7644 §3.3: 409 and `uniqueness`, by create, replace and patch."""
    ann, bob = await directory.create(), await directory.create()
    for twin in ({"userName": ann["userName"].upper()}, {"externalId": ann["externalId"]}):
        assert (await directory.ask("POST", "/Users", user(**twin))).refusal == (409, "uniqueness")
        whole = user(**({"userName": bob["userName"], "externalId": bob["externalId"]} | twin))
        replaced = await directory.ask("PUT", f"/Users/{bob['id']}", whole)
        assert replaced.refusal == (409, "uniqueness")
        patched = await directory.patch(bob["id"], {"op": "replace", "value": twin})
        assert patched.refusal == (409, "uniqueness")


async def test_what_the_endpoint_can_do_is_told(directory: Directory) -> None:
    """RFC 7644 §4: users by patches, filters and versions; the schema has what users have."""
    config = (await directory.ask("GET", "/ServiceProviderConfig")).body
    can = {name for name, value in config.items() if isinstance(value, dict)}
    assert {name for name in can if config[name].get("supported")} == {"patch", "filter", "etag"}
    assert config["filter"]["maxResults"] == 200
    (kind,) = (await directory.ask("GET", "/ResourceTypes")).body["Resources"]
    assert (kind["id"], kind["endpoint"], kind["schema"]) == ("User", "/Users", USER)
    assert (await directory.ask("GET", "/ResourceTypes/User")).body == kind
    found = {
        each["id"]: each for each in (await directory.ask("GET", "/Schemas")).body["Resources"]
    }
    assert set(found) == {USER, ENTERPRISE}
    core = {each["name"]: each for each in found[USER]["attributes"]}
    assert set(FULL) - {"schemas", "externalId", ENTERPRISE} <= set(core)
    assert core["userName"]["required"]
    assert not core["userName"]["caseExact"]
    assert (await directory.ask("GET", f"/Schemas/{ENTERPRISE}")).body == found[ENTERPRISE]
    assert (await directory.ask("GET", "/Schemas/urn:none")).refusal == (404, "")


@pytest.mark.parametrize("path", ["/Groups", "/Groups/1", "/Bulk", "/Me", "/Users/.search"])
async def test_what_is_not_supported_says_so(directory: Directory, path: str) -> None:
    """RFC 7644 §3.12: 501, so that a directory tells its administrator."""
    for method in ("GET", "POST"):
        assert (await directory.ask(method, path)).refusal == (501, "")


async def test_other_paths_and_methods(directory: Directory) -> None:
    """SCIM's errors there too."""
    assert (await directory.ask("GET", "/Nothing")).refusal == (404, "")
    assert (await directory.ask("GET", "")).refusal == (404, "")
    wrong = await directory.ask("PUT", "/Users", user())
    assert wrong.refusal == (405, "")
    assert wrong.headers["Allow"] == "GET, POST"
    assert (await directory.ask("GET", "/Users/")).status == 200


async def test_users_of_other_providers_are_not_there(
    here: Installation, directory: Directory
) -> None:
    """Neither found nor read nor changed, and nobody's names are taken by them."""
    other = await identity_provider(here.organization, here.google, "Other")
    token = await turned_on(here.broker.store, other)
    theirs = directory.of(provider=other.id, token=token)
    ann = await directory.create()
    path = f"/Users/{ann['id']}"
    assert (await theirs.find())["totalResults"] == 0
    for method, body in {"GET": None, "PUT": user(), "DELETE": None}.items():
        assert (await theirs.ask(method, path, body)).refusal == (404, "")
    assert await theirs.create(userName=ann["userName"], externalId=ann["externalId"])
    assert (await directory.ask("GET", path)).body == ann


async def test_each_change_is_written_down_without_names(
    here: Installation, directory: Directory
) -> None:
    """Who, which user, what of them; no name, and no address."""
    ann = await directory.create(**FULL)
    await directory.patch(ann["id"], {"op": "replace", "path": "active", "value": False})
    await directory.ask("DELETE", f"/Users/{ann['id']}")
    kinds = {}
    for verb in ("created", "updated", "deleted"):
        (kinds[verb],) = await here.audit(f"scim_user.{verb}")
        assert kinds[verb]["actor"] == f"scim:{directory.provider}"
        assert kinds[verb]["subject"] == ann["id"]
    assert kinds["updated"]["fields"]["active"] == {"before": True, "after": False}
    text = str(kinds)
    assert FULL["externalId"] in text
    for name in ("Ann", "Example", "acme.example", "Ops"):
        assert name not in text


async def test_a_provider_is_named_by_all_of_its_uidp(directory: Directory) -> None:
    """Where a part is missing there is nothing."""
    elsewhere = replace(directory, provider=directory.provider.root)
    assert (await elsewhere.ask("GET", "/Users")).status == 404

"""`broker iam organizations` and `broker iam folders`."""

from __future__ import annotations

from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import refused


def test_who_creates_an_organization_owns_it(alice: Caller) -> None:
    """With the next token; and is told so."""
    done = alice.run("iam", "organizations", "create", "made", "-d", "By hand", "-o", "id")
    uid = done.out.strip()
    assert "exchange for a new one" in done.err
    assert uid not in alice.ids("iam", "orgs", "ls")
    described = alice.refreshed(uid).json("iam", "orgs", "describe", "made")
    assert (described["uid"], described["description"]) == (uid, "By hand")


def test_organizations_are_listed_without_folders(acme: Organization, owner: Caller) -> None:
    """By UIDP and name."""
    acme.folder("shop")
    listed = rows(owner.ok("iam", "organizations", "list"))
    assert [line[:2] for line in listed] == [[acme.id, acme.name]]


def test_folders_are_listed_without_organizations(acme: Organization, owner: Caller) -> None:
    """All of them, those below a group, or those right in it."""
    shop = acme.folder("shop")
    web = acme.folder("shop/web")
    listed = ("iam", "folders", "list")
    assert set(owner.ids(*listed)) == {shop, web}
    assert set(owner.ids(*listed, "--parent", acme.name)) == {shop, web}
    assert owner.ids(*listed, "--parent", acme.name, "--recursive=false") == [shop]
    assert owner.ids(*listed, "--parent", shop) == [web]


def test_recursive_needs_something_to_start_from(owner: Caller) -> None:
    """What lies right in nothing cannot be told."""
    result = owner.run("iam", "folders", "list", "--recursive=false")
    refused(result, "--recursive=false needs --parent", code=2)


def test_a_tree_of_groups(acme: Organization, owner: Caller) -> None:
    """Names under each other, sorted, with their UIDPs."""
    paths = ("shop", "shop/web", "shop/app", "lab")
    uids = {path: acme.folder(path) for path in paths}
    assert owner.ok("iam", "orgs", "list", "-o", "tree").splitlines() == [
        f"{acme.name}  {acme.id}",
        f"├── lab  {uids['lab']}",
        f"└── shop  {uids['shop']}",
        f"    ├── app  {uids['shop/app']}",
        f"    └── web  {uids['shop/web']}",
    ]
    below = ("iam", "folders", "list", "--parent", "shop", "-o", "tree")
    assert owner.ok(*below).splitlines() == [
        f"app  {uids['shop/app']}",
        f"web  {uids['shop/web']}",
    ]


def test_names_and_descriptions_can_be_changed(acme: Organization, owner: Caller) -> None:
    """What is not given stays; an empty description clears it."""
    shop = acme.folder("shop")
    changed = owner.json("iam", "folders", "update", "shop", "-d", "Sells things")
    assert (changed["name"], changed["description"]) == ("shop", "Sells things")
    changed = owner.json("iam", "folders", "update", shop, "--name", "store")
    assert (changed["name"], changed["description"]) == ("store", "Sells things")
    assert owner.json("iam", "folders", "update", "store", "-d", "")["description"] == ""
    changed = owner.json("iam", "orgs", "update", acme.name, "-d", "All of it")
    assert (changed["uid"], changed["description"]) == (acme.id, "All of it")


def test_an_update_of_nothing_is_a_mistake(owner: Caller) -> None:
    """It names what can be given."""
    refused(owner.run("iam", "folders", "update", "x"), "--name or --description", code=2)


def test_folders_are_deleted_from_below(acme: Organization, owner: Caller) -> None:
    """One with folders is not; several go in one command, each told."""
    shop, web, lab = acme.folder("shop"), acme.folder("shop/web"), acme.folder("lab")
    refused(owner.run("iam", "folders", "delete", shop, "-y"), "group_has_folders")
    done = owner.ok("iam", "folders", "delete", web, shop, "lab", "-y", "--skip-refresh")
    assert done.splitlines() == [
        f"deleted folder web {web}",
        f"deleted folder shop {shop}",
        f"deleted folder lab {lab}",
    ]
    assert owner.ids("iam", "folders", "ls") == []


def test_an_organization_can_be_deleted(acme: Organization, owner: Caller) -> None:
    """With what is in it."""
    acme.identity("ci")
    assert owner.ids("iam", "organizations", "delete", acme.name, "--yes") == [acme.id]
    refused(owner.run("iam", "orgs", "describe", acme.id), "capability_missing")


def test_what_went_before_a_refusal_is_told(acme: Organization, owner: Caller) -> None:
    """A command that deletes several stops at the first that it may not, with exit code 1."""
    lab, shop = acme.folder("lab"), acme.folder("shop")
    acme.folder("shop/web")
    done = owner.run("iam", "folders", "delete", lab, shop, "-y", "-o", "id")
    assert (done.code, done.out) == (1, f"{lab}\n")
    assert "group_has_folders" in done.err


def test_folders_and_organizations_are_not_confused(acme: Organization, owner: Caller) -> None:
    """Each has its own commands."""
    acme.folder("shop")
    refused(owner.run("iam", "folders", "describe", acme.id), "broker iam organizations", code=2)
    refused(owner.run("iam", "orgs", "delete", "shop", "-y"), "broker iam folders", code=2)

"""Names where UIDPs are meant."""

from __future__ import annotations

from tests.cli.management import Caller, Organization
from tests.cli.processes import refused


def described(owner: Caller, name: str) -> str:
    """The UIDP of the folder that a name means."""
    return owner.id("iam", "folders", "describe", name)


def test_a_folder_by_its_path(acme: Organization, owner: Caller) -> None:
    """From the organization on, or only its end where that is enough."""
    web = [acme.folder(path) for path in ("shop", "shop/web")][1]
    assert described(owner, f"{acme.name}/shop/web") == web
    assert described(owner, "shop/web") == web
    assert described(owner, "web") == web
    assert described(owner, web) == web


def test_a_name_of_several(acme: Organization, owner: Caller) -> None:
    """Is refused with each of them and its path, and more of the path tells them apart."""
    for path in ("shop", "shop/web", "lab"):
        acme.folder(path)
    in_lab, in_shop = acme.folder("lab/web"), described(owner, "shop/web")
    done = refused(owner.run("iam", "folders", "describe", "web"), "name_ambiguous")
    assert f"{in_lab}  {acme.name}/lab/web" in done.err
    assert f"{in_shop}  {acme.name}/shop/web" in done.err
    assert described(owner, "lab/web") == in_lab


def test_a_whole_path_comes_before_the_end_of_another(acme: Organization, owner: Caller) -> None:
    """A folder that is named as its organization does not hide it."""
    acme.folder(acme.name)
    made = owner.json("iam", "folders", "create", "shop", "--parent", acme.name)
    assert made["uid"].startswith(f"{acme.id}/")
    assert made["uid"].count("/") == 1


def test_a_name_that_nothing_has(acme: Organization, owner: Caller) -> None:
    """Names the flag; a right name at a wrong place is none."""
    acme.folder("shop")
    create = ("iam", "folders", "create", "x", "--parent")
    refused(owner.run(*create, "shap"), "--parent: no group named 'shap'", "name_not_found")
    refused(owner.run(*create, "nowhere/shop"), "name_not_found")
    refused(owner.run(*create, f"{acme.name}/shop/"), "name_not_found")


def test_a_name_of_another_organization_is_not_found(alice: Caller, acme: Organization) -> None:
    """Names are looked up among what the token shows."""
    acme.folder("hidden")
    refused(alice.run("iam", "folders", "describe", "hidden"), "name_not_found")


def test_an_identity_by_its_path(acme: Organization, owner: Caller) -> None:
    """Its groups' names before its own, or --parent."""
    acme.folder("shop")
    at_shop = acme.identity("ci", parent="shop")
    at_root = acme.identity("ci")
    describe = ("iam", "identities", "describe")
    assert owner.id(*describe, f"{acme.name}/shop/ci") == at_shop
    assert owner.id(*describe, "shop/ci") == at_shop
    assert owner.id(*describe, f"{acme.name}/ci") == at_root
    assert owner.id(*describe, "ci", "--parent", "shop") == at_shop
    refused(owner.run(*describe, "ci"), at_shop, at_root, "name_ambiguous")


def test_a_name_with_a_slash(acme: Organization, owner: Caller) -> None:
    """Groups have none; any other record is found by it within --parent."""
    uid = acme.identity("ci/main")
    describe = ("iam", "identities", "describe", "ci/main")
    assert owner.id(*describe, "--parent", acme.name) == uid
    refused(owner.run(*describe), "name_not_found")


def test_roles_are_those_that_can_be_given_there(acme: Organization, owner: Caller) -> None:
    """Of two of one name, the one of a group above, not that of a group beside."""
    acme.folder("shop")
    acme.folder("lab")
    create = ("iam", "roles", "create", "reader", "--capabilities", "groups.list", "--parent")
    above, beside = owner.id(*create, acme.name), owner.id(*create, "lab")
    uid = acme.identity("ci", "--role", "reader", parent="shop")
    (binding,) = owner.json("iam", "role-bindings", "ls", "--identity", uid)
    assert binding["role"]["uid"] == above
    here = owner.id(*create, "shop")
    ambiguous = ("--role", "reader", "--identity", uid, "--parent", "shop")
    done = owner.run("iam", "role-bindings", "create", *ambiguous)
    refused(done, "--role", above, here, "name_ambiguous")
    assert beside not in done.err


def test_identities_at_hand_come_first(acme: Organization, owner: Caller) -> None:
    """A binding at a folder means the folder's identity of that name."""
    acme.folder("shop")
    acme.identity("ci")
    at_shop = acme.identity("ci", parent="shop")
    bind = ("iam", "role-bindings", "create", "--identity", "ci", "--role", "viewer")
    assert owner.json(*bind, "--parent", "shop")["identity"]["uid"] == at_shop

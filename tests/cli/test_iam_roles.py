"""`broker iam roles` and `broker iam role-bindings`."""

from __future__ import annotations

import pytest

from broker.iam.capabilities import CapabilityTable
from broker.iam.uidp import Uidp
from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import refused
from tests.kit.organizations import ROLES

CREATE = ("iam", "roles", "create")
UPDATE = ("iam", "roles", "update")
BIND = ("iam", "role-bindings", "create")


def test_a_role_of_ones_own(acme: Organization, owner: Caller) -> None:
    """Capabilities go in and come out by name, in any order and number of options."""
    capabilities = ("--capabilities", "groups.list, roles.list", "--capabilities", "groups.list")
    made = owner.json(*CREATE, "reader", *capabilities, "-d", "Reads", "--parent", acme.name)
    assert made["capabilities"] == ["groups.list", "roles.list"]
    described = owner.json("iam", "roles", "describe", "reader")
    assert described == made
    assert described["description"] == "Reads"


def test_a_capability_that_does_not_exist(acme: Organization, owner: Caller) -> None:
    """Is told with one that nearly has the name."""
    done = owner.run(*CREATE, "x", "--capabilities", "group.list", "--parent", acme.name)
    refused(done, "no capability 'group.list'", "Did you mean 'groups.list'?", code=2)


def test_a_capability_of_the_operators(acme: Organization, owner: Caller) -> None:
    """Has a name here, although the wire has a number for it."""
    words = ("--capabilities", "deploy.create,groups.list", "--parent", acme.name)
    made = owner.json(*CREATE, "deployer", *words)
    assert made["capabilities"] == ["deploy.create", "groups.list"]
    changed = owner.json(*UPDATE, "deployer", "--remove-capabilities", "groups.list")
    assert changed["capabilities"] == ["deploy.create"]
    assert "deploy.create" in owner.json("iam", "roles", "describe", "owner")["capabilities"]
    done = owner.run(*CREATE, "x", "--capabilities", "deploy.creat", "--parent", acme.name)
    refused(done, "Did you mean 'deploy.create'?", code=2)


def test_the_list(acme: Organization, owner: Caller) -> None:
    """Built-in roles and an organization's own, or either; by name; by what they allow."""
    mine = owner.id(*CREATE, "reader", "--capabilities", "groups.list", "--parent", acme.name)
    ls = ("iam", "roles", "list")
    builtin = {str(role.id) for role in ROLES}
    assert set(owner.ids(*ls)) == {*builtin, mine}
    assert set(owner.ids(*ls, "--managed")) == builtin
    assert owner.ids(*ls, "--parent", acme.name) == [mine]
    assert owner.ids(*ls, "--name", "reader") == [mine]
    able = {str(role.id) for role in ROLES if {"roles.list", "roles.create"} <= role.capabilities}
    assert set(owner.ids(*ls, "--capabilities", "roles.list,roles.create")) == able
    refused(owner.run(*ls, "--managed", "--parent", acme.name), "--managed", code=2)


def test_an_update(acme: Organization, owner: Caller) -> None:
    """Adds, takes away, or names all; what is not given stays."""
    owner.ok(*CREATE, "r", "--capabilities", "groups.list", "-d", "D", "--parent", acme.name)
    added = owner.json(*UPDATE, "r", "--add-capabilities", "roles.list,identity.list")
    assert added["capabilities"] == ["groups.list", "identity.list", "roles.list"]
    assert added["description"] == "D"
    taken = owner.json(*UPDATE, "r", "--remove-capabilities", "groups.list")
    assert taken["capabilities"] == ["identity.list", "roles.list"]
    named = owner.json(*UPDATE, "r", "--capabilities", "groups.list", "--name", "s")
    assert (named["name"], named["capabilities"]) == ("s", ["groups.list"])
    refused(owner.run(*UPDATE, "s", "--add-capabilities", "groups.list"), "Nothing", code=2)
    both = ("--capabilities", "a", "--add-capabilities", "b")
    refused(owner.run(*UPDATE, "s", *both), "--capabilities names all", code=2)


def test_built_in_roles_are_not_changed(owner: Caller) -> None:
    """The broker says so."""
    refused(owner.run(*UPDATE, "viewer", "-d", "x"), "refused: ")
    refused(owner.run("iam", "roles", "delete", "viewer", "-y"), "refused: ")


def test_a_deleted_role_is_held_by_nobody(acme: Organization, owner: Caller) -> None:
    """Its bindings go with it."""
    role = owner.id(*CREATE, "r", "--capabilities", "groups.list", "--parent", acme.name)
    uid = acme.identity("ci", "--role", "r")
    assert owner.ids("iam", "roles", "delete", "r", "--yes") == [role]
    assert owner.ids("iam", "role-bindings", "ls", "--identity", uid) == []


def test_the_table_of_capabilities(owner: Caller) -> None:
    """Without a broker: those that a role can have, by resource and action."""
    ls = ("iam", "roles", "capabilities", "list")
    table = CapabilityTable.load()
    assert set(owner.ids(*ls)) == table.names - table.internal
    only = ("--resources", "groups,roles", "--actions", "list", "--actions", "create")
    assert owner.ids(*ls, *only) == ["groups.create", "groups.list", "roles.create", "roles.list"]
    assert rows(owner.ok(*ls, "--resources", "roles", "--actions", "list")) == [
        ["roles.list", "roles", "list"]
    ]


def test_binding_a_role(acme: Organization, owner: Caller) -> None:
    """An identity, a role and a group, all by name."""
    acme.folder("shop")
    uid = acme.identity("ci")
    words = ("--identity", "ci", "--role", "viewer", "--parent", f"{acme.name}/shop")
    made = owner.json(*BIND, *words)
    assert made["identity"]["uid"] == uid
    assert made["role"]["name"] == "viewer"
    assert made["group"]["name"] == "shop"
    listed = rows(owner.ok("iam", "role-bindings", "list", "--parent", "shop"))
    assert listed == [[made["uid"], "ci", "viewer", "shop"]]
    refused(owner.run(*BIND, *words), "binding_exists")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--role", "viewer"), "--identity"),
        (("--identity", "0" * 40), "--role"),
        (("--identity", "x", "--person", "i", "s"), "--identity or --person"),
    ],
)
def test_what_a_binding_needs(
    acme: Organization, owner: Caller, words: tuple[str, ...], says: str
) -> None:
    """Off a terminal, what is missing is named."""
    refused(owner.run(*BIND, *words, "--parent", acme.name), says, code=2)


def test_a_person_who_has_not_come_yet(acme: Organization, owner: Caller) -> None:
    """Is bound by who they are at their provider."""
    who = (owner.issuer.url, "bob")
    owner.ok(*BIND, "--person", *who, "--role", "viewer", "--parent", acme.name)
    (binding,) = owner.json("iam", "role-bindings", "ls", "--identity", Uidp.of_person(*who))
    assert binding["role"]["name"] == "viewer"


def test_changing_a_binding(acme: Organization, owner: Caller) -> None:
    """Another role, another identity, or both."""
    acme.identity("ci"), acme.identity("cd")
    words = ("--identity", "ci", "--role", "viewer", "--parent", acme.name)
    uid = owner.id(*BIND, *words)
    update = ("iam", "role-binding", "update")
    assert owner.json(*update, uid, "--role", "editor")["role"]["name"] == "editor"
    assert owner.json(*update, uid, "--identity", "cd")["identity"]["name"] == "cd"
    refused(owner.run(*update, uid), "--identity or --role", code=2)
    refused(owner.run(*update, "ci", "--role", "viewer"), "not a UIDP", code=2)


def test_taking_a_role_away(acme: Organization, owner: Caller) -> None:
    """The question says whose; the last owner keeps theirs."""
    acme.identity("ci", "--role", "viewer")
    (uid,) = owner.ids("iam", "role-bindings", "ls", "--identity", "ci")
    delete = ("iam", "role-bindings", "delete")
    refused(owner.run(*delete, uid), f"viewer of ci at {acme.name}", "give --yes", code=2)
    assert owner.ids(*delete, uid, "-y") == [uid]
    (mine,) = owner.ids("iam", "role-bindings", "ls")
    refused(owner.run(*delete, mine, "-y"), "last_owner")


def test_bindings_of_a_place(acme: Organization, owner: Caller) -> None:
    """Right there, or below too."""
    acme.folder("shop")
    acme.identity("ci", "--role", "viewer", parent="shop")
    ls = ("iam", "role-bindings", "list", "--parent", acme.name)
    assert len(owner.ids(*ls)) == 2
    (mine,) = owner.json(*ls, "--recursive=false")
    assert mine["role"]["name"] == "owner"

"""Organizations and folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.rpc import code_pb2

from broker.iam.uidp import Uidp
from broker.iam.validation import LIMITED, MAX_FOLDER_DEPTH
from tests.api.world import OPERATOR, OWNER, VIEWER, Acme, World, ids, world
from tests.kit.api import Caller, Json, Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


# who creates organizations


async def test_who_creates_an_organization_owns_it(acme: Acme, wire: Wire) -> None:
    """The caller is bound to `owner`, and their next token has it."""
    stranger = (await acme.stranger()).on(wire)
    number = acme.world.number()
    made = await stranger("Groups/Create", group={"name": f"mine-{number}", "description": "d"})
    assert made == {
        "id": made["id"],
        "name": f"mine-{number}",
        "description": "d",
        "status": "ORG_STATUS_READY",
        "kind": "ORG_KIND_UNSPECIFIED",
        "verified": False,
        "resourceLimits": {},
    }
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await stranger("v2.GroupsService/GetGroup", uid=made["id"])
    again = (await acme.world.login(f"stranger-{number - 1}")).on(wire)
    (binding,) = (await again("RoleBindings/List"))["items"]
    assert (binding["identity"], binding["role"]["name"]) == (again.identity, "owner")
    assert binding["group"] == made


async def _create(caller: Caller, name: str) -> Json:
    return await caller("Groups/Create", group={"name": name})


@pytest.mark.parametrize(
    ("creators", "robot", "person"),
    [("everybody", True, True), ("people", False, True), ("operators", False, False)],
)
async def test_who_may_create_an_organization(
    tmp_path: Path, creators: str, robot: bool, person: bool
) -> None:
    """Is a setting; operators always may."""
    async with world(tmp_path, BROKER_ORGANIZATION_CREATORS=creators) as running:
        acme = await running.organization()
        identity = await acme.identity("robot")
        callers = {
            "robot": (robot, await running.assumed(identity, "robot")),
            "person": (person, await acme.stranger()),
            "operator": (True, running.operator),
        }
        for name, (may, caller) in callers.items():
            if may:
                await _create(caller, name)
            else:
                with refused(
                    code_pb2.PERMISSION_DENIED, "organization_creation_denied", field="parent"
                ):
                    await _create(caller, name)
                with refused(code_pb2.PERMISSION_DENIED, "organization_creation_denied"):
                    await caller("GroupInvites/CreateWithGroup", group=name, role=VIEWER)
        made = {name for name, (may, _) in callers.items() if may}
        async with running.broker.store.read() as records:
            roots = {group.name for group in await records.groups.roots()}
        assert roots & callers.keys() == made


# names


async def test_names_are_unique_among_siblings(acme: Acme, wire: Wire) -> None:
    """Two organizations have different names, and so have two folders beside one another."""
    ann = acme.ann.on(wire)
    (root,) = (await ann("Groups/List", id=acme.id))["items"]
    with refused(code_pb2.ALREADY_EXISTS, "name_taken", field="name"):
        await ann("Groups/Create", group={"name": root["name"]})
    team = await acme.folder("team")
    with refused(code_pb2.ALREADY_EXISTS, "name_taken", field="name"):
        await ann("v2.GroupsService/CreateGroup", parent=acme.id, group={"name": "team"})
    await acme.folder("team", parent=team)
    await acme.folder("Team")
    with refused(code_pb2.ALREADY_EXISTS, "name_taken", field="name"):
        await ann("Groups/Update", id=team, name="shop")
    with refused(code_pb2.ALREADY_EXISTS, "name_taken", field="name"):
        await ann("v2.GroupsService/UpdateGroup", group={"uid": team, "name": "shop"})
    await ann("Groups/Delete", id=acme.shop)
    await ann("Groups/Update", id=team, name="shop")


@pytest.mark.parametrize(
    "name",
    ["", " team", "team ", "a/b", "a\nb", "a\x00b", "a\u202eb", "\u2028", "x" * 257, "a\x7f"],
    ids=ascii,
)
async def test_names_that_are_refused(acme: Acme, wire: Wire, name: str) -> None:
    """Empty, long, with '/', with white space around it or control characters in it."""
    ann = acme.ann.on(wire)
    for call, request in (
        ("Groups/Create", {"parent": acme.id, "group": {"name": name}}),
        ("v2.GroupsService/CreateGroup", {"parent": acme.id, "group": {"name": name}}),
        ("Groups/Create", {"group": {"name": name}}),
        ("Groups/Update", {"id": acme.shop, "name": name}),
    ):
        with refused(code_pb2.INVALID_ARGUMENT) as expected:
            await ann(call, **request)
        # the strict JSON of HTTP takes no NUL anywhere
        assert expected.error.field == "name" or "\0" in name


async def test_any_printable_name(acme: Acme, wire: Wire) -> None:
    """Comes back as it was given."""
    for name in ("x" * 256, "😀 Bücher & 本", 'a"b\\c', "%2F", "a:b", "*", "{x}", "0", "null"):
        made = await acme.ann.on(wire)("Groups/Create", parent=acme.id, group={"name": name})
        assert made["name"] == name
        (read,) = (await acme.ann.on(wire)("Groups/List", name=name))["items"]
        assert read == made


# the tree


async def test_folders_are_nested_until_uidps_are_full(acme: Acme, wire: Wire) -> None:
    """At any depth whose records still have a UIDP that can be named; one level more is refused,
    and the deepest folder can hold records and be deleted."""
    ann, at, depth = acme.ann.on(wire), acme.id, 0
    while at.depth < MAX_FOLDER_DEPTH:
        at, depth = await acme.folder("deeper", parent=at), depth + 1
    assert depth == at.depth > 50
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="parent"):
        await ann("Groups/Create", parent=at, group={"name": "deeper"})
    identity = await acme.identity(parent=at)
    await ann("v2.IdentitiesService/GetIdentity", uid=identity)
    await ann("Identities/Delete", id=identity)
    while at != acme.id:
        await ann("Groups/Delete", id=at)
        at = Uidp(at.rpartition("/")[0])


async def test_a_parent_that_is_not_there(acme: Acme, wire: Wire) -> None:
    """Is not found by who would own it, and told to nobody else."""
    missing = acme.id.child(lambda n: b"\0" * n)
    for caller, code in ((acme.ann, code_pb2.NOT_FOUND), (acme.oda, code_pb2.PERMISSION_DENIED)):
        for name in ("Groups/Create", "v2.GroupsService/CreateGroup"):
            with refused(code):
                await caller.on(wire)(name, parent=missing, group={"name": "x"})


async def test_what_the_server_sets(acme: Acme, wire: Wire) -> None:
    """UIDP and times of a request are passed over."""
    when = "2001-02-03T04:05:06Z"
    made = await acme.ann.on(wire)(
        "v2.GroupsService/CreateGroup",
        parent=acme.shop,
        group={"uid": acme.id, "name": "team", "create_time": when, "update_time": when},
    )
    assert made["uid"].startswith(f"{acme.shop}/")
    assert made["createTime"] == made["updateTime"] > when


# what an operator says


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verified", True),
        ("kind", "ORG_KIND_CUSTOMER"),
        ("status", "ORG_STATUS_SUSPENDED"),
        ("resource_limits", {"folders": 1000}),
    ],
)
async def test_what_an_organization_cannot_say_of_itself(
    acme: Acme, wire: Wire, field: str, value: object
) -> None:
    """Verification, limits, kind and status are the operator's to set, at creation and later; a
    folder has none of them."""
    ann, number = acme.ann.on(wire), acme.world.number()
    name = f"acme-{number}.example"
    for call in ("Groups/Create", "v2.GroupsService/CreateGroup"):
        with refused(code_pb2.PERMISSION_DENIED, "field_reserved", field=field):
            await ann(call, group={"name": name, field: value})
        with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field=field):
            await ann(call, parent=acme.id, group={"name": name, field: value})
    before = await ann("v2.GroupsService/GetGroup", uid=acme.id)
    with refused(code_pb2.PERMISSION_DENIED, "field_reserved", field=field):
        await ann("v2.GroupsService/UpdateGroup", group={"uid": acme.id, field: value})
    await ann("Groups/Update", **{"id": acme.id, "name": before["name"], field: value})
    after = await ann("v2.GroupsService/GetGroup", uid=acme.id)
    assert after | {"updateTime": before["updateTime"]} == before


async def test_an_operator_sets_them(everything: World, wire: Wire) -> None:
    """At creation and later, where they may update the group; version 1's update keeps them."""
    name = f"acme-{everything.number()}.example"
    said = {
        "verified": True,
        "kind": "ORG_KIND_CUSTOMER",
        "status": "ORG_STATUS_SUSPENDED",
        "resourceLimits": {"folders": 1},
    }
    made = await everything.operator.on(wire)("Groups/Create", group={"name": name, **said})
    assert made | said == made
    operator = (await everything.login(OPERATOR, scope=made["id"])).on(wire)
    kept = await operator("Groups/Update", id=made["id"], name=name, description="d")
    assert kept | said == kept
    cleared = await operator(
        "v2.GroupsService/UpdateGroup",
        group={"uid": made["id"], "resource_limits": {}, "kind": 0},
        update_mask="resourceLimits,kind",
    )
    assert (cleared["resourceLimits"], cleared["kind"]) == ({}, "ORG_KIND_UNSPECIFIED")
    assert cleared["verified"]


@pytest.mark.parametrize(
    ("group", "field"),
    [
        ({"name": "Acme", "verified": True}, "verified"),
        ({"name": "ACME.example", "verified": True}, "verified"),
        ({"name": "x", "resource_limits": {"folders": -1}}, "resource_limits.folders"),
        ({"name": "x", "resource_limits": {"unicorns": 1}}, "resource_limits"),
    ],
    ids=str,
)
async def test_what_an_operator_cannot_say(
    everything: World, wire: Wire, group: Json, field: str
) -> None:
    """The name of a verified organization is a domain; limits count something."""
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field=field):
        await everything.operator.on(wire)("Groups/Create", group=group)


async def test_a_verified_name_is_fixed(everything: World, wire: Wire) -> None:
    """Nobody renames a verified organization; once it is not verified any more, one can."""
    name = f"acme-{everything.number()}.example"
    made = await everything.operator("Groups/Create", group={"name": name, "verified": True})
    operator = (await everything.login(OPERATOR, scope=made["id"])).on(wire)
    with refused(code_pb2.FAILED_PRECONDITION, "verified_name_fixed", field="name"):
        await operator("Groups/Update", id=name, name="other.example")
    with refused(code_pb2.FAILED_PRECONDITION, "verified_name_fixed", field="name"):
        await operator("v2.GroupsService/UpdateGroup", group={"uid": name, "name": "other"})
    await operator("Groups/Update", id=name, name=name, description="allowed")
    await operator("v2.GroupsService/UpdateGroup", group={"uid": name, "verified": False},
                   update_mask="verified")  # fmt: skip
    await operator("Groups/Update", id=made["id"], name=f"other-{name}")


# limits


async def test_limits_of_an_organization(everything: World, wire: Wire) -> None:
    """Each noun is counted through the whole organization; the one too many is refused, and what
    is deleted makes room."""
    name = f"limited-{everything.number()}"
    limits = dict.fromkeys(LIMITED, 1) | {"folders": 2, "role_bindings": 2}
    made = await everything.operator(
        "Groups/Create", group={"name": name, "resource_limits": limits}
    )
    root = made["id"]
    ann = (await everything.login(OPERATOR, scope=root)).on(wire)
    folder = (await ann("Groups/Create", parent=root, group={"name": "a"}))["id"]
    inner = (await ann("Groups/Create", parent=folder, group={"name": "b"}))["id"]
    issuer = everything.issuer.url
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    creations: dict[str, tuple[str, Json]] = {
        "account_associations": ("GroupAccountAssociations/Create", {"group": "", "name": "x"}),
        "folders": ("Groups/Create", {"parent": "", "group": {"name": "x"}}),
        "group_invites": ("GroupInvites/Create", {"group": "", "role": VIEWER}),
        "identities": (
            "Identities/Create",
            {
                "parent_id": "",
                "identity": {"name": "x", "claim_match": {"issuer": issuer, "subject": "x"}},
            },
        ),
        "identity_providers": (
            "IdentityProviders/Create",
            {"parent_id": "", "identity_provider": {"name": "x", "oidc": oidc}},
        ),
        "role_bindings": (
            "RoleBindings/Create",
            {"parent": "", "role_binding": {"identity": ann.identity, "role": VIEWER}},
        ),
        "roles": (
            "Roles/Create",
            {"parent_id": "", "role": {"name": "x", "capabilities": ["groups.list"]}},
        ),
        "subscriptions": (
            "Subscriptions/Create",
            {"parent_id": "", "subscription": {"sink": "https://hook.example"}},
        ),
    }
    assert creations.keys() == set(LIMITED)
    for noun, (method, template) in creations.items():
        (place,) = [field for field, value in template.items() if value == ""]
        first = None if noun == "folders" else await ann(method, **template | {place: inner})
        for where in (root, folder, inner):
            with refused(code_pb2.RESOURCE_EXHAUSTED, "resource_limit_reached", field=noun):
                await ann(method, **template | {place: where})
        if first is not None:
            key = "group" if noun == "account_associations" else "id"
            deletion = method.replace("/Create", "/Delete")
            await ann(deletion, **{key: first[key]})
            await ann(method, **template | {place: root})
    batch = [{"identity": ann.identity, "role": VIEWER}] * 2
    with refused(code_pb2.RESOURCE_EXHAUSTED, "resource_limit_reached", field="role_bindings"):
        await ann("RoleBindings/CreateBatch", parent=folder, role_bindings=batch)


async def test_a_limit_of_one_organization_is_no_others(acme: Acme) -> None:
    """Only its own records count."""
    made = await acme.world.operator(
        "Groups/Create",
        group={"name": f"limited-{acme.world.number()}", "resource_limits": {"folders": 0}},
    )
    operator = await acme.world.login(OPERATOR, scope=made["id"])
    with refused(code_pb2.RESOURCE_EXHAUSTED, "resource_limit_reached", field="folders"):
        await operator("Groups/Create", parent=made["id"], group={"name": "x"})
    await acme.folder("x")


# deletion


async def test_a_group_with_folders_stays(acme: Acme, wire: Wire) -> None:
    """Its folders have to be deleted before."""
    ann = acme.ann.on(wire)
    team = await acme.folder("team", parent=acme.shop)
    for call, field in (("Groups/Delete", "id"), ("v2.GroupsService/DeleteGroup", "uid")):
        for uidp in (acme.shop, acme.id):
            with refused(code_pb2.FAILED_PRECONDITION, "group_has_folders"):
                await ann(call, **{field: uidp})
    for uidp in (team, acme.shop, acme.id):
        assert await ann("Groups/Delete", id=uidp) == {}
    assert ids(await ann("Groups/List")) == []
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await ann("Groups/Delete", id=acme.id)


async def test_what_goes_with_a_group(acme: Acme, wire: Wire) -> None:
    """Whatever is in it: identities with their bindings elsewhere; roles with bindings and invites
    that give them elsewhere; providers with their mappings; invites, subscriptions, associations,
    terms. A provider elsewhere loses its default role, and stays."""
    ann = acme.ann.on(wire)
    group = await acme.folder("doomed")
    below = acme.shop
    issuer = acme.world.issuer.url
    identity = await acme.identity("doomed-robot", parent=group)
    kept_identity = await acme.identity(parent=below)
    role = await acme.role("groups.list", parent=group)
    elsewhere = [
        await acme.bind(identity, VIEWER, below),
        (
            await acme.oda(
                "RoleBindings/Create",
                parent=acme.other,
                role_binding={"identity": identity, "role": VIEWER},
            )
        )["id"],
    ]
    oidc = {"issuer": "https://id.example", "client_id": "c", "client_secret": "geheim"}
    provider = await ann(
        "IdentityProviders/Create",
        parent_id=group,
        identity_provider={"name": "id", "oidc": oidc, "default_role": role},
    )
    mapping = {
        "identity_provider_uidp": provider["id"],
        "external_group_id": "admins",
        "role_uidp": role,
        "scope": group,
    }
    await ann("ExternalGroupRoleMappings/Create", parent_id=group, mapping=mapping)
    await ann("GroupInvites/Create", group=group, role=role)
    await ann("Subscriptions/Create", parent_id=group, subscription={"sink": "https://h.example"})
    await ann("GroupAccountAssociations/Create", group=group, name="accounts")
    await ann("Terms/AcceptTerms", group=group, document_ids=["eula"])
    await acme.bind(kept_identity, role, group)
    robot = await acme.world.assumed(identity, "doomed-robot")
    await ann("Groups/Delete", id=group)
    with refused(code_pb2.UNAUTHENTICATED, "token_identity_gone"):
        await robot("Auth/Validate")
    for call in (
        "Identities/List",
        "Roles/List",
        "RoleBindings/List",
        "GroupInvites/List",
        "IdentityProviders/List",
        "ExternalGroupRoleMappings/List",
        "Subscriptions/List",
        "GroupAccountAssociations/List",
    ):
        assert not [uidp for uidp in ids(await ann(call)) if uidp.startswith(group)], call
    left = {*ids(await ann("RoleBindings/List")), *ids(await acme.oda("RoleBindings/List"))}
    assert not left & set(elsewhere)
    assert kept_identity in ids(await ann("Identities/List"))
    again = await acme.folder("doomed")
    assert again != group
    assert (await ann("Terms/ListAccepted", group=again))["items"] == []
    found = await ann("v2.IdentitiesService/LookupIdentity", issuer=issuer, subject="doomed-robot")
    assert found["uid"] == acme.world.person_uidp("doomed-robot")


async def test_the_last_owner_elsewhere(acme: Acme, wire: Wire) -> None:
    """A group is not deleted while it holds the identity that is another organization's last
    owner, or its own organization's."""
    group = await acme.folder("robots")
    robot = await acme.identity(parent=group)
    binding = {"identity": robot, "role": OWNER}
    await acme.oda("RoleBindings/Create", parent=acme.other, role_binding=binding)
    odas = (await acme.oda("v2.RoleBindingsService/ListRoleBindings", identity=acme.oda.identity))[
        "roleBindings"
    ]
    await acme.oda("RoleBindings/Delete", id=odas[0]["uid"])
    for call in (
        ("Groups/Delete", {"id": group}),
        ("Identities/Delete", {"id": robot}),
    ):
        with refused(code_pb2.FAILED_PRECONDITION, "last_owner"):
            await acme.ann.on(wire)(call[0], **call[1])
    assert robot in ids(await acme.ann("Identities/List"))


async def test_an_organization_goes_with_its_owner_in_it(acme: Acme) -> None:
    """Its own last owner does not keep it: what has no organization needs no owner."""
    robot = await acme.identity("owner-robot", parent=acme.id)
    await acme.bind(robot, OWNER)
    await acme.ann("RoleBindings/Delete", id=await acme.binding_of(acme.ann))
    owner = await acme.world.assumed(robot, "owner-robot")
    await owner("Groups/Delete", id=acme.shop)
    await owner("Groups/Delete", id=acme.id)

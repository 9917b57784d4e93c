"""Who may call what, for every method from what it declares."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio
from google.rpc import code_pb2

from broker.app import key_ring
from broker.contract.methods import Method
from broker.contract.options import Need
from broker.iam.uidp import Uidp
from broker.issuer.tokens import AccessTokenClaims, AccessTokens
from tests.api.samples import (
    HARMLESS,
    METHODS,
    PENDING,
    SCOPED,
    Place,
    named,
    place,
    scope_of,
    with_scope,
)
from tests.api.world import OPERATOR, OWNER, VIEWER, Acme, World, ids, world
from tests.kit.api import Caller, Json, Wire, refused
from tests.kit.calls import exchange
from tests.kit.organizations import ROLES

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTECTED = [method for method in METHODS if method.authorization.kind is not Need.NONE]
BAD_TOKENS = {
    "no token": "token_missing",
    "no JWT": "token_malformed",
    "upstream token": "access_token_expected",
    "expired": "token_expired",
    "not yet valid": "token_not_yet_valid",
    "of another broker": "token_issuer_unexpected",
    "in our name, by a key of another broker": "token_key_unknown",
    "for another audience": "access_token_audience",
    "altered payload": "token_signature_invalid",
    "altered signature": "token_signature_invalid",
    "unsigned": "",
    "of a deleted identity": "token_identity_gone",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Another broker with keys of its own."""
    async with world(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


async def _minted(of: World, caller: Caller, *, issuer: str, before: float = 0) -> str:
    """A token signed by a key of that broker; `before`: seconds ago."""
    keyring = key_ring(of.broker.settings, of.broker.store)
    await keyring.open()
    tokens = AccessTokens(issuer=issuer, keyring=keyring, make_id=lambda: "id")
    claims = AccessTokenClaims(
        subject=caller.identity,
        audience=(issuer,),
        lifetime=3600,
        actor={"iss": "https://id.example", "sub": "x"},
        role_bindings=[],
        capabilities={},
    )
    return tokens.mint(claims, now=time.time() - before).token


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bad_tokens(everything: World, elsewhere: World) -> Mapping[str, str | None]:
    """What no call is accepted with, by what is wrong with it."""
    acme = await everything.organization()
    ann, issuer = acme.ann, everything.broker.url
    token = str(ann.token)
    header, payload, signature = token.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    other = await elsewhere.organization()
    gone = await acme.stranger()
    await gone("Auth/Delete", id=gone.identity)
    narrow = await exchange(
        everything.broker,
        everything.issuer.token({"sub": f"ann-{acme.number}"}),
        aud="https://service.example",
    )
    return {
        "no token": None,
        "no JWT": "hunter2",
        "upstream token": everything.issuer.token({"sub": f"ann-{acme.number}"}),
        "expired": await _minted(everything, ann, issuer=issuer, before=3600),
        "not yet valid": await _minted(everything, ann, issuer=issuer, before=-600),
        "of another broker": other.ann.token,
        "in our name, by a key of another broker": await _minted(elsewhere, ann, issuer=issuer),
        "for another audience": narrow.body["token"],
        "altered payload": f"{header}.{str(acme.oda.token).split('.')[1]}.{signature}",
        "altered signature": f"{header}.{payload}.{flipped}",
        "unsigned": f"{header}.{payload}.",
        "of a deleted identity": gone.token,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def somewhere(everything: World) -> Place:
    """Where nothing is ever changed."""
    return await place(await everything.organization())


@asynccontextmanager
async def unchanged(world: World) -> AsyncIterator[None]:
    """Nothing is written in the block."""
    before = await _state(world)
    yield
    assert await _state(world) == before


async def _state(world: World) -> tuple[int, str]:
    return await world.broker.store.generation(), await world.last_record()


@pytest.mark.parametrize("fault", BAD_TOKENS)
async def test_a_token_that_is_none_of_ours(
    somewhere: Place, bad_tokens: Mapping[str, str | None], wire: Wire, fault: str
) -> None:
    """No method that needs a token takes it, and the reason is told."""
    token = bad_tokens[fault]
    async with unchanged(somewhere.acme.world):
        for method in PROTECTED:
            if wire is somewhere.acme.world.http and not method.http:
                continue
            with refused(code_pb2.UNAUTHENTICATED, BAD_TOKENS[fault]) as expected:
                await wire.call(method, somewhere.request(method), token)
            assert not token or token not in expected.error.message


async def _without(acme: Acme, missing: str) -> Caller:
    return await acme.holder(*sorted(ROLES.owner.capabilities - {missing}))


@pytest.mark.parametrize(
    "missing", sorted({name for method in SCOPED for name in method.authorization.capabilities})
)
async def test_a_capability_that_is_missing(somewhere: Place, missing: str) -> None:
    """Who holds every capability but one is refused by the methods that need that one, and the
    message names it; nothing changes."""
    world = somewhere.acme.world
    caller = await _without(somewhere.acme, missing)
    async with unchanged(world):
        for method in SCOPED:
            if missing not in method.authorization.capabilities:
                continue
            for wire in (world.http, world.grpc):
                with refused(code_pb2.PERMISSION_DENIED, "capability_missing") as expected:
                    await wire.call(method, somewhere.request(method), caller.token)
                assert missing in expected.error.message


async def _answers(world: World, method: Method, request: Json, caller: Caller) -> None:
    await world.grpc.call(method, request, caller.token)


@pytest.mark.parametrize("method", SCOPED, ids=named)
async def test_beside_or_below_a_capability_is_nothing(somewhere: Place, method: Method) -> None:
    """Held at another folder or at one below the record's, it is missing; nothing changes."""
    acme, world = somewhere.acme, somewhere.acme.world
    request = somewhere.request(method)
    groups = [somewhere.sibling, somewhere.below(scope_of(method, request))]
    callers = [
        await acme.holder(*method.authorization.capabilities, HARMLESS, at=group)
        for group in groups
        if group is not None
    ]
    async with unchanged(world):
        for caller in (*callers, acme.oda):
            with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
                await world.grpc.call(method, request, caller.token)


@pytest.mark.parametrize("method", SCOPED, ids=named)
async def test_at_the_place_or_above_it_a_capability_suffices(
    everything: World, method: Method
) -> None:
    """Who holds what the method declares, and nothing else, at the record's group or at the
    organization, may call it; one capability may be held here and the other there."""
    acme = await everything.organization()
    first, *more = method.authorization.capabilities
    for rooted in (False, True):
        requests = await place(acme)
        request = requests.request(method)
        near = requests.group(scope_of(method, request))
        if rooted and not more:
            held: dict[Uidp, list[str]] = {acme.id: [first, HARMLESS]}
        elif rooted:
            held = {acme.id: [first], near: [*more, HARMLESS]}
        else:
            held = {near: [first, *more, HARMLESS]}
        await _answers(everything, method, request, await acme.holding(held))


async def test_the_name_of_a_verified_organization_is_its_uidp(everything: World) -> None:
    """Where a request names a group, the organization's name stands for it as well."""
    acme = await everything.organization()
    sample = await place(acme, at_root=True)
    asking = [
        method
        for method in SCOPED
        if scope_of(method, sample.request(method)) == sample.folder
        and method.path == method.stable_path  # the beta is the same code
    ]
    assert len(asking) > 30
    for method in asking:
        name = f"acme-{everything.number()}.example"
        made = await everything.operator("Groups/Create", group={"name": name, "verified": True})
        owner = await everything.login(OPERATOR, scope=made["id"])
        theirs = replace(acme, ann=owner, records=replace(acme.records, id=Uidp(made["id"])))
        requests = await place(theirs, at_root=True)
        asked = with_scope(method, requests.request(method), name)
        if "Groups" in method.service and method.name in ("Update", "UpdateGroup"):
            with refused(code_pb2.FAILED_PRECONDITION, "verified_name_fixed"):
                await everything.http.call(method, asked, owner.token)
        else:
            await everything.http.call(method, asked, owner.token)


async def test_a_name_that_no_verified_organization_has(acme: Acme, wire: Wire) -> None:
    """Is not found, nor is that of an organization that is not verified."""
    name = f"acme-{acme.number}.example"
    ann = acme.ann.on(wire)
    with refused(code_pb2.NOT_FOUND, "group_not_found", field="uid"):
        await ann("v2.GroupsService/GetGroup", uid=name)
    await ann("Groups/Update", id=acme.id, name=name)
    with refused(code_pb2.NOT_FOUND, "group_not_found", field="uid"):
        await ann("v2.GroupsService/GetGroup", uid=name)


async def test_a_scope_that_is_no_uidp(acme: Acme, wire: Wire) -> None:
    """The field and the form are told."""
    for uid in ("", "acme", "/", acme.id + "/", acme.id.upper(), acme.id + "/" + "g" * 16):
        with refused(code_pb2.INVALID_ARGUMENT, "uidp_malformed", field="group.uid"):
            await acme.ann.on(acme.world.grpc)("v2.GroupsService/UpdateGroup", group={"uid": uid})


async def test_a_token_narrowed_by_scope(acme: Acme, wire: Wire) -> None:
    """Does at the scope and below what its identity may do, and nothing elsewhere."""
    ann = (await acme.again("ann", scope=acme.shop)).on(wire)
    below = await ann("Groups/Create", parent=acme.shop, group={"name": "team"})
    await ann("Groups/Create", parent=below["id"], group={"name": "team"})
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await ann("Groups/Create", parent=acme.id, group={"name": "team"})
    listed = await ann("Groups/List")
    assert {group["id"] for group in listed["items"]} == {
        acme.shop,
        below["id"],
        *[group["id"] for group in listed["items"] if group["id"].startswith(below["id"])],
    }
    with refused(code_pb2.PERMISSION_DENIED, "grant_exceeds_own"):
        await (await acme.again("ann", scope=acme.shop, cap=["role_bindings.create"])).on(wire)(
            "RoleBindings/Create",
            parent=acme.shop,
            role_binding={"identity": acme.vic.identity, "role": OWNER},
        )


async def test_a_token_narrowed_by_capability(acme: Acme, wire: Wire) -> None:
    """Does nothing else, though its identity may do everything."""
    ann = (await acme.again("ann", cap=["groups.list"])).on(wire)
    listed = await ann("Groups/List")
    assert {group["id"] for group in listed["items"]} == {acme.id, acme.shop}
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await ann("Groups/Create", parent=acme.id, group={"name": "team"})
    assert (await ann("Identities/List"))["items"] == []


async def test_a_role_that_was_taken_away(acme: Acme, wire: Wire) -> None:
    """Counts no more at the next call, with the token that still names it."""
    vic = acme.vic.on(wire)
    assert ids(await vic("Groups/List"))
    await acme.ann("RoleBindings/Delete", id=await acme.binding_of(acme.vic))
    assert ids(await vic("Groups/List")) == []
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await vic("v2.GroupsService/GetGroup", uid=acme.shop)


async def test_a_capability_that_a_role_lost(acme: Acme, wire: Wire) -> None:
    """Counts no more at the next call; one that it was given needs a new token."""
    role = await acme.role("groups.list", "identity.list")
    stranger = await acme.stranger()
    await acme.bind(stranger.identity, role)
    subject = f"stranger-{acme.world.number() - 1}"
    stranger = (await acme.world.login(subject)).on(wire)
    await stranger("v2.GroupsService/GetGroup", uid=acme.shop)
    await acme.ann("Roles/Update", id=role, name="r", capabilities=["identity.list", "roles.list"])
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await stranger("v2.GroupsService/GetGroup", uid=acme.shop)
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await stranger("v2.RolesService/GetRole", uid=role)
    await (await acme.world.login(subject))("v2.RolesService/GetRole", uid=role)


async def test_a_role_that_was_given(acme: Acme, wire: Wire) -> None:
    """Counts from the next token on, in the same process at once."""
    stranger = await acme.stranger()
    subject = f"stranger-{acme.world.number() - 1}"
    await acme.bind(stranger.identity, VIEWER, acme.shop)
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await stranger.on(wire)("v2.GroupsService/GetGroup", uid=acme.shop)
    again = (await acme.world.login(subject)).on(wire)
    await again("v2.GroupsService/GetGroup", uid=acme.shop)
    with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
        await again("v2.GroupsService/GetGroup", uid=acme.id)


async def test_methods_for_anybody_with_a_token(acme: Acme) -> None:
    """A person without any role may ask who they are, what they could join, and whom a UIDP
    belongs to."""
    for method in METHODS:
        if method.authorization.kind is not Need.TOKEN or method.stable_path in PENDING:
            continue
        caller = await acme.stranger()
        requests = await place(acme, caller)
        await acme.world.grpc.call(method, requests.request(method), caller.token)


async def test_a_person_in_the_place_of_a_group(acme: Acme, wire: Wire) -> None:
    """Nobody holds anything at a person's UIDP, nor at that of a built-in role."""
    for uidp in (acme.ann.identity, OWNER):
        for name, request in (
            ("v2.IdentitiesService/GetIdentity", {"uid": uidp}),
            ("Identities/Delete", {"id": uidp}),
            ("Roles/Delete", {"id": uidp}),
            ("Groups/Create", {"parent": uidp, "group": {"name": "x"}}),
        ):
            with refused(code_pb2.PERMISSION_DENIED, "capability_missing"):
                await acme.ann.on(wire)(name, **request)

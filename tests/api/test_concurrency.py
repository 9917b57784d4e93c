"""Two brokers on one database, on either engine, and everybody writes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from broker.iam.uidp import Uidp
from broker.store import Store
from tests.api.world import OPERATOR, OWNER, VIEWER, Acme, World, ids, world
from tests.kit.api import Caller, Json, Refused, Wire, wires
from tests.kit.brokers import running_broker
from tests.kit.databases import PostgresServer, running_postgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 4


@dataclass(frozen=True)
class Pair:
    """The first broker with its world, and the ways to both: HTTP and gRPC of each."""

    world: World
    ways: tuple[Wire, ...]

    def callers(self, caller: Caller, count: int) -> list[Caller]:
        """The same caller by each of the ways in turn."""
        return [caller.on(self.ways[n % len(self.ways)]) for n in range(count)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server for the module."""
    with running_postgres() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two brokers that are one issuer, with one database and one set of keys."""
    folder = tmp_path_factory.mktemp("pair")
    url = f"sqlite:///{folder}/broker.sqlite3"
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(await server.create_database())
        store = Store.open(url)
        await store.migrate()
        await store.close()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(world(folder, BROKER_DATABASE_URL=url))
        second = await stack.enter_async_context(
            running_broker(
                folder,
                BROKER_DATABASE_URL=url,
                BROKER_ISSUER=first.broker.url,
                BROKER_OPERATORS=f'["{first.operator.identity}"]',
            )
        )
        there = replace(second, url=f"http://127.0.0.1:{second.settings.port}")
        more = await stack.enter_async_context(wires(there))
        yield Pair(first, (first.http, more["http"], first.grpc, more["grpc"]))


@pytest_asyncio.fixture(loop_scope="module")
async def acme(pair: Pair) -> Acme:
    """An organization of this test's own."""
    return await pair.world.organization()


async def _outcomes(calls: Sequence[Awaitable[Json]]) -> tuple[list[Json], list[str]]:
    """Of calls made at once: answers, and reasons of refusals."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Refused):
            raise result
    answers = [result for result in results if isinstance(result, dict)]
    return answers, [result.reason for result in results if isinstance(result, Refused)]


async def test_a_token_of_one_is_a_token_of_the_other(pair: Pair, acme: Acme) -> None:
    """They sign with the same keys and know the same records."""
    for caller in pair.callers(acme.vic, 4):
        assert ids(await caller("Groups/List")) == [acme.id, acme.shop]


async def test_one_of_many_gets_the_name(pair: Pair, acme: Acme) -> None:
    """However many ask at once, for an organization or for a folder; the others are told that it
    is taken."""
    for number in range(ROUNDS):
        for parent in ({}, {"parent": acme.shop}):
            name = f"wanted-{acme.number}-{number}"
            answers, refusals = await _outcomes(
                [
                    caller("Groups/Create", **parent, group={"name": name})
                    for caller in pair.callers(acme.ann, 8)
                ]
            )
            assert len(answers) == 1
            assert refusals == ["name_taken"] * 7


async def test_one_binding_of_many(pair: Pair, acme: Acme) -> None:
    """The same identity, role and group are bound once."""
    for _ in range(ROUNDS):
        bound = {"identity": await acme.identity(), "role": VIEWER}
        answers, refusals = await _outcomes(
            [
                caller("RoleBindings/Create", parent=acme.shop, role_binding=bound)
                for caller in pair.callers(acme.ann, 8)
            ]
        )
        assert len(answers) == 1
        assert refusals == ["binding_exists"] * 7


async def test_one_association_of_many(pair: Pair, acme: Acme) -> None:
    """A group has one."""
    answers, refusals = await _outcomes(
        [
            caller("GroupAccountAssociations/Create", group=acme.shop, name=f"a{n}")
            for n, caller in enumerate(pair.callers(acme.ann, 8))
        ]
    )
    assert len(answers) == 1
    assert refusals == ["association_exists"] * 7


@pytest.mark.parametrize("way", ["delete", "demote", "hand over", "account", "identity", "folder"])
async def test_the_last_owner_of_two(pair: Pair, acme: Acme, way: str) -> None:
    """Of two owners who are removed at the same moment by two brokers, one stays."""
    for _ in range(ROUNDS):
        acme = await pair.world.organization()
        anns = await acme.binding_of(acme.ann)
        group = await acme.folder()
        robot = await acme.identity("robot", parent=group)
        other = acme.vic.identity if way == "account" else robot
        second = await acme.bind(other, OWNER)
        ann = acme.ann.on(pair.ways[1])
        vic = (await acme.again("vic")) if way == "account" else acme.ann
        ways: dict[str, tuple[tuple[str, Json], tuple[str, Json]]] = {
            "delete": (("RoleBindings/Delete", {"id": anns}),
                       ("RoleBindings/Delete", {"id": second})),
            "demote": (("RoleBindings/Update", {"id": anns, "role": VIEWER}),
                       ("RoleBindings/Update", {"id": second, "role": VIEWER})),
            "hand over": (("RoleBindings/Update", {"id": anns, "identity": OWNER}),
                          ("RoleBindings/Update", {"id": second, "identity": OWNER})),
            "account": (("Auth/Delete", {"id": ann.identity}),
                        ("Auth/Delete", {"id": vic.identity})),
            "identity": (("Auth/Delete", {"id": ann.identity}), ("Identities/Delete", {"id": robot})),
            "folder": (("RoleBindings/Delete", {"id": anns}), ("Groups/Delete", {"id": group})),
        }  # fmt: skip
        first_call, second_call = ways[way]
        answers, refusals = await _outcomes(
            [ann(first_call[0], **first_call[1]),
             vic.on(pair.ways[2])(second_call[0], **second_call[1])]
        )  # fmt: skip
        assert len(answers) == 1, refusals
        # who was removed first may have lost the right, or themself, before their own call
        assert set(refusals) <= {"last_owner", "capability_missing", "token_identity_gone",
                                 "binding_exists"}  # fmt: skip
        async with pair.world.broker.store.read() as records:
            owners = await records.bindings.holders(acme.id, Uidp(OWNER))
            alive = await records.identities.many(binding.identity for binding in owners)
        assert alive


async def test_different_fields_at_once(pair: Pair, acme: Acme) -> None:
    """None of several updates that name different fields is lost."""
    uidp = await acme.identity()
    update = "v2.IdentitiesService/UpdateIdentity"
    for number in range(ROUNDS):
        changes: list[tuple[str, Json]] = [
            ("name", {"name": f"n{number}"}),
            ("description", {"description": f"d{number}"}),
            ("claimMatch.subject", {"claim_match": {"subject": f"s{number}"}}),
            ("claimMatch.audience", {"claim_match": {"audience": f"a{number}"}}),
            ("claimMatch.claims", {"claim_match": {"claims": {"n": str(number)}}}),
        ]
        answers, refusals = await _outcomes(
            [
                caller(update, identity={"uid": uidp, **members}, update_mask=mask)
                for caller, (mask, members) in zip(
                    pair.callers(acme.ann, len(changes)), changes, strict=True
                )
            ]
        )
        assert (len(answers), refusals) == (len(changes), [])
        after = await acme.ann("v2.IdentitiesService/GetIdentity", uid=uidp)
        assert (after["name"], after["description"]) == (f"n{number}", f"d{number}")
        rules = after["claimMatch"]
        assert (rules["subject"], rules["audience"]) == (f"s{number}", f"a{number}")
        assert rules["claims"] == {"n": str(number)}


async def test_a_group_that_goes_while_others_come(pair: Pair, acme: Acme) -> None:
    """Either what is created in it goes with it, or keeps it, or finds it gone: nothing is left
    behind below a group that is not there."""
    for _ in range(ROUNDS):
        group = await acme.folder()
        rules = {"issuer": "https://id.example", "subject": "x"}
        ways = pair.callers(acme.ann, 6)
        creations: list[tuple[str, Json]] = [
            ("Groups/Create", {"parent": group, "group": {"name": "x"}}),
            ("Identities/Create",
             {"parent_id": group, "identity": {"name": "x", "claim_match": rules}}),
            ("RoleBindings/Create",
             {"parent": group, "role_binding": {"identity": acme.vic.identity, "role": VIEWER}}),
            ("Subscriptions/Create",
             {"parent_id": group, "subscription": {"sink": "https://h.example"}}),
            ("Terms/AcceptTerms", {"group": group, "document_ids": ["x"]}),
        ]  # fmt: skip
        calls = [caller(name, **request)
                 for caller, (name, request) in zip(ways, creations, strict=False)]  # fmt: skip
        calls.insert(2, ways[-1]("Groups/Delete", id=group))
        _, refusals = await _outcomes(calls)
        assert set(refusals) <= {"group_not_found", "group_has_folders"}
        async with pair.world.broker.store.read() as records:
            is_there = await records.groups.get(group) is not None
            left = [
                *await records.groups.descendants(group),
                *await records.identities.below(group),
                *await records.bindings.below(group),
                *await records.terms.of_group(group),
            ]
        assert is_there is ("group_has_folders" in refusals)
        assert is_there or not left


async def test_a_burst_against_a_limit(pair: Pair) -> None:
    """Exactly as many records as may be there are made, by however many callers at once."""
    everything = pair.world
    limits = {"folders": 3, "identities": 5, "role_bindings": 4}
    made = await everything.operator(
        "Groups/Create",
        group={"name": f"limited-{everything.number()}", "resource_limits": limits},
    )
    root = made["id"]
    owner = await everything.login(OPERATOR, scope=root)
    ways = pair.callers(owner, 12)
    rules = {"issuer": "https://id.example", "subject": "x"}
    people = [everything.person_uidp(f"somebody-{n}") for n in range(12)]
    for noun, room, calls in (
        ("folders", 3, [
            caller("Groups/Create", parent=root, group={"name": f"f{n}"})
            for n, caller in enumerate(ways)
        ]),
        ("identities", 5, [
            caller("Identities/Create", parent_id=root,
                   identity={"name": "x", "claim_match": rules})
            for caller in ways
        ]),
        ("role_bindings", 3, [  # one is the owner's
            caller("RoleBindings/Create", parent=root,
                   role_binding={"identity": people[n], "role": VIEWER})
            for n, caller in enumerate(ways)
        ]),
    ):  # fmt: skip
        answers, refusals = await _outcomes(calls)
        assert (noun, len(answers)) == (noun, room)
        assert refusals == ["resource_limit_reached"] * (12 - room)


async def test_records_deleted_twice_at_once(pair: Pair, acme: Acme) -> None:
    """One caller deletes it, the others find it gone."""
    for _ in range(ROUNDS):
        uidp = await acme.identity()
        answers, refusals = await _outcomes(
            [caller("Identities/Delete", id=uidp) for caller in pair.callers(acme.ann, 6)]
        )
        assert (len(answers), set(refusals)) == (1, {"identity_not_found"})


async def test_what_one_changes_the_other_mints(pair: Pair, acme: Acme) -> None:
    """A role that one broker changed is in the tokens of the other as soon as that one has
    written anything itself, which makes it look."""
    role = await acme.role("groups.list")
    number = acme.world.number()
    subject = f"new-{number}"
    uidp = await acme.records.person(acme.world.issuer.url, subject)
    await acme.bind(uidp, role)
    here, there = acme.ann.on(pair.ways[2]), acme.ann.on(pair.ways[3])
    for capability in ("roles.list", "identity.list", "groups.list"):
        await here("Roles/Update", id=role, name="r", capabilities=[capability])
        await there("Groups/Update", id=acme.shop, name=f"shop-{capability}")
        token = acme.world.issuer.token({"sub": subject})
        answer = await Caller(pair.ways[3], token)("SecurityTokenService/Exchange")
        me = await Caller(pair.ways[3], answer["token"])("Auth/Validate")
        assert [each["capabilities"] for each in me["capabilities"]] == [[capability]]

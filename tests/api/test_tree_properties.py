"""Any story of groups, roles and bindings: the API answers as a model of twenty lines does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.api.world import World, ids, world
from tests.kit.api import Caller, Refused

T = TypeVar("T")

LIST, CREATE, DELETE, BIND = "groups.list", "groups.create", "groups.delete", "role_bindings.create"
ALL: Final = frozenset({LIST, CREATE, DELETE, BIND, "roles.create", "roles.update"})
PEOPLE: Final = ("pam", "quin", "rob")
OWNER: Final = "ann"
EVERYBODY: Final = st.sampled_from((OWNER, *PEOPLE))
SOME: Final = st.frozensets(st.sampled_from(sorted(ALL)), min_size=1, max_size=4)
BOUNDED: Final = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)


@dataclass
class Model:
    """The tree, the roles and the bindings, and what follows from them."""

    groups: dict[str, str] = field(default_factory=dict)
    """Group → its parent; empty for the organization."""
    roles: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """Role → its group and capabilities."""
    bindings: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Binding → person, role, group."""

    def path(self, group: str) -> list[str]:
        """The group and those above it."""
        return [group, *self.path(self.groups[group])] if group else []

    def held(self, person: str, group: str) -> frozenset[str]:
        """What the person may do there: what their roles allow at the group or above it."""
        if person == OWNER:
            return ALL
        return frozenset().union(
            *(self.roles[role][1] for who, role, at in self.bindings.values()
              if who == person and at in self.path(group))
        )  # fmt: skip

    def remove_role(self, role: str) -> None:
        """With its bindings."""
        del self.roles[role]
        self.bindings = {uid: b for uid, b in self.bindings.items() if b[1] != role}

    def remove_group(self, group: str) -> None:
        """With its roles and bindings."""
        del self.groups[group]
        for role in [role for role, (at, _) in self.roles.items() if at == group]:
            self.remove_role(role)
        self.bindings = {uid: b for uid, b in self.bindings.items() if b[2] != group}


class Tree(RuleBasedStateMachine):
    """Everybody acts with a fresh token: what it carries and what is held is the same then."""

    groups: Bundle[str] = Bundle("groups")
    roles: Bundle[str] = Bundle("roles")
    bindings: Bundle[str] = Bundle("bindings")

    def __init__(self, runner: asyncio.Runner, everything: World) -> None:
        super().__init__()
        self._runner = runner
        self._world = everything
        self._acme = self._run(everything.organization())
        self._model = Model(groups={self._acme.id: "", self._acme.shop: self._acme.id})
        self._chance = random.Random(1)
        for name in PEOPLE:
            self._run(self._acme.records.person(everything.issuer.url, self._subject(name)))

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(call)

    def _subject(self, name: str) -> str:
        return f"{name} of {self._acme.number}"

    def _caller(self, name: str) -> Caller:
        wire = self._chance.choice([self._world.http, self._world.grpc])
        if name == OWNER:
            return self._acme.ann.on(wire)
        return self._run(self._world.login(self._subject(name))).on(wire)

    def _call(self, caller: str, name: str, /, **request: Any) -> dict[str, Any] | str:
        """The answer, or the reason of the refusal."""
        try:
            return self._run(self._caller(caller)(name, **request))
        except Refused as error:
            return error.reason

    # what happens

    @initialize(target=groups)
    def some_groups(self) -> Any:
        """The organization and a folder."""
        return multiple(self._acme.id, self._acme.shop)

    @initialize(target=roles)
    def some_roles(self) -> Any:
        """One with everything, held at the folder; one that lists and one that gives, both held
        everywhere."""
        every = self.create_role(self._acme.id, OWNER, ALL)
        lister = self.create_role(self._acme.id, OWNER, {LIST})
        giver = self.create_role(self._acme.id, OWNER, {BIND, "roles.create", "roles.update"})
        self.bind("rob", giver, self._acme.id, OWNER)
        self.bind("pam", every, self._acme.shop, OWNER)
        self.bind("quin", lister, self._acme.id, OWNER)
        return multiple(every, giver, lister)

    @rule(target=groups, parent=groups, by=EVERYBODY)
    def create_group(self, parent: str, by: str) -> Any:
        """Where one may, and the parent is still there."""
        name = f"g{self._world.number()}"
        answer = self._call(by, "Groups/Create", parent=parent, group={"name": name})
        if refusal := self._refusal(parent, by, CREATE):
            assert answer == refusal
            return multiple()
        assert isinstance(answer, dict), answer
        self._model.groups[answer["id"]] = parent
        return answer["id"]

    @rule(group=groups, by=EVERYBODY)
    def delete_group(self, group: str, by: str) -> None:
        """Not while it has folders; never the organization here."""
        if group == self._acme.id:
            return
        answer = self._call(by, "Groups/Delete", id=group)
        if refusal := self._refusal(group, by, DELETE):
            assert answer == refusal
        elif group in self._model.groups.values():
            assert answer == "group_has_folders"
        else:
            assert answer == {}
            self._model.remove_group(group)

    @rule(target=roles, group=groups, by=EVERYBODY, capabilities=SOME)
    def create_role(self, group: str, by: str, capabilities: Set[str]) -> Any:
        """Of what one holds."""
        role = {"name": "r", "capabilities": sorted(capabilities)}
        answer = self._call(by, "Roles/Create", parent_id=group, role=role)
        if refusal := self._refusal(group, by, "roles.create"):
            assert answer == refusal
        elif capabilities - self._model.held(by, group):
            assert answer == "grant_exceeds_own"
        else:
            assert isinstance(answer, dict), answer
            self._model.roles[answer["id"]] = (group, frozenset(capabilities))
            return answer["id"]
        return multiple()

    @rule(role=roles, by=EVERYBODY, capabilities=SOME)
    def update_role(self, role: str, by: str, capabilities: Set[str]) -> None:
        """By who may, and who holds what is added."""
        names = sorted(capabilities)
        answer = self._call(by, "Roles/Update", id=role, name="r", capabilities=names)
        if role not in self._model.roles:
            assert answer in ("role_not_found", "capability_missing")
            return
        group, before = self._model.roles[role]
        held = self._model.held(by, group)
        if "roles.update" not in held:
            assert answer == "capability_missing"
        elif capabilities - before - held:
            assert answer == "grant_exceeds_own"
        else:
            assert isinstance(answer, dict), answer
            self._model.roles[role] = (group, frozenset(capabilities))

    @rule(role=roles)
    def delete_role(self, role: str) -> None:
        """With its bindings."""
        answer = self._call(OWNER, "Roles/Delete", id=role)
        assert answer == ({} if role in self._model.roles else "role_not_found")
        if role in self._model.roles:
            self._model.remove_role(role)

    @rule(target=bindings, to=st.sampled_from(PEOPLE), role=roles, group=groups, by=EVERYBODY)
    def bind(self, to: str, role: str, group: str, by: str) -> Any:
        """By who may and holds all of the role."""
        model = self._model
        bound = {"identity": self._world.person_uidp(self._subject(to)), "role": role}
        answer = self._call(by, "RoleBindings/Create", parent=group, role_binding=bound)
        if refusal := self._refusal(group, by, BIND):
            assert answer == refusal
        elif role not in model.roles or model.roles[role][0] not in model.path(group):
            assert answer == "role_not_found"
        elif model.roles[role][1] - model.held(by, group):
            assert answer == "grant_exceeds_own"
        elif (to, role, group) in model.bindings.values():
            assert answer == "binding_exists"
        else:
            assert isinstance(answer, dict), answer
            model.bindings[answer["id"]] = (to, role, group)
            return answer["id"]
        return multiple()

    @rule(target=bindings, to=st.sampled_from(PEOPLE), role=roles, group=groups)
    def promote(self, to: str, role: str, group: str) -> Any:
        """By the owner, so that people have something to act with."""
        return self.bind(to, role, group, OWNER)

    @rule(binding=consumes(bindings))
    def unbind(self, binding: str) -> None:
        """It ends at once."""
        answer = self._call(OWNER, "RoleBindings/Delete", id=binding)
        assert answer == ({} if binding in self._model.bindings else "binding_not_found")
        self._model.bindings.pop(binding, None)

    def _refusal(self, group: str, by: str, capability: str) -> str:
        """Empty where they may. Of a group that is not there, what is held above it decides what
        is told."""
        there = group
        while there not in self._model.groups:
            there = there.rpartition("/")[0]
        if capability not in self._model.held(by, there):
            return "capability_missing"
        return "" if there == group else "group_not_found"

    # what holds at every moment

    @invariant()
    def lists_show_what_is_held(self) -> None:
        """Exactly the groups where the person holds the capability to list them."""
        self._expect_lists(self._chance.choice(PEOPLE))

    def teardown(self) -> None:
        """At the end everybody looks, and the records are those of the model."""
        for person in PEOPLE:
            self._expect_lists(person)
        self._expect_records()

    def _expect_lists(self, person: str) -> None:
        expected = sorted(
            group for group in self._model.groups if LIST in self._model.held(person, group)
        )
        answer = self._call(person, "v2.GroupsService/ListGroups", page_size=1000)
        assert isinstance(answer, dict), answer
        assert [group["uid"] for group in answer["groups"]] == expected
        assert int(answer["totalCount"]) == len(expected)

    def _expect_records(self) -> None:
        ann = self._acme.ann
        assert ids(self._run(ann("Groups/List"))) == sorted(self._model.groups)
        found = self._run(ann("RoleBindings/List"))["items"]
        people = {self._world.person_uidp(self._subject(name)): name for name in PEOPLE}
        assert {
            binding["id"]: (
                people[binding["identity"]],
                binding["role"]["id"],
                binding["group"]["id"],
            )
            for binding in found
            if binding["identity"] in people
        } == self._model.bindings


def test_the_api_answers_as_the_model(tmp_path: Path) -> None:
    """Whatever is created, deleted, bound and changed, by whom, in which order: who may do what
    and who sees what are what the model says."""
    with asyncio.Runner() as runner:
        entering = world(tmp_path)
        everything = runner.run(entering.__aenter__())

        class Here(Tree):
            def __init__(self) -> None:
                super().__init__(runner, everything)

        try:
            run_state_machine_as_test(Here, settings=BOUNDED)
        finally:
            runner.run(entering.__aexit__(None, None, None))

"""What holds for every declaration."""

from __future__ import annotations

import json
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.directory.declaration import Action
from broker.directory.declaration.document import MAX_BYTES
from broker.iam.validation import LIMITED
from broker.store import Store

from .conftest import Operator


class WithoutAliases(yaml.SafeDumper):
    """Writes out what occurs twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


NAMES = st.sampled_from(["a", "b", "ci", "Größe", "x y", "no"])
TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=12)
CAPABILITIES = st.sets(
    st.sampled_from(["groups.list", "repo.create", "repo.list", "roles.list"]), min_size=1
)


def records(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(
        st.fixed_dictionaries({"name": NAMES, **fields}),
        max_size=2,
        unique_by=lambda record: record["name"],
    )


PERSON = st.fixed_dictionaries(
    {"issuer": st.just("https://a.example"), "subject": st.sampled_from(["alice", "bob"])}
)
STATIC = st.fixed_dictionaries(
    {
        "issuer_keys": st.just({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}),
        "expiration": st.sampled_from(["2026-12-01T00:00:00Z", "2026-12-02T01:00:00+02:00"]),
        "audiences": st.lists(st.sampled_from(["a", "b"]), unique=True),
    }
)
RULES = {
    "description": TEXTS,
    "issuer": st.just("https://a.example"),
    "subject": TEXTS.filter(bool),
    "roles": st.lists(st.sampled_from(["viewer", "editor"]), unique=True),
    "max_token_lifetime": st.sampled_from(["15m", 60, "1h"]),
    "single_use": st.booleans(),
}
IDENTITIES = st.builds(
    lambda plain, static: [
        *plain,
        *({**one, "name": f"static {one['name']}"} for one in static),
    ],
    records({**RULES, "claims": st.dictionaries(NAMES, TEXTS.filter(bool), max_size=2)}),
    records({**RULES, "static_keys": STATIC}),
)


def bound(group: dict[str, Any], choices: list[tuple[int, str]]) -> dict[str, Any]:
    """The group with bindings of identities that it has, to roles that they do not have yet."""
    bindings = {}
    for number, role in choices:
        if group["identities"]:
            identity = group["identities"][number % len(group["identities"])]["name"]
            bindings[identity, role] = {"identity": identity, "role": role}
    return {**group, "bindings": list(bindings.values())}


def groups(folders: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[Any]:
    return st.builds(
        bound,
        st.fixed_dictionaries(
            {
                "name": NAMES,
                "description": TEXTS,
                "roles": records({"capabilities": CAPABILITIES.map(sorted)}),
                "identities": IDENTITIES,
                "folders": folders,
            }
        ),
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["owner", "apk.pull"])), max_size=2),
    )


FOLDERS: st.SearchStrategy[list[dict[str, Any]]] = st.recursive(
    st.just([]),
    lambda inner: st.lists(groups(inner), max_size=2, unique_by=lambda group: group["name"]),
    max_leaves=3,
)
STANDING = st.fixed_dictionaries(
    {},
    optional={
        "verified": st.just(False),  # none of the names is a domain
        "kind": st.sampled_from(["dev", "customer"]),
        "status": st.sampled_from(["ready", "suspended"]),
        "resource_limits": st.dictionaries(st.sampled_from(LIMITED), st.integers(0, 9), max_size=2),
    },
)
ORGANIZATIONS = st.builds(
    lambda group, standing, owners: {
        **group,
        **standing,
        # one who stays, so that no pruning is refused
        "owners": [{"issuer": "https://a.example", "subject": "root"}, *owners],
        "manage_people": True,
    },
    groups(FOLDERS),
    STANDING,
    st.lists(PERSON, max_size=2, unique_by=lambda person: person["subject"]),
)
DECLARATIONS = st.lists(
    ORGANIZATIONS, max_size=2, unique_by=lambda organization: organization["name"]
).map(
    lambda organizations: yaml.dump(
        {"version": 1, "organizations": organizations}, Dumper=WithoutAliases, allow_unicode=True
    )
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DECLARATIONS, DECLARATIONS)
async def test_applying_brings_about_what_is_declared(first: str, second: str) -> None:
    """After any file, any other one with pruning leads to a state that it finds unchanged."""
    with TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/broker.sqlite3")
        try:
            await store.migrate()
            operator = Operator(store)
            preview = await operator.apply(first, dry_run=True)
            made = await operator.apply(first)
            assert [c.path for c in preview.changes] == [c.path for c in made.changes]
            assert (await operator.apply(first)).changes == ()
            assert (await operator.apply(first, prune=True)).changes == ()
            await operator.apply(second, prune=True)
            again = await operator.apply(second, prune=True)
            assert again.changes == ()
            assert len(await operator.audit()) >= len(made.changes)
            json.dumps(again.as_json())
        finally:
            await store.close()


async def test_a_file_of_a_megabyte_is_applied(operator: Operator) -> None:
    """The largest file that is read goes through, and a second time changes nothing."""
    identity = (
        "      - {{name: ci{0}, description: {1}, issuer: 'https://ci.example', subject: s{0}, "
        "roles: [viewer]}}\n"
    )
    text = "version: 1\norganizations:\n  - name: acme\n    identities:\n" + "".join(
        identity.format(number, "d" * 900) for number in range(1000)
    )
    assert MAX_BYTES * 0.95 < len(text) < MAX_BYTES
    assert (await operator.apply(text)).count(Action.CREATE) == 2001
    assert (await operator.apply(text)).unchanged == 2001

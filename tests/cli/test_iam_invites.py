"""`broker iam invites`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import refused

CREATE = ("iam", "invites", "create")


def test_the_code_is_told_once(acme: Organization, owner: Caller) -> None:
    """When the invite is made; lists have none."""
    made = owner.json(*CREATE, acme.name, "--role", "viewer", "--email", "bob@acme.example",
                      "--single-use")  # fmt: skip
    assert made["code"]
    assert made["email"] == "bob@acme.example"
    assert made["singleUse"] is True
    assert made["role"]["name"] == "viewer"
    (listed,) = owner.json("iam", "invites", "list", "--parent", acme.name)
    assert (listed["uid"], listed.get("code", "")) == (made["uid"], "")
    assert made["code"] not in owner.ok("iam", "invites", "list", "-o", "wide")
    assert rows(owner.ok("iam", "invites", "list"))[0][:2] == [made["uid"], "viewer"]


def test_the_link(acme: Organization, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leads to the broker's own page, or to the console that is configured."""
    made = owner.json(*CREATE, acme.name, "--role", "viewer")
    assert made["link"] == f"{owner.served.url}/auth/join?invite={made['code']}"
    monkeypatch.setenv("BROKER_CONSOLE_URL", "https://console.example")
    made = owner.json(*CREATE, acme.name, "--role", "viewer")
    assert made["link"] == f"https://console.example/auth/join?invite={made['code']}"


def test_the_code_for_people_and_for_shells(acme: Organization, owner: Caller) -> None:
    """A line of the description, a variable of the environment."""
    shown = owner.ok(*CREATE, acme.name, "--role", "viewer")
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("code")]
    assert "\nINVITE_CODE=" in owner.ok(*CREATE, acme.name, "--role", "viewer", "-o", "env")


@pytest.mark.parametrize(("words", "days"), [((), 7), (("--ttl", "36h"), 1.5)])
def test_how_long_an_invite_lives(
    acme: Organization, owner: Caller, words: tuple[str, ...], days: float
) -> None:
    """A week, or as long as is said."""
    made = owner.json(*CREATE, "--parent", acme.name, "--role", "viewer", *words)
    left = datetime.fromisoformat(made["expirationTime"]) - datetime.now(UTC)
    assert abs(left - timedelta(days=days)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--role", "viewer"), "--parent"),
        (("x", "--parent", "y", "--role", "viewer"), "Give the group once"),
        (("0" * 40,), "--role"),
        (("0" * 40, "--role", "viewer", "--ttl", "soon"), "expected a duration such as 168h"),
    ],
)
def test_wrong_options(owner: Caller, words: tuple[str, ...], says: str) -> None:
    """Are refused with what is expected."""
    refused(owner.run(*CREATE, *words), says, code=2)


def test_taking_invites_back(acme: Organization, owner: Caller) -> None:
    """By UIDP."""
    uid = owner.id(*CREATE, acme.name, "--role", "viewer")
    assert owner.ids("iam", "invite", "delete", uid, "--yes") == [uid]
    assert owner.ids("iam", "invites", "ls") == []
    refused(owner.run("iam", "invites", "delete", "x", "-y"), "not a UIDP", code=2)


def test_only_expired_ones_are_swept(acme: Organization, owner: Caller) -> None:
    """In a group and below; the others stay."""
    uid = owner.id(*CREATE, acme.name, "--role", "viewer")
    old = acme.with_expired_invite()
    assert set(owner.ids("iam", "invites", "ls")) == {uid, old}
    sweep = ("iam", "invites", "delete", "--expired", "--yes")
    assert owner.ids(*sweep, "--parent", acme.name) == [old]
    assert owner.ids(*sweep) == []
    assert owner.ids("iam", "invites", "ls") == [uid]
    refused(owner.run(*sweep, uid), "or --expired", code=2)
    refused(owner.run("iam", "invites", "delete", "-y"), "or --expired", code=2)

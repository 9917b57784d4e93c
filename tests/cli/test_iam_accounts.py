"""`broker iam account-associations` and `broker events subscriptions`."""

from __future__ import annotations

import pytest

from tests.cli.management import Caller, Organization, rows
from tests.cli.processes import refused

ACCOUNTS = ("iam", "account-associations")
AWS = ("--account", "123456789012")
SUBSCRIPTIONS = ("events", "subscriptions")


def test_the_first_account_makes_the_association(acme: Organization, owner: Caller) -> None:
    """With the group's name unless it is given another; the next are added to it."""
    made = owner.json(*ACCOUNTS, "set", "aws", acme.name, *AWS)
    assert (made["uid"], made["name"]) == (acme.id, acme.name)
    assert made["amazon"] == {"account": "123456789012"}
    project = ("--project-id", "shop", "--project-number", "42")
    made = owner.json(*ACCOUNTS, "set", "gcp", acme.name, *project, "--name", "ours", "-d", "D")
    assert made["google"] == {"projectId": "shop", "projectNumber": "42"}
    assert made["amazon"] == {"account": "123456789012"}
    made = owner.json(*ACCOUNTS, "set", "azure", acme.name, "--tenant-id", "t-1")
    assert (made["name"], made["description"]) == ("ours", "D")
    assert made["azure"]["tenantId"] == "t-1"
    assert rows(owner.ok(*ACCOUNTS, "list")) == [[acme.id, "ours", "123456789012", "shop", "t-1"]]


def test_describing_some_of_it(acme: Organization, owner: Caller) -> None:
    """One cloud, or all."""
    owner.ok(*ACCOUNTS, "set", "aws", acme.name, *AWS)
    owner.ok(*ACCOUNTS, "set", "azure", acme.name, "--tenant-id", "t-1")
    describe = (*ACCOUNTS, "describe", acme.name)
    assert {"amazon", "azure"} <= owner.json(*describe).keys()
    only = owner.json(*describe, "--aws")
    assert "amazon" in only
    assert "azure" not in only


def test_forgetting_an_account(acme: Organization, owner: Caller) -> None:
    """The others stay; deleting forgets all."""
    owner.ok(*ACCOUNTS, "set", "aws", acme.name, *AWS)
    owner.ok(*ACCOUNTS, "set", "azure", acme.name, "--tenant-id", "t-1")
    refused(owner.run(*ACCOUNTS, "unset", "aws", acme.name), "give --yes", code=2)
    left = owner.json(*ACCOUNTS, "unset", "aws", acme.name, "--yes")
    assert "amazon" not in left
    assert left["azure"]["tenantId"] == "t-1"
    assert owner.ids(*ACCOUNTS, "delete", acme.name, "--yes") == [acme.id]
    refused(owner.run(*ACCOUNTS, "describe", acme.name), "association_not_found")


def test_checking_an_account(acme: Organization, owner: Caller) -> None:
    """Exit code 1 where there is none."""
    owner.ok(*ACCOUNTS, "set", "aws", acme.name, *AWS)
    assert owner.json(*ACCOUNTS, "check", "aws", acme.name)["reason"] == "NotChecked"
    done = owner.run(*ACCOUNTS, "check", "gcp", acme.name, "-o", "json")
    assert (done.code, done.json["status"]) == (1, "CHECK_STATUS_NOT_READY")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "aws"), "GROUP"),
        (("set", "aws", "0" * 40), "--account"),
        (("set", "azure", "0" * 40), "--tenant-id"),
        (("set", "gcp", "0" * 40, "--project-id", "p"), "--project-number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_missing_is_named(owner: Caller, words: tuple[str, ...], says: str) -> None:
    """Off a terminal."""
    refused(owner.run(*ACCOUNTS, *words), says, code=2)


def test_what_the_broker_does_not_take(acme: Organization, owner: Caller) -> None:
    """Is its refusal, with reason and request id, and nothing is kept."""
    done = owner.run(*ACCOUNTS, "set", "aws", acme.name, "--account", "12")
    refused(done, "amazon.account", "field_invalid", "request id")
    assert owner.ids(*ACCOUNTS, "ls") == []


def test_subscriptions(acme: Organization, owner: Caller) -> None:
    """Made at a group, listed by place, deleted by UIDP."""
    acme.folder("shop")
    sink = "https://hooks.example/broker"
    made = owner.json(*SUBSCRIPTIONS, "create", sink, "--parent", "shop")
    assert made["sink"] == sink
    assert rows(owner.ok(*SUBSCRIPTIONS, "list")) == [[made["uid"], sink]]
    assert owner.ids(*SUBSCRIPTIONS, "ls", "--parent", acme.name, "--recursive=false") == []
    refused(owner.run(*SUBSCRIPTIONS, "delete", made["uid"]), sink, "give --yes", code=2)
    assert owner.ids(*SUBSCRIPTIONS, "delete", made["uid"], "-y") == [made["uid"]]
    refused(owner.run(*SUBSCRIPTIONS, "create", "--parent", acme.name), "URL", code=2)
    refused(owner.run(*SUBSCRIPTIONS, "create", "ftp://x", "--parent", acme.name), "sink")

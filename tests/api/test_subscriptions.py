"""Subscriptions: where events are sent."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2

from tests.api.world import Acme, ids
from tests.kit.api import Wire, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

V2 = "v2.SubscriptionsService"
SINK = "https://hook.example/events"


async def test_a_subscription_in_both_versions(acme: Acme, wire: Wire) -> None:
    """Made in one, read and deleted in the other."""
    ann = acme.ann.on(wire)
    v1 = await ann("Subscriptions/Create", parent_id=acme.shop, subscription={"sink": SINK})
    v2 = await ann(f"{V2}/CreateSubscription", parent=acme.shop, subscription={"sink": SINK})
    for uidp in (v1["id"], v2["uid"]):
        assert (await ann("Subscriptions/List", id=uidp))["items"] == [{"id": uidp, "sink": SINK}]
        assert await ann(f"{V2}/GetSubscription", uid=uidp) == {"uid": uidp, "sink": SINK}
    await ann(f"{V2}/DeleteSubscription", uid=v1["id"])
    await ann("Subscriptions/Delete", id=v2["uid"])
    assert ids(await ann("Subscriptions/List")) == []
    for name, request in (
        ("Subscriptions/Delete", {"id": v1["id"]}),
        (f"{V2}/DeleteSubscription", {"uid": v1["id"]}),
        (f"{V2}/GetSubscription", {"uid": v1["id"]}),
    ):
        with refused(code_pb2.NOT_FOUND, "subscription_not_found"):
            await ann(name, **request)


@pytest.mark.parametrize(
    "sink",
    [
        "",
        "hook.example",
        "http://hook.example",
        "ftp://hook.example",
        "https://",
        "https://user:secret@hook.example",
        "https://hook.example/#x",
        "https://hook.example/?x=y",
        "https://hook.example/\n",
        "javascript:alert(1)",
        "https://hook.example/" + "x" * 3000,
    ],
    ids=lambda sink: repr(sink)[:40],
)
async def test_sinks_that_are_refused(acme: Acme, wire: Wire, sink: str) -> None:
    """What is no https URL that can be called."""
    ann = acme.ann.on(wire)
    with refused(code_pb2.INVALID_ARGUMENT, field="subscription.sink"):
        await ann("Subscriptions/Create", parent_id=acme.shop, subscription={"sink": sink})
    with refused(code_pb2.INVALID_ARGUMENT, field="subscription.sink"):
        await ann(f"{V2}/CreateSubscription", parent=acme.shop, subscription={"sink": sink})


async def test_subscriptions_are_listed_by_place(acme: Acme, wire: Wire) -> None:
    """Those of a group that is not there cannot be made; those of others are not seen."""
    ann = acme.ann.on(wire)
    made = [
        (await ann("Subscriptions/Create", parent_id=group, subscription={"sink": SINK}))["id"]
        for group in (acme.id, acme.shop)
    ]
    assert sorted(ids(await ann("Subscriptions/List"))) == sorted(made)
    found = await ann("Subscriptions/List", uidp={"descendants_of": acme.shop})
    assert ids(found) == [made[1]]
    assert ids(await ann("Subscriptions/List", uidp={"children_of": acme.id})) == [made[0]]
    assert ids(await acme.oda.on(wire)("Subscriptions/List")) == []
    with refused(code_pb2.NOT_FOUND, "group_not_found"):
        await ann(
            "Subscriptions/Create",
            parent_id=f"{acme.shop}/0123456789abcdef",
            subscription={"sink": SINK},
        )

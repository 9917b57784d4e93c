"""chainguard.platform.events.Subscriptions."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.contract.proto.events.v1 import subscriptions_pb2 as pb
from broker.directory.subscriptions import Subscriptions
from broker.directory.work import Work
from broker.iam.model import Subscription
from broker.iam.uidp import Uidp


class SubscriptionsV1:
    """Where events are sent."""

    service = "chainguard.platform.events.Subscriptions"

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    async def create(self, work: Work, request: pb.CreateSubscriptionRequest) -> pb.Subscription:
        """For the group `parent_id` and everything below."""
        subscription = Subscription(
            id=Uidp(request.parent_id).child(work.random),
            sink=request.subscription.sink,
            created_at=work.now,
        )
        return subscription_message(await self._subscriptions.create(work, subscription))

    async def list(self, work: Work, request: pb.SubscriptionFilter) -> pb.SubscriptionList:
        """All that the filter selects."""
        selection = await whole(work, request.uidp, ids=[request.id])
        page = await self._subscriptions.page(work, selection)
        return pb.SubscriptionList(items=map(subscription_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteSubscriptionRequest) -> Empty:
        """One."""
        await self._subscriptions.delete(work, Uidp(request.id))
        return Empty()


def subscription_message(subscription: Subscription) -> pb.Subscription:
    """The record on the wire."""
    return pb.Subscription(id=subscription.id, sink=subscription.sink)

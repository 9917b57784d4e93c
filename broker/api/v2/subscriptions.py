"""chainguard.platform.events.v2.SubscriptionsService."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import fill, paged
from broker.contract.proto.events.v2 import subscriptions_pb2 as pb
from broker.directory.subscriptions import Subscriptions
from broker.directory.work import Work
from broker.iam.model import Subscription
from broker.iam.uidp import Uidp

_ORDER: Final = {"uid": "id", "sink": "sink", "create_time": "created_at"}


class SubscriptionsV2:
    """Where events are sent."""

    service = "chainguard.platform.events.v2.SubscriptionsService"

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    async def get_subscription(
        self, work: Work, request: pb.GetSubscriptionRequest
    ) -> pb.Subscription:
        """One."""
        return _message(await self._subscriptions.get(work, Uidp(request.uid)))

    async def create_subscription(
        self, work: Work, request: pb.CreateSubscriptionRequest
    ) -> pb.Subscription:
        """For the group `parent` and everything below."""
        subscription = Subscription(
            id=Uidp(request.parent).child(work.random),
            sink=request.subscription.sink,
            created_at=work.now,
        )
        return _message(await self._subscriptions.create(work, subscription))

    async def list_subscriptions(
        self, work: Work, request: pb.ListSubscriptionsRequest
    ) -> pb.ListSubscriptionsResponse:
        """A page."""
        asked = await paged(work, request, _ORDER)
        page = await self._subscriptions.page(work, asked.selection)
        response = pb.ListSubscriptionsResponse()
        fill(response, "subscriptions", map(_message, page.records), page, asked)
        return response

    async def delete_subscription(self, work: Work, request: pb.DeleteSubscriptionRequest) -> Empty:
        """One."""
        await self._subscriptions.delete(work, Uidp(request.uid))
        return Empty()


def _message(subscription: Subscription) -> pb.Subscription:
    return pb.Subscription(uid=subscription.id, sink=subscription.sink)

"""Subscriptions: where events of a group and of everything below are sent."""

from __future__ import annotations

from broker.directory.installation import Installation
from broker.directory.work import Work, group_of
from broker.errors import NotFound
from broker.iam.issuer_url import check_fetchable_url
from broker.iam.listing import Page, Selection
from broker.iam.model import Subscription
from broker.iam.uidp import Uidp
from broker.store.counts import Countable


class Subscriptions:
    """The use cases."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def get(self, work: Work, uidp: Uidp) -> Subscription:
        """Raises `NotFound`."""
        subscription = await work.records.subscriptions.get(uidp)
        if subscription is None:
            raise NotFound(
                "subscription_not_found", "id: the subscription does not exist", field="id"
            )
        return subscription

    async def page(self, work: Work, selection: Selection) -> Page[Subscription]:
        """What of a selection there is."""
        return await work.records.subscriptions.page(selection)

    async def create(self, work: Work, subscription: Subscription) -> Subscription:
        """Raises `Invalid` for a sink that is no https URL, `NotFound` for the group,
        `Exhausted`.
        """
        group = group_of(subscription.id, field="parent_id")
        await work.group(group, field="parent_id")
        check_fetchable_url(
            subscription.sink,
            allow_http_loopback=self._installation.allow_http_loopback,
            field="subscription.sink",
        )
        await work.expect_room(group.root, Countable.SUBSCRIPTIONS)
        await work.records.subscriptions.add(subscription)
        work.created(subscription)
        return subscription

    async def delete(self, work: Work, uidp: Uidp) -> Subscription:
        """Raises `NotFound`."""
        subscription = await self.get(work, uidp)
        await work.records.subscriptions.delete(uidp)
        work.deleted(subscription)
        return subscription

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.audit.identifiers import first_id, record_id
from broker.audit.record import AuditRecord, Outcome
from broker.store import Store
from tests.store.samples import NOW, group, identity, person, record


def second(n: int, outcome: Outcome = Outcome.OK, **more: object) -> AuditRecord:
    return record(NOW + timedelta(seconds=n), outcome, **more)


async def test_a_record_comes_back_as_it_went_in_by_either_way(store: Store) -> None:
    """Appended in bulk or added with a change, it is the same record."""
    one = record(outcome=Outcome.REFUSED, group=group("acme").id)
    other = record(outcome=Outcome.FAILED, detail='{"fields":["name"]}')
    await store.append_audit([one])
    async with store.write() as records:
        await records.audit.add(other)
    async with store.read() as records:
        assert await records.audit.get(one.id) == one
        assert await records.audit.get(other.id) == other
        assert await records.audit.get("0" * 32) is None


async def test_a_batch_is_kept_whole_or_not_at_all(store: Store) -> None:
    """A record whose id exists takes the rest of its batch with it, and the log goes on."""
    known = record()
    await store.append_audit([known])
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.append_audit([record(), record(), known])
    await store.append_audit([record()])
    async with store.read() as records:
        assert len(await records.audit.find()) == 2


async def test_records_are_found_newest_first(store: Store) -> None:
    """The newest `limit` of them, in the order of time whatever the order of writing."""
    some = [second(n) for n in range(5)]
    await store.append_audit([some[n] for n in (3, 0, 4, 1, 2)])
    async with store.read() as records:
        assert await records.audit.find(limit=3) == [some[4], some[3], some[2]]


async def test_a_tail_goes_on_after_what_it_has_seen(store: Store) -> None:
    """With `after_id` the oldest come first, so that nothing between two calls is passed over."""
    some = [second(n) for n in range(5)]
    await store.append_audit(some)
    async with store.read() as records:
        assert await records.audit.find(after_id=some[1].id, limit=2) == [some[2], some[3]]
        assert await records.audit.find(after_id=first_id(some[3].at)) == [some[3], some[4]]
        assert await records.audit.find(after_id=some[4].id) == []


async def test_records_are_found_by_what_they_say(store: Store) -> None:
    """Each condition narrows; all given ones hold."""
    acme = group("acme")
    folder = group("prod", acme.id)
    deployer, alice = identity(folder.id), person("alice")
    exchange = second(1, group=folder.id, subject=deployer.id)
    refused = second(2, Outcome.REFUSED, group=folder.id, subject=deployer.id)
    failed = second(3, Outcome.FAILED, subject=deployer.id)
    created = second(4, action="group.created", group=acme.id, subject=folder.id)
    login = second(5, action="login", subject=alice.id, request_id="r" * 32)
    other = second(6, group=group("other").id)
    await store.append_audit([exchange, refused, failed, created, login, other])
    async with store.read() as records:
        find = records.audit.find
        assert await find(identity=deployer.id) == [failed, refused, exchange]
        assert await find(identity=alice.id) == [login]
        assert await find(group=acme.id) == [created, refused, exchange]
        assert await find(group=folder.id) == [refused, exchange]
        assert await find(failed=True) == [failed, refused]
        assert await find(failed=False, group=acme.id) == [created, exchange]
        assert await find(action="group.created") == [created]
        assert await find(request_id="r" * 32) == [login]
        assert await find(since=created.at) == [other, login, created]
        assert await find(since=created.at + timedelta(microseconds=1)) == [other, login]


def test_ids_are_ordered_by_time() -> None:
    """Whatever the random part, a later millisecond sorts later, and `first_id` before it."""
    high, low = (lambda n: b"\xff" * n), bytes
    later = NOW + timedelta(milliseconds=1)
    assert len(record_id(NOW, low)) == 32
    assert first_id(NOW) <= record_id(NOW, low) < record_id(NOW, high) < first_id(later)


async def test_the_oldest_are_deleted_first_and_so_many_at_once(store: Store) -> None:
    """What was made at the time or later stays."""
    written = [second(n) for n in range(10)]
    await store.append_audit(written)
    end = NOW + timedelta(seconds=7)
    deleted = []
    for left in (written[3:], written[6:], written[7:], written[7:]):
        async with store.write() as records:
            deleted.append(await records.audit.prune(end, limit=3))
        async with store.read() as records:
            assert await records.audit.find() == left[::-1]
    assert deleted == [3, 3, 1, 0]

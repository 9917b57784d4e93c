"""When identities were last seen: noted in memory, written to a real database in batches."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from broker.directory.last_seen import AGAIN_AFTER, MAX_BATCH, LastSeen
from broker.errors import Unavailable
from broker.iam.model import ClaimMatch
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from broker.store import Store
from tests.kit.api import login, wires
from tests.kit.brokers import running_broker
from tests.kit.calls import exchange, oauth, record_of
from tests.kit.organizations import Organization, github, organization

START = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
RULES = ClaimMatch(issuer="https://ci.example", subject="main")


@pytest.fixture
async def acme(store: Store) -> Organization:
    return await organization(store)


@pytest.fixture
async def ci(acme: Organization) -> Uidp:
    return await acme.identity(RULES)


@pytest.fixture
def last_seen(store: Store) -> LastSeen:
    return LastSeen(store, size=1000)


@pytest.fixture
async def impatient(tmp_path: Path, store: Store) -> AsyncIterator[Store]:
    """The same file, for a process that waits for other writers no longer than a moment."""
    impatient = Store.open(f"sqlite:///{tmp_path}/broker.sqlite3", busy_timeout=0.05)
    yield impatient
    await impatient.close()


async def seen(store: Store, identity: Uidp) -> float | None:
    """Seconds after the start at which the record says so."""
    async with store.read() as records:
        found = await records.identities.get(identity)
    assert found is not None
    return found.last_seen.timestamp() - START if found.last_seen else None


async def test_a_flush_writes_what_was_noted(
    store: Store, last_seen: LastSeen, acme: Organization, ci: Uidp
) -> None:
    """An identity that was noted has the time in its record afterwards, another has none."""
    other = await acme.identity(RULES, name="other")
    last_seen.note(ci, START + 1.5)
    assert await seen(store, ci) is None
    await last_seen.flush()
    assert await seen(store, ci) == 1.5
    assert await seen(store, other) is None


async def test_an_identity_is_written_once_in_five_minutes(
    store: Store, last_seen: LastSeen, ci: Uidp
) -> None:
    """However often something is minted for it; what comes after that is written again."""
    for later in (0, 1, AGAIN_AFTER - 0.1):
        last_seen.note(ci, START + later)
        await last_seen.flush()
        assert await seen(store, ci) == 0
    last_seen.note(ci, START + AGAIN_AFTER)
    await last_seen.flush()
    assert await seen(store, ci) == AGAIN_AFTER


async def test_a_clock_that_was_put_back_does_not_stop_it(
    store: Store, last_seen: LastSeen, acme: Organization
) -> None:
    """Who was noted in the future, as it turned out, is noted again; a record never goes back."""
    one, two = [await acme.identity(RULES, name=name) for name in ("one", "two")]
    last_seen.note(one, START + 86400)
    last_seen.note(two, START + 86400)
    last_seen.note(one, START)
    await last_seen.flush()
    assert await seen(store, one) == 0
    last_seen.note(two, START)
    await last_seen.flush()
    assert await seen(store, two) == 86400


async def test_cached_snapshots_stay_valid(store: Store, last_seen: LastSeen, ci: Uidp) -> None:
    """Writing it down does not move the counter that makes processes forget what they keep."""
    before = await store.generation()
    last_seen.note(ci, START)
    await last_seen.flush()
    assert await store.generation() == before


async def test_a_deleted_identity_is_passed_over(
    store: Store, last_seen: LastSeen, acme: Organization, ci: Uidp
) -> None:
    """One that went between the mint and the flush does not keep the others from being written."""
    gone = await acme.identity(RULES, name="gone")
    last_seen.note(gone, START)
    last_seen.note(ci, START)
    async with store.write() as records:
        await records.identities.delete(gone)
    await last_seen.flush()
    assert await seen(store, ci) == 0


async def test_more_than_one_batch_is_written(store: Store, acme: Organization) -> None:
    """A flush goes on until nothing waits."""
    last_seen = LastSeen(store, size=10 * MAX_BATCH)
    identities = [await acme.identity(RULES, name="first")]
    # the ones between are nobody's: the records of a thousand identities would prove no more
    identities += [acme.folder.child(secrets.token_bytes) for _ in range(2 * MAX_BATCH)]
    identities.append(await acme.identity(RULES, name="last"))
    for identity in identities:
        last_seen.note(identity, START)
    await last_seen.flush()
    assert await seen(store, identities[0]) == 0
    assert await seen(store, identities[-1]) == 0


async def test_what_could_not_be_written_is_written_by_the_next_flush(
    tmp_path: Path, store: Store, impatient: Store, acme: Organization, ci: Uidp
) -> None:
    """While somebody else holds the store a flush fails; nothing is lost, and what is noted
    meanwhile is written with it."""
    last_seen = LastSeen(impatient, size=1000)
    other = await acme.identity(RULES, name="other")
    last_seen.note(ci, START)
    holder = sqlite3.connect(tmp_path / "broker.sqlite3", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await last_seen.flush()
        last_seen.note(other, START + 1)
        last_seen.note(ci, START + AGAIN_AFTER)
        with pytest.raises(Unavailable):
            await last_seen.flush()
    finally:
        holder.close()
    assert await seen(store, ci) is None
    await last_seen.flush()
    assert await seen(store, ci) == AGAIN_AFTER
    assert await seen(store, other) == 1


async def test_the_watch_outlives_a_store_that_is_away(
    tmp_path: Path, store: Store, impatient: Store, ci: Uidp
) -> None:
    """A failed round is logged with the code, and a later one writes."""
    last_seen = LastSeen(impatient, size=1000)
    last_seen.note(ci, START)
    holder = sqlite3.connect(tmp_path / "broker.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with capture_logs() as lines:
        watch = asyncio.create_task(last_seen.watch(every=0.001))
        try:
            async with asyncio.timeout(30):
                while not lines:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.001)
                holder.close()
                while await seen(store, ci) is None:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.001)
        finally:
            holder.close()
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    assert {(line["event"], line["code"], line["identities"]) for line in lines} == {
        ("last_seen_not_written", "store_busy", 1)
    }


async def test_a_cancelled_watch_leaves_what_waits_to_the_last_flush(
    store: Store, last_seen: LastSeen, ci: Uidp
) -> None:
    """Stopping writes what no round has written."""
    watch = asyncio.create_task(last_seen.watch(every=3600))
    last_seen.note(ci, START)
    await asyncio.sleep(0)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await last_seen.close()
    assert await seen(store, ci) == 0


async def test_stopping_succeeds_without_the_store(
    store: Store, last_seen: LastSeen, ci: Uidp
) -> None:
    """The last flush fails with a line in the log, and the process stops all the same."""
    last_seen.note(ci, START)
    await store.close()
    with capture_logs() as lines:
        await last_seen.close()
    assert [line["code"] for line in lines] == ["store_unavailable"]


async def test_memory_is_bounded(store: Store, acme: Organization) -> None:
    """Beyond its size it forgets whom it noted first, and takes up nobody else until it has
    written; those who wait already are brought up to date."""
    last_seen = LastSeen(store, size=2)
    one, two, three = [await acme.identity(RULES, name=name) for name in ("one", "two", "three")]
    for identity in (one, two, three):
        last_seen.note(identity, START)
    last_seen.note(one, START + 1)  # forgotten when the third came
    last_seen.note(three, START + 1)
    await last_seen.flush()
    assert [await seen(store, identity) for identity in (one, two, three)] == [1, 0, None]
    last_seen.note(three, START + AGAIN_AFTER)
    await last_seen.flush()
    assert await seen(store, three) == AGAIN_AFTER


async def test_a_broker_writes_it_down_before_it_ends(tmp_path: Path) -> None:
    """Who was minted for has the time of the first exchange; who was refused, or never asked, has
    none."""
    async with running_broker(tmp_path) as broker, LocalIssuer(audience=broker.url) as issuer:
        acme = await organization(broker.store)
        ci, refused, idle = [
            await acme.identity(github(issuer.url, subject=subject), name=subject)
            for subject in ("ci", "refused", "idle")
        ]
        person = await acme.person(issuer.url, "ci")
        token = issuer.token({"sub": "ci"})
        answers = [
            await exchange(broker, token, ci),
            await exchange(broker, token, ci),
            await oauth(broker, token),
            await exchange(broker, token, refused),
        ]
        assert [answer.status for answer in answers] == [200, 200, 200, 403]
        first = (await record_of(broker, answers[0])).at
        third = (await record_of(broker, answers[2])).at
    store = Store.open(broker.settings.database_url)
    try:
        async with store.read() as records:
            found = await records.identities.many([ci, refused, idle, person])
    finally:
        await store.close()
    assert {uidp: identity.last_seen for uidp, identity in found.items()} == {
        ci: first,
        person: third,
        refused: None,
        idle: None,
    }


async def test_a_token_that_is_not_given_out_is_no_sight(tmp_path: Path) -> None:
    """Where the audit record cannot be written, nobody was seen."""
    async with running_broker(tmp_path) as broker, LocalIssuer(audience=broker.url) as issuer:
        acme = await organization(broker.store)
        ci = await acme.identity(github(issuer.url, subject="ci"))
        with closing(sqlite3.connect(tmp_path / "broker.sqlite3", isolation_level=None)) as other:
            other.execute("ALTER TABLE audit_records RENAME TO elsewhere")
            answer = await exchange(broker, issuer.token({"sub": "ci"}), ci)
            other.execute("ALTER TABLE elsewhere RENAME TO audit_records")
        assert answer.status >= 500
    store = Store.open(broker.settings.database_url)
    try:
        assert await seen(store, ci) is None
    finally:
        await store.close()


async def test_the_api_tells_it_from_the_records(tmp_path: Path) -> None:
    """What exchanges keep in memory of an identity is older, and is not what the API answers."""
    async with running_broker(tmp_path) as broker, LocalIssuer(audience=broker.url) as issuer:
        acme = await organization(broker.store)
        person = await acme.person(issuer.url, "ann")
        ci = await acme.identity(github(issuer.url, subject="ci"))
        await acme.bind(person, "owner", acme.id)
        async with wires(broker) as ways:
            ann = await login(broker, issuer, ways["http"], "ann", scope=acme.id)
            for second in (1, 2):
                await exchange(broker, issuer.token({"sub": "ci"}), ci)
                other = LastSeen(broker.store, size=10)  # as of another process
                other.note(ci, START + second)
                await other.flush()
                at = f"2026-11-24T12:00:0{second}Z"
                new = await ann("v2.IdentitiesService/GetIdentity", uid=ci)
                assert new["lastSeenTime"] == at
                (old,) = (await ann("Identities/List", id=ci))["items"]
                assert old["lastSeen"] == at


NOTES = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 200, allow_nan=False), st.booleans()), max_size=30
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NOTES)
async def test_a_record_is_never_older_than_five_minutes(
    notes: list[tuple[int, float, bool]],
) -> None:
    """After a flush each record has a time at which something was minted, within five minutes of
    the last one, and nobody's who had nothing."""
    with TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/broker.sqlite3")
        try:
            await store.migrate()
            acme = await organization(store)
            identities = [await acme.identity(RULES, name=str(n)) for n in range(3)]
            last_seen = LastSeen(store, size=10)
            minted: dict[Uidp, list[datetime]] = {}
            now = START
            for number, passed, flushed in notes:
                now += passed
                last_seen.note(identities[number], now)
                minted.setdefault(identities[number], []).append(datetime.fromtimestamp(now, UTC))
                if flushed:
                    await last_seen.flush()
            await last_seen.flush()
            async with store.read() as records:
                found = await records.identities.many(identities)
        finally:
            await store.close()
    for identity in identities:
        at, times = found[identity].last_seen, minted.get(identity)
        if times is None:
            assert at is None
        else:
            assert at in times
            assert (times[-1] - at).total_seconds() < AGAIN_AFTER

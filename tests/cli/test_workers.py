"""Several workers on one port: they share it, are replaced, and lose no request on the way."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.processes import Served, broker, eventually, refused, serving
from tests.kit.brokers import free_port
from tests.kit.redis import RedisServer, running_redis


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def children(served: Served) -> set[int]:
    """Process ids of the workers."""
    path = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    return set(map(int, path.read_text().split()))


def events(served: Served, name: str) -> list[dict[str, object]]:
    """Lines of the log; what a worker says before it logs is none."""
    # the last line may be half written
    text = served.log.read_text().rpartition("\n")[0]
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["event"] == name]


class Load:
    """Clients that ask again and again, each on a connection that it keeps as long as it may."""

    def __init__(self, url: str, *, clients: int = 8) -> None:
        self._host = url.removeprefix("http://")
        self._stop = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/.well-known/jwks.json")
                response = connection.getresponse()
                response.read()
                outcome = str(response.status)
            except (OSError, http.client.HTTPException) as error:
                outcome = type(error).__name__
                connection.close()
            with self._lock:
                self.outcomes[outcome] += 1
        connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def two_workers(folder: Path, redis: RedisServer) -> Iterator[Served]:
    settings = {"BROKER_WORKERS": "2", "BROKER_REDIS_URL": redis.url}
    with serving(folder, **settings) as served:
        eventually(lambda: events(served, "workers_ready"))
        yield served


def test_more_than_one_process_needs_redis(tmp_path: Path) -> None:
    """Without Redis two workers are refused, and the message says what for."""
    result = broker(
        "serve",
        "--workers",
        "2",
        folder=tmp_path,
        environ={"BROKER_PORT": str(free_port())},
    )
    refused(result, "BROKER_WORKERS", "BROKER_REDIS_URL")


def test_a_rolling_restart_under_load_drops_no_request(tmp_path: Path, redis: RedisServer) -> None:
    """SIGHUP replaces every worker while clients ask, and every one of their requests is
    answered 200.
    """
    with two_workers(tmp_path, redis) as served:
        before = children(served)
        assert len(before) == 2
        with Load(served.url) as load:
            served.process.send_signal(signal.SIGHUP)
            eventually(lambda: events(served, "workers_replaced"))
        after = children(served)
        assert len(after) == 2
        assert not before & after
        assert set(load.outcomes) == {"200"}, load.outcomes
        assert served.stop() == 0


def test_a_worker_that_dies_is_replaced(tmp_path: Path, redis: RedisServer) -> None:
    """After SIGKILL of one worker the others answer, and soon there are two again."""
    with two_workers(tmp_path, redis) as served:
        victim = min(children(served))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: events(served, "worker_replaced"))
        assert victim not in children(served)
        assert len(children(served)) == 2
        assert served.stop() == 0


def test_what_makes_no_worker_ready_is_told_and_ends(tmp_path: Path, redis: RedisServer) -> None:
    """A database that cannot be opened ends the supervisor with 1; it does not try for ever."""
    result = broker(
        "serve",
        folder=tmp_path,
        environ={
            "BROKER_PORT": str(free_port()),
            "BROKER_WORKERS": "2",
            "BROKER_REDIS_URL": redis.url,
            "BROKER_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
        },
    )
    assert result.code == 1, result.out + result.err


def test_a_failed_restart_leaves_the_old_workers(tmp_path: Path, redis: RedisServer) -> None:
    """When new workers cannot start with the settings that they read, the old ones go on."""
    port = free_port()
    environ = {
        "BROKER_PORT": str(port),
        "BROKER_WORKERS": "2",
        "BROKER_REDIS_URL": redis.url,
    }
    with serving(tmp_path, **environ) as served:
        eventually(lambda: events(served, "workers_ready"))
        before = children(served)
        (tmp_path / "keys" / "key-encryption-key").rename(tmp_path / "elsewhere")
        (tmp_path / "keys" / "key-encryption-key").write_text("not a key")
        served.process.send_signal(signal.SIGHUP)
        eventually(lambda: events(served, "restart_given_up"))
        assert before <= children(served)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"status": "ok"}

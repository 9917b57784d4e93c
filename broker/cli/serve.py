"""`broker serve`."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.cli.options import config_option, settings_of

if TYPE_CHECKING:
    from broker.config import Settings
    from broker.logs import Lines

FLUSH_EVERY = 0.2
"""Seconds that a line of the log may wait."""


@click.command()
@config_option
@click.option("--workers", type=int, help="Processes on this machine; BROKER_WORKERS otherwise.")
@click.option("--listen-fd", type=int, hidden=True)
@click.option("--ready-fd", type=int, hidden=True)
@click.option("--number", type=int, default=0, hidden=True)
def serve(
    config: Path | None,
    workers: int | None,
    listen_fd: int | None,
    ready_fd: int | None,
    number: int,
) -> None:
    """Run the broker until it is told to stop (SIGTERM, SIGINT).

    With several workers SIGHUP replaces them one after the other, without losing a request.
    """
    import uvloop

    from broker import logs

    _allow_open_files()
    settings = settings_of(config, workers=workers)
    lines = logs.configure(level=settings.log_level, style=settings.log_format)
    if settings.workers > 1 and listen_fd is None:
        uvloop.run(_supervised(settings, lines, config))
    else:
        uvloop.run(_served(settings, lines, listen_fd, ready_fd, number))


async def _served(
    settings: Settings, lines: Lines, listen_fd: int | None, ready_fd: int | None, number: int
) -> None:
    from broker.app import Broker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    listener = socket.socket(fileno=listen_fd) if listen_fd is not None else None
    async with Broker(settings, listener=listener, number=number):
        _spare_the_collector()
        lines.flush_out()
        if ready_fd is not None:
            os.write(ready_fd, b"1")
            os.close(ready_fd)
        await _until(stop, lines)
    lines.flush_out()


async def _supervised(settings: Settings, lines: Lines, config: Path | None) -> None:
    from broker.cli.workers import Supervisor, listening_socket, worker_command

    arguments = ["--workers", str(settings.workers), *(["--config", str(config)] if config else [])]
    supervisor = Supervisor(
        listening_socket(settings.host, settings.port),
        worker_command(arguments),
        count=settings.workers,
        grace=settings.drain + settings.shutdown_grace,
    )
    done = asyncio.Event()
    flushing = asyncio.create_task(_until(done, lines))
    code = await supervisor.run()
    done.set()
    await flushing
    lines.flush_out()
    if code:
        sys.exit(code)


async def _until(stop: asyncio.Event, lines: Lines) -> None:
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), FLUSH_EVERY)
        lines.flush_out()


def _allow_open_files() -> None:
    """As many as the system lets us, not what a shell begins with (1,024): each connection is one,
    and without any left over neither the database nor an issuer could be asked.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _spare_the_collector() -> None:
    """What is there after the start stays: do not look through it again and again.

    A request makes some hundred objects and hardly a cycle, so that with the default threshold
    of 700 the collector runs every few requests and finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

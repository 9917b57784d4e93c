"""`broker serve`."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress
from pathlib import Path

import click

from broker.cli.options import config_option, settings_of

FLUSH_EVERY = 0.2
"""Seconds that a line of the log may wait."""


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the broker until it is told to stop (SIGTERM, SIGINT)."""
    import uvloop

    from broker import logs
    from broker.app import Broker

    settings = settings_of(config)
    lines = logs.configure(level=settings.log_level, style=settings.log_format)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with Broker(settings):
            _spare_the_collector()
            lines.flush_out()
            while not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), FLUSH_EVERY)
                lines.flush_out()
        lines.flush_out()

    uvloop.run(work())


def _spare_the_collector() -> None:
    """What is there after the start stays: do not look through it again and again.

    A request makes some hundred objects and hardly a cycle, so that with the default threshold
    of 700 the collector runs every few requests and finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

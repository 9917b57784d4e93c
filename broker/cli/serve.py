"""`broker serve`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from broker.cli.options import config_option, settings_of


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the broker until it is told to stop (SIGTERM, SIGINT)."""
    import uvloop

    from broker import logs
    from broker.app import Broker

    settings = settings_of(config)
    logs.configure(level=settings.log_level, style=settings.log_format)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with Broker(settings):
            await stop.wait()

    uvloop.run(work())

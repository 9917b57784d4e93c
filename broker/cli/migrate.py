"""`broker migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from broker.cli.options import config_option, run, settings_of
from broker.store import Store


@click.command()
@config_option
def migrate(config: Path | None) -> None:
    """Bring the database's schema up to date. SQLite does this by itself at start."""
    settings = settings_of(config)

    async def work() -> None:
        store = Store.open(settings.database_url)
        try:
            await store.migrate()
        finally:
            await store.close()

    run(work)
    click.echo("The schema is up to date.")

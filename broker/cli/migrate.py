"""`broker migrate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from broker.cli.options import config_option, run, settings_of
from broker.store import Store
from broker.store.schema import Pending


@click.command()
@config_option
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if there is work to do.")
def migrate(config: Path | None, *, check: bool) -> None:
    """Bring the database's schema up to date. SQLite does this by itself at start.

    The release before this one goes on working while it runs, and after it, as far as the
    migrations say so.
    """
    settings = settings_of(config)

    async def work() -> tuple[Pending, ...]:
        store = Store.open(settings.database_url)
        try:
            pending = await store.pending()
            if not check:
                await store.migrate()
            return pending
        finally:
            await store.close()

    pending = run(work)
    for each in pending:
        works = each.compatible_with != each.revision
        beside = f"releases from {each.compatible_with} go on" if works else "stop older releases"
        click.echo(f"{each.revision}  {each.summary} ({beside})")
    if check and pending:
        click.echo(f"{len(pending)} to run.")
        sys.exit(1)
    click.echo("The schema is up to date.")

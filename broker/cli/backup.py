"""`broker backup` and `broker restore`: copies of an SQLite database."""

from __future__ import annotations

from pathlib import Path

import click

from broker.cli.options import config_option, settings_of
from broker.errors import Precondition


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
def backup(file: Path, config: Path | None) -> None:
    """Copy the SQLite database to FILE, while the broker runs.

    The key-encryption key is not in it: keep that elsewhere, or the copy cannot sign.
    """
    from broker.store.backup import back_up

    copied = back_up(_database(config), file)
    click.echo(f"Wrote {copied.path} ({copied.size:,} bytes, schema {copied.revision}).")
    click.echo("It signs nothing without the key-encryption key, which is not in it.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.option("--replace", is_flag=True, help="Put aside the database that is there.")
def restore(file: Path, config: Path | None, *, replace: bool) -> None:
    """Put the copy in FILE in the place of the SQLite database, while the broker is stopped."""
    from broker.store.backup import restore as put_back

    copied = put_back(file, _database(config), replace=replace)
    click.echo(f"Restored {copied.path} ({copied.size:,} bytes, schema {copied.revision}).")
    click.echo("Start the broker with the key-encryption key of the same time.")


def _database(config: Path | None) -> Path:
    from broker.store.url import SqliteFile, parse

    place = parse(settings_of(config).database_url)
    if not isinstance(place, SqliteFile):
        raise Precondition(
            "backup_not_sqlite",
            "database_url: not SQLite; use pg_dump and pg_restore (docs/operations/backup.md)",
        )
    return place.path

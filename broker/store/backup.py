"""Copies of an SQLite database while it is in use, and back.

What PostgreSQL needs is its own tools' business (docs/operations/backup.md).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.errors import Conflict, Precondition
from broker.store.schema import Schema

_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database; those of another content would ruin it."""

_PATIENCE: Final = 5.0
"""Seconds to wait for a writer."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A database that was copied."""

    path: Path
    revision: str
    """Of its schema."""
    size: int
    """Bytes."""


def back_up(database: Path, target: Path) -> Copied:
    """Copy the database as it is at one moment, while others write to it.

    The copy is complete and checked before it has its name, and can be read by its owner alone.
    Raises `Conflict` (`backup_exists`), `Precondition` (`backup_failed`, `backup_damaged`).
    """
    if target.exists():
        raise Conflict("backup_exists", f"{target}: exists already; name another file")
    if not database.is_file():
        raise Precondition("backup_failed", f"{database}: no database there")
    with _draft(target) as draft, _told(database):
        with closing(_open(database)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        revision = _checked(draft)
        _sync(draft)
        _link(draft, target)
    return Copied(target, revision, target.stat().st_size)


def restore(backup: Path, database: Path, *, replace: bool = False) -> Copied:
    """Put a copy in the place of the database, while nobody uses that.

    Its schema may be older than this version's: the next start migrates it. With `replace` a
    database that is there is kept beside it, as `….before-restore`. Raises `Conflict`
    (`database_exists`), `Precondition` (`database_in_use`, `backup_damaged`, `schema_newer`).
    """
    revision = _checked(backup)
    if revision not in Schema().revisions:
        raise Precondition(
            "schema_newer",
            f"{backup}: its schema is at {revision}, which this version does not know; a newer "
            "version made it",
        )
    if database.exists():
        if not replace:
            raise Conflict(
                "database_exists", f"{database}: there is a database already; say --replace"
            )
        _expect_unused(database)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(database) as draft, _told(backup):
        with closing(_open(backup)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        _sync(draft)
        if database.exists():
            _put_aside(database)
        for suffix in _BESIDE:
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        _link(draft, database)
    return Copied(database, revision, database.stat().st_size)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_PATIENCE)


def _checked(path: Path) -> str:
    """The schema's revision of a sound database of ours. Raises `Precondition`."""
    damaged = Precondition("backup_damaged", f"{path}: not a database of the broker, or damaged")
    if not path.is_file():
        raise Precondition("backup_failed", f"{path}: no such file")
    try:
        with closing(_open(path)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise damaged from error
    if sound != ("ok",) or row is None:
        raise damaged
    return str(row[0])


def _expect_unused(database: Path) -> None:
    """Nobody has it open: who has, in WAL mode, holds a lock that keeps the mode as it is."""
    try:
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise _in_use(database) from error
    except sqlite3.DatabaseError:
        return  # it is broken, and that may be why it is replaced
    if mode != "delete":
        raise _in_use(database)


def _in_use(database: Path) -> Precondition:
    return Precondition(
        "database_in_use", f"{database}: a broker or a command uses it; stop that first"
    )


def _put_aside(database: Path) -> None:
    aside = database.with_name(f"{database.name}.before-restore")
    if aside.exists():
        raise Conflict(
            "database_exists", f"{aside}: left from an earlier restore; move it away first"
        )
    database.rename(aside)


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A file beside the target, for its owner alone, which is gone afterwards."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Precondition(
            "backup_failed", f"{target}: cannot be written: {error.strerror}"
        ) from error
    try:
        yield draft
    finally:
        for suffix in ("", *_BESIDE):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _link(draft: Path, target: Path) -> None:
    """The name appears at once, and not over a file that came meanwhile."""
    try:
        os.link(draft, target)
    except FileExistsError as error:
        raise Conflict("backup_exists", f"{target}: exists already") from error
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Precondition("backup_failed", f"{path}: cannot be copied: {error}") from error

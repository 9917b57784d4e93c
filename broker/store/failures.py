"""What a driver's error means to the rest of the program.

Neither message nor cause of what is raised here holds the store's URL: it may carry a password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.errors import Unavailable

RETRY_AFTER: Final = 1
"""Seconds."""


class Violation(Enum):
    """The constraint that a change ran into."""

    PRIMARY_KEY = "primary key"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign key"


# https://sqlite.org/rescode.html, the primary codes
_SQLITE_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_GONE: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_SQLITE_VIOLATIONS: Final = {
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Violation.PRIMARY_KEY,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Violation.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Violation.FOREIGN_KEY,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOCK_NOT_AVAILABLE, _DEADLOCK, _SERIALIZATION, _CANCELLED = "55P03", "40P01", "40001", "57014"
_POSTGRES_BUSY: Final = frozenset({_LOCK_NOT_AVAILABLE, _DEADLOCK, _SERIALIZATION, _CANCELLED})
_POSTGRES_LOST: Final = ("08", "25006", "25P03", "57P")
"""Beginnings: no connection, read-only, idle in a transaction, shutting down. A connection on which
one of these came is of no more use."""
_POSTGRES_GONE: Final = (*_POSTGRES_LOST, "28", "3D000", "42501", "53", "58")
"""And: login refused, no such database, no right, out of resources, a fault of the server's
system."""


def busy() -> Unavailable:
    """Others held the store for longer than we wait."""
    return Unavailable("store_busy", "the store is busy", retry_after=RETRY_AFTER)


def gone() -> Unavailable:
    """The store does not answer, or cannot do what a store does."""
    return Unavailable("store_unavailable", "the store does not answer", retry_after=RETRY_AFTER)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the drivers raise when a store is busy or away into `Unavailable`.

    Anything else (a statement that is wrong, a value that cannot be stored) passes: a defect.
    """
    try:
        yield
    except PoolTimeoutError:
        raise busy() from None
    except (DBAPIError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        failure = _failure(error)
        if failure is None:
            raise
        raise failure from _driver_error(error)
    except OSError as error:  # asyncpg lets those of the socket through; a timeout is one too
        raise gone() from error


@contextmanager
def connecting() -> Iterator[None]:
    """As `translated`, and whatever else goes wrong on the way to a connection is the store's."""
    try:
        with translated():
            yield
    except (DBAPIError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        # without the cause: a driver that does not understand a URL quotes from it
        raise gone() from None


def lost(error: BaseException) -> bool:
    """Whether the connection to PostgreSQL on which this came leads nowhere any more."""
    driver = _driver_error(error)
    if isinstance(driver, asyncpg.PostgresError):
        return str(driver.sqlstate).startswith(_POSTGRES_LOST)
    return isinstance(driver, OSError)


def violation(error: IntegrityError) -> Violation | None:
    """Which constraint the change ran into, on either engine."""
    driver = _driver_error(error)
    if isinstance(driver, sqlite3.Error):
        return _SQLITE_VIOLATIONS.get(driver.sqlite_errorcode)
    if isinstance(driver, asyncpg.ForeignKeyViolationError):
        return Violation.FOREIGN_KEY
    if isinstance(driver, asyncpg.UniqueViolationError):
        is_key = str(driver.constraint_name).startswith("pk_")
        return Violation.PRIMARY_KEY if is_key else Violation.UNIQUE
    return None


def _failure(error: Exception) -> Unavailable | None:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return gone()
    driver = _driver_error(error)
    if isinstance(driver, sqlite3.Error):
        return _sqlite_failure(getattr(driver, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF)
    if isinstance(driver, asyncpg.PostgresError):
        return _postgres_failure(str(driver.sqlstate))
    # asyncpg.DataError (a value that does not fit its column) is both an InterfaceError and a
    # ValueError
    if isinstance(driver, ValueError):
        return None
    return gone() if isinstance(driver, asyncpg.InterfaceError | OSError) else None


def _sqlite_failure(code: int) -> Unavailable | None:
    if code in _SQLITE_BUSY:
        return busy()
    return gone() if code in _SQLITE_GONE else None


def _postgres_failure(state: str) -> Unavailable | None:
    if state in _POSTGRES_BUSY:
        return busy()
    return gone() if state.startswith(_POSTGRES_GONE) else None


def _driver_error(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's, and below its adapter's for asyncpg."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error.__cause__ or error

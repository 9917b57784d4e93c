"""Where the records are kept, read from a URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from broker.errors import Invalid

_SQLITE: Final = frozenset({"sqlite", "sqlite+aiosqlite"})
_POSTGRES: Final = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
_PGBOUNCER: Final = "pgbouncer"
"""Our own parameter; libpq's go to the driver as they are."""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The path of an SQLite database."""

    path: Path


@dataclass(frozen=True, slots=True, repr=False)
class PostgresServer:
    """A libpq connection URI, which may hold a password."""

    dsn: str
    pgbouncer: bool = False
    """Whether it leads to a PgBouncer in transaction mode."""


def parse(url: str) -> SqliteFile | PostgresServer:
    """Read `sqlite:///PATH`, or a `postgresql://` URI with any of libpq's parameters, and
    `pgbouncer=true` where transactions go through one that shares connections among clients.

    Raises `Invalid` that quotes nothing of `url`.
    """
    scheme, separator, rest = url.partition("://")
    if scheme in _SQLITE and separator:
        return SqliteFile(_path(url))
    if scheme in _POSTGRES and separator:
        return _server(_checked(f"postgresql://{rest}"))
    raise _refused("expected sqlite:///PATH or postgresql://USER@HOST/DATABASE")


def _path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _refused("expected sqlite:///PATH") from None
    database = parsed.database or ""
    if parsed.host or parsed.query or database in {"", ":memory:"} or database.startswith("file:"):
        raise _refused("expected sqlite:///PATH with the path of a file and nothing else")
    return Path(database)


def _server(dsn: str) -> PostgresServer:
    before, _, query = dsn.partition("?")
    parameters = [each for each in query.split("&") if each]
    ours = [each for each in parameters if each.partition("=")[0] == _PGBOUNCER]
    if not ours:
        return PostgresServer(dsn)
    values = {each.partition("=")[2] for each in ours}
    if not values <= {"true", "false"}:
        raise _refused(f"{_PGBOUNCER}: expected true or false")
    theirs = "&".join(each for each in parameters if each not in ours)
    return PostgresServer(f"{before}?{theirs}" if theirs else before, pgbouncer="true" in values)


def _checked(dsn: str) -> str:
    # several hosts, each with its port, are right for libpq and more than urlsplit knows
    if "," in dsn:
        return dsn
    try:
        _ = urlsplit(dsn).port
    except ValueError:
        raise _refused("the host or port is malformed; is the password URL-encoded?") from None
    return dsn


def _refused(fault: str) -> Invalid:
    return Invalid("store_url_invalid", f"store URL: {fault}", field="store.url")

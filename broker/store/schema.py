"""The schema's revision: what it is, what it should be, and the way there.

Alembic is imported when there is something to migrate: it is a tenth of the memory of a process
that only asks whether its database is up to date, as every start does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, inspect, select

from broker.errors import Precondition
from broker.store.tables import schema_revisions

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION: Final = Table("alembic_version", MetaData(), Column("version_num", Text))
"""Where Alembic keeps the revision, in a row of its own making."""


class Schema:
    """The migrations that ship with this version."""

    @cached_property
    def revisions(self) -> tuple[str, ...]:
        """All of them, the newest last: files begin with their revision, which are in order."""
        folder = files("broker.store").joinpath("migrations", "versions")
        names = (entry.name for entry in folder.iterdir())
        return tuple(sorted(name.partition("_")[0] for name in names if name.endswith(".py")))

    @property
    def head(self) -> str:
        """The newest revision that this version knows."""
        return self.revisions[-1]

    def expect_head(self, connection: Connection) -> None:
        """Raises `Precondition` when this version cannot work with the database.

        It can with a newer revision that says so: while a release is being replaced by the next,
        both serve from the schema of the next.
        """
        current = self._found(connection)
        if current is not None and current not in self.revisions:
            if self._works_with_newer(connection):
                return
            raise _newer(current)
        if current != self.head:
            raise Precondition(
                "schema_outdated",
                f"the store's schema is at {current or 'no revision'}, this version needs "
                f"{self.head}; run the migrations",
            )

    def upgrade(self, connection: Connection) -> None:
        """To the head, in the connection's transaction. Raises `Precondition` for a database
        that a newer version has migrated.
        """
        if self._current(connection) == self.head:
            return
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _write_down(connection, config)

    def pending(self, connection: Connection) -> tuple[Pending, ...]:
        """The revisions that `upgrade` would apply, in order. Raises `Precondition` as it does."""
        current = self._current(connection)
        if current == self.head:
            return ()
        after = self.revisions.index(current) + 1 if current is not None else 0
        return tuple(_described(_config(), self.revisions[after:]))

    def _current(self, connection: Connection) -> str | None:
        revision = self._found(connection)
        if revision is not None and revision not in self.revisions:
            raise _newer(revision)
        return revision

    def _found(self, connection: Connection) -> str | None:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        revision: str | None = connection.execute(
            select(_VERSION.c.version_num)
        ).scalar_one_or_none()
        return revision

    def _works_with_newer(self, connection: Connection) -> bool:
        """Whether every revision behind our newest leaves us what we need."""
        if not inspect(connection).has_table(schema_revisions.name):
            return False
        table = schema_revisions.c
        newer = connection.execute(
            select(table.compatible_with).where(table.revision > self.head)
        ).scalars()
        needed = list(newer)
        return bool(needed) and all(oldest <= self.head for oldest in needed)


class Pending(NamedTuple):
    """A revision that is not applied yet."""

    revision: str
    summary: str
    compatible_with: str
    """The oldest revision whose release still works once it is applied; itself: none before."""


def _newer(revision: str) -> Precondition:
    return Precondition(
        "schema_newer",
        f"the store's schema is at {revision}, which this version does not know; "
        "a newer version has migrated it",
    )


def _write_down(connection: Connection, config: Config) -> None:
    """Of each revision that is applied, which releases it leaves able to work."""
    known = set(connection.execute(select(schema_revisions.c.revision)).scalars())
    for revision in _described(config, Schema().revisions):
        if revision.revision not in known:
            values = {
                "revision": revision.revision,
                "compatible_with": revision.compatible_with,
            }
            connection.execute(insert(schema_revisions).values(**values))


def _described(config: Config, revisions: Sequence[str]) -> Iterator[Pending]:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(config)
    for revision in revisions:
        script = scripts.get_revision(revision)
        oldest = getattr(script.module, "compatible_with", revision)
        yield Pending(revision, (script.doc or "").partition("\n")[0], oldest)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "broker.store:migrations")
    config.set_main_option("path_separator", "os")
    return config

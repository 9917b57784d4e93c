"""The schema's revision: what it is, what it should be, and the way there.

Alembic is imported when there is something to migrate: it is a tenth of the memory of a process
that only asks whether its database is up to date, as every start does.
"""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from broker.errors import Precondition

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
        """Raises `Precondition` when the database is at another revision."""
        current = self._current(connection)
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

    def _current(self, connection: Connection) -> str | None:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        revision = connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none()
        if revision is not None and revision not in self.revisions:
            raise Precondition(
                "schema_newer",
                f"the store's schema is at {revision}, which this version does not know; "
                "a newer version has migrated it",
            )
        return revision


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "broker.store:migrations")
    config.set_main_option("path_separator", "os")
    return config

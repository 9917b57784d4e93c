"""The schema's revision: what it is, what it should be, and the way there."""

from __future__ import annotations

from functools import cached_property

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from broker.errors import Precondition


class Schema:
    """The migrations that ship with this version."""

    @cached_property
    def _scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(_config())

    @cached_property
    def head(self) -> str:
        """The newest revision that this version knows."""
        head = self._scripts.get_current_head()
        assert head is not None, "the migrations ship with the package"
        return head

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
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def _current(self, connection: Connection) -> str | None:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None:
            self._expect_known(revision)
        return revision

    def _expect_known(self, revision: str) -> None:
        try:
            self._scripts.get_revision(revision)
        except CommandError:
            raise Precondition(
                "schema_newer",
                f"the store's schema is at {revision}, which this version does not know; "
                "a newer version has migrated it",
            ) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "broker.store:migrations")
    config.set_main_option("path_separator", "os")
    return config

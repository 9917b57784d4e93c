"""A key log on SQLite, with the rules that the store's own obeys."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from broker.errors import Conflict, NotFound
from broker.issuer.keys import SigningKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    wrapped_private BLOB NOT NULL,
    created_at TEXT NOT NULL,
    activates_at TEXT NOT NULL,
    predecessor TEXT NOT NULL UNIQUE,
    revoked_at TEXT
)
"""
COLUMNS = (
    "kid, algorithm, public_jwk, wrapped_private, created_at, activates_at, predecessor, revoked_at"
)


class SqliteKeyLog:
    """Rows in a file, or in memory by the path `:memory:`."""

    def __init__(self, path: str = ":memory:") -> None:
        # the only statements run on the loop's thread and the test's, one after the other
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute(SCHEMA)

    def close(self) -> None:
        self._db.close()

    async def all(self) -> list[SigningKey]:
        rows = self._db.execute(f"SELECT {COLUMNS} FROM signing_keys ORDER BY kid").fetchall()
        return [
            SigningKey(
                kid=row[0],
                algorithm=row[1],
                public_jwk=row[2],
                wrapped_private=row[3],
                created_at=datetime.fromisoformat(row[4]).astimezone(UTC),
                activates_at=datetime.fromisoformat(row[5]).astimezone(UTC),
                predecessor=row[6],
                revoked_at=datetime.fromisoformat(row[7]).astimezone(UTC) if row[7] else None,
            )
            for row in rows
        ]

    async def add(self, key: SigningKey) -> None:
        values = (
            key.kid,
            key.algorithm,
            key.public_jwk,
            key.wrapped_private,
            key.created_at.isoformat(),
            key.activates_at.isoformat(),
            key.predecessor,
            None,
        )
        try:
            self._db.execute(
                f"INSERT INTO signing_keys ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values
            )
        except sqlite3.IntegrityError as error:
            raise Conflict("key_rotated", "another process rotated first") from error

    async def revoke(self, kid: str, at: datetime) -> None:
        done = self._db.execute(
            "UPDATE signing_keys SET revoked_at = coalesce(revoked_at, ?) WHERE kid = ?",
            (at.isoformat(), kid),
        )
        if not done.rowcount:
            raise NotFound("key_not_found", "the signing key does not exist", field="kid")

    async def delete(self, kid: str) -> None:
        self._db.execute("DELETE FROM signing_keys WHERE kid = ?", (kid,))

"""Signing keys that are known to others, and are not to be trusted any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signing_keys", sa.Column("revoked_at", sa.BigInteger, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

"""Identities for which an upstream token is exchanged once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("single_use", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("identities", column)


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

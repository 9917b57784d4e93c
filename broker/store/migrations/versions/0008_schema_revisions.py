"""What is known of each revision: which earlier releases can still work with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

compatible_with = "0007"
"""A table more is nothing to those who do not know it."""


def upgrade() -> None:
    op.create_table(
        "schema_revisions",
        sa.Column("revision", sa.Text, primary_key=True),
        sa.Column("compatible_with", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

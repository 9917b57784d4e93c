"""Organizations that say whose tokens their identities take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "groups", sa.Column("issuer_policy", sa.Text, nullable=False, server_default="{}")
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

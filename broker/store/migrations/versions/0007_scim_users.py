"""Users whom a directory has provisioned: who they are when they log in, and who was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def bytewise() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("scim_users", sa.Column("identity", bytewise(), nullable=True))
    op.add_column("scim_users", sa.Column("deleted_at", sa.BigInteger, nullable=True))
    op.create_index(
        "ix_scim_users_identity_provider_identity", "scim_users", ["identity_provider", "identity"]
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

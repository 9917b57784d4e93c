"""Identity providers are found by their issuer, as whoever logs in with a token of one asks."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

compatible_with = "0008"
"""An index changes nothing but the time."""


def upgrade() -> None:
    op.create_index("ix_identity_providers_issuer", "identity_providers", ["issuer"])


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

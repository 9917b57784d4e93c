"""People who log in: what organizations ask of them, their refresh tokens, SCIM."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Moment = sa.BigInteger
"""Microseconds since the epoch."""


def bytewise() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "login_policies",
        sa.Column("group_id", bytewise(), sa.ForeignKey("groups.id"), primary_key=True),
        sa.Column("require_identity_provider", sa.Boolean, nullable=False),
        sa.Column("break_glass", sa.Text, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
    )
    op.create_table(
        "email_domains",
        sa.Column("domain", bytewise(), primary_key=True),
        sa.Column("group_id", bytewise(), sa.ForeignKey("groups.id"), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
    )
    op.create_index("ix_email_domains_group_id", "email_domains", ["group_id"])
    op.create_table(
        "access_requests",
        sa.Column("id", bytewise(), primary_key=True),
        sa.Column("group_id", bytewise(), sa.ForeignKey("groups.id"), nullable=False),
        sa.Column("identity", bytewise(), sa.ForeignKey("identities.id"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
    )
    op.create_index("ix_access_requests_group_id_id", "access_requests", ["group_id", "id"])
    op.create_index(
        "uq_access_requests_identity_group_id",
        "access_requests",
        ["identity", "group_id"],
        unique=True,
    )
    op.create_table(
        "refresh_grants",
        sa.Column("id", bytewise(), primary_key=True),
        sa.Column("identity", bytewise(), sa.ForeignKey("identities.id"), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("provider", bytewise(), nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("capabilities", sa.Text, nullable=False),
        sa.Column("openid_scope", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False),
        sa.Column("authenticated_at", Moment, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
    )
    op.create_index("ix_refresh_grants_identity_id", "refresh_grants", ["identity", "id"])
    op.create_index("ix_refresh_grants_expires_at", "refresh_grants", ["expires_at"])
    op.create_table(
        "scim_credentials",
        sa.Column(
            "identity_provider",
            bytewise(),
            sa.ForeignKey("identity_providers.id"),
            primary_key=True,
        ),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False),
        sa.Column("expires_at", Moment, nullable=True),
        sa.Column("previous_sha256", sa.Text, nullable=False),
        sa.Column("previous_expires_at", Moment, nullable=True),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
    )
    op.create_table(
        "scim_users",
        sa.Column("id", bytewise(), primary_key=True),
        sa.Column(
            "identity_provider",
            bytewise(),
            sa.ForeignKey("identity_providers.id"),
            nullable=False,
        ),
        sa.Column("external_id", bytewise(), nullable=False),
        sa.Column("user_name", bytewise(), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
    )
    op.create_index(
        "uq_scim_users_identity_provider_external_id",
        "scim_users",
        ["identity_provider", "external_id"],
        unique=True,
    )
    op.create_index(
        "uq_scim_users_identity_provider_user_name",
        "scim_users",
        ["identity_provider", "user_name"],
        unique=True,
    )


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

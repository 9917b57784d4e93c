"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def bytewise() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("parent", bytewise(), nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.ForeignKeyConstraint(["parent"], ["groups.id"], name="fk_groups_parent"),
    )
    op.create_index("uq_groups_parent_name", "groups", ["parent", "name"], unique=True)
    op.create_index(
        "uq_groups_root_name",
        "groups",
        ["name"],
        unique=True,
        sqlite_where=sa.text("parent IS NULL"),
        postgresql_where=sa.text("parent IS NULL"),
    )

    op.create_table(
        "identities",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("relationship", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("principal_sha256", sa.Text, nullable=True),
        sa.Column("max_token_lifetime", sa.Integer, nullable=False),
        sa.Column("expires_with_upstream", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_identities_group_id"),
    )
    op.create_index("ix_identities_group_id_name", "identities", ["group_id", "name"])
    op.create_index("ix_identities_principal_sha256", "identities", ["principal_sha256"])

    op.create_table(
        "roles",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("capabilities", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_roles_group_id"),
    )
    op.create_index("ix_roles_group_id", "roles", ["group_id"])

    op.create_table(
        "bindings",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("identity", bytewise(), nullable=False),
        sa.Column("role", bytewise(), nullable=False),
        sa.Column("grant_sha256", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bindings"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_bindings_group_id"),
    )
    op.create_index("ix_bindings_group_id", "bindings", ["group_id"])
    op.create_index("ix_bindings_identity", "bindings", ["identity"])
    op.create_index("ix_bindings_role", "bindings", ["role"])
    op.create_index("uq_bindings_grant_sha256", "bindings", ["grant_sha256"], unique=True)

    op.create_table(
        "signing_keys",
        sa.Column("kid", bytewise(), nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("public_jwk", sa.Text, nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("activates_at", sa.BigInteger, nullable=False),
        sa.Column("predecessor", bytewise(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_index("uq_signing_keys_predecessor", "signing_keys", ["predecessor"], unique=True)

    op.create_table(
        "audit_records",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("group_id", bytewise(), nullable=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_records"),
    )
    op.create_index("ix_audit_records_group_id_id", "audit_records", ["group_id", "id"])

    generations = op.create_table(
        "generations",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        # op.f: the name is complete, no naming convention is applied to it
        sa.CheckConstraint("id = 1", name=op.f("ck_generations_single_row")),
    )
    op.bulk_insert(generations, [{"id": 1, "value": 0}])


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

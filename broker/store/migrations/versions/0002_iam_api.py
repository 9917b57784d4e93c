"""What the IAM API keeps besides, and indexes that give lists their pages in order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def bytewise() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    widen_groups_and_identities()
    sort_names_bytewise()
    order_lists()
    create_group_invites()
    create_identity_providers()
    create_group_role_mappings()
    create_records_of_a_group()


def widen_groups_and_identities() -> None:
    # a row of the first revision reads as a record with the defaults
    for column in (
        sa.Column("resource_limits", sa.Text, nullable=False, server_default="{}"),
        sa.Column("verified", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("kind", sa.Integer, nullable=False, server_default="0"),
        sa.Column("status", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("groups", column)
    op.add_column("identities", sa.Column("last_seen", sa.BigInteger, nullable=True))
    profile = sa.Column("profile", sa.Text, nullable=False, server_default="{}")
    op.add_column("identities", profile)


def sort_names_bytewise() -> None:
    # so that a page ordered by name is the same on both engines; on SQLite they do already
    if op.get_bind().dialect.name == "postgresql":
        for table in ("groups", "identities", "roles"):
            op.alter_column(table, "name", type_=sa.Text(collation="C"))


def order_lists() -> None:
    op.create_index("ix_groups_parent_id", "groups", ["parent", "id"])
    op.create_index("ix_groups_name_id", "groups", ["name", "id"])
    op.create_index("ix_identities_group_id_id", "identities", ["group_id", "id"])
    op.create_index("ix_identities_name_id", "identities", ["name", "id"])
    op.drop_index("ix_roles_group_id", "roles")
    op.create_index("ix_roles_group_id_id", "roles", ["group_id", "id"])
    for column in ("group_id", "identity", "role"):
        op.drop_index(f"ix_bindings_{column}", "bindings")
        op.create_index(f"ix_bindings_{column}_id", "bindings", [column, "id"])


def create_group_invites() -> None:
    op.create_table(
        "group_invites",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("role", bytewise(), nullable=False),
        sa.Column("email", bytewise(), nullable=False),
        sa.Column("single_use", sa.Boolean, nullable=False),
        sa.Column("key_id", bytewise(), nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False),
        sa.Column("created_by", bytewise(), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_group_invites"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_group_invites_group_id"),
    )
    op.create_index("ix_group_invites_group_id_id", "group_invites", ["group_id", "id"])
    op.create_index("ix_group_invites_role", "group_invites", ["role"])
    op.create_index("uq_group_invites_key_id", "group_invites", ["key_id"], unique=True)


def create_identity_providers() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("name", bytewise(), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary, nullable=False),
        sa.Column("additional_scopes", sa.Text, nullable=False),
        sa.Column("groups_claim", sa.Text, nullable=False),
        sa.Column("correlation_rule", sa.Integer, nullable=False),
        sa.Column("pkce_enabled", sa.Boolean, nullable=False),
        sa.Column("default_role", bytewise(), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_providers"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_identity_providers_group_id"),
    )
    for columns in (["group_id", "id"], ["default_role"]):
        name = f"ix_identity_providers_{'_'.join(columns)}"
        op.create_index(name, "identity_providers", columns)


def create_group_role_mappings() -> None:
    op.create_table(
        "group_role_mappings",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("identity_provider", bytewise(), nullable=False),
        sa.Column("external_group", bytewise(), nullable=False),
        sa.Column("role", bytewise(), nullable=False),
        sa.Column("scope", bytewise(), nullable=False),
        sa.Column("grant_sha256", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_group_role_mappings"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_group_role_mappings_group_id"
        ),
        sa.ForeignKeyConstraint(
            ["identity_provider"],
            ["identity_providers.id"],
            name="fk_group_role_mappings_identity_provider",
        ),
    )
    for columns in (["group_id", "id"], ["identity_provider", "id"], ["role"], ["scope"]):
        name = f"ix_group_role_mappings_{'_'.join(columns)}"
        op.create_index(name, "group_role_mappings", columns)
    op.create_index(
        "uq_group_role_mappings_grant_sha256",
        "group_role_mappings",
        ["grant_sha256"],
        unique=True,
    )


def create_records_of_a_group() -> None:
    op.create_table(
        "account_associations",
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("name", bytewise(), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("accounts", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("group_id", name="pk_account_associations"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name="fk_account_associations_group_id"
        ),
    )
    op.create_table(
        "terms_acceptances",
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("document", bytewise(), nullable=False),
        sa.Column("accepted_by", bytewise(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "document", name="pk_terms_acceptances"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_terms_acceptances_group_id"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", bytewise(), nullable=False),
        sa.Column("group_id", bytewise(), nullable=False),
        sa.Column("sink", bytewise(), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_subscriptions_group_id"),
    )
    op.create_index("ix_subscriptions_group_id_id", "subscriptions", ["group_id", "id"])


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")

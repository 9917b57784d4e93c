"""The tables. What the migrations make must equal them; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since the epoch, exactly. `moment` is aware."""
    return (moment - EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """The reverse of `microseconds`, in UTC."""
    return EPOCH + timedelta(microseconds=stored)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since the epoch: exact, and alike on both engines."""

    impl = BigInteger
    cache_ok = True

    # both ignore the dialect: the names of the arguments are SQLAlchemy's

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Raises TypeError for a naive datetime."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC."""
        return None if value is None else moment(value)


def bytewise() -> TypeEngine[str]:
    """Text that sorts by its bytes on both engines, so that a prefix is an index range.

    SQLite's default order (BINARY) is bytewise; PostgreSQL's is the database's locale.
    """
    return Text().with_variant(Text(collation="C"), "postgresql")


metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

groups: Final = Table(
    "groups",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("parent", bytewise(), ForeignKey("groups.id"), nullable=True),
    Column("name", bytewise(), nullable=False),
    Column("description", Text, nullable=False),
    # defaults: of the columns that came with the second revision, for the rows of the first
    Column("resource_limits", Text, nullable=False, server_default="{}"),
    Column("verified", Boolean, nullable=False, server_default=false()),
    Column("kind", Integer, nullable=False, server_default="0"),
    Column("status", Integer, nullable=False, server_default="0"),
    Column("issuer_policy", Text, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # an index with the UIDP last gives a page in the order of lists without sorting
    Index("ix_groups_parent_id", "parent", "id"),
    Index("ix_groups_name_id", "name", "id"),
)
Index("uq_groups_parent_name", groups.c.parent, groups.c.name, unique=True)
# NULLs are distinct in a unique index: the roots need one of their own
Index(
    "uq_groups_root_name",
    groups.c.name,
    unique=True,
    sqlite_where=groups.c.parent.is_(None),
    postgresql_where=groups.c.parent.is_(None),
)

identities: Final = Table(
    "identities",
    metadata,
    Column("id", bytewise(), primary_key=True),
    # NULL for a person, who belongs to no group
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=True),
    Column("name", bytewise(), nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("relationship", Text, nullable=False),
    # the literals of the relationship, empty where it has a pattern
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # what the two are found by: PostgreSQL refuses index entries over 2,704 bytes, and each may
    # have 2,048 characters
    Column("principal_sha256", Text, nullable=True),
    Column("max_token_lifetime", Integer, nullable=False),
    Column("expires_with_upstream", Boolean, nullable=False),
    Column("single_use", Boolean, nullable=False, server_default=false()),
    Column("last_seen", Moment, nullable=True),
    Column("profile", Text, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_identities_group_id_id", "group_id", "id"),
    Index("ix_identities_group_id_name", "group_id", "name"),
    Index("ix_identities_name_id", "name", "id"),
    Index("ix_identities_principal_sha256", "principal_sha256"),
)

roles: Final = Table(
    "roles",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("name", bytewise(), nullable=False),
    Column("description", Text, nullable=False),
    Column("capabilities", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_roles_group_id_id", "group_id", "id"),
)

# No foreign keys to identities and roles: a person can be bound before their first login, and
# the built-in roles are not rows.
bindings: Final = Table(
    "bindings",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("identity", bytewise(), nullable=False),
    Column("role", bytewise(), nullable=False),
    # of group, identity and role, which together may be longer than an index entry can be
    Column("grant_sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_bindings_group_id_id", "group_id", "id"),
    Index("ix_bindings_identity_id", "identity", "id"),
    Index("ix_bindings_role_id", "role", "id"),
    Index("uq_bindings_grant_sha256", "grant_sha256", unique=True),
)

group_invites: Final = Table(
    "group_invites",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("role", bytewise(), nullable=False),
    Column("email", bytewise(), nullable=False),
    Column("single_use", Boolean, nullable=False),
    Column("key_id", bytewise(), nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("created_by", bytewise(), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_group_invites_group_id_id", "group_id", "id"),
    Index("ix_group_invites_role", "role"),
    Index("uq_group_invites_key_id", "key_id", unique=True),
)

identity_providers: Final = Table(
    "identity_providers",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("name", bytewise(), nullable=False),
    Column("description", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("wrapped_secret", LargeBinary, nullable=False),
    Column("additional_scopes", Text, nullable=False),
    Column("groups_claim", Text, nullable=False),
    Column("correlation_rule", Integer, nullable=False),
    Column("pkce_enabled", Boolean, nullable=False),
    Column("default_role", bytewise(), nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_identity_providers_group_id_id", "group_id", "id"),
    Index("ix_identity_providers_default_role", "default_role"),
    Index("ix_identity_providers_issuer", "issuer"),
)

group_role_mappings: Final = Table(
    "group_role_mappings",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("identity_provider", bytewise(), ForeignKey("identity_providers.id"), nullable=False),
    Column("external_group", bytewise(), nullable=False),
    Column("role", bytewise(), nullable=False),
    Column("scope", bytewise(), nullable=False),
    # of provider, external group, role and scope, as for bindings
    Column("grant_sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_group_role_mappings_group_id_id", "group_id", "id"),
    Index("ix_group_role_mappings_identity_provider_id", "identity_provider", "id"),
    Index("ix_group_role_mappings_role", "role"),
    Index("ix_group_role_mappings_scope", "scope"),
    Index("uq_group_role_mappings_grant_sha256", "grant_sha256", unique=True),
)

# The two that follow have no UIDP of their own: a list knows them by their group's.
account_associations: Final = Table(
    "account_associations",
    metadata,
    Column("group_id", bytewise(), ForeignKey("groups.id"), primary_key=True),
    Column("name", bytewise(), nullable=False),
    Column("description", Text, nullable=False),
    Column("accounts", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

terms_acceptances: Final = Table(
    "terms_acceptances",
    metadata,
    Column("group_id", bytewise(), ForeignKey("groups.id"), primary_key=True),
    Column("document", bytewise(), primary_key=True),
    Column("accepted_by", bytewise(), nullable=False),
    Column("accepted_at", Moment, nullable=False),
)

subscriptions: Final = Table(
    "subscriptions",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("sink", bytewise(), nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_subscriptions_group_id_id", "group_id", "id"),
)

login_policies: Final = Table(
    "login_policies",
    metadata,
    Column("group_id", bytewise(), ForeignKey("groups.id"), primary_key=True),
    Column("require_identity_provider", Boolean, nullable=False),
    Column("break_glass", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

email_domains: Final = Table(
    "email_domains",
    metadata,
    Column("domain", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_email_domains_group_id", "group_id"),
)

access_requests: Final = Table(
    "access_requests",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("group_id", bytewise(), ForeignKey("groups.id"), nullable=False),
    Column("identity", bytewise(), ForeignKey("identities.id"), nullable=False),
    Column("email", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_access_requests_group_id_id", "group_id", "id"),
    Index("uq_access_requests_identity_group_id", "identity", "group_id", unique=True),
)

refresh_grants: Final = Table(
    "refresh_grants",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("identity", bytewise(), ForeignKey("identities.id"), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("provider", bytewise(), nullable=False),
    Column("audience", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("capabilities", Text, nullable=False),
    Column("openid_scope", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index("ix_refresh_grants_identity_id", "identity", "id"),
    Index("ix_refresh_grants_expires_at", "expires_at"),
)

scim_credentials: Final = Table(
    "scim_credentials",
    metadata,
    Column("identity_provider", bytewise(), ForeignKey("identity_providers.id"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("expires_at", Moment, nullable=True),
    Column("previous_sha256", Text, nullable=False),
    Column("previous_expires_at", Moment, nullable=True),
    Column("revoked_at", Moment, nullable=True),
    Column("version", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

scim_users: Final = Table(
    "scim_users",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("identity_provider", bytewise(), ForeignKey("identity_providers.id"), nullable=False),
    Column("external_id", bytewise(), nullable=False),
    Column("user_name", bytewise(), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("identity", bytewise(), nullable=True),
    Column("deleted_at", Moment, nullable=True),
    Index("ix_scim_users_identity_provider_identity", "identity_provider", "identity"),
    Index(
        "uq_scim_users_identity_provider_external_id",
        "identity_provider",
        "external_id",
        unique=True,
    ),
    Index(
        "uq_scim_users_identity_provider_user_name",
        "identity_provider",
        "user_name",
        unique=True,
    ),
)

signing_keys: Final = Table(
    "signing_keys",
    metadata,
    Column("kid", bytewise(), primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("activates_at", Moment, nullable=False),
    Column("predecessor", bytewise(), nullable=False),
    Column("revoked_at", Moment, nullable=True),
    Index("uq_signing_keys_predecessor", "predecessor", unique=True),
)

# Written far more often than read: besides the key one index, which serves the search by group
# and, within its group, by identity. Each more costs about as much as the row itself.
# No foreign keys: records outlive what they speak of.
audit_records: Final = Table(
    "audit_records",
    metadata,
    Column("id", bytewise(), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("group_id", bytewise(), nullable=True),
    Column("request_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("token_sha256", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_records_group_id_id", "group_id", "id"),
)

schema_revisions: Final = Table(
    "schema_revisions",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("compatible_with", Text, nullable=False),
)

generations: Final = Table(
    "generations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

"""What the doors keep: tenants, keys, requests, imports, who is told, who did what, what recurs, what is erased.

Frozen: a later change of the tables is a later migration, never an edit here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name="ck_api_keys_mode"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_tenant", "api_keys", ["tenant", "id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_tenant", "audit", ["tenant", "number"], unique=False)
    op.create_table(
        "beats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_beats"),
    )
    op.create_table(
        "duties",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('close', 'erase')", name="ck_duties_kind"),
        sa.CheckConstraint("state IN ('done', 'open', 'stopped')", name="ck_duties_state"),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_duties"),
        sa.UniqueConstraint("tenant", "mode", "kind", "due", name="uq_duties_due"),
    )
    op.create_table(
        "endpoints",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Integer(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated_until", sa.Text(), nullable=False),
        sa.Column("failing_since", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_endpoints"),
        sa.UniqueConstraint("id", name="uq_endpoints_id"),
    )
    op.create_table(
        "imports",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=True),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('cancelled', 'finished', 'judging', 'received', 'refused')", name="ck_imports_state"
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_imports"),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
    op.create_table(
        "requests",
        *_key(),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint("(status IS NULL) = (answer IS NULL)", name="ck_requests_answer"),
        sa.CheckConstraint("(token IS NULL) = (status IS NOT NULL)", name="ck_requests_done"),
        sa.CheckConstraint("status IS NULL OR status < 500", name="ck_requests_final"),
        sa.PrimaryKeyConstraint("tenant", "mode", "door", "key", name="pk_requests"),
    )
    op.create_index(
        "ix_requests_subject",
        "requests",
        ["tenant", "mode", "subject"],
        unique=False,
        sqlite_where=sa.text("subject IS NOT NULL"),
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.create_table(
        "rubbish",
        *_key(),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "digest", name="pk_rubbish"),
    )
    op.create_table(
        "tenants",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tenants"),
    )
    op.create_table(
        "uploads",
        *_key(),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "digest", name="pk_uploads"),
    )
    op.create_index("ix_uploads_at", "uploads", ["tenant", "mode", "at"], unique=False)
    op.create_table(
        "deliveries",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('delivered', 'given_up', 'pending')", name="ck_deliveries_state"),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "endpoint_id"],
            ["endpoints.tenant", "endpoints.mode", "endpoints.id"],
            name="fk_deliveries_endpoint",
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_deliveries"),
        sa.UniqueConstraint("tenant", "mode", "endpoint_id", "event_id", name="uq_deliveries_event"),
    )
    op.create_index(
        "ix_deliveries_order",
        "deliveries",
        ["tenant", "mode", "endpoint_id", "order_id", "event_id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["tenant", "mode", "endpoint_id", "next_at", "event_id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "intake",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('accepted', 'dropped', 'known', 'received', 'refused')", name="ck_intake_state"),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "import_id"], ["imports.tenant", "imports.mode", "imports.id"], name="fk_intake_import"
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_intake"),
        sa.UniqueConstraint("tenant", "mode", "import_id", "line", name="uq_intake_line"),
    )
    op.create_index("ix_intake_reference", "intake", ["tenant", "mode", "import_id", "reference"], unique=False)
    op.create_index("ix_intake_chunk", "intake", ["tenant", "mode", "chunk", "line"], unique=False)
    op.create_index(
        "ix_intake_natural_key",
        "intake",
        ["tenant", "mode", "import_id", "natural_key"],
        unique=False,
        sqlite_where=sa.text("natural_key IS NOT NULL"),
        postgresql_where=sa.text("natural_key IS NOT NULL"),
    )
    op.create_index("ix_intake_import", "intake", ["tenant", "mode", "import_id", "state"], unique=False)
    op.create_index(
        "uq_intake_reference",
        "intake",
        ["tenant", "mode", "reference"],
        unique=True,
        sqlite_where=sa.text("import_id IS NULL"),
        postgresql_where=sa.text("import_id IS NULL"),
    )
    op.create_table(
        "order_artifacts",
        *_key(),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "order_id"],
            ["orders.tenant", "orders.mode", "orders.id"],
            name="fk_order_artifacts_order",
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "digest", "order_id", name="pk_order_artifacts"),
    )
    op.create_index("ix_order_artifacts_order", "order_artifacts", ["tenant", "mode", "order_id"], unique=False)
    op.create_table(
        "order_metadata",
        *_key(),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "order_id"],
            ["orders.tenant", "orders.mode", "orders.id"],
            name="fk_order_metadata_order",
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "order_id", "name", name="pk_order_metadata"),
    )
    op.create_index(
        "ix_order_metadata_value", "order_metadata", ["tenant", "mode", "name", "value", "order_id"], unique=False
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        *_key(),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "delivery_id"],
            ["deliveries.tenant", "deliveries.mode", "deliveries.id"],
            name="fk_answers_delivery",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    op.create_index("ix_answers_delivery", "answers", ["tenant", "mode", "delivery_id", "id"], unique=False)


def _key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant", sa.Text(), nullable=False), sa.Column("mode", sa.Text(), nullable=False)

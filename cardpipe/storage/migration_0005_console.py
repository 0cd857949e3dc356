"""The console: users, sessions, failed logins; and indexes by which it asks what is due, what is stuck, who got it.

Frozen: a later change of the tables is a later migration, never an edit here. No table is copied; in a large database
the indexes of pieces and orders take a while.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenants", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.Text(), nullable=True),
        sa.CheckConstraint("role IN ('administrator', 'operator', 'viewer')", name="ck_users_role"),
        sa.CheckConstraint("password <> ''", name="ck_users_password"),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name="ck_sessions_mode"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_sessions_user"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_name", "sessions", ["name"], unique=False)
    op.create_index("ix_sessions_begun", "sessions", ["begun_at"], unique=False)
    op.create_index("ix_sessions_seen", "sessions", ["seen_at"], unique=False)
    op.create_table(
        "failed_logins",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("failures > 0", name="ck_failed_logins_failures"),
        sa.PrimaryKeyConstraint("digest", name="pk_failed_logins"),
    )
    op.create_index("ix_failed_logins_at", "failed_logins", ["at"], unique=False)
    op.create_index("ix_failed_logins_failures", "failed_logins", ["failures", "at"], unique=False)
    op.create_index(
        "ix_pieces_due", "pieces", ["tenant", "mode", "mail_on", "group_key", "state", "id"], unique=False
    )  # fmt: skip
    for name, where in (("ix_pieces_held", "held IS NOT NULL"), ("ix_pieces_unapproved", "awaits_approval = 1")):
        op.create_index(
            name,
            "pieces",
            ["tenant", "mode", "mail_on", "group_key", "state"],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_batches_state", "batches", ["tenant", "mode", "state", "id"], unique=False)
    op.create_index(
        "ix_intake_refused",
        "intake",
        ["tenant", "mode", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'refused'"),
        postgresql_where=sa.text("state = 'refused'"),
    )
    op.create_index("ix_audit_subject", "audit", ["tenant", "subject", "number"], unique=False)
    op.create_index("ix_withdrawals_number", "withdrawals", ["batch_id", "seq"], unique=False)
    op.create_index(
        "ix_orders_begins",
        "orders",
        ["tenant", "mode", "reference"],
        unique=False,
        postgresql_ops={"reference": "text_pattern_ops"},
    )

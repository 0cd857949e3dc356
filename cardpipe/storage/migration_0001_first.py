"""The first tables. Frozen: a later change of ``tables`` is a later migration, never an edit here."""
# ruff: noqa: E501

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mail_on", sa.Text(), nullable=False),
        sa.Column("of_day", sa.Integer(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("press", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("gathered_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('gathered', 'imposed', 'mailed', 'printed', 'released', 'settled')", name="ck_batches_state"
        ),
        sa.CheckConstraint("number > 0 AND of_day > 0 AND revision > 0 AND pieces > 0", name="ck_batches_counts"),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_batches"),
        sa.UniqueConstraint("id", name="uq_batches_id"),
        sa.UniqueConstraint("number", name="uq_batches_number"),
        sa.UniqueConstraint("tenant", "mode", "id", "group_key", name="uq_batches_group"),
        sa.UniqueConstraint("tenant", "mode", "mail_on", "of_day", name="uq_batches_of_day"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_subject", "events", ["tenant", "mode", "subject", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("design", sa.Text(), nullable=False),
        sa.Column("mail_on", sa.Text(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('accepted', 'cancelled', 'refused')", name="ck_orders_state"),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_orders"),
        sa.UniqueConstraint("tenant", "mode", "reference", name="uq_orders_reference"),
    )
    op.create_table(
        "batch_files",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "batch_id"],
            ["batches.tenant", "batches.mode", "batches.id"],
            name="fk_batch_files_batch",
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "batch_id", "name", name="pk_batch_files"),
    )
    op.create_table(
        "pieces",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mail_on", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=True),
        sa.Column("envelope", sa.Text(), nullable=True),
        sa.Column("card_bytes", sa.Integer(), nullable=True),
        sa.Column("envelope_bytes", sa.Integer(), nullable=True),
        sa.Column("composed_findings", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("held", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('batched', 'mailed', 'printed', 'released', 'returned')) = (batch_id IS NOT NULL)",
            name="ck_pieces_in_a_batch",
        ),
        sa.CheckConstraint(
            "state IN ('batched', 'cancelled', 'composed', 'composing', 'mailed', 'needs_attention', 'printed', 'released', 'returned', 'waiting')",
            name="ck_pieces_state",
        ),
        sa.CheckConstraint(
            "state NOT IN ('composed', 'batched', 'mailed', 'printed', 'released', 'returned') OR (card IS NOT NULL AND envelope IS NOT NULL)",
            name="ck_pieces_composed",
        ),
        sa.CheckConstraint("(batch_id IS NULL) = (seq IS NULL)", name="ck_pieces_place"),
        sa.CheckConstraint("copy > 0 AND (seq IS NULL OR seq > 0)", name="ck_pieces_counts"),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "batch_id", "group_key"],
            ["batches.tenant", "batches.mode", "batches.id", "batches.group_key"],
            name="fk_pieces_batch",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "order_id"], ["orders.tenant", "orders.mode", "orders.id"], name="fk_pieces_order"
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_pieces"),
        sa.UniqueConstraint("batch_id", "seq", name="uq_pieces_seq"),
        sa.UniqueConstraint("id", name="uq_pieces_id"),
        sa.UniqueConstraint("order_id", "copy", name="uq_pieces_copy"),
    )
    op.create_index("ix_pieces_state", "pieces", ["tenant", "mode", "state", "mail_on"], unique=False)
    op.create_table(
        "steps",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("piece_id", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("leased_at", sa.Double(), nullable=True),
        sa.Column("lease_len", sa.Double(), nullable=True),
        sa.Column("hinted_until", sa.Double(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lost_leases", sa.Integer(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'compose' AND piece_id = subject AND batch_id IS NULL) OR (kind = 'impose' AND batch_id = subject AND piece_id IS NULL)",
            name="ck_steps_subject",
        ),
        sa.CheckConstraint(
            "(token IS NULL) = (leased_at IS NULL) AND (token IS NULL) = (lease_len IS NULL) AND (token IS NULL OR state = 'open')",
            name="ck_steps_lease",
        ),
        sa.CheckConstraint("state IN ('done', 'dropped', 'open', 'stopped')", name="ck_steps_state"),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "batch_id"], ["batches.tenant", "batches.mode", "batches.id"], name="fk_steps_batch"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "mode", "piece_id"], ["pieces.tenant", "pieces.mode", "pieces.id"], name="fk_steps_piece"
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_steps"),
        sa.UniqueConstraint("id", name="uq_steps_id"),
        sa.UniqueConstraint("kind", "subject", name="uq_steps_subject"),
    )
    op.create_index(
        "ix_steps_flying",
        "steps",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND (token IS NOT NULL OR hinted_until > 0)"),
        postgresql_where=sa.text("state = 'open' AND (token IS NOT NULL OR hinted_until > 0)"),
    )
    op.create_index(
        "ix_steps_open",
        "steps",
        ["kind", "tenant", "mode", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

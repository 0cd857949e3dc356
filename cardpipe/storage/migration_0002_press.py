"""What happens to a batch after it was imposed: revisions, release, remakes, withdrawals, scans, the house's replies.

Frozen: a later change of ``tables`` is a later migration, never an edit here. ``batches`` and ``steps`` are copied on
SQLite, which cannot change a CHECK in place; ``pieces``, the large table, only gains a column.
"""
# ruff: noqa: E501

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_STEPS_SUBJECT = (
    "(kind = 'compose' AND piece_id = subject AND batch_id IS NULL)"
    " OR (kind IN ('impose', 'release') AND batch_id = subject AND piece_id IS NULL)"
    " OR (kind = 'remake' AND batch_id IS NOT NULL AND piece_id IS NULL)"
)


def upgrade() -> None:
    op.add_column("pieces", sa.Column("presorted", sa.Text(), nullable=True))
    op.add_column("batches", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("batches", sa.Column("gathered", sa.Integer(), nullable=True))
    op.add_column("batches", sa.Column("target", sa.Text(), nullable=True))
    op.add_column("batches", sa.Column("label_start", sa.Integer(), nullable=True))
    op.execute("UPDATE batches SET gathered = pieces, label_start = 1")
    with op.batch_alter_table("batches", copy_from=_batches()) as batches:
        batches.alter_column("gathered", existing_type=sa.Integer(), nullable=False)
        batches.alter_column("label_start", existing_type=sa.Integer(), nullable=False)
        batches.drop_constraint("ck_batches_counts", type_="check")
        batches.create_check_constraint(
            "ck_batches_counts",
            "number > 0 AND of_day > 0 AND revision > 0 AND pieces >= 0 AND gathered >= pieces AND label_start > 0",
        )
        batches.create_check_constraint("ck_batches_empty", "pieces > 0 OR state = 'settled'")
        batches.create_check_constraint("ck_batches_held", "held_by IS NULL OR held IS NOT NULL")
        batches.create_check_constraint(
            "ck_batches_target", "state IN ('gathered', 'imposed') OR target IS NOT NULL OR pieces = 0"
        )
    with op.batch_alter_table("steps", copy_from=_steps()) as steps:
        steps.drop_constraint("ck_steps_subject", type_="check")
        steps.create_check_constraint("ck_steps_subject", _STEPS_SUBJECT)
    _remakes()
    _scans()
    op.create_table(
        "withdrawals",
        *_key(),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("piece_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "batch_id", "piece_id", name="pk_withdrawals"),
        sa.UniqueConstraint("tenant", "mode", "batch_id", "revision", "seq", name="uq_withdrawals_seq"),
        _link("withdrawals", "batches", "batch"),
        _link("withdrawals", "pieces", "piece"),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        *_key(),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_replies"),
        sa.UniqueConstraint("tenant", "mode", "batch_id", "name", "verdict", "digest", name="uq_replies_words"),
        _link("replies", "batches", "batch"),
        sa.CheckConstraint("verdict IN ('ack', 'nak')", name="ck_replies_verdict"),
    )


def _remakes() -> None:
    op.create_table(
        "remakes",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_remakes"),
        sa.UniqueConstraint("id", name="uq_remakes_id"),
        sa.UniqueConstraint("tenant", "mode", "batch_id", "run", name="uq_remakes_run"),
        _link("remakes", "batches", "batch"),
        sa.CheckConstraint("run > 0", name="ck_remakes_run"),
    )
    op.create_table(
        "remake_pieces",
        *_key(),
        sa.Column("remake_id", sa.Text(), nullable=False),
        sa.Column("piece_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "remake_id", "piece_id", name="pk_remake_pieces"),
        sa.UniqueConstraint("tenant", "mode", "remake_id", "seq", name="uq_remake_pieces_seq"),
        _link("remake_pieces", "remakes", "remake"),
        _link("remake_pieces", "pieces", "piece"),
    )
    op.create_table(
        "remake_files",
        *_key(),
        sa.Column("remake_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "remake_id", "name", name="pk_remake_files"),
        _link("remake_files", "remakes", "remake"),
    )


def _scans() -> None:
    op.create_table(
        "scan_lists",
        *_key(),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_scan_lists"),
        sa.UniqueConstraint("tenant", "mode", "batch_id", "sha256", name="uq_scan_lists_sha256"),
        _link("scan_lists", "batches", "batch"),
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        *_key(),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("piece_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=True),
        sa.Column("remake_id", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scans"),
        _link("scans", "batches", "batch"),
        _link("scans", "pieces", "piece"),
        _link("scans", "scan_lists", "list"),
        _link("scans", "remakes", "remake"),
        sa.CheckConstraint("stage IN ('inserted', 'mailed', 'printed', 'returned', 'spoiled')", name="ck_scans_stage"),
        sa.CheckConstraint("list_id IS NOT NULL OR remake_id IS NOT NULL", name="ck_scans_source"),
        sa.CheckConstraint("remake_id IS NULL OR stage = 'spoiled'", name="ck_scans_remake"),
    )
    op.create_index("ix_scans_batch", "scans", ["tenant", "mode", "batch_id", "id"], unique=False)


def _key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant", sa.Text(), nullable=False), sa.Column("mode", sa.Text(), nullable=False)


def _link(table: str, to: str, noun: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", "mode", f"{noun}_id"], [f"{to}.tenant", f"{to}.mode", f"{to}.id"], name=f"fk_{table}_{noun}"
    )


def _batches() -> sa.Table:
    """As 0001 left them, with the new columns still empty."""
    return sa.Table(
        "batches",
        sa.MetaData(),
        *_key(),
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
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("gathered", sa.Integer(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("label_start", sa.Integer(), nullable=True),
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


def _steps() -> sa.Table:
    """As 0001 left them."""
    flying = "state = 'open' AND (token IS NOT NULL OR hinted_until > 0)"
    table = sa.Table(
        "steps",
        sa.MetaData(),
        *_key(),
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
    sa.Index("ix_steps_flying", table.c.id, sqlite_where=sa.text(flying), postgresql_where=sa.text(flying))
    sa.Index(
        "ix_steps_open", table.c.kind, table.c.tenant, table.c.mode, table.c.id,
        sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    return table

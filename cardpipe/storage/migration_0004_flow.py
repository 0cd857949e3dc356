"""Orders that change, wait for approval, look like duplicates and are erased; steps with lanes and more kinds; the log
as an outbox.

Frozen: a later change of the tables is a later migration, never an edit here. ``batches`` and ``steps`` are copied on
SQLite, which cannot change a CHECK in place; the large tables only gain columns.
"""
# ruff: noqa: E501

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SUBJECT = (
    "(kind = 'compose' AND piece_id = subject AND batch_id IS NULL)"
    " OR (kind IN ('impose', 'release') AND batch_id = subject AND piece_id IS NULL)"
    " OR (kind = 'remake' AND batch_id IS NOT NULL AND piece_id IS NULL)"
)
_NEW_SUBJECT = f"{_SUBJECT} OR (kind IN ('accept', 'close', 'erase', 'events', 'import') AND batch_id IS NULL AND piece_id IS NULL)"


def upgrade() -> None:
    op.add_column("batches", sa.Column("erased_at", sa.Text(), nullable=True))
    op.add_column("events", sa.Column("xact", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("events", sa.Column("pending", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_events_pending",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("pending = 1"),
        postgresql_where=sa.text("pending = 1"),
    )
    op.create_index("ix_events_told", "events", ["tenant", "mode", "xact", "id"], unique=False)
    op.add_column("orders", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("orders", sa.Column("changed_at", sa.Text(), server_default="", nullable=False))
    op.add_column("orders", sa.Column("approval", sa.Text(), server_default="none", nullable=False))
    op.add_column("orders", sa.Column("approved", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("held_code", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("natural_key", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("duplicate_of", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("duplicate_allowed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("orders", sa.Column("arrive_by", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("import_id", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("done_at", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("erased_at", sa.Text(), nullable=True))
    op.create_index("ix_orders_accepted", "orders", ["tenant", "mode", "accepted_at", "id"], unique=False)
    op.create_index(
        "ix_orders_allowed",
        "orders",
        ["tenant", "mode", "natural_key"],
        unique=False,
        sqlite_where=sa.text("duplicate_allowed = 1"),
        postgresql_where=sa.text("duplicate_allowed = 1"),
    )
    op.create_index(
        "ix_orders_held",
        "orders",
        ["tenant", "mode", "id"],
        unique=False,
        sqlite_where=sa.text("held IS NOT NULL"),
        postgresql_where=sa.text("held IS NOT NULL"),
    )
    op.create_index("ix_orders_import", "orders", ["tenant", "mode", "import_id", "id"], unique=False)
    op.create_index("ix_orders_mail_on", "orders", ["tenant", "mode", "mail_on", "id"], unique=False)
    op.create_index(
        "ix_orders_to_erase",
        "orders",
        ["tenant", "mode", "done_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NOT NULL AND erased_at IS NULL"),
        postgresql_where=sa.text("done_at IS NOT NULL AND erased_at IS NULL"),
    )
    op.create_index(
        "uq_orders_natural_key",
        "orders",
        ["tenant", "mode", "natural_key"],
        unique=True,
        sqlite_where=sa.text(
            "natural_key IS NOT NULL AND state = 'accepted' AND held IS NULL AND duplicate_allowed = 0"
        ),
        postgresql_where=sa.text(
            "natural_key IS NOT NULL AND state = 'accepted' AND held IS NULL AND duplicate_allowed = 0"
        ),
    )
    op.add_column("pieces", sa.Column("awaits_approval", sa.Integer(), server_default="0", nullable=False))
    op.add_column("steps", sa.Column("lane", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE orders SET changed_at = accepted_at")
    # orders that were done before anybody counted: from the last move of their pieces
    op.execute(
        "UPDATE orders SET done_at = (SELECT max(e.at) FROM events e JOIN pieces p ON p.tenant = e.tenant"
        " AND p.mode = e.mode AND p.id = e.subject WHERE p.tenant = orders.tenant AND p.mode = orders.mode"
        " AND p.order_id = orders.id)"
        " WHERE NOT EXISTS (SELECT 1 FROM pieces p WHERE p.tenant = orders.tenant AND p.mode = orders.mode"
        " AND p.order_id = orders.id AND p.state NOT IN ('cancelled', 'mailed', 'returned'))"
    )
    # the bytes of orders that were there before anybody noted whose they are: or one that is erased would take them
    # from another that has them as well
    postgres = op.get_bind().dialect.name == "postgresql"
    photos = (
        "json_each_text(CASE WHEN json_typeof(CAST(spec AS json) -> 'photos') = 'object'"
        " THEN CAST(spec AS json) -> 'photos' END)"
        if postgres
        else "json_each(spec, '$.photos')"
    )
    signature = "CAST(spec AS json) ->> 'signature'" if postgres else "json_extract(spec, '$.signature')"
    op.execute(
        "INSERT INTO order_artifacts (tenant, mode, digest, order_id)"
        " SELECT tenant, mode, card, order_id FROM pieces WHERE card IS NOT NULL"
        " UNION SELECT tenant, mode, envelope, order_id FROM pieces WHERE envelope IS NOT NULL"
        f" UNION SELECT tenant, mode, {signature}, order_id FROM pieces WHERE {signature} IS NOT NULL"
        f" UNION SELECT tenant, mode, photo.value, order_id FROM pieces, {photos} AS photo"
    )
    op.drop_index("ix_steps_open", table_name="steps")
    with op.batch_alter_table("batches", copy_from=_batches()) as batches:
        batches.create_check_constraint("ck_batches_mode", "mode <> 'test'")
    with op.batch_alter_table("steps", copy_from=_steps()) as steps:
        steps.drop_constraint("ck_steps_subject", type_="check")
        steps.create_check_constraint("ck_steps_subject", _NEW_SUBJECT)
    op.create_index(
        "ix_steps_open", "steps", ["kind", "tenant", "mode", "lane", "id"], unique=False,
        sqlite_where=sa.text("state = 'open' AND held IS NULL"),
        postgresql_where=sa.text("state = 'open' AND held IS NULL"),
    )  # fmt: skip


def _key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant", sa.Text(), nullable=False), sa.Column("mode", sa.Text(), nullable=False)


def _batches() -> sa.Table:
    """As 0002 left them, with the new column."""
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
        sa.Column("gathered", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("label_start", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('gathered', 'imposed', 'mailed', 'printed', 'released', 'settled')", name="ck_batches_state"
        ),
        sa.CheckConstraint(
            "number > 0 AND of_day > 0 AND revision > 0 AND pieces >= 0 AND gathered >= pieces AND label_start > 0",
            name="ck_batches_counts",
        ),
        sa.CheckConstraint("pieces > 0 OR state = 'settled'", name="ck_batches_empty"),
        sa.CheckConstraint("held_by IS NULL OR held IS NOT NULL", name="ck_batches_held"),
        sa.CheckConstraint(
            "state IN ('gathered', 'imposed') OR target IS NOT NULL OR pieces = 0", name="ck_batches_target"
        ),
        sa.PrimaryKeyConstraint("tenant", "mode", "id", name="pk_batches"),
        sa.UniqueConstraint("id", name="uq_batches_id"),
        sa.UniqueConstraint("number", name="uq_batches_number"),
        sa.UniqueConstraint("tenant", "mode", "id", "group_key", name="uq_batches_group"),
        sa.UniqueConstraint("tenant", "mode", "mail_on", "of_day", name="uq_batches_of_day"),
    )


def _steps() -> sa.Table:
    """As 0002 left them, with the new column."""
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
        sa.Column("lane", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(_SUBJECT, name="ck_steps_subject"),
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
    return table

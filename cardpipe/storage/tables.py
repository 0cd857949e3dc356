"""The tables. Every key carries tenant and mode, so that the database itself refuses a link from one tenant to another.

What must never happen is a constraint here, not a habit elsewhere: a reference is one order for ever, an order has each
copy once, a piece has one ``batch_id`` and each place in a batch is taken once. JSON is kept as canonical text, so that
both engines hand back the same bytes. Times of leases are seconds since 1970; all others are ISO 8601 text in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cardpipe.model.status import IN_A_BATCH, BatchState, OrderState, PieceState

metadata = MetaData()

#: A row id that counts up: SQLite counts only where the type is INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")


def words(states: object) -> str:
    """States as a list for SQL, in a fixed order: ``'batched', 'mailed'``."""
    return ", ".join(f"'{state}'" for state in sorted(str(state) for state in states))  # type: ignore[attr-defined]


#: A step that somebody was told of, or that somebody holds. The dispatcher's window counts these.
FLYING = "state = 'open' AND (token IS NOT NULL OR hinted_until > 0)"
OPEN = "state = 'open'"

orders = Table(
    "orders",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("design", Text, nullable=False),
    Column("mail_on", Text, nullable=False),
    Column("held", Text),
    Column("findings", Text, nullable=False),
    Column("accepted_at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_orders"),
    UniqueConstraint("tenant", "mode", "reference", name="uq_orders_reference"),
    CheckConstraint(f"state IN ({words(OrderState)})", name="ck_orders_state"),
)

batches = Table(
    "batches",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("mail_on", Text, nullable=False),
    Column("of_day", Integer, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("press", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("held", Text),
    Column("findings", Text, nullable=False),
    Column("gathered_at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_batches"),
    UniqueConstraint("id", name="uq_batches_id"),
    UniqueConstraint("number", name="uq_batches_number"),
    UniqueConstraint("tenant", "mode", "mail_on", "of_day", name="uq_batches_of_day"),
    UniqueConstraint("tenant", "mode", "id", "group_key", name="uq_batches_group"),
    CheckConstraint(f"state IN ({words(BatchState)})", name="ck_batches_state"),
    CheckConstraint("number > 0 AND of_day > 0 AND revision > 0 AND pieces > 0", name="ck_batches_counts"),
)

pieces = Table(
    "pieces",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("copy", Integer, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mail_on", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("sort_key", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("card", Text),
    Column("envelope", Text),
    Column("card_bytes", Integer),
    Column("envelope_bytes", Integer),
    Column("composed_findings", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("batch_id", Text),
    Column("seq", Integer),
    Column("held", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_pieces"),
    UniqueConstraint("id", name="uq_pieces_id"),
    UniqueConstraint("order_id", "copy", name="uq_pieces_copy"),
    UniqueConstraint("batch_id", "seq", name="uq_pieces_seq"),
    ForeignKeyConstraint(
        ["tenant", "mode", "order_id"], ["orders.tenant", "orders.mode", "orders.id"], name="fk_pieces_order"
    ),
    # the group is part of the link: no piece can lie in a batch of another format, stock or carrier
    ForeignKeyConstraint(
        ["tenant", "mode", "batch_id", "group_key"],
        ["batches.tenant", "batches.mode", "batches.id", "batches.group_key"],
        name="fk_pieces_batch",
    ),
    CheckConstraint(f"state IN ({words(PieceState)})", name="ck_pieces_state"),
    CheckConstraint(f"(state IN ({words(IN_A_BATCH)})) = (batch_id IS NOT NULL)", name="ck_pieces_in_a_batch"),
    CheckConstraint("(batch_id IS NULL) = (seq IS NULL)", name="ck_pieces_place"),
    CheckConstraint(
        f"state NOT IN ('composed', {words(IN_A_BATCH)}) OR (card IS NOT NULL AND envelope IS NOT NULL)",
        name="ck_pieces_composed",
    ),
    CheckConstraint("copy > 0 AND (seq IS NULL OR seq > 0)", name="ck_pieces_counts"),
)
Index("ix_pieces_state", pieces.c.tenant, pieces.c.mode, pieces.c.state, pieces.c.mail_on)

steps = Table(
    "steps",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("piece_id", Text),
    Column("batch_id", Text),
    Column("state", Text, nullable=False),
    Column("token", Text),
    Column("leased_at", Double),
    Column("lease_len", Double),
    Column("hinted_until", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lost_leases", Integer, nullable=False),
    Column("held", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_steps"),
    UniqueConstraint("id", name="uq_steps_id"),
    UniqueConstraint("kind", "subject", name="uq_steps_subject"),
    ForeignKeyConstraint(
        ["tenant", "mode", "piece_id"], ["pieces.tenant", "pieces.mode", "pieces.id"], name="fk_steps_piece"
    ),
    ForeignKeyConstraint(
        ["tenant", "mode", "batch_id"], ["batches.tenant", "batches.mode", "batches.id"], name="fk_steps_batch"
    ),
    CheckConstraint("state IN ('done', 'dropped', 'open', 'stopped')", name="ck_steps_state"),
    CheckConstraint(
        "(kind = 'compose' AND piece_id = subject AND batch_id IS NULL)"
        " OR (kind = 'impose' AND batch_id = subject AND piece_id IS NULL)",
        name="ck_steps_subject",
    ),
    CheckConstraint(
        "(token IS NULL) = (leased_at IS NULL) AND (token IS NULL) = (lease_len IS NULL)"
        " AND (token IS NULL OR state = 'open')",
        name="ck_steps_lease",
    ),
)
Index(
    "ix_steps_open", steps.c.kind, steps.c.tenant, steps.c.mode, steps.c.id,
    sqlite_where=text(OPEN), postgresql_where=text(OPEN),
)  # fmt: skip
Index("ix_steps_flying", steps.c.id, sqlite_where=text(FLYING), postgresql_where=text(FLYING))

batch_files = Table(
    "batch_files",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "batch_id", "name", name="pk_batch_files"),
    ForeignKeyConstraint(
        ["tenant", "mode", "batch_id"], ["batches.tenant", "batches.mode", "batches.id"], name="fk_batch_files_batch"
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", _Counter, nullable=False, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_events"),
)
Index("ix_events_subject", events.c.tenant, events.c.mode, events.c.subject, events.c.id)

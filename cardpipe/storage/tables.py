"""The tables. Every key carries tenant and mode, so that the database itself refuses a link from one tenant to another.

What must never happen is a constraint here, not a habit elsewhere: a reference is one order for ever, an order has each
copy once, a piece has one ``batch_id`` and each place in a batch is taken once. JSON is kept as canonical text, so that
both engines hand back the same bytes. Times of leases are seconds since 1970; all others are ISO 8601 text in UTC.
``who`` is the operator who did it: "user" is a word of SQL, and gives the database's own user where it is not quoted.
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

from cardpipe.model.scan import Stage
from cardpipe.model.status import IN_A_BATCH, BatchState, OrderState, PieceState

metadata = MetaData()

#: A row id that counts up: SQLite counts only where the type is INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")


def words(states: object) -> str:
    """States as a list for SQL, in a fixed order: ``'batched', 'mailed'``."""
    return ", ".join(f"'{state}'" for state in sorted(str(state) for state in states))  # type: ignore[attr-defined]


#: A step that somebody was told of, or that somebody holds (the dispatcher's window counts these); one to take up.
FLYING = "state = 'open' AND (token IS NOT NULL OR hinted_until > 0)"
OPEN = "state = 'open' AND held IS NULL"

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
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("changed_at", Text, nullable=False, server_default=""),
    Column("approval", Text, nullable=False, server_default="none"),
    Column("approved", Text),
    Column("held_code", Text),
    Column("natural_key", Text),
    Column("duplicate_of", Text),
    Column("duplicate_allowed", Integer, nullable=False, server_default="0"),
    Column("arrive_by", Text),
    Column("import_id", Text),
    Column("done_at", Text),  # when its last piece was mailed, returned or cancelled: from then on retention counts
    Column("erased_at", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_orders"),
    UniqueConstraint("tenant", "mode", "reference", name="uq_orders_reference"),
    CheckConstraint(f"state IN ({words(OrderState)})", name="ck_orders_state"),
)
#: Of two orders that look like one, only one goes on: the second is held, or allowed by name.
GOES_ON = "natural_key IS NOT NULL AND state = 'accepted' AND held IS NULL AND duplicate_allowed = 0"
for _name, _columns, _where in (
    ("uq_orders_natural_key", ["natural_key"], GOES_ON),
    ("ix_orders_allowed", ["natural_key"], "duplicate_allowed = 1"),  # a third card is held against these, too
    ("ix_orders_accepted", ["accepted_at", "id"], None),
    ("ix_orders_import", ["import_id", "id"], None),
    ("ix_orders_mail_on", ["mail_on", "id"], None),
    ("ix_orders_held", ["id"], "held IS NOT NULL"),
    ("ix_orders_to_erase", ["done_at"], "done_at IS NOT NULL AND erased_at IS NULL"),
):
    _within = [orders.c[column] for column in ("tenant", "mode", *_columns)]
    _only = text(_where) if _where else None
    Index(_name, *_within, unique=_name[:2] == "uq", sqlite_where=_only, postgresql_where=_only)

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
    Column("held_by", Text),  # what held it: a kind of step, presort, scan or reply; NULL for a person
    Column("findings", Text, nullable=False),
    Column("gathered_at", Text, nullable=False),
    Column("gathered", Integer, nullable=False),
    Column("target", Text),
    Column("label_start", Integer, nullable=False),
    Column("erased_at", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_batches"),
    UniqueConstraint("id", name="uq_batches_id"),
    UniqueConstraint("number", name="uq_batches_number"),
    UniqueConstraint("tenant", "mode", "mail_on", "of_day", name="uq_batches_of_day"),
    UniqueConstraint("tenant", "mode", "id", "group_key", name="uq_batches_group"),
    CheckConstraint(f"state IN ({words(BatchState)})", name="ck_batches_state"),
    CheckConstraint(
        "number > 0 AND of_day > 0 AND revision > 0 AND pieces >= 0 AND gathered >= pieces AND label_start > 0",
        name="ck_batches_counts",
    ),
    CheckConstraint("pieces > 0 OR state = 'settled'", name="ck_batches_empty"),
    CheckConstraint("held_by IS NULL OR held IS NOT NULL", name="ck_batches_held"),
    # what a test key ordered never comes near a press
    CheckConstraint("mode <> 'test'", name="ck_batches_mode"),
    # nothing has left the house for a place that is not written down
    CheckConstraint("state IN ('gathered', 'imposed') OR target IS NOT NULL OR pieces = 0", name="ck_batches_target"),
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
    Column("presorted", Text),
    Column("awaits_approval", Integer, nullable=False, server_default="0"),
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
    Column("lane", Text, nullable=False, server_default=""),
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
        " OR (kind IN ('impose', 'release') AND batch_id = subject AND piece_id IS NULL)"
        " OR (kind = 'remake' AND batch_id IS NOT NULL AND piece_id IS NULL)"
        " OR (kind IN ('accept', 'close', 'erase', 'events', 'import') AND batch_id IS NULL AND piece_id IS NULL)",
        name="ck_steps_subject",
    ),
    CheckConstraint(
        "(token IS NULL) = (leased_at IS NULL) AND (token IS NULL) = (lease_len IS NULL)"
        " AND (token IS NULL OR state = 'open')",
        name="ck_steps_lease",
    ),
)
Index(
    "ix_steps_open", steps.c.kind, steps.c.tenant, steps.c.mode, steps.c.lane, steps.c.id,
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


def _key() -> tuple[Column[str], Column[str]]:
    return Column("tenant", Text, nullable=False), Column("mode", Text, nullable=False)


def _link(table: str, to: str, noun: str) -> ForeignKeyConstraint:
    """``NOUN_id`` belongs to a row of that table, of the same tenant and mode."""
    return ForeignKeyConstraint(
        ["tenant", "mode", f"{noun}_id"], [f"{to}.tenant", f"{to}.mode", f"{to}.id"], name=f"fk_{table}_{noun}"
    )


#: Pieces that were taken out of a batch: before its release (a new revision follows) or after it (the number stays).
withdrawals = Table(
    "withdrawals",
    metadata,
    *_key(),
    Column("batch_id", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "batch_id", "piece_id", name="pk_withdrawals"),
    UniqueConstraint("tenant", "mode", "batch_id", "revision", "seq", name="uq_withdrawals_seq"),
    _link("withdrawals", "batches", "batch"),
    _link("withdrawals", "pieces", "piece"),
)

remakes = Table(
    "remakes",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("made_at", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_remakes"),
    UniqueConstraint("id", name="uq_remakes_id"),
    UniqueConstraint("tenant", "mode", "batch_id", "run", name="uq_remakes_run"),
    _link("remakes", "batches", "batch"),
    CheckConstraint("run > 0", name="ck_remakes_run"),
)

remake_pieces = Table(
    "remake_pieces",
    metadata,
    *_key(),
    Column("remake_id", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "remake_id", "piece_id", name="pk_remake_pieces"),
    UniqueConstraint("tenant", "mode", "remake_id", "seq", name="uq_remake_pieces_seq"),
    _link("remake_pieces", "remakes", "remake"),
    _link("remake_pieces", "pieces", "piece"),
)

remake_files = Table(
    "remake_files",
    metadata,
    *_key(),
    Column("remake_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "remake_id", "name", name="pk_remake_files"),
    _link("remake_files", "remakes", "remake"),
)

scan_lists = Table(
    "scan_lists",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_scan_lists"),
    UniqueConstraint("tenant", "mode", "batch_id", "sha256", name="uq_scan_lists_sha256"),
    _link("scan_lists", "batches", "batch"),
)

#: Only ever added to. A spoil that was remade, or waits to be, names its remake.
scans = Table(
    "scans",
    metadata,
    Column("id", _Counter, nullable=False, autoincrement=True),
    *_key(),
    Column("batch_id", Text, nullable=False),
    Column("piece_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("list_id", Text),
    Column("remake_id", Text),
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_scans"),
    _link("scans", "batches", "batch"),
    _link("scans", "pieces", "piece"),
    _link("scans", "scan_lists", "list"),
    _link("scans", "remakes", "remake"),
    CheckConstraint(f"stage IN ({words(Stage)})", name="ck_scans_stage"),
    CheckConstraint("list_id IS NOT NULL OR remake_id IS NOT NULL", name="ck_scans_source"),
    CheckConstraint("remake_id IS NULL OR stage = 'spoiled'", name="ck_scans_remake"),
)
Index("ix_scans_batch", scans.c.tenant, scans.c.mode, scans.c.batch_id, scans.c.id)

replies = Table(
    "replies",
    metadata,
    Column("id", _Counter, nullable=False, autoincrement=True),
    *_key(),
    Column("batch_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_replies"),
    UniqueConstraint("tenant", "mode", "batch_id", "name", "verdict", "digest", name="uq_replies_words"),
    _link("replies", "batches", "batch"),
    CheckConstraint("verdict IN ('ack', 'nak')", name="ck_replies_verdict"),
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
    # the transaction that wrote it (PostgreSQL; 0 on SQLite, where writers queue): readers go by (xact, id), so that
    # one that ended later than its neighbours is not passed over
    Column("xact", BigInteger, nullable=False, server_default="0"),
    Column("pending", Integer, nullable=False, server_default="0"),  # 1: no delivery was made of it yet
    PrimaryKeyConstraint("id", name="pk_events"),
)
Index("ix_events_told", events.c.tenant, events.c.mode, events.c.xact, events.c.id)
Index("ix_events_pending", events.c.id, sqlite_where=text("pending = 1"), postgresql_where=text("pending = 1"))
Index("ix_events_subject", events.c.tenant, events.c.mode, events.c.subject, events.c.id)

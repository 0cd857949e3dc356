"""The tables of the console: who works here, who is logged in, who guesses passwords; and the indexes it asks by.

Of a password there is what argon2 made of it, of a session the digest of what the browser holds, of a name that failed
a salted digest: it may have been a password, typed into the wrong field.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from cardpipe.model.user import Role
from cardpipe.storage.tables import batches, metadata, orders, pieces, withdrawals, words
from cardpipe.storage.tables_crm import audit, intake

__all__ = ["metadata"]

users = Table(
    "users",
    metadata,
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("tenants", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("disabled_at", Text),
    PrimaryKeyConstraint("name", name="pk_users"),
    CheckConstraint(f"role IN ({words(Role)})", name="ck_users_role"),
    CheckConstraint("password <> ''", name="ck_users_password"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("begun_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_sessions"),
    ForeignKeyConstraint(["name"], ["users.name"], name="fk_sessions_user"),
    CheckConstraint("mode IN ('live', 'test')", name="ck_sessions_mode"),
)
Index("ix_sessions_name", sessions.c.name)
Index("ix_sessions_begun", sessions.c.begun_at)
Index("ix_sessions_seen", sessions.c.seen_at)

#: Failures in a row of a name, whether anybody has it or not.
failed_logins = Table(
    "failed_logins",
    metadata,
    Column("digest", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_failed_logins"),
    CheckConstraint("failures > 0", name="ck_failed_logins_failures"),
)
Index("ix_failed_logins_at", failed_logins.c.at)
Index("ix_failed_logins_failures", failed_logins.c.failures, failed_logins.c.at)

#: With the id behind the state: what is due is counted, and its oldest found, without reading a piece.
Index(
    "ix_pieces_due", pieces.c.tenant, pieces.c.mode, pieces.c.mail_on, pieces.c.group_key, pieces.c.state, pieces.c.id
)  # fmt: skip
#: Orders by a state of their pieces, the newest first, however many of other states lie before them. Mode does not
#: come second: of indexes that begin alike SQLite takes the last, and what is held is asked by tenant and mode alone.
Index("ix_pieces_listed", pieces.c.tenant, pieces.c.state, pieces.c.mode, pieces.c.order_id)
for _name, _where in (("ix_pieces_held", "held IS NOT NULL"), ("ix_pieces_unapproved", "awaits_approval = 1")):
    Index(
        _name, pieces.c.tenant, pieces.c.mode, pieces.c.mail_on, pieces.c.group_key, pieces.c.state,
        sqlite_where=text(_where), postgresql_where=text(_where),
    )  # fmt: skip
Index("ix_batches_state", batches.c.tenant, batches.c.mode, batches.c.state, batches.c.id)
_REFUSED = "state = 'refused'"
Index(
    "ix_intake_refused", intake.c.tenant, intake.c.mode, intake.c.id,
    sqlite_where=text(_REFUSED), postgresql_where=text(_REFUSED),
)  # fmt: skip
Index("ix_audit_subject", audit.c.tenant, audit.c.subject, audit.c.number)
Index("ix_withdrawals_number", withdrawals.c.batch_id, withdrawals.c.seq)
#: A reference by its beginning: PostgreSQL's own order of letters is no order of beginnings.
Index(
    "ix_orders_begins", orders.c.tenant, orders.c.mode, orders.c.reference,
    postgresql_ops={"reference": "text_pattern_ops"},
)  # fmt: skip

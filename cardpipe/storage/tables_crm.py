"""The tables of the doors: whose key, which request, which import, who is told, who did what, what recurs.

Like ``tables``: every key carries tenant and mode, and what must never happen is a constraint. Secrets are not kept:
of an API key its digest, of a webhook's secret nothing (it is derived), of a request's fields keyed digests.
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
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cardpipe.model.intake import ImportState, RowState
from cardpipe.storage.tables import _Counter, _key, _link, metadata, words

#: One value a name: ``secret`` (a fingerprint), ``paused`` (a reason).
installation = Table(
    "installation",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("name", name="pk_installation"),
)

tenants = Table(
    "tenants",
    metadata,
    Column("name", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("name", name="pk_tenants"),
)

api_keys = Table(
    "api_keys",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
    Column("used_at", Text),
    PrimaryKeyConstraint("id", name="pk_api_keys"),
    UniqueConstraint("digest", name="uq_api_keys_digest"),
    CheckConstraint("mode IN ('live', 'test')", name="ck_api_keys_mode"),
)
Index("ix_api_keys_tenant", api_keys.c.tenant, api_keys.c.id)

#: Only ever added to. ``hash`` covers the entry and the ``hash`` before it.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), nullable=False, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("number", name="pk_audit"),
)
Index("ix_audit_tenant", audit.c.tenant, audit.c.number)

#: An Idempotency-Key, kept as long as what it made. ``fields``: keyed digests of the body's leaves, by path.
requests = Table(
    "requests",
    metadata,
    *_key(),
    Column("door", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("token", Text),
    Column("begun_at", Double, nullable=False),
    Column("status", Integer),
    Column("answer", Text),
    Column("subject", Text),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "door", "key", name="pk_requests"),
    CheckConstraint("(token IS NULL) = (status IS NOT NULL)", name="ck_requests_done"),
    CheckConstraint("(status IS NULL) = (answer IS NULL)", name="ck_requests_answer"),
    CheckConstraint("status IS NULL OR status < 500", name="ck_requests_final"),
)
_ANSWERED = "subject IS NOT NULL"
Index(
    "ix_requests_subject", requests.c.tenant, requests.c.mode, requests.c.subject,
    sqlite_where=text(_ANSWERED), postgresql_where=text(_ANSWERED),
)  # fmt: skip

order_metadata = Table(
    "order_metadata",
    metadata,
    *_key(),
    Column("order_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "order_id", "name", name="pk_order_metadata"),
    _link("order_metadata", "orders", "order"),
)
Index(
    "ix_order_metadata_value", order_metadata.c.tenant, order_metadata.c.mode, order_metadata.c.name,
    order_metadata.c.value, order_metadata.c.order_id,
)  # fmt: skip

#: Which bytes are an order's own (photos, signature, fragments): they are removed once no order has them.
order_artifacts = Table(
    "order_artifacts",
    metadata,
    *_key(),
    Column("digest", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "digest", "order_id", name="pk_order_artifacts"),
    _link("order_artifacts", "orders", "order"),
)
Index("ix_order_artifacts_order", order_artifacts.c.tenant, order_artifacts.c.mode, order_artifacts.c.order_id)

#: Pictures that were uploaded, whether an order names them or not.
uploads = Table(
    "uploads",
    metadata,
    *_key(),
    Column("digest", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "digest", name="pk_uploads"),
)
Index("ix_uploads_at", uploads.c.tenant, uploads.c.mode, uploads.c.at)

#: Bytes to be removed. A row lives from the decision until the bytes are gone.
rubbish = Table(
    "rubbish",
    metadata,
    *_key(),
    Column("digest", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "digest", name="pk_rubbish"),
)

imports = Table(
    "imports",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("dry_run", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("line_count", Integer),
    Column("header", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("erased_at", Text),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_imports"),
    CheckConstraint(f"state IN ({words(ImportState)})", name="ck_imports_state"),
)

#: An order that only a worker can judge. Its id is the order's; ``chunk`` is the subject of the step that judges it.
intake = Table(
    "intake",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("import_id", Text),
    Column("line", Integer, nullable=False),
    Column("chunk", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("cells", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("overrides", Text, nullable=False, server_default="[]"),
    Column("natural_key", Text),  # of a dry run's rows alone: they are no orders, which have it
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_intake"),
    UniqueConstraint("tenant", "mode", "import_id", "line", name="uq_intake_line"),
    _link("intake", "imports", "import"),
    CheckConstraint(f"state IN ({words(RowState)})", name="ck_intake_state"),
)
_ALONE = "import_id IS NULL"
Index(
    "uq_intake_reference", intake.c.tenant, intake.c.mode, intake.c.reference, unique=True,
    sqlite_where=text(_ALONE), postgresql_where=text(_ALONE),
)  # fmt: skip
Index("ix_intake_import", intake.c.tenant, intake.c.mode, intake.c.import_id, intake.c.state)
Index("ix_intake_reference", intake.c.tenant, intake.c.mode, intake.c.import_id, intake.c.reference)
Index(
    "ix_intake_natural_key", intake.c.tenant, intake.c.mode, intake.c.import_id, intake.c.natural_key,
    sqlite_where=text("natural_key IS NOT NULL"), postgresql_where=text("natural_key IS NOT NULL"),
)  # fmt: skip
Index("ix_intake_chunk", intake.c.tenant, intake.c.mode, intake.c.chunk, intake.c.line)

endpoints = Table(
    "endpoints",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("enabled", Integer, nullable=False),
    Column("disabled_reason", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("rotated_until", Text, nullable=False),
    Column("failing_since", Text, nullable=False, server_default=""),  # nothing was taken since then
    Column("created_at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_endpoints"),
    UniqueConstraint("id", name="uq_endpoints_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("endpoint_id", Text, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("created_at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_deliveries"),
    UniqueConstraint("tenant", "mode", "endpoint_id", "event_id", name="uq_deliveries_event"),
    _link("deliveries", "endpoints", "endpoint"),
    CheckConstraint("state IN ('delivered', 'given_up', 'pending')", name="ck_deliveries_state"),
)
_PENDING = "state = 'pending'"
Index(
    "ix_deliveries_pending", deliveries.c.tenant, deliveries.c.mode, deliveries.c.endpoint_id, deliveries.c.next_at,
    deliveries.c.event_id, sqlite_where=text(_PENDING), postgresql_where=text(_PENDING),
)  # fmt: skip
Index(
    "ix_deliveries_order", deliveries.c.tenant, deliveries.c.mode, deliveries.c.endpoint_id, deliveries.c.order_id,
    deliveries.c.event_id, sqlite_where=text(_PENDING), postgresql_where=text(_PENDING),
)  # fmt: skip

#: Every answer to every try.
answers = Table(
    "answers",
    metadata,
    Column("id", _Counter, nullable=False, autoincrement=True),
    *_key(),
    Column("delivery_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("status", Integer),
    Column("words", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    PrimaryKeyConstraint("id", name="pk_answers"),
    ForeignKeyConstraint(
        ["tenant", "mode", "delivery_id"],
        ["deliveries.tenant", "deliveries.mode", "deliveries.id"],
        name="fk_answers_delivery",
    ),
)
Index("ix_answers_delivery", answers.c.tenant, answers.c.mode, answers.c.delivery_id, answers.c.id)

#: A cut-off or an erasure: one row for each, however many dispatchers ask for it.
duties = Table(
    "duties",
    metadata,
    *_key(),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "mode", "id", name="pk_duties"),
    UniqueConstraint("tenant", "mode", "kind", "due", name="uq_duties_due"),
    CheckConstraint("kind IN ('close', 'erase')", name="ck_duties_kind"),
    CheckConstraint("state IN ('done', 'open', 'stopped')", name="ck_duties_state"),
)

#: Which processes said lately that they live.
beats = Table(
    "beats",
    metadata,
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("name", name="pk_beats"),
)

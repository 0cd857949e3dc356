"""Orders are listed by a state of their pieces, newest first, however many others lie before them.

Frozen: a later change of the tables is a later migration, never an edit here. No table is copied; in a large database
the index takes a while (a second or two for a hundred thousand pieces).
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("ix_pieces_listed", "pieces", ["tenant", "state", "mode", "order_id"], unique=False)

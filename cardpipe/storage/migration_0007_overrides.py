"""Rows keep what an operator let pass of them.

Frozen: a later change of the tables is a later migration, never an edit here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("intake", sa.Column("overrides", sa.Text(), server_default="[]", nullable=False))

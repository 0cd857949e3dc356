"""The store's numbers: ``ports.measures.Measures``."""

from __future__ import annotations

from cardpipe.ports.measures import Measured
from cardpipe.storage import measures
from cardpipe.storage.engine import Database


class SqlMeasures:
    """``ports.measures.Measures`` on SQLite or PostgreSQL."""

    db: Database

    def measures(self) -> Measured:
        with self.db.reading() as tx:
            return measures.measured(tx)

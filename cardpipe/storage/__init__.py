"""Adapter: tables, migrations, orders, pieces, batches, steps; artifacts by SHA-256."""

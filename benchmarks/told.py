"""What the simulation tells of itself: what each stage took, how batches were shared, what imposing took; and the copy
of the database from which a lost hour is mended."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cardpipe.model.batch import Group

_TIMES = ("cpu", "server", "wall")


def each(spent: Mapping[str, float], orders: float) -> dict[str, float]:
    """Milliseconds an order."""
    return {kind: round(spent.get(kind, 0.0) / orders * 1e3, 3) for kind in _TIMES}


def stages(now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """What each stage has taken an order since then, of those that had orders to do."""
    found = {}
    for name, spent in now.items():
        was = before.get(name, {})
        if many := spent.get("orders", 0) - was.get("orders", 0):
            found[name] = each({kind: spent.get(kind, 0) - was.get(kind, 0) for kind in _TIMES}, many)
    return found


def new_database(database_url: str) -> None:
    """An empty one of that name on its server."""
    url = sa.make_url(database_url)
    server(url, f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)', f'CREATE DATABASE "{url.database}"')


def shape(batches: list[dict[str, Any]]) -> dict[str, Any]:
    """How the pieces were shared between batches."""
    by_group: dict[str, list[int]] = {}
    for batch in batches:
        by_group.setdefault(_named(batch["group"]), []).append(batch["pieces"])
    return {group: {"batches": len(sizes), "pieces": sum(sizes), "smallest": min(sizes), "largest": max(sizes)}
            for group, sizes in sorted(by_group.items())}  # fmt: skip


def imposed(batches: list[dict[str, Any]]) -> dict[str, Any]:
    """What imposing took, by group, of the pieces that were imposed; and what all would have taken."""
    found: dict[str, Any] = {}
    for group in sorted({batch["group"] for batch in batches}):
        those = [batch for batch in batches if batch["group"] == group]
        did, all_ = sum(batch["imposed"] for batch in those), sum(batch["pieces"] for batch in those)
        real = [batch for batch in those if batch["imposed"]]
        if did:
            cpu, wall, size = (sum(batch[kind] for batch in real) for kind in ("cpu", "wall", "bytes"))
            found[_named(group)] = {
                "imposed": did, "of": all_, "cpu_ms_per_piece": cpu / did * 1e3, "wall_ms_per_piece": wall / did * 1e3,
                "bytes_per_piece": size / did, "cpu_hours_for_all": cpu / did * all_ / 3600,
            }  # fmt: skip
    return found


def _named(group: str) -> str:
    """A group by its names: format, press, carrier, stock, and the house."""
    return Group.read(group).kind.text


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {"processors": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version}  # fmt: skip


def copy_database(database_url: str, data: Path, *, back: bool) -> None:
    """As a backup does it: SQLite page by page, PostgreSQL as a template."""
    if database_url:
        url = sa.make_url(database_url)
        kept = f"{url.database}_kept"
        source, target = (kept, url.database) if back else (url.database, kept)
        server(
            url, f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)', f'CREATE DATABASE "{target}" TEMPLATE "{source}"'
        )  # fmt: skip
        if back:
            server(url, f'DROP DATABASE "{kept}" WITH (FORCE)')
        return
    shop = data / "shop" / "cardpipe.db"
    kept_file = data / "kept.db"
    source_file, target_file = (kept_file, shop) if back else (shop, kept_file)
    for place in target_file.parent.glob(f"{target_file.name}*"):
        place.unlink()
    with sqlite3.connect(source_file) as one, sqlite3.connect(target_file) as other:
        one.backup(other)
    one.close()
    other.close()
    if back:
        kept_file.unlink()


def server(url: sa.URL, *statements: str) -> None:
    """Tell the server itself, past any database of ours."""
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)
    engine.dispose()

"""What holds for the whole installation: one value a name.

``secret`` (a fingerprint), ``paused`` (a reason), ``audit`` (the newest entry's number and hash), ``erased`` and
``rewritten`` (when something was erased last, and when the database's file was written anew since).
"""

from __future__ import annotations

from cardpipe.storage.engine import Tx

_GET = "SELECT value FROM installation WHERE name = :name"
_PUT = """
    INSERT INTO installation (name, value, at) VALUES (:name, :value, :at)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
"""
_PUT_ONCE = "INSERT INTO installation (name, value, at) VALUES (:name, :value, :at) ON CONFLICT DO NOTHING"
_DROP = "DELETE FROM installation WHERE name = :name"


def get(tx: Tx, name: str) -> str | None:
    """The value, if there is one."""
    row = tx.one(_GET, name=name)
    return row["value"] if row else None


def put(tx: Tx, name: str, value: str) -> None:
    """This value from now on."""
    tx.run(_PUT, name=name, value=value, at=tx.at)


def put_once(tx: Tx, name: str, value: str) -> None:
    """This value, unless there is one already: then that one stays."""
    tx.run(_PUT_ONCE, name=name, value=value, at=tx.at)


def drop(tx: Tx, name: str) -> None:
    """No value any more."""
    tx.run(_DROP, name=name)

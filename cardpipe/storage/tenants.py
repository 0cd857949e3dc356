"""Whose orders these are: tenants with their terms, their API keys, and what holds for the whole installation."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.tenant import NewKey, StoredKey, Tenant
from cardpipe.storage import audit, installation
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

_TENANT = "SELECT name, terms FROM tenants WHERE name = :name"
_TENANTS = "SELECT name, terms FROM tenants ORDER BY name"
_SET_TENANT = """
    INSERT INTO tenants (name, terms, at) VALUES (:name, :terms, :at)
    ON CONFLICT (name) DO UPDATE SET terms = excluded.terms, at = excluded.at
"""
_ADD_KEY = """
    INSERT INTO api_keys (tenant, mode, id, digest, label, scopes, created_at, expires_at)
    VALUES (:tenant, :mode, :id, :digest, :label, :scopes, :at, :expires_at)
    ON CONFLICT DO NOTHING
"""
_KEY = "SELECT * FROM api_keys WHERE id = :id"
_KEYS = "SELECT * FROM api_keys WHERE tenant = :tenant ORDER BY id"
_REVOKE = "UPDATE api_keys SET revoked_at = :at WHERE tenant = :tenant AND id = :id AND revoked_at IS NULL"
_USED = "UPDATE api_keys SET used_at = :at WHERE id = :id"
#: Why the steps that would hand something over stand still: what tells them from those that somebody else holds.
_STANDSTILL = "nothing is released for the time being"
_HOLD_RELEASES = """
    UPDATE steps SET held = :standstill, hinted_until = 0
    WHERE kind IN ('release', 'remake') AND state = 'open' AND held IS NULL
"""
_LET_GO = "UPDATE steps SET held = NULL WHERE kind IN ('release', 'remake') AND held = :standstill"

#: A key's use is written down again after so long (seconds).
_USED_AGAIN = 60.0


def one(tx: Tx, name: str) -> Tenant:
    """A tenant as it was set, or with the default terms."""
    row = tx.one(_TENANT, name=name)
    return _tenant_from(row) if row else Tenant(name=name)


def every(tx: Tx) -> list[Tenant]:
    """Those that were ever set, by name."""
    return [_tenant_from(row) for row in tx.all(_TENANTS)]


def set_one(tx: Tx, tenant: Tenant, actor: str) -> None:
    """The tenant's terms from now on; what changed stands in the audit log. The same terms again change nothing."""
    known = tx.one(_TENANT, name=tenant.name)
    old, new = json.loads(known["terms"]) if known else {}, _terms(tenant)
    if known and old == new:
        return
    tx.run(_SET_TENANT, name=tenant.name, terms=text(new), at=tx.at)
    changed = {name: new[name] for name in sorted(new) if name not in old or old[name] != new[name]}
    audit.add(tx, tenant.name, actor, "tenant.changed" if known else "tenant.created", tenant.name, **changed)


def add_key(tx: Tx, new: NewKey, actor: str) -> StoredKey:
    """A new API key. Raises Conflict ``key.taken`` for an id or a digest that is there already, Refused for a mode
    that is none."""
    if new.mode not in ("live", "test"):
        raise Refused("A key is either live or test.", [error("key.mode", "mode", "is neither", "say live or test")])
    added = tx.run(
        _ADD_KEY, tenant=new.tenant, mode=new.mode, id=new.id, digest=new.digest, label=new.label,
        scopes=text(sorted(new.scopes)), at=tx.at, expires_at=new.expires_at,
    )  # fmt: skip
    if not added:
        raise Conflict("Such a key is there already.", [error("key.taken", "id", "is taken", "make another key")])
    audit.add(
        tx, new.tenant, actor, "key.created", new.id, mode=new.mode, scopes=sorted(new.scopes), until=new.expires_at
    )
    return StoredKey(
        new.tenant, new.mode, new.id, new.digest, new.label, new.scopes, tx.at, new.expires_at, None, None
    )  # fmt: skip


def key(tx: Tx, key_id: str) -> StoredKey | None:
    """A key by its public id, whoever's it is."""
    row = tx.one(_KEY, id=key_id)
    return _key_from(row) if row else None


def keys(tx: Tx, tenant: str) -> list[StoredKey]:
    """A tenant's keys, oldest first, with those that are over."""
    return [_key_from(row) for row in tx.all(_KEYS, tenant=tenant)]


def revoke_key(tx: Tx, tenant: str, key_id: str, actor: str) -> StoredKey:
    """From now on the key opens nothing. Twice is once. Raises Refused ``key.unknown``, also for another tenant's."""
    revoked = tx.run(_REVOKE, tenant=tenant, id=key_id, at=tx.at)
    found = key(tx, key_id)
    if found is None or found.tenant != tenant:
        raise Refused("No such key.", [error("key.unknown", "id", "no key has this id", "list the tenant's keys")])
    if revoked:
        audit.add(tx, tenant, actor, "key.revoked", key_id, mode=found.mode)
    return found


def used_lately(tx: Tx, key_id: str) -> bool:
    """Whether the key's use need not be written now: it was within the last minute, or there is no such key. A note
    from a clock that was ahead is no reason to wait for that hour."""
    found = key(tx, key_id)
    if found is None:
        return True
    return found.used_at is not None and 0 <= tx.now - _seconds(found.used_at) < _USED_AGAIN


def used_key(tx: Tx, key_id: str) -> None:
    """The key was used at this moment."""
    tx.run(_USED, id=key_id, at=tx.at)


def paused(tx: Tx) -> str | None:
    """Why nothing may be released; None: go on."""
    return installation.get(tx, "paused")


def pause(tx: Tx, reason: str | None, actor: str) -> None:
    """Stop all releases for this reason, or (None) end the stop. The reason itself stays out of the audit log. Whoever
    is handing over at this moment finds his lease lost."""
    if reason is not None and not reason.strip():
        raise Refused("A pause needs a reason.", [error("pause.reason", "reason", "is empty", "say why")])
    was = paused(tx)
    if was == reason:
        return
    if reason is None:
        installation.drop(tx, "paused")
        tx.run(_LET_GO, standstill=_STANDSTILL)
    else:
        installation.put(tx, "paused", reason)
        hold_releases(tx)
    audit.add(tx, "", actor, "release.resumed" if reason is None else "release.paused", "installation")


def hold_releases(tx: Tx) -> None:
    """No worker takes a step that hands something over, and the dispatcher does not offer it."""
    tx.run(_HOLD_RELEASES, standstill=_STANDSTILL)


def refuse_while_paused(tx: Tx) -> None:
    """Raises Conflict ``release.paused`` while nothing may be released: what a restored system does not know of was
    perhaps delivered, and would be printed twice."""
    reason = paused(tx)
    if reason is not None:
        raise Conflict(
            f"Nothing is released for the time being: {reason}",
            [error("release.paused", "release", reason,
                   "compare what is here with what was delivered, then end the pause")],
        )  # fmt: skip


def check_secret(tx: Tx, fingerprint: str, *, write: bool) -> bool:
    """Whether it is written down which secret this database's keyed hashes are made with; ``write``: do, if nobody
    did. Raises Conflict ``secret.other`` for any other."""
    if write:
        installation.put_once(tx, "secret", fingerprint)
    noted = installation.get(tx, "secret")
    if noted not in (None, fingerprint):
        raise Conflict(
            "This database was made with another secret: no likely duplicate would be seen, no webhook believed.",
            [error("secret.other", "secret", "is not the one that this database was made with",
                   "take the secret that lies beside the database, or in the backup that it came from")],
        )  # fmt: skip
    return noted is not None


def _terms(tenant: Tenant) -> dict[str, Any]:
    return tenant.model_dump(mode="json", exclude={"name"})


def _tenant_from(row: sa.RowMapping) -> Tenant:
    return Tenant(name=row["name"], **json.loads(row["terms"]))


def _key_from(row: sa.RowMapping) -> StoredKey:
    return StoredKey(
        row["tenant"], row["mode"], row["id"], row["digest"], row["label"], frozenset(json.loads(row["scopes"])),
        row["created_at"], row["expires_at"], row["revoked_at"], row["used_at"],
    )  # fmt: skip


def _seconds(at: str) -> float:
    return dt.datetime.fromisoformat(at).timestamp()

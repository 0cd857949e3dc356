"""The store's part for doors and for what goes: ``ports.Tenancy`` and ``ports.Retention``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from cardpipe.model.errors import Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.stored import Claim
from cardpipe.model.tenant import AuditEntry, NewKey, StoredKey, Tenant
from cardpipe.storage import audit, deliveries, duties, erasure, events, rubbish, sessions, tenants
from cardpipe.storage.engine import Database, Tx


class SqlTenancy:
    """Tenants, keys, the audit log, retention; each method is one transaction unless it says otherwise."""

    db: Database

    # tenants, keys
    def tenant(self, name: str) -> Tenant:
        with self.db.reading() as tx:
            return tenants.one(tx, name)

    def tenants(self) -> list[Tenant]:
        with self.db.reading() as tx:
            return tenants.every(tx)

    def set_tenant(self, tenant: Tenant, actor: str) -> None:
        with self.db.writing() as tx:
            tenants.set_one(tx, tenant, actor)

    def add_key(self, new: NewKey, actor: str) -> StoredKey:
        with self.db.writing() as tx:
            return tenants.add_key(tx, new, actor)

    def key(self, key_id: str) -> StoredKey | None:
        with self.db.reading() as tx:
            return tenants.key(tx, key_id)

    def keys(self, tenant: str) -> list[StoredKey]:
        with self.db.reading() as tx:
            return tenants.keys(tx, tenant)

    def revoke_key(self, tenant: str, key_id: str, actor: str) -> StoredKey:
        with self.db.writing() as tx:
            return tenants.revoke_key(tx, tenant, key_id, actor)

    def used_key(self, key_id: str) -> None:
        """Never fails a request: a note that could not be written now is written at the next use."""
        with suppress(Unavailable):
            with self.db.reading() as tx:  # a request more in a minute needs no place among the writers
                if tenants.used_lately(tx, key_id):
                    return
            with self.db.writing() as tx:
                tenants.used_key(tx, key_id)

    # the audit log
    def audit(self, tenant: str, actor: str, action: str, subject: str, **detail: object) -> None:
        with self.db.writing() as tx:
            audit.add(tx, tenant, actor, action, subject, **detail)

    def audited(self, tenant: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        with self.db.reading() as tx:
            return audit.of(tx, tenant, limit, before)

    def audit_broken(self) -> int | None:
        with self.db.reading() as tx:
            return audit.broken(tx)

    def audit_head(self) -> tuple[int, str]:
        """The newest entry's number and hash: noted elsewhere, it tells a chain that was made anew as a whole."""
        with self.db.reading() as tx:
            return audit.head(tx)

    # the installation
    def paused(self) -> str | None:
        with self.db.reading() as tx:
            return tenants.paused(tx)

    def restored(self, reason: str, actor: str) -> None:
        with self.db.writing() as tx:
            tenants.pause(tx, reason, actor)
            events.of_another_server(tx)
            sessions.end_everybodys(tx)

    def pause(self, reason: str | None, actor: str) -> None:
        with self.db.writing() as tx:
            tenants.pause(tx, reason, actor)

    def check_secret(self, fingerprint: str) -> None:
        with self.db.reading() as tx:
            if tenants.check_secret(tx, fingerprint, write=False):
                return
        with self.db.writing() as tx:
            tenants.check_secret(tx, fingerprint, write=True)

    # retention
    def keep_picture(self, scope: Scope, digest: str, use: str) -> None:
        with self.db.writing() as tx:
            rubbish.keep_picture(tx, scope, digest, use)

    def foresee(self, scope: Scope, digests: Iterable[str]) -> None:
        if digests := list(digests):
            with self.db.noting() as tx:
                rubbish.foresee(tx, scope, digests)

    def erasable(self, scope: Scope, before: str, limit: int = 200) -> list[str]:
        with self.db.reading() as tx:
            return erasure.erasable(tx, scope, before, limit)

    def erase_order(self, scope: Scope, order_id: str, actor: str, keyed: str) -> None:
        with self.db.writing() as tx:
            erasure.erase(tx, scope, order_id, actor, keyed)

    def erase_rest(self, scope: Scope, before: str, actor: str) -> int:
        """In pages, a transaction each: an import of 10,000 rows must not keep orders waiting behind another one."""
        until = erasure.moment(before)
        uploads = self._each(lambda tx: rubbish.forget_uploads(tx, scope, until, _moment(tx)))
        imports = self._each(lambda tx: rubbish.forget_import(tx, scope, until))
        with self.db.writing() as tx:
            rows = rubbish.forget_alone(tx, scope, until)
            if uploads or imports or rows:
                rubbish.note(tx, scope, actor, until, uploads=uploads, imports=imports, rows=rows)
        return uploads + imports + rows

    def forget_deliveries(self, scope: Scope) -> int:
        return self._each(lambda tx: deliveries.forget(tx, scope))

    def rubbish(self, scope: Scope, limit: int = 500) -> list[str]:
        with self.db.writing() as tx:
            return rubbish.listed(tx, scope, limit)

    def removed(self, scope: Scope, digests: Sequence[str]) -> None:
        with self.db.writing() as tx:
            rubbish.removed(tx, scope, digests)

    def scrub(self) -> None:
        """SQLite: the first call a day after something was erased writes the file anew (see ``Database.rewrite``), so
        call this once a day, whether anything was erased that day or not. PostgreSQL: nothing. What was overwritten
        there leaves its files once VACUUM has come by and the room was used again, and the journal once its segments
        are recycled. A backup keeps what it has: keep none for longer than what was erased may be known."""
        with self.db.reading() as tx:
            rewrite, moment = self.db.sqlite and erasure.to_rewrite(tx), tx.at
        if rewrite:
            self.db.rewrite()
            with self.db.writing() as tx:
                erasure.rewritten(tx, moment)
        self.db.empty_journal()

    def complete_erase(self, claim: Claim, result: str) -> bool:
        with self.db.writing() as tx:
            return duties.complete(tx, claim, result)

    def _each(self, page: Callable[[Tx], int]) -> int:
        """Page after page until there is none; how many in all."""
        done = 0
        while True:
            with self.db.writing() as tx:
                found = page(tx)
            if not found:
                return done
            done += found


def _moment(tx: Tx) -> dt.datetime:
    return dt.datetime.fromtimestamp(tx.now, dt.UTC)

"""What the doors ask of the store: whose key this is, what a tenant may, who did what, and what is to be erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from cardpipe.model.order import Scope
from cardpipe.model.stored import Claim
from cardpipe.model.tenant import AuditEntry, NewKey, StoredKey, Tenant


class Tenancy(Protocol):
    """Tenants, their API keys, the audit log."""

    def tenant(self, name: str) -> Tenant:
        """As it was set; the defaults for one that never was (the command line's own needs no ceremony)."""
        ...

    def tenants(self) -> list[Tenant]: ...
    def set_tenant(self, tenant: Tenant, actor: str) -> None: ...
    def add_key(self, new: NewKey, actor: str) -> StoredKey: ...
    def key(self, key_id: str) -> StoredKey | None:
        """By its public id, whoever's it is; the caller compares digests and looks whether it is over."""
        ...

    def keys(self, tenant: str) -> list[StoredKey]: ...
    def revoke_key(self, tenant: str, key_id: str, actor: str) -> StoredKey:
        """Raises Refused ``key.unknown``. Twice is once."""
        ...

    def used_key(self, key_id: str) -> None:
        """Note that it was used; at most once a minute is written."""
        ...

    def audit(self, tenant: str, actor: str, action: str, subject: str, **detail: object) -> None:
        """Who did what to what: appended to a chain of hashes. Ids only."""
        ...

    def audited(self, tenant: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Newest first."""
        ...

    def audit_broken(self) -> int | None:
        """The number of the first entry that does not follow from the one before; None where the chain is whole."""
        ...

    def paused(self) -> str | None:
        """Why nothing may be released by anybody (a restored system that was not reconciled yet); None: go on."""
        ...

    def restored(self, reason: str, actor: str) -> None:
        """The database was just restored by its server's own tools, before anybody works on it: all releases are
        paused, and the log is told by this server's count of transactions from now on."""
        ...

    def pause(self, reason: str | None, actor: str) -> None:
        """Stop, or end the stop of, all releases."""
        ...

    def check_secret(self, fingerprint: str) -> None:
        """The first caller writes down which secret this database's keyed hashes are made with; Conflict for others."""
        ...


class Retention(Protocol):
    """Erasing what is personal once it is not needed. Counts, states and keyed hashes stay."""

    def keep_picture(self, scope: Scope, digest: str, use: str) -> None:
        """A picture was uploaded: what no order ever named is erased as well."""
        ...

    def foresee(self, scope: Scope, digests: Iterable[str]) -> None:
        """These bytes are put next. If nothing names them within two days, because whoever put them died or lost the
        claim, they are rubbish."""
        ...

    def erasable(self, scope: Scope, before: str, limit: int = 200) -> list[str]:
        """Orders, oldest first, whose every piece was mailed, returned or cancelled before that moment (ISO 8601)."""
        ...

    def erase_order(self, scope: Scope, order_id: str, actor: str, keyed: str) -> None:
        """Request, metadata, spec, sort key, findings and people's words of the log are gone; the batch's files, too,
        once each of its pieces is erased. Bytes that no other order needs are marked to be removed. ``keyed`` takes
        the place of the request's digest. Conflict ``order.erase.too_early`` while the card is still to be mailed."""
        ...

    def erase_rest(self, scope: Scope, before: str, actor: str) -> int:
        """Uploads that no order named, and rows and files of imports that ended, before that moment; how many."""
        ...

    def forget_deliveries(self, scope: Scope) -> int:
        """Messages to endpoints that were sent or given up three months ago, with their answers; how many."""
        ...

    def rubbish(self, scope: Scope, limit: int = 500) -> list[str]:
        """Digests that are marked to be removed and that nothing needs."""
        ...

    def removed(self, scope: Scope, digests: Sequence[str]) -> None:
        """Their bytes are gone."""
        ...

    def scrub(self) -> None:
        """What was overwritten leaves the database's own files, too (SQLite: the journal is emptied into the file,
        whose deleted pages are zeroed)."""
        ...

    def complete_erase(self, claim: Claim, result: str) -> bool:
        """As ``complete_duty``."""
        ...

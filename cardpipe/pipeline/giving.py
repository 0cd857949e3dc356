"""Giving out: the files of a released batch, or of one of its remakes, leave the shop by download.

What is printed twice is mailed twice: the first who fetches a file may, and each later one says why. Who got what and
why stands in the audit log, and the bytes are compared with their digest while they are sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from zipstream import ZipStream

from cardpipe.model.batch import BY_DOWNLOAD, Batch, BatchFile, Bundle, Remake
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.tenant import AuditEntry
from cardpipe.pipeline.release import is_released
from cardpipe.ports import Shop

#: Why files are given out once more: what the audit log keeps, and what a person reads.
REASONS = {
    "lost": "The first copy was lost before it was printed",
    "damaged": "The first copy is damaged or does not match its checksums",
    "other-press": "Another press prints it instead, and the first copy was deleted",
    "look": "Only to look at; nothing of it will be printed",
    "asked": "The house asks for it again, and says that nothing was printed",
}
#: The whole bundle, where the name of a file would stand.
ALL = "all"
#: Papers that nobody can print a card from, and that name no recipient.
_FREE = ("_TICKET.", "_PREFLIGHT.", "_SHA256SUMS")
_CHUNK = 1 << 18


def gone(shop: Shop, batch: Batch, remake: Remake | None, file: str = ALL) -> list[AuditEntry]:
    """Who got these bytes before by download: this file or all of them, or (for all) any of them."""
    return _gone(shop.store.given_out(batch.scope, batch.id), batch, remake, file)


def _gone(entries: Iterable[AuditEntry], batch: Batch, remake: Remake | None, file: str) -> list[AuditEntry]:
    subject = remake.id if remake else batch.id
    fetched = [
        entry for entry in entries
        if entry.action == "download" and entry.subject == subject and not _is_free(str(entry.detail.get("file")))
    ]  # fmt: skip
    return [entry for entry in fetched if file == ALL or entry.detail.get("file") in (file, ALL)]


def needs_reason(shop: Shop, batch: Batch, remake: Remake | None, file: str = ALL) -> bool:
    """Whether these bytes left the shop before: by download, or by the release to a place."""
    if _is_free(file) or not is_released(batch):
        return False
    return batch.target != BY_DOWNLOAD or bool(gone(shop, batch, remake, file))


def permit(
    shop: Shop, scope: Scope, batch: Batch, remake: Remake | None, file: str, actor: str, reason: str = ""
) -> None:
    """Write down that somebody gets these files, before the first byte. Raises Conflict ``batch.not_released`` while
    they may still change, Refused ``file.again`` where they left the shop before and no reason is given."""
    if not is_released(batch):
        remedy = "release it first: until then its files may still change"
        raise Conflict("The files are not given out yet.",
                       [error("batch.not_released", batch.name, f"is {batch.state}", remedy)])  # fmt: skip
    if remake and not remake.made:
        raise Conflict("The files are not made yet.", [error("remake.not_made", f"R{remake.run:02d}", "is not made yet",
                                                             "wait until a worker has made it")])  # fmt: skip

    def may(before: Iterable[AuditEntry]) -> bool:
        free = reason in REASONS or _is_free(file)
        return free or (batch.target == BY_DOWNLOAD and not _gone(before, batch, remake, file))

    why = {"reason": reason} if reason in REASONS else {}
    more = {"remake": f"R{remake.run:02d}"} if remake else {}
    subject = remake.id if remake else batch.id
    if not shop.store.give_out(scope, batch.id, actor, subject, may, batch=batch.name, file=file, **more, **why):
        raise Refused("These files left the shop before.",
                      [error("file.again", "reason", "is needed to give them out once more",
                             "choose why; see that nothing is printed twice")])  # fmt: skip


def proven(source: BinaryIO, file: BatchFile) -> Iterator[bytes]:
    """The bytes of a file. The last part is given out only once all of it matched its digest. Raises Bug otherwise."""
    seen, last = hashlib.sha256(), b""
    with source:
        while part := source.read(_CHUNK):
            seen.update(part)
            if last:
                yield last
            last = part
    if seen.hexdigest() != file.sha256:
        raise Bug(f"artifact {file.sha256} was changed on the disk: its bytes do not match its name; restore it")
    yield last


def zipped(shop: Shop, scope: Scope, bundle: Bundle) -> tuple[Iterable[bytes], int]:
    """All files of a bundle in one zip (stored, ZIP64 where it is large), and its size; it lies whole nowhere. Beside
    them ``SHA256SUMS`` as ``sha256sum -c`` takes it. A file that was damaged breaks the stream off before its end.

    Raises Bug where a file is not there."""
    missing = [error("file.missing", file.name, "is not among the artifacts", "restore it")
               for file in bundle.files if not shop.artifacts.has(scope, file.sha256)]  # fmt: skip
    if missing:
        raise Bug(f"{len(missing)} files of {bundle.name} are missing", missing)
    made = ZipStream(sized=True)
    for file in bundle.files:
        made.add(_read(shop, scope, file), f"{bundle.name}/{file.name}", size=file.size)
    made.add("".join(f"{file.sha256}  {file.name}\n" for file in bundle.files), f"{bundle.name}/SHA256SUMS")
    return made, len(made)


def _read(shop: Shop, scope: Scope, file: BatchFile) -> Iterator[bytes]:
    """Opened when its turn comes."""
    yield from proven(shop.artifacts.open(scope, file.sha256), file)


def _is_free(file: str) -> bool:
    return any(word in file for word in _FREE)

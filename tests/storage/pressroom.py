"""Workers who do their work well, for tests of what comes before and after it."""

from __future__ import annotations

import hashlib

from cardpipe.model.batch import BatchFile
from cardpipe.model.piece import Composed
from cardpipe.ports import Claim
from cardpipe.storage.store import SqlStore

CARD = Composed("a" * 64, "b" * 64, 100, 50)
TARGET = "file:///house"


def work(store: SqlStore, *kinds: str) -> list[str]:
    """Do every step that is open and unheld (of these kinds, if any is named), as workers would; the kinds done."""
    done = []
    while steps := [step for step in due(store) if not kinds or step[1] in kinds]:
        for step_id, kind in steps:
            claim = store.claim(step_id, 60)
            assert claim is not None
            assert finish(store, claim)
            done.append(kind)
    return done


def due(store: SqlStore) -> list[tuple[str, str]]:
    """(step id, kind) of what is open, unheld and in nobody's hands, whether it was hinted or not."""
    with store.db.reading() as tx:
        rows = tx.all("SELECT id, kind FROM steps WHERE state = 'open' AND held IS NULL AND token IS NULL ORDER BY id")
        return [(row["id"], row["kind"]) for row in rows]


def finish(store: SqlStore, claim: Claim) -> bool:
    """What a worker leaves when all goes well. A batch's file is named after the token of whoever made it."""
    files = [BatchFile("x.pdf", hashlib.sha256(claim.token.encode()).hexdigest(), 1)]
    if claim.kind == "compose":
        return store.complete_compose(claim, CARD)
    if claim.kind == "impose":
        return store.complete_impose(claim, files, [])
    if claim.kind == "release":
        return store.complete_release(claim)
    return store.complete_remake(claim, files)

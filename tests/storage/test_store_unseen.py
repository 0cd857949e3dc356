"""Before a scan is recorded: what it would contradict, and what has not come to a stage yet. Nothing is written."""

from __future__ import annotations

import pytest

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage

SCOPE = Scope()


def test_what_record_would_find_is_told_and_nothing_happens(any_store, batch):
    made = batch(any_store, 3, "released")
    any_store.record(SCOPE, made.id, [Scan(1, Stage.INSERTED)], "x", "1", "anna")
    log = len(any_store.events(SCOPE, made.id))
    scans = [Scan(1, Stage.INSERTED), Scan(2, Stage.INSERTED), Scan(9, Stage.PRINTED)]
    found = any_store.contradictions(SCOPE, made.id, scans)
    assert [(one.code, one.where) for one in found] == [
        ("scan.inserted_twice", "piece 1"), ("scan.unknown", "piece 9"),
    ]  # fmt: skip
    assert any_store.batch(SCOPE, made.id).held is None and len(any_store.events(SCOPE, made.id)) == log
    with pytest.raises(Conflict) as conflict:
        any_store.record(SCOPE, made.id, scans, "x", "2", "anna")
    assert list(conflict.value.findings) == found
    early = batch(any_store, 1, "imposed", first=7)
    with pytest.raises(Conflict):
        any_store.contradictions(SCOPE, early.id, [Scan(1, Stage.PRINTED)])


def test_what_has_not_come_to_a_stage(any_store, batch):
    made = batch(any_store, 4, "released")
    scans = [Scan(1, Stage.PRINTED), Scan(2, Stage.INSERTED), Scan(3, Stage.MAILED), Scan(3, Stage.RETURNED)]
    any_store.record(SCOPE, made.id, scans, "x", "1", "anna")
    unseen = {stage: any_store.unseen(SCOPE, made.id, stage) for stage in Stage}
    assert unseen == {
        Stage.PRINTED: (4,), Stage.INSERTED: (1, 3, 4), Stage.MAILED: (1, 2, 4), Stage.RETURNED: (1, 2, 4),
        Stage.SPOILED: (),
    }  # fmt: skip
    assert any_store.unseen(SCOPE, made.id, Stage.MAILED) == any_store.tally(SCOPE, made.id).missing


def test_another_tenants_batch_is_unknown(any_store, batch):
    made = batch(any_store, 1, "released")
    for ask in (lambda: any_store.unseen(Scope("eve"), made.id, Stage.MAILED),
                lambda: any_store.contradictions(Scope("eve"), made.id, [Scan(1, Stage.MAILED)])):  # fmt: skip
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.findings[0].code == "batch.unknown"

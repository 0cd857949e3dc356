"""What a close would gather, counted, is what it gathers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa
from pressroom import work

from cardpipe.model.order import Scope
from cardpipe.ports.overview import Coming
from cardpipe.storage import coming

SCOPE = Scope()
A7, A6 = "A7|digital|usps|matte", "A6|digital|usps|gloss"


@pytest.mark.parametrize("few", [coming.FEW, 0])
def test_the_counts_are_those_of_what_is_gatherable(any_store, order, batch, monkeypatch, few):
    monkeypatch.setattr(coming, "FEW", few)
    batch(any_store, 2, "imposed")  # in a batch already
    any_store.add_order(order(10, mail_on="2026-11-23", group=A7))
    any_store.add_order(order(11, mail_on="2026-11-25", group=A7))
    any_store.add_order(order(12, mail_on="2026-11-25", group=A6))
    any_store.add_order(replace(order(13, mail_on="2026-11-25", group=A7), approval="required"))
    held, _ = any_store.add_order(order(14, mail_on="2026-11-25", group=A7))
    any_store.add_order(order(15, mail_on="2026-11-26", group=A7))
    any_store.add_order(order(16, mail_on="2026-11-25", tenant="acme", group=A7))
    work(any_store, "compose")
    any_store.hold(SCOPE, held.id, "wait")
    any_store.add_order(order(17, mail_on="2026-11-25", group=A7))  # not composed
    found = any_store.coming(SCOPE, "2026-11-25")
    assert [(each.group, each.pieces, each.late) for each in found] == [(A6, 1, 0), (A7, 2, 1)]
    gatherable = any_store.gatherable(SCOPE, "2026-11-25")
    assert Counter(piece.group for piece in gatherable) == {each.group: each.pieces for each in found}
    assert {each.one for each in found} <= {piece.id for piece in gatherable}
    assert any_store.coming(SCOPE, "2026-11-22") == []
    assert [type(each) for each in any_store.coming(Scope("acme"), "2026-11-25")] == [Coming]


@pytest.mark.parametrize("few", [coming.FEW, 0])
def test_the_one_that_is_named_is_not_held(any_store, order, monkeypatch, few):
    """The oldest of a group is held, the next one waits for approval, and of another group nothing is free."""
    monkeypatch.setattr(coming, "FEW", few)
    stored = [
        any_store.add_order(replace(order(n, group=A7), approval="required" if n == 2 else "none"))[0]
        for n in range(1, 5)
    ]
    alone, _ = any_store.add_order(order(9, group=A6))
    work(any_store, "compose")
    for each in (stored[0], alone):
        any_store.hold(SCOPE, each.id, "wait")
    assert any_store.coming(SCOPE, "2026-11-25") == [Coming(A7, 2, 0, stored[2].pieces[0].id)]
    assert any_store.coming(SCOPE, "2026-11-26") == [Coming(A7, 2, 2, stored[2].pieces[0].id)]


def test_where_many_are_due_no_piece_is_read(store, order, monkeypatch):
    monkeypatch.setattr(coming, "FEW", 0)
    any_order, _ = store.add_order(order(1, group=A7))
    work(store, "compose")
    seen = []
    sa.event.listen(store.db.engine, "before_cursor_execute", lambda *told: seen.append(told[2:4]))
    assert store.coming(SCOPE, "2026-11-25")[0].one == any_order.pieces[0].id
    with store.db.reading() as tx:
        asked = [each for each in seen if "FROM pieces" in each[0]]
        plans = [
            row[3] for sql, values in asked for row in tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert len(asked) == 4
    for index in ("COVERING INDEX ix_pieces_state", "COVERING INDEX ix_pieces_due", "ix_pieces_held", "_unapproved"):
        assert any(index in plan for plan in plans), (index, plans)

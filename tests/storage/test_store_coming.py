"""What a close would gather, counted, is what it gathers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pressroom import work

from cardpipe.model.order import Scope
from cardpipe.ports.overview import Coming

SCOPE = Scope()
A7, A6 = "A7|digital|usps|matte", "A6|digital|usps|gloss"


def test_the_counts_are_those_of_what_is_gatherable(any_store, order, batch):
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

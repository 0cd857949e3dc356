"""What is due and what is stuck: counts that reconcile, each one behind its reason, and nothing of another tenant."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from intaking import BAD, FILE, ODD, claim_on, judge, read_through, row
from pressroom import CARD, TARGET, due, work

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error, warning
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.stored import OrderQuery
from cardpipe.ports.overview import Due, Stuck

SCOPE = Scope()
GROUP = "A7|digital|usps|matte"
ART = error("art.font", "design", "has no face for U+4E2D", "choose another hand")
PHOTO = error("photo.damaged", "photos.main", "is cut off after 12 KB", "send it again")


def fail(store, *findings, only=None):
    """Compose what is due, and find this wrong with it (with those of these references)."""
    for step_id, kind in due(store):
        if kind != "compose":
            continue
        claim = store.claim(step_id, 60)
        piece = store.piece(claim.scope, claim.subject)
        if only is None or piece.reference in only:
            store.fault(claim, findings, final=True)
        else:
            assert store.complete_compose(claim, CARD)


def counted(found):
    return {(each.mail_on, each.group): dict(each.pieces) for each in found}


def refs(page):
    return [order.reference for order in page[0]]


def test_what_is_due_is_counted_by_date_and_group(any_store, order, batch):
    batch(any_store, 3, "mailed")
    for number in range(10, 14):
        any_store.add_order(order(number, group="A6|digital|usps|gloss" if number == 13 else GROUP))
    work(any_store, "compose")
    any_store.add_order(order(20, mail_on="2026-11-26"))
    any_store.add_order(order(21, mail_on="2026-11-27"))
    any_store.add_order(order(22, tenant="acme"))
    any_store.add_order(order(23, mode="test"))
    any_store.cancel_order(SCOPE, "ref-10", "moved away")
    found = any_store.due(SCOPE, "2026-11-25", "2026-11-26")
    assert counted(found) == {
        ("2026-11-25", "A6|digital|usps|gloss"): {"composed": 1},
        ("2026-11-25", GROUP): {"mailed": 3, "composed": 2, "cancelled": 1},
        ("2026-11-26", GROUP): {"waiting": 1},
    }
    assert [each.mail_on for each in found] == ["2026-11-25", "2026-11-25", "2026-11-26"]
    assert counted(any_store.due(SCOPE, "2026-11-27", "2026-12-31")) == {
        ("2026-11-27", GROUP): {"waiting": 1},
        **counted(found),
    }, "what is older and has not left is due, too"
    assert counted(any_store.due(Scope("acme"), "2026-11-01", "2026-12-31")) == {("2026-11-25", GROUP): {"waiting": 1}}
    assert any_store.due(Scope("nobody"), "2026-11-01", "2026-12-31") == []


def test_the_sum_of_what_is_due_is_what_was_ordered(any_store, order, batch):
    batch(any_store, 4, "released")
    made = batch(any_store, 3, "imposed", first=10)
    any_store.eject(SCOPE, made.id, [2], "a wrong photo", "anna")
    for number in range(20, 25):
        any_store.add_order(order(number))
    fail(any_store, PHOTO, only=("ref-21",))
    any_store.cancel_order(SCOPE, "ref-20", "by mistake")
    (found,) = any_store.due(SCOPE, "2026-11-25", "2026-11-25")
    assert sum(found.pieces.values()) == 12 == len(any_store.list_orders(SCOPE, OrderQuery(limit=99))[0])
    assert found.pieces == {"released": 4, "batched": 2, "needs_attention": 2, "composed": 3, "cancelled": 1}


def test_of_what_is_older_only_that_which_did_not_leave(any_store, order, batch):
    batch(any_store, 2, "released")
    any_store.add_order(order(10, mail_on="2026-11-20"))
    any_store.add_order(order(11, mail_on="2026-11-20"))
    any_store.cancel_order(SCOPE, "ref-11", "by mistake")
    found = any_store.due(SCOPE, "2026-12-01", "2026-12-01")
    assert counted(found) == {("2026-11-20", GROUP): {"waiting": 1, "cancelled": 1}}
    work(any_store, "compose")
    assert counted(any_store.due(SCOPE, "2026-12-01", "2026-12-01")) == {
        ("2026-11-20", GROUP): {"composed": 1, "cancelled": 1}
    }


def test_the_age_of_the_oldest_that_is_still_to_leave(store, order, clock):
    moments = []
    for number in (1, 2, 3):
        moments.append(store.add_order(order(number))[0].accepted_at)
        clock.forward(60)
    assert store.due(SCOPE, "2026-11-25", "2026-11-25")[0].oldest == moments[0]
    store.cancel_order(SCOPE, "ref-1", "by mistake")
    assert store.due(SCOPE, "2026-11-25", "2026-11-25")[0].oldest == moments[1]
    for reference in ("ref-2", "ref-3"):
        store.cancel_order(SCOPE, reference, "by mistake")
    assert store.due(SCOPE, "2026-11-25", "2026-11-25") == [Due("2026-11-25", GROUP, {"cancelled": 3}, 0, 0, "")]


def test_held_and_unapproved_are_counted_while_they_are_still_to_leave(any_store, order):
    for number in range(1, 6):
        any_store.add_order(replace(order(number), approval="required" if number > 3 else "none"))
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-1").id, "ask")
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-2").pieces[0].id, "ask")
    work(any_store, "compose")
    (found,) = any_store.due(SCOPE, "2026-11-25", "2026-11-25")
    assert (found.held, found.unapproved, dict(found.pieces)) == (2, 2, {"waiting": 2, "composed": 3})
    any_store.cancel_order(SCOPE, "ref-1", "by mistake")
    any_store.approve_order(SCOPE, any_store.order(SCOPE, "ref-4").id, CARD.proof, "anna")
    (found,) = any_store.due(SCOPE, "2026-11-25", "2026-11-25")
    assert (found.held, found.unapproved) == (1, 1)
    assert any_store.due(SCOPE, "2026-12-01", "2026-12-01") == [found], "left over"


def test_what_test_keys_order_ends_composed(any_store, order):
    scope = Scope("local", "test")
    any_store.add_order(order(1, mode="test", mail_on="2026-11-20"))
    assert len(any_store.due(scope, "2026-12-01", "2026-12-01")) == 1
    work(any_store, "compose")
    assert any_store.due(scope, "2026-12-01", "2026-12-01") == []
    assert counted(any_store.due(scope, "2026-11-20", "2026-11-20")) == {("2026-11-20", GROUP): {"composed": 1}}


def test_days_that_are_none(any_store):
    with pytest.raises(Refused) as caught:
        any_store.due(SCOPE, "2026-11-25", "soon")
    assert [(f.code, f.where) for f in caught.value.findings] == [("due.day", "until")]


def test_nothing_is_stuck_in_an_empty_shop(any_store, order, batch):
    batch(any_store, 3, "mailed")
    any_store.add_order(order(10))
    assert any_store.stuck(SCOPE) == []


def test_pieces_that_need_attention_by_their_first_error(any_store, order):
    for number in range(1, 7):
        any_store.add_order(order(number))
        any_store.add_order(order(number, tenant="acme"))
    fail(any_store, warning("photo.small", "photos.main", "is 180 ppi"), PHOTO, ART, only=("ref-2", "ref-4", "ref-5"))
    any_store.again(SCOPE, any_store.order(SCOPE, "ref-5").pieces[0].id, "try once more")
    fail(any_store, ART)
    oldest = {number: any_store.order(SCOPE, f"ref-{number}").accepted_at for number in (2, 5)}
    assert any_store.stuck(SCOPE) == [
        Stuck("attention", "photo.damaged", 2, "photos.main is cut off after 12 KB", oldest[2]),
        Stuck("attention", "art.font", 1, "design has no face for U+4E2D", oldest[5]),
    ]
    assert refs(any_store.stuck_orders(SCOPE, "attention", "photo.damaged")) == ["ref-2", "ref-4"]
    assert refs(any_store.stuck_orders(SCOPE, "attention", "art.font")) == ["ref-5"]
    assert refs(any_store.stuck_orders(SCOPE, "attention", "")) == ["ref-2", "ref-4", "ref-5"]
    assert any_store.stuck_orders(SCOPE, "attention", "photo.small") == ([], None)
    (other,) = any_store.stuck(Scope("acme"))
    assert (other.code, other.count) == ("photo.damaged", 3)
    any_store.cancel_order(SCOPE, "ref-5", "by mistake")
    assert [each.code for each in any_store.stuck(SCOPE)] == ["photo.damaged"]


def test_the_words_of_a_person_are_quoted_nowhere(any_store, batch):
    made = batch(any_store, 3, "imposed")
    any_store.eject(SCOPE, made.id, [2], "Zwxanthippe has moved", "anna")
    any_store.hold(SCOPE, made.id, "Zwxanthippe called")
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-1").id, "Zwxanthippe called")
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-2").id, "Zwxanthippe called", "crm")
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-3").pieces[0].id, "Zwxanthippe called")
    found = any_store.stuck(SCOPE)
    assert [(each.kind, each.code, each.count, each.example) for each in found] == [
        ("attention", "piece.ejected", 1, ""),
        ("held", "crm", 1, ""),
        ("held", "operator", 1, ""),
        ("held", "piece", 1, ""),
        ("batch", "operator", 1, ""),
    ]
    assert "Zwxanthippe" not in str(found) and all(each.oldest for each in found)


def test_held_orders_by_why_they_are_held(any_store, order):
    for number in range(1, 5):
        any_store.add_order(replace(order(number), natural_key="same" if number < 4 else None))
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-4").id, "ask")
    any_store.add_order(replace(order(1, tenant="acme"), natural_key="same"))
    duplicate, operator = any_store.stuck(SCOPE)
    assert (duplicate.kind, duplicate.code, duplicate.count) == ("held", "order.duplicate", 2)
    assert duplicate.example.startswith("looks like a second card") and "ref-1" in duplicate.example
    assert duplicate.oldest == any_store.order(SCOPE, "ref-2").accepted_at
    assert (operator.code, operator.count) == ("operator", 1)
    assert refs(any_store.stuck_orders(SCOPE, "held", "order.duplicate")) == ["ref-2", "ref-3"]
    assert refs(any_store.stuck_orders(SCOPE, "held", "operator")) == ["ref-4"]
    assert any_store.stuck(Scope("acme")) == []
    any_store.cancel_order(SCOPE, "ref-4", "by mistake")
    assert [each.code for each in any_store.stuck(SCOPE)] == ["order.duplicate"]


def test_a_hold_of_a_piece_alone_is_told_apart_from_that_of_its_order(any_store, order):
    for number in (1, 2, 3):
        any_store.add_order(order(number))
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-1").id, "ask")
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-2").pieces[0].id, "ask")
    assert [(each.code, each.count) for each in any_store.stuck(SCOPE)] == [("operator", 1), ("piece", 1)]
    assert refs(any_store.stuck_orders(SCOPE, "held", "piece")) == ["ref-2"]


def test_stuck_orders_come_in_pages(any_store, order):
    for number in range(1, 8):
        any_store.add_order(order(number))
    for number in (1, 3, 5):
        any_store.hold(SCOPE, any_store.order(SCOPE, f"ref-{number}").id, "ask")
    fail(any_store, ART)
    for kind, code, wanted in (("held", "operator", [1, 3, 5]), ("attention", "art.font", [2, 4, 6, 7])):
        seen, after = [], None
        while True:
            page, after = any_store.stuck_orders(SCOPE, kind, code, after, 2)
            seen += [each.reference for each in page]
            assert page == [any_store.order(SCOPE, each.id) for each in page]
            if after is None:
                break
            assert len(page) == 2 and after == page[-1].id
        assert seen == [f"ref-{number}" for number in wanted]
    for kind in ("refused", "batch", "whatever"):
        with pytest.raises(Refused) as caught:
            any_store.stuck_orders(SCOPE, kind, "art.font")
        assert caught.value.findings[0].code == "stuck.kind"


def test_refused_rows_by_their_first_error(any_store):
    imported, (claim,) = read_through(any_store, [row(line) for line in range(2, 8)])
    judge(any_store, claim, bad=(3, 5, 6))
    any_store.complete_accept(claim)
    alone, _ = any_store.add_row(row(1, findings=(ODD, PHOTO)), SCOPE)
    dry, (claim,) = read_through(any_store, [row(line) for line in range(2, 8)], replace(FILE, dry_run=True))
    judge(any_store, claim, bad=(3,))
    assert alone.state == "refused" and any_store.import_(SCOPE, dry).counts["refused"] == 1
    found = any_store.stuck(SCOPE)
    assert [(each.kind, each.code, each.count, each.example) for each in found] == [
        ("refused", "address.postcode", 3, "recipient.postcode has 4 figures, not 5"),
        ("refused", "photo.damaged", 1, "photos.main is cut off after 12 KB"),
    ]
    assert all(dt.datetime.fromisoformat(each.oldest) for each in found)
    page, after = any_store.refused_rows(SCOPE, "address.postcode", None, 2)
    assert [(each.line, each.findings, each.import_id) for each in page] == [
        (3, (BAD,), imported),
        (5, (BAD,), imported),
    ]
    rest, last = any_store.refused_rows(SCOPE, "address.postcode", after, 2)
    assert [each.line for each in rest] == [6] and last is None and after == page[-1].id
    assert {each.id for each in any_store.refused_rows(SCOPE, "")[0]} == {alone.id, *(r.id for r in (*page, *rest))}
    for other in (Scope("acme"), Scope("local", "test")):
        assert any_store.stuck(other) == [] and any_store.refused_rows(other, "") == ([], None)
    any_store.mend_row(SCOPE, page[0].id, {"reference": "ref-3"}, "anna")
    assert any_store.stuck(SCOPE)[0].count == 2


def test_what_was_erased_is_stuck_no_longer(any_store):
    _, (claim,) = read_through(any_store, [row(line) for line in range(2, 5)])
    judge(any_store, claim, bad=(3,))
    any_store.complete_accept(claim)
    any_store.add_row(row(1, findings=(PHOTO,)), SCOPE)
    assert len(any_store.stuck(SCOPE)) == 2
    any_store.erase_rest(SCOPE, "2999-01-01T00:00:00Z", "cardpipe")
    assert any_store.stuck(SCOPE) == []


def test_held_batches_by_what_held_them(any_store, batch):
    made = batch(any_store, 2, "gathered")
    claim = claim_on(any_store, "impose")
    any_store.fault(claim, [error("impose.room", "sheet 3", "does not hold 2 pieces")], final=True)
    nak = batch(any_store, 2, "released", first=10)
    any_store.acknowledge(SCOPE, nak.id, nak.name, False, "Zwxanthippe says no")
    for first in (20, 30):
        any_store.hold(SCOPE, batch(any_store, 2, first=first).id, "paper is missing")
    scanned = batch(any_store, 2, "mailed", first=40)
    any_store.hold(SCOPE, scanned.id, "count them")
    found = any_store.stuck(SCOPE)
    assert [(each.kind, each.code, each.count) for each in found] == [
        ("batch", "operator", 3), ("batch", "impose", 1), ("batch", "reply", 1),
    ]  # fmt: skip
    assert found[1].example == "impose.room: does not hold 2 pieces" and "Zwxanthippe" not in str(found)
    assert made.id and found[1].oldest
    any_store.resume(SCOPE, scanned.id, "counted")
    any_store.settle(SCOPE, scanned.id, "anna")
    assert any_store.stuck(SCOPE)[0].count == 2
    assert any_store.stuck(Scope("acme")) == []


def test_a_batch_that_contradicts_itself_is_stuck_by_its_scans(any_store, batch):
    made = batch(any_store, 2, "released")
    with pytest.raises(Exception, match="contradicts"):
        any_store.record(SCOPE, made.id, [Scan(9, Stage.MAILED)], "a list", "1" * 64, "anna")
    assert [(each.kind, each.code) for each in any_store.stuck(SCOPE)] == [("batch", "scan")]
    assert made.target == TARGET

"""Erasure, proven the hard way: names, streets, words and bytes are planted, the card goes its whole way, the order is
erased, and then everything that is left is searched for them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from listeners import told
from pressroom import TARGET, due, work
from telltale import (
    FAR,
    KEYED,
    MESSAGE,
    NAME,
    NOTE,
    PIXELS,
    SCOPE,
    STREET,
    WORDS,
    compose,
    gathered,
    impose,
    left_in,
    left_on_disk,
    listen,
    numbers,
    personal,
    throw_away,
    to_post,
)

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.intake import NewRow
from cardpipe.model.order import Scope
from cardpipe.model.outbox import NewEndpoint
from cardpipe.model.piece import Presorted
from cardpipe.model.scan import Scan, Stage
from cardpipe.storage.artifacts import FolderArtifacts


@pytest.fixture
def artifacts(tmp_path):
    return FolderArtifacts(tmp_path / "artifacts")


def test_nothing_personal_is_left_of_an_erased_order(any_store, order, artifacts, clock):
    store = any_store
    endpoint = store.add_endpoint(NewEndpoint(SCOPE, "https://crm.example/hook"), "user:anna")
    new = personal(order, artifacts, approval="required")
    store.keep_picture(SCOPE, new.pictures[0], "photo")
    receipt = store.begin_request(SCOPE, "orders", "key-1", {"recipient.name": "ab" * 32})
    receipt = replace(receipt, answer=lambda stored: (202, '{"id":"' + stored.id + '"}'))
    stored, _ = store.add_order(replace(new, approval="required"), receipt)
    store.hold(SCOPE, stored.id, f"{WORDS}: {NAME} phoned")
    store.resume(SCOPE, stored.id, f"{WORDS}: {NAME} is fine")
    changed = replace(personal(order, artifacts, photo=f"JPEG {PIXELS} better".encode()), approval="required")
    store.change_order(SCOPE, stored.id, 1, changed, ["message", "recipient.name"], "key:k1")
    compose(store, artifacts)
    piece = store.pieces_of(SCOPE, [stored.id])[0]
    store.approve_order(SCOPE, stored.id, piece.composed.proof, "key:k1")
    batch = gathered(store)
    batch = store.resequence(
        SCOPE, batch.id, [(piece.id, Presorted("1" * 20, "12345678901", NAME, STREET, "", ""))], "anna"
    )
    to_post(store, artifacts, batch, [1])
    store.record(SCOPE, batch.id, [Scan(1, Stage.RETURNED)], "another list", "2" * 64, "anna")
    store.hold(SCOPE, stored.id, f"{WORDS}: {NAME} has moved")
    assert store.fan_out() > 5
    listen(store)
    assert {word for _, word in left_in(store)} == {NAME, STREET, MESSAGE, NOTE, WORDS}
    assert set(left_on_disk(artifacts)) == {NAME, STREET, MESSAGE, PIXELS}
    before = numbers(store, [batch])

    store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    gone = throw_away(store, artifacts)

    assert left_in(store) == []
    assert left_on_disk(artifacts) == []
    assert len(gone) == 3 + 2 + 2  # two photos and a signature, two fragments, the batch's and the remake's file
    assert numbers(store, [batch]) == before
    erased = store.order(SCOPE, stored.id)
    assert (erased.request, erased.findings, erased.metadata, erased.request_digest) == ({}, (), {}, KEYED)
    assert erased.erased_at is not None
    (piece,) = erased.pieces
    assert piece.spec == {
        "reference": "ref-1", "v": 2, "design": {"name": "fern", "files": {}}, "hand": {"name": "cursive"},
        "carrier": "usps", "ink": "blue-black", "seed": False,
    }  # fmt: skip
    assert [finding.code for finding in piece.composed.findings] == ["photo.face"]
    assert [finding.code for finding in store.batch_findings(SCOPE, batch.id)] == ["impose.remark"]
    assert store.batch(SCOPE, batch.id).files == ()
    assert store.replies(SCOPE, batch.id) == [(batch.name, True, "(erased)")]
    assert [event.reason for event in store.events(SCOPE, stored.id)] == [
        "accepted", "(erased)", "(erased)", "changed", "approved", "(erased)", "erased",
    ]  # fmt: skip
    answers = [answer for each in store.deliveries(SCOPE, endpoint.id, 50)[0] for answer in each.answers]
    assert len(answers) > 5
    assert {answer[1:3] for answer in answers} == {(200, "")}
    said, _ = told(store, SCOPE, None, limit=500)
    assert [each.type for each in said][-1] == "order.erased"
    entries = [(entry.actor, entry.action, entry.subject) for entry in store.audited("local", 9)]
    assert entries[:2] == [("cardpipe", "batch.erased", batch.id), ("cardpipe", "order.erased", stored.id)]
    assert store.audit_broken() is None

    store.erase_order(SCOPE, stored.id, "cardpipe", "another")  # twice is once
    assert store.order(SCOPE, stored.id) == erased
    assert len(store.audited("local", 9)) == 3


def test_the_same_reference_is_not_an_order_anew(any_store, order, artifacts):
    stored, _ = any_store.add_order(personal(order, artifacts))
    any_store.cancel_order(SCOPE, stored.id, f"{WORDS}: not now")
    any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    with pytest.raises(Conflict):
        any_store.add_order(personal(order, artifacts))
    assert left_in(any_store) == []


def test_the_files_of_a_batch_go_with_its_last_order(any_store, order, artifacts):
    ids = [any_store.add_order(personal(order, artifacts, number))[0].id for number in range(1, 4)]
    compose(any_store, artifacts)
    batch = gathered(any_store)
    to_post(any_store, artifacts, batch, [1, 2, 3])
    before = numbers(any_store, [batch])
    assert WORDS in any_store.remakes(SCOPE, batch.id)[0].reason
    any_store.hold(SCOPE, batch.id, f"{WORDS}: {NAME} complained")
    for order_id in ids[:2]:
        any_store.erase_order(SCOPE, order_id, "cardpipe", KEYED)
    assert any_store.pieces_of(SCOPE, ids[:1])[0].seq == 1  # the one that was made again
    assert any_store.remakes(SCOPE, batch.id)[0].reason == "(erased)"
    assert len(throw_away(any_store, artifacts)) == 2 * 4
    assert len(any_store.batch(SCOPE, batch.id).files) == 1
    assert artifacts.has(SCOPE, any_store.batch(SCOPE, batch.id).files[0].sha256)
    any_store.erase_order(SCOPE, ids[2], "cardpipe", KEYED)
    assert len(throw_away(any_store, artifacts)) == 4 + 2
    assert any_store.batch(SCOPE, batch.id).files == ()
    assert any_store.remakes(SCOPE, batch.id)[0].reason == "(erased)"
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])
    assert numbers(any_store, [batch]) == before


def test_who_was_taken_out_of_a_batch_is_erased_from_its_log(any_store, order, artifacts, sql):
    ids = [any_store.add_order(personal(order, artifacts, number))[0].id for number in range(1, 4)]
    compose(any_store, artifacts)
    batch = any_store.eject(SCOPE, gathered(any_store).id, [2], f"{WORDS}: {NAME} is misspelt", "anna")
    old = any_store.batch(SCOPE, batch.id)
    out = next(each for each in any_store.pieces_of(SCOPE, ids) if each.batch_id is None)
    any_store.cancel_order(SCOPE, out.order_id, f"{WORDS}: wrong name")
    any_store.erase_order(SCOPE, out.order_id, "cardpipe", KEYED)
    assert all(WORDS not in str(event) for event in any_store.events(SCOPE, batch.id))
    assert sql(any_store, "SELECT reason FROM withdrawals") == [("(erased)",)]
    assert all(NAME not in str(event) for event in any_store.events(SCOPE, out.id))
    to_post(any_store, artifacts, old, [1, 2])
    for order_id in ids:
        any_store.erase_order(SCOPE, order_id, "cardpipe", KEYED)
    throw_away(any_store, artifacts)
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])


def test_a_batch_of_which_all_were_withdrawn_is_erased_too(any_store, order, artifacts):
    ids = [any_store.add_order(personal(order, artifacts, number))[0].id for number in (1, 2)]
    compose(any_store, artifacts)
    batch = gathered(any_store)
    claim = any_store.claim(due(any_store)[0][0], 60)
    any_store.complete_impose(claim, impose(any_store, artifacts, claim), [])
    any_store.plan_release(SCOPE, batch.id, TARGET)
    work(any_store)
    any_store.withdraw(SCOPE, batch.id, [1, 2], f"{WORDS}: both for {NAME}", "anna")
    for order_id in ids:
        any_store.erase_order(SCOPE, order_id, "cardpipe", KEYED)
    throw_away(any_store, artifacts)
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])
    assert any_store.tally(SCOPE, batch.id).withdrawn == 2


def test_an_old_revisions_files_do_not_outlive_it(any_store, order, artifacts):
    ids = [any_store.add_order(personal(order, artifacts, number))[0].id for number in (1, 2)]
    compose(any_store, artifacts)
    batch = gathered(any_store)
    claim = any_store.claim(due(any_store)[0][0], 60)
    files = impose(any_store, artifacts, claim)
    any_store.complete_impose(claim, files, [])
    any_store.eject(SCOPE, batch.id, [2], "a wrong photo", "anna")
    assert throw_away(any_store, artifacts) == [files[0].sha256]
    assert any_store.pieces_of(SCOPE, ids)[0].composed is not None


@pytest.mark.parametrize("state", ["waiting", "composed", "batched", "released", "printed", "needs_attention"])
def test_a_card_that_is_still_to_be_mailed_is_not_erased(any_store, order, artifacts, state, sql):
    stored, _ = any_store.add_order(personal(order, artifacts))
    compose(any_store, artifacts) if state != "waiting" else None
    if state in ("batched", "released", "printed"):
        batch = gathered(any_store)
    sql(any_store, f"UPDATE pieces SET state = '{state}'")
    with pytest.raises(Conflict) as caught:
        any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    assert caught.value.findings[0].code == "order.erase.too_early"
    assert state in caught.value.findings[0].message
    assert any_store.order(SCOPE, stored.id) == stored if state == "waiting" else True
    assert any_store.order(SCOPE, stored.id).request["message"] == MESSAGE
    assert any_store.rubbish(SCOPE) == []
    assert any_store.audited("local", 9) == []
    if state in ("batched", "released", "printed"):
        assert any_store.batch(SCOPE, batch.id).pieces == 1


def test_what_is_erasable_is_what_was_done_before(store, order, artifacts, clock):
    ids = []
    for number in (1, 2, 3):
        stored, _ = store.add_order(personal(order, artifacts, number))
        ids.append(stored.id)
        store.cancel_order(SCOPE, stored.id, "not now")
        clock.forward(3600)
    store.add_order(personal(order, artifacts, 4))
    assert store.erasable(SCOPE, "2026-11-21T09:00:00.000Z") == []
    assert store.erasable(SCOPE, "2026-11-21T11:00:00+01:00") == ids[:1]  # 10:00 UTC, and not done at it but before
    assert store.erasable(SCOPE, "2026-11-22") == ids
    assert store.erasable(SCOPE, FAR, 2) == ids[:2]
    store.erase_order(SCOPE, ids[0], "cardpipe", KEYED)
    assert store.erasable(SCOPE, FAR) == ids[1:]
    assert store.erasable(Scope("other"), FAR) == store.erasable(Scope("local", "test"), FAR) == []
    with pytest.raises(Refused):
        store.erasable(SCOPE, "yesterday")


def test_a_photo_that_another_order_has_stays_for_it(any_store, order, artifacts):
    shared = f"JPEG {PIXELS} of the whole team".encode()
    ids = [any_store.add_order(personal(order, artifacts, number, photo=shared))[0].id for number in (1, 2)]
    for order_id in ids:
        any_store.cancel_order(SCOPE, order_id, "not now")
    photo = hashlib.sha256(shared).hexdigest()
    any_store.erase_order(SCOPE, ids[0], "cardpipe", KEYED)
    gone = throw_away(any_store, artifacts)
    assert (len(gone), artifacts.has(SCOPE, photo)) == (1, True)  # its own signature alone
    any_store.erase_order(SCOPE, ids[1], "cardpipe", KEYED)
    assert photo in throw_away(any_store, artifacts)
    assert left_on_disk(artifacts) == []


def test_bytes_that_are_needed_again_leave_the_rubbish(any_store, order, artifacts):
    photo = f"JPEG {PIXELS}".encode()
    stored, _ = any_store.add_order(personal(order, artifacts, 1, photo=photo))
    any_store.cancel_order(SCOPE, stored.id, "not now")
    any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    any_store.add_order(personal(order, artifacts, 2, photo=photo))
    digest = hashlib.sha256(photo).hexdigest()
    assert digest not in any_store.rubbish(SCOPE)
    assert any_store.rubbish(Scope("other")) == []
    any_store.removed(Scope("other"), any_store.rubbish(SCOPE))
    assert len(any_store.rubbish(SCOPE)) == 1


def test_what_was_put_for_nobody_is_rubbish_after_two_days(store, order, artifacts, clock):
    new = personal(order, artifacts)
    digests = [artifacts.put(SCOPE, f"{PIXELS} {number}".encode()) for number in range(2)]
    store.foresee(SCOPE, [*digests, *new.pictures])
    store.add_order(new)
    clock.forward(2 * 86_400 - 1)
    assert store.rubbish(SCOPE) == [], "a worker may still be at it"
    store.foresee(SCOPE, digests[:1])  # and one begins just now
    clock.forward(1)
    assert throw_away(store, artifacts) == digests[1:]
    clock.forward(2 * 86_400)
    assert throw_away(store, artifacts) == digests[:1]
    assert all(artifacts.has(SCOPE, digest) for digest in new.pictures), "its order was stored"


def test_what_is_erased_does_not_wait_for_what_was_foreseen(any_store, order, artifacts):
    new = personal(order, artifacts)
    stored, _ = any_store.add_order(new)
    any_store.foresee(SCOPE, new.pictures)  # by one that asks for the same, and is held up
    any_store.cancel_order(SCOPE, stored.id, "not now")
    any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    assert sorted(throw_away(any_store, artifacts)) == sorted(new.pictures)


def test_another_tenants_order_is_not_erased(any_store, order, artifacts):
    stored, _ = any_store.add_order(personal(order, artifacts, tenant="acme"))
    any_store.cancel_order(Scope("acme"), stored.id, "not now")
    for scope in (SCOPE, Scope("acme", "test")):
        with pytest.raises(Refused) as caught:
            any_store.erase_order(scope, stored.id, "cardpipe", KEYED)
        assert caught.value.findings[0].code == "order.unknown"
    assert any_store.order(Scope("acme"), stored.id).erased_at is None


def test_one_order_is_erased_beside_others_like_it(any_store, order, artifacts):
    """Two tenants, the same reference, key and photo: what is erased of one stays with the other."""
    kept = []
    for tenant in ("acme", "zeta"):
        scope = Scope(tenant)
        receipt = any_store.begin_request(scope, "orders", "key-1", {"message": "cd" * 32})
        new = personal(order, artifacts, tenant=tenant)
        any_store.keep_picture(scope, new.pictures[0], "photo")
        stored, _ = any_store.add_order(new, replace(receipt, answer=lambda stored: (202, "{}")))
        any_store.cancel_order(scope, stored.id, "not now")
        kept.append(stored.id)
    any_store.erase_order(Scope("acme"), kept[0], "cardpipe", KEYED)
    other = any_store.order(Scope("zeta"), kept[1])
    assert (other.request["message"], other.metadata, other.erased_at) == (MESSAGE, {"note": NOTE}, None)
    assert any_store.begin_request(Scope("zeta"), "orders", "key-1", {"message": "cd" * 32}) == (202, "{}")
    assert any_store.rubbish(Scope("zeta")) == []
    assert len(any_store.rubbish(Scope("acme"))) == 2


def test_an_order_that_a_worker_judged_is_erased_as_a_row_too(any_store, order, artifacts):
    new = personal(order, artifacts)
    row, _ = any_store.add_row(NewRow(0, new.request, (NAME, STREET), (), new.reference, "d1"), SCOPE)
    claim = any_store.claim(due(any_store)[0][0], 60)
    stored = any_store.settle_row(claim, row, replace(new, order_id=row.id), [])
    assert any_store.complete_accept(claim)
    any_store.cancel_order(SCOPE, stored.id, "not now")
    any_store.erase_order(SCOPE, stored.id, "cardpipe", KEYED)
    throw_away(any_store, artifacts)
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])
    gone = any_store.row(SCOPE, row.id)
    assert (gone.state, dict(gone.request), gone.cells, gone.request_digest) == ("accepted", {}, (), KEYED)


def test_erasing_while_the_shop_goes_on(any_store, order, artifacts):
    """Scans and erasures of one batch at once: nobody waits in a circle, and nothing is half erased."""
    import threading

    ids = [any_store.add_order(personal(order, artifacts, number))[0].id for number in range(1, 13)]
    compose(any_store, artifacts)
    batch = gathered(any_store)
    to_post(any_store, artifacts, batch, list(range(1, 13)))
    failed = []

    def alone(call, values):
        for value in values:
            try:
                call(value)
            except Exception as problem:
                failed.append(problem)

    def come_back(seq):
        any_store.record(SCOPE, batch.id, [Scan(seq, Stage.RETURNED)], "a list", f"{seq:064x}", "anna")

    threads = [
        threading.Thread(target=alone, args=(come_back, range(1, 13))),
        *(threading.Thread(target=alone, args=(lambda key: any_store.erase_order(SCOPE, key, "cardpipe", KEYED), some))
          for some in (ids, ids[::-1], ids[6:] + ids[:6])),
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    throw_away(any_store, artifacts)
    assert (left_in(any_store), left_on_disk(artifacts)) == ([], [])
    assert any_store.tally(SCOPE, batch.id).returned == 12
    assert any_store.audit_broken() is None
    assert sum(entry.action == "order.erased" for entry in any_store.audited("local", 99)) == 12

"""After the press: what was seen, what was pulled out, and when a batch is settled. Contradictions hold it."""

from __future__ import annotations

import pytest
from pressroom import work

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.status import PieceState

SCOPE = Scope()


def _record(store, batch, stage, seqs, sha=None):
    scans = [Scan(seq, Stage(stage)) for seq in seqs]
    return store.record(SCOPE, batch.id, scans, "a list", sha or f"{stage} {list(seqs)}", "anna")


def _states(store, batch):
    return [str(piece.state) for piece in store.members(batch.id)]


def test_from_the_press_to_the_post(any_store, batch):
    made = batch(any_store, 3, "released")
    tally, new = _record(any_store, made, "printed", [1, 2])
    assert (new, tally.printed, tally.mailed, tally.missing) == (True, 2, 0, (1, 2, 3))
    assert any_store.batch(SCOPE, made.id).state == "released"
    _record(any_store, made, "inserted", [3])  # what was inserted was printed
    assert _states(any_store, made) == ["printed"] * 3
    assert any_store.batch(SCOPE, made.id).state == "printed"
    tally, _ = _record(any_store, made, "mailed", [1, 3])
    assert (tally.printed, tally.inserted, tally.mailed, tally.missing) == (3, 1, 2, (2,))
    with pytest.raises(Conflict) as conflict:
        any_store.settle(SCOPE, made.id, "anna")
    assert [(one.code, one.where) for one in conflict.value.findings] == [("batch.missing", "piece 2")]
    assert any_store.batch(SCOPE, made.id).state == "printed"
    _record(any_store, made, "mailed", [2])
    assert any_store.batch(SCOPE, made.id).state == "mailed"
    tally = any_store.settle(SCOPE, made.id, "anna")
    assert (tally.gathered, tally.mailed, tally.withdrawn, tally.missing) == (3, 3, 0, ())
    done = any_store.batch(SCOPE, made.id)
    assert (done.state, done.name, done.files) == ("settled", made.name, made.files)
    assert any_store.settle(SCOPE, made.id, "bert") == tally  # once more changes nothing
    moves = [(event.old, event.new) for event in any_store.events(SCOPE, made.id) if event.old != event.new]
    assert moves[-4:] == [("imposed", "released"), ("released", "printed"), ("printed", "mailed"),
                          ("mailed", "settled")]  # fmt: skip
    piece = next(iter(any_store.members(made.id)))
    assert [event.new for event in any_store.events(SCOPE, piece.id)][-3:] == ["released", "printed", "mailed"]


def test_a_card_that_comes_back_after_all_is_settled(any_store, batch):
    made = batch(any_store, 2, "mailed")
    any_store.settle(SCOPE, made.id, "anna")
    tally, _ = _record(any_store, made, "returned", [2])
    assert (tally.mailed, tally.returned, tally.missing) == (2, 1, ())
    assert _states(any_store, made) == ["mailed", "returned"]
    assert any_store.batch(SCOPE, made.id).state == "settled"


def test_one_list_may_tell_a_whole_life(any_store, batch):
    made = batch(any_store, 2, "released")
    scans = [Scan(seq, stage) for stage in ("printed", "inserted", "mailed", "returned") for seq in (1, 2)]
    tally, _ = any_store.record(SCOPE, made.id, [Scan(s.seq, Stage(s.stage)) for s in scans], "log", "1", "anna")
    assert (tally.printed, tally.inserted, tally.mailed, tally.returned) == (2, 2, 2, 2)
    assert any_store.batch(SCOPE, made.id).state == "mailed"
    piece = next(iter(any_store.members(made.id)))
    assert [event.new for event in any_store.events(SCOPE, piece.id)][-3:] == ["printed", "mailed", "returned"]


def test_the_same_list_is_taken_once(any_store, batch, sql):
    made, other = batch(any_store, 2, "released"), batch(any_store, 2, "released", first=7)
    first, new = _record(any_store, made, "inserted", [1, 2], sha="1" * 64)
    events = len(any_store.events(SCOPE, made.id))
    again, twice = _record(any_store, made, "inserted", [1, 2], sha="1" * 64)
    assert (new, twice, again) == (True, False, first)
    assert len(any_store.events(SCOPE, made.id)) == events
    assert sql(any_store, "SELECT count(*) FROM scans")[0][0] == 2
    assert _record(any_store, other, "inserted", [1, 2], sha="1" * 64)[1]  # of another batch it is another list
    with pytest.raises(Conflict):  # another list that says the same is a second insertion
        _record(any_store, made, "inserted", [1, 2], sha="2" * 64)


def test_a_contradiction_holds_the_batch_and_nothing_of_the_list_is_taken(any_store, batch, sql):
    made = batch(any_store, 3, "released")
    _record(any_store, made, "inserted", [1])
    before = any_store.tally(SCOPE, made.id)
    with pytest.raises(Conflict) as conflict:
        any_store.record(
            SCOPE, made.id, [Scan(2, Stage.PRINTED), Scan(1, Stage.INSERTED), Scan(9, Stage.PRINTED)], "x", "2", "anna"
        )
    assert [one.code for one in conflict.value.findings] == ["scan.inserted_twice", "scan.unknown"]
    held = any_store.batch(SCOPE, made.id)
    assert "scan.inserted_twice: piece 1 was seen inserted twice" in held.held
    assert "scan.unknown: piece 9" in held.held
    assert any_store.tally(SCOPE, made.id) == before
    assert _states(any_store, made) == ["printed", "released", "released"]
    assert sql(any_store, "SELECT count(*) FROM scans")[0][0] == 1
    event = any_store.events(SCOPE, made.id)[-1]
    assert (event.kind, event.new) == ("hold", "held")
    assert _record(any_store, made, "printed", [2], sha="2")[1]  # mended, it is taken; the list was never known
    assert any_store.batch(SCOPE, made.id).held == held.held  # until a person says so


def test_nothing_is_settled_while_it_is_held(any_store, batch):
    made = batch(any_store, 2, "mailed")
    with pytest.raises(Conflict):
        _record(any_store, made, "inserted", [1])
    with pytest.raises(Conflict, match=r"scan\.after_mailing"):
        any_store.settle(SCOPE, made.id, "anna")
    any_store.resume(SCOPE, made.id, "an old list")
    assert any_store.settle(SCOPE, made.id, "anna").missing == ()


@pytest.mark.parametrize("state", ["gathered", "imposed"])
def test_what_was_not_released_cannot_have_been_seen(any_store, batch, state):
    made = batch(any_store, 1, state)
    with pytest.raises(Conflict):
        _record(any_store, made, "printed", [1])
    with pytest.raises(Conflict):
        any_store.withdraw(SCOPE, made.id, [1], "too early", "anna")
    with pytest.raises(Conflict):
        any_store.settle(SCOPE, made.id, "anna")
    assert any_store.batch(SCOPE, made.id) == made


def test_an_empty_list_is_refused(any_store, batch):
    made = batch(any_store, 1, "released")
    with pytest.raises(Refused) as refused:
        _record(any_store, made, "printed", [])
    assert refused.value.findings[0].code == "scan.none"


def test_withdraw(any_store, batch):
    made = batch(any_store, 4, "released")
    gone = list(any_store.members(made.id))[1]
    _record(any_store, made, "printed", [2, 3])
    tally = any_store.withdraw(SCOPE, made.id, [2, 4], "the client died", "anna")
    assert (tally.gathered, tally.pieces, tally.withdrawn, tally.missing) == (4, 2, 2, (1, 3))
    after = any_store.batch(SCOPE, made.id)
    assert (after.name, after.pieces, after.revision, after.files) == (made.name, 4, 1, made.files)
    assert [piece.seq for piece in any_store.members(made.id)] == [1, 3]  # the numbers are printed
    piece = any_store.piece(SCOPE, gone.id)
    assert (piece.state, piece.batch_id, piece.seq) == (PieceState.CANCELLED, None, None)
    assert piece.findings[0].code == "piece.withdrawn"
    assert any_store.order(SCOPE, gone.order_id).state == "accepted"
    event = any_store.events(SCOPE, gone.id)[-1]
    assert (event.old, event.new, event.detail["batch"]) == ("printed", "cancelled", made.id)
    with pytest.raises(Refused) as refused:
        any_store.withdraw(SCOPE, made.id, [2, 3, 9], "once more", "anna")
    assert [one.where for one in refused.value.findings] == ["piece 2", "piece 9"]
    assert any_store.tally(SCOPE, made.id) == tally
    with pytest.raises(Conflict) as conflict:
        _record(any_store, made, "mailed", [1, 2, 3])
    assert [(one.code, one.where) for one in conflict.value.findings] == [("scan.unknown", "piece 2")]


def test_with_the_last_missing_piece_withdrawn_the_batch_is_mailed(any_store, batch):
    made = batch(any_store, 3, "released")
    _record(any_store, made, "mailed", [1, 3])
    with pytest.raises(Conflict) as conflict:
        any_store.withdraw(SCOPE, made.id, [2, 3], "too late for one", "anna")
    assert [(one.code, one.where) for one in conflict.value.findings] == [("batch.mailed_already", "piece 3")]
    any_store.withdraw(SCOPE, made.id, [2], "a wrong photo", "anna")
    assert any_store.batch(SCOPE, made.id).state == "mailed"
    tally = any_store.settle(SCOPE, made.id, "anna")
    assert tally.mailed + tally.withdrawn == tally.gathered == 3


def test_a_batch_of_which_nothing_is_mailed_is_settled_too(any_store, batch):
    made = batch(any_store, 2, "released")
    any_store.withdraw(SCOPE, made.id, [1, 2], "the house burned", "anna")
    assert any_store.batch(SCOPE, made.id).name == made.name
    assert any_store.settle(SCOPE, made.id, "anna").withdrawn == 2
    assert any_store.batch(SCOPE, made.id).state == "settled"


def test_what_was_ejected_before_counts_with_what_was_withdrawn_after(any_store, batch):
    made = batch(any_store, 4)
    any_store.eject(SCOPE, made.id, [1], "a wrong photo", "anna")
    work(any_store)
    any_store.plan_release(SCOPE, made.id, "file:///house")
    work(any_store)
    any_store.withdraw(SCOPE, made.id, [1], "another wrong photo", "anna")  # another piece with the same number
    _record(any_store, made, "mailed", [2, 3])
    tally = any_store.settle(SCOPE, made.id, "anna")
    assert (tally.gathered, tally.withdrawn, tally.mailed) == (4, 2, 2)


def test_the_house_answers(any_store, batch):
    made = batch(any_store, 2, "released")
    assert any_store.acknowledge(SCOPE, made.id, made.name, True, "thank you")
    assert not any_store.acknowledge(SCOPE, made.id, made.name, True, "thank you")
    assert any_store.batch(SCOPE, made.id).held is None
    words = "wrong count: Müller wants 3" + "x" * 3000
    assert any_store.acknowledge(SCOPE, made.id, made.name, False, words)
    held = any_store.batch(SCOPE, made.id)
    assert held.held == f"the house refused {made.name}: read its reply"
    assert not any("Müller" in event.reason + str(event.detail) for event in any_store.events(SCOPE, made.id))
    any_store.resume(SCOPE, made.id, "we spoke")
    assert not any_store.acknowledge(SCOPE, made.id, made.name, False, words)  # read again, it holds nothing again
    assert any_store.batch(SCOPE, made.id).held is None
    assert any_store.acknowledge(SCOPE, made.id, made.name, False, "still wrong")
    assert any_store.batch(SCOPE, made.id).held is not None
    assert any_store.replies(SCOPE, made.id) == [
        (made.name, True, "thank you"),
        (made.name, False, words[:2000]),
        (made.name, False, "still wrong"),
    ]
    assert any_store.replies(SCOPE, batch(any_store, 1, first=7).id) == []


def test_a_reply_of_the_longest_words_fits(any_store, batch):
    made = batch(any_store, 1, "released")
    assert any_store.acknowledge(SCOPE, made.id, made.name, False, "\0" + "ß" * 5000)
    assert any_store.replies(SCOPE, made.id) == [(made.name, False, "ß" * 2000)]


@pytest.mark.parametrize("call", ["record", "withdraw", "settle", "tally", "acknowledge", "replies", "remakes",
                                  "add_remake", "plan_release", "drop_release"])  # fmt: skip
def test_another_tenants_batch_is_unknown(any_store, batch, call):
    made = batch(any_store, 1, "released")
    rest = {
        "record": ([Scan(1, Stage.MAILED)], "x", "1", "eve"), "withdraw": ([1], "x", "eve"), "settle": ("eve",),
        "acknowledge": ("x", False, "x"), "add_remake": ([1], "x", "eve"), "plan_release": ("file:///eve",),
        "drop_release": ("x",),
    }.get(call, ())  # fmt: skip
    with pytest.raises(Refused) as refused:
        getattr(any_store, call)(Scope("eve"), made.id, *rest)
    assert refused.value.findings[0].code == "batch.unknown"
    assert any_store.batch(SCOPE, made.id) == made

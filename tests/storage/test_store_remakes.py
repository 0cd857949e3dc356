"""Remakes: the same cards once more, each spoil once, and nothing that was ruined goes to the post."""

from __future__ import annotations

import pytest
from pressroom import due, finish, work

from cardpipe.model.batch import BatchFile
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage

SCOPE = Scope()
FILES = [BatchFile("a.pdf", "d" * 64, 3), BatchFile("b.pdf", "e" * 64, 4)]


def _record(store, batch, stage, seqs, sha):
    return store.record(SCOPE, batch.id, [Scan(seq, Stage(stage)) for seq in seqs], "a list", sha, "anna")


def test_a_remake(any_store, batch):
    made = batch(any_store, 4, "printed")
    remake, step = any_store.add_remake(SCOPE, made.id, [3, 1, 3], "torn", "anna")
    assert (remake.run, remake.seqs, remake.reason, remake.user, remake.made) == (1, (1, 3), "torn", "anna", False)
    assert remake.bundle(made).name == f"{made.name}_R01"
    assert any_store.remake(remake.id) == remake
    assert any_store.remakes(SCOPE, made.id) == [remake]
    tally = any_store.tally(SCOPE, made.id)
    assert (tally.spoiled, tally.remade, tally.printed) == (2, 0, 4)
    claim = any_store.claim(step, 60)
    assert (claim.kind, claim.subject) == ("remake", remake.id)
    assert any_store.complete_remake(claim, FILES)
    done = any_store.remake(remake.id)
    assert (done.made, list(done.files), done.seqs) == (True, FILES, (1, 3))
    assert any_store.tally(SCOPE, made.id).remade == 2
    assert not any_store.complete_remake(claim, FILES)
    assert any_store.claim(step, 60) is None
    assert any_store.batch(SCOPE, made.id) == made  # same files, same name, same state
    piece = next(iter(any_store.members(made.id)))
    assert [event.reason for event in any_store.events(SCOPE, piece.id)][-2:] == ["spoiled", "remade"]
    assert any_store.events(SCOPE, piece.id)[-1].detail == {"batch": made.id, "remake": remake.id}
    assert [event.reason for event in any_store.events(SCOPE, made.id)][-2:] == ["spoiled", "remade"]


def test_spoiled_again_is_the_next_run_and_while_one_waits_is_a_conflict(any_store, batch):
    made = batch(any_store, 4, "released")
    any_store.add_remake(SCOPE, made.id, [1, 2], "torn", "anna")
    with pytest.raises(Conflict) as conflict:
        any_store.add_remake(SCOPE, made.id, [2, 3], "torn", "bert")  # two people saw the same
    assert [(one.code, one.where) for one in conflict.value.findings] == [("remake.waiting", "piece 2")]
    assert "R01" in conflict.value.findings[0].message
    assert any_store.tally(SCOPE, made.id).spoiled == 2  # nothing of it was done
    work(any_store)
    second, _ = any_store.add_remake(SCOPE, made.id, [2, 3], "torn again", "anna")
    assert (second.run, second.seqs) == (2, (2, 3))
    work(any_store)
    tally = any_store.tally(SCOPE, made.id)
    assert (tally.spoiled, tally.remade) == (3, 3)
    assert [remake.run for remake in any_store.remakes(SCOPE, made.id)] == [1, 2]
    other = batch(any_store, 1, "released", first=9)
    assert any_store.add_remake(SCOPE, other.id, [1], "torn", "anna")[0].run == 1


def test_what_cannot_be_made_again(any_store, batch):
    made = batch(any_store, 3, "released")
    _record(any_store, made, "mailed", [2], "1")
    with pytest.raises(Conflict) as conflict:
        any_store.add_remake(SCOPE, made.id, [1, 2], "torn", "anna")
    assert [(one.code, one.where) for one in conflict.value.findings] == [("remake.after_mailing", "piece 2")]
    with pytest.raises(Refused) as refused:
        any_store.add_remake(SCOPE, made.id, [1, 7, 8], "torn", "anna")
    assert [one.where for one in refused.value.findings] == ["piece 7", "piece 8"]
    with pytest.raises(Refused):
        any_store.add_remake(SCOPE, made.id, [], "torn", "anna")
    any_store.withdraw(SCOPE, made.id, [3], "pulled", "anna")
    with pytest.raises(Refused):
        any_store.add_remake(SCOPE, made.id, [3], "torn", "anna")
    assert any_store.remakes(SCOPE, made.id) == []
    assert due(any_store) == []
    with pytest.raises(Refused) as refused:
        any_store.remake("rmk_none")
    assert refused.value.findings[0].code == "remake.unknown"


@pytest.mark.parametrize("state", ["gathered", "imposed", "mailed"])
def test_only_while_the_house_has_it(any_store, batch, state):
    made = batch(any_store, 2, state)
    with pytest.raises(Conflict, match=state):
        any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")


def test_what_is_spoiled_is_mailed_only_once_it_was_made_again(any_store, batch):
    made = batch(any_store, 2, "released")
    any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    with pytest.raises(Conflict) as conflict:
        _record(any_store, made, "mailed", [1, 2], "1")
    assert [(one.code, one.where) for one in conflict.value.findings] == [("scan.spoiled_not_remade", "piece 1")]
    assert any_store.batch(SCOPE, made.id).held is not None
    any_store.resume(SCOPE, made.id, "a wrong list")
    work(any_store)
    assert _record(any_store, made, "mailed", [1, 2], "1")[1]
    assert any_store.settle(SCOPE, made.id, "anna").missing == ()


def test_a_spoil_that_only_a_list_tells_of_needs_a_remake_too(any_store, batch):
    made = batch(any_store, 3, "released")
    tally, _ = _record(any_store, made, "spoiled", [2], "1")
    assert (tally.spoiled, tally.remade) == (1, 0)
    assert any_store.remakes(SCOPE, made.id) == []
    with pytest.raises(Conflict):
        _record(any_store, made, "mailed", [2], "2")
    any_store.add_remake(SCOPE, made.id, [2], "torn", "anna")
    any_store.resume(SCOPE, made.id, "it is made again")
    work(any_store)
    assert _record(any_store, made, "mailed", [1, 2, 3], "3")[1]
    assert any_store.tally(SCOPE, made.id).spoiled == 1


def test_a_spoil_told_twice_is_one_spoil(any_store, batch):
    """The operator rings up, and the list with the same scan comes in the evening, before the remake is made."""
    made = batch(any_store, 2, "released")
    any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    _record(any_store, made, "spoiled", [1], "1")
    work(any_store)
    assert _record(any_store, made, "mailed", [1, 2], "2")[1]


def test_the_remake_that_is_spoiled_as_well_is_not_mailed(any_store, batch):
    made = batch(any_store, 2, "released")
    any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    work(any_store)
    _record(any_store, made, "spoiled", [1], "1")
    with pytest.raises(Conflict):
        _record(any_store, made, "mailed", [1, 2], "2")


def test_a_spoiled_piece_is_inserted_once_more(any_store, batch):
    made = batch(any_store, 2, "released")
    _record(any_store, made, "inserted", [1, 2], "1")
    any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    work(any_store)
    assert _record(any_store, made, "inserted", [1], "2")[1]
    with pytest.raises(Conflict):
        _record(any_store, made, "inserted", [2], "3")


def test_what_is_withdrawn_is_not_made_again(any_store, batch):
    made = batch(any_store, 3, "released")
    remake, step = any_store.add_remake(SCOPE, made.id, [1, 2], "torn", "anna")
    any_store.withdraw(SCOPE, made.id, [1], "not worth it", "anna")
    assert any_store.remake(remake.id).seqs == (2,)
    claim = any_store.claim(step, 60)
    with pytest.raises(Conflict, match="at this moment"):
        any_store.withdraw(SCOPE, made.id, [2], "nor this", "anna")
    any_store.give_back(claim, "no room", 0)
    any_store.withdraw(SCOPE, made.id, [2], "nor this", "anna")
    assert not finish(any_store, claim)
    assert any_store.remake(remake.id).seqs == ()
    assert due(any_store) == []
    assert any_store.claim(step, 60) is None
    tally, _ = _record(any_store, made, "mailed", [3], "1")
    assert (tally.spoiled, tally.remade, tally.withdrawn, tally.missing) == (2, 0, 2, ())


def test_a_remake_that_fails_holds_its_batch(any_store, batch):
    made = batch(any_store, 2, "printed")
    _, step = any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    any_store.fault(any_store.claim(step, 60), [error("x.y", "", "cannot")], final=False)
    event = any_store.events(SCOPE, made.id)[-1]
    assert (event.kind, event.old, event.new, event.reason) == ("batch", "printed", "printed", "x.y")
    assert any_store.batch(SCOPE, made.id).held is None
    any_store.resume(SCOPE, made.id, "try at once")
    any_store.fault(any_store.claim(step, 60), [error("x.y", "", "cannot")], final=True)
    held = any_store.batch(SCOPE, made.id)
    assert (held.state, held.held, held.files) == ("printed", "x.y: cannot", made.files)
    assert any_store.claim(step, 60) is None
    more, later = any_store.add_remake(SCOPE, made.id, [2], "torn", "anna")  # held with its batch from the start
    assert any_store.claim(later, 60) is None
    any_store.resume(SCOPE, made.id, "mended")
    assert work(any_store) == ["remake", "remake"]
    assert any_store.remake(more.id).made


def test_given_back(any_store, batch):
    made = batch(any_store, 2, "released")
    _, step = any_store.add_remake(SCOPE, made.id, [1], "torn", "anna")
    any_store.give_back(any_store.claim(step, 60), "no room", 0)
    event = any_store.events(SCOPE, made.id)[-1]
    assert (event.old, event.new, event.detail["step"]) == ("released", "released", "remake")
    assert any_store.claim(step, 60).attempt == 1

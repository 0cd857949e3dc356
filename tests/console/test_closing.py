"""Before a day is closed its page says how many batches come, and why so many; the list of batches says it afterwards."""

from __future__ import annotations

import re

import pytest

from cardpipe.catalog import press as presses
from cardpipe.cli.batches import _line
from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.errors import Unavailable
from cardpipe.pipeline import alike
from cardpipe.pipeline import gather as gathers
from cardpipe.pipeline.erase import erase
from tests.console.conftest import Browse
from tests.console.floor import DAY, SCOPE, an_order, take
from tests.console.test_today import words
from tests.pipeline.shopfloor import House
from tests.pipeline.test_override import bravo, let_pass, zipped

BRAVO = {"design": "congratulations-bravo", "occasion": "congratulations"}


@pytest.fixture
def shop_floor(seeded: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A press that takes two pieces in a batch; five cards without a photo, all of one kind."""
    press = presses.presses()["digital-coated"].model_copy(update={"pieces_per_batch": 2})
    monkeypatch.setattr(seeded.catalog, "press", lambda name: press)
    take(seeded, *(an_order(n, design="thank-you-fern", occasion="thank-you", photo=None) for n in range(3000, 3005)))
    seeded.run_steps()
    return seeded


def test_parts_are_told_before_the_day_is_closed(shop_floor: House, browse: Browse) -> None:
    said = words(browse().get(f"/close?day={DAY}").text)
    assert "5 pieces go into 3 batches" in said and "Close it: 5 pieces into 3 batches" in said
    assert "Why 3 batches" in said
    assert (
        "digital-coated takes at most 2 in a batch, so they become 3 batches of 2 or 1 pieces, one after the other"
        in said
    )
    assert "presort of its own" not in said and "apart" not in said
    before = {batch.id for batch in shop_floor.store.batches(SCOPE)}
    assert browse().send_form("/close", {"day": DAY}).status_code == 303
    made = [batch for batch in shop_floor.store.batches(SCOPE) if batch.id not in before]
    assert [batch.pieces for batch in made] == [2, 2, 1], "as it was said"
    entry = shop_floor.store.audited("local", 1)[0]
    assert entry.action == "day.closed" and entry.detail["pieces"] == 5
    assert entry.detail["batches"] == [batch.id for batch in made]


def test_a_presort_for_each_part(seeded: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    press = presses.presses()["digital-coated"].model_copy(update={"pieces_per_batch": 1})
    monkeypatch.setattr(seeded.catalog, "press", lambda name: press)
    monkeypatch.setattr(seeded.catalog, "mailing", lambda: Mailing(presort="first"))
    take(seeded, *(an_order(n, design="thank-you-fern", occasion="thank-you", photo=None) for n in (3000, 3001)))
    seeded.run_steps()
    said = words(browse().get(f"/close?day={DAY}").text)
    assert (
        "so they become 2 batches of 1 pieces, one after the other in mail order. Each has a presort of its own."
        in said
    )


def test_a_few_pieces_need_no_reason(seeded: House, browse: Browse) -> None:
    take(seeded, an_order(3000, design="thank-you-fern", occasion="thank-you", photo=None))
    seeded.run_steps()
    said = words(browse().get(f"/close?day={DAY}").text)
    assert "1 piece goes into 1 batch" in said and "Why" not in said


def test_a_batch_apart_for_photos_that_were_let_pass(seeded: House, browse: Browse) -> None:
    """Its pieces ask less of a photo than others of their kind do: the batches say so, and the plain one says nothing."""
    take(seeded, *(an_order(n, **BRAVO, photo="photo-1") for n in (3000, 3001)))
    (row,) = zipped(seeded, bravo(9))
    let_pass(seeded, row)
    said = words(browse().get(f"/close?day={DAY}").text)
    assert "3 pieces go into 2 batches" in said and "Why 2" in said
    assert said.count("apart from the others of its kind: photos that an operator let pass.") == 1
    assert browse().send_form("/close", {"day": DAY}).status_code == 303
    html = browse().get(f"/batches?day={DAY}").text
    rows = [words(row) for row in re.findall(r"<tr>.*?</tr>", html, re.S)]
    told = [row for row in rows if "apart: photos that an operator let pass" in row]
    assert len(told) == 1 and "_0001pc_" in told[0]
    assert len([row for row in rows if "_CP_" in row]) >= 3


def test_a_batch_apart_for_settings_that_were_changed(
    seeded: House, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {"design": "thank-you-fern", "occasion": "thank-you", "photo": None}
    take(seeded, an_order(3000, **plain))
    press = presses.presses()["digital-coated"].model_copy(update={"pieces_per_file": 250})
    monkeypatch.setattr(seeded.catalog, "press", lambda name: press)
    take(seeded, an_order(3001, **plain))
    seeded.run_steps()
    said = words(browse().get(f"/close?day={DAY}").text)
    assert "kind: press pieces_per_file 500." in said and "kind: press pieces_per_file 250." in said


def test_the_command_line_says_the_same(shop_floor: House) -> None:
    made = gathers.gather(shop_floor, SCOPE, DAY)
    place = alike.of_group(made)
    told = [_line(batch, alike.why(shop_floor, SCOPE, made).get(batch.id), place.get(batch.id)) for batch in made]
    parts = [line for line in told if "more than the press takes in one batch" in line]
    assert [line.partition("  part ")[2][:6] for line in parts] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [line.split()[0] for line in parts] == ["2", "2", "1"]


def test_nothing_is_said_of_what_was_erased(seeded: House) -> None:
    """What let a photo pass goes with the words: the press alone would be a riddle."""
    take(seeded, an_order(3000, **BRAVO, photo="photo-1"))
    (row,) = zipped(seeded, bravo(9))
    let_pass(seeded, row)
    made = gathers.gather(seeded, SCOPE, DAY)
    assert list(alike.why(seeded, SCOPE, made).values()) == [alike.LET_PASS]
    assert alike.why(seeded, SCOPE, made[:1]) == {}, "alone it is like any other"
    small = next(batch for batch in made if batch.id in alike.why(seeded, SCOPE, made))
    seeded.store.eject(SCOPE, small.id, [1], "the photo", "user:x")
    piece = seeded.store.order(SCOPE, "R-9").pieces[0]
    seeded.store.cancel_order(SCOPE, piece.order_id, "no more")
    erase(seeded, SCOPE, "R-9", "user:x")
    assert alike.why(seeded, SCOPE, made) == {}


def test_who_closed_a_day_is_noted_where_it_ended_in_the_middle(
    shop_floor: House, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away after the first batch: what was made stays, and stands in the audit log."""
    real, calls = shop_floor.store.gather, list[int]()

    def once(*asked: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable("The database did not answer.")
        return real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(shop_floor.store, "gather", once)
    before = len(shop_floor.store.batches(SCOPE))
    assert browse().send_form("/close", {"day": DAY}).status_code == 503
    assert len(shop_floor.store.batches(SCOPE)) == before + 1
    entry = shop_floor.store.audited("local", 1)[0]
    assert (entry.action, entry.subject, entry.detail["pieces"]) == ("day.closed", DAY, 2)
    assert browse().send_form("/close", {"day": DAY}).status_code == 303
    assert len(shop_floor.store.batches(SCOPE)) == before + 3

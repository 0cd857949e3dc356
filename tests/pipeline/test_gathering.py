"""A group in parts, on the whole shop: real cards, labels, and a cut-off that died in the middle."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
import zxingcpp
from shopfloor import DAY, SCOPE, FrozenClock, House, order

from cardpipe.catalog import press as presses
from cardpipe.model.batch import Batch, match_code
from cardpipe.pipeline.duties import Reminder
from cardpipe.pipeline.gather import gather
from cardpipe.prepress.press import LabelSetup, Press
from tests.pipeline.test_duties import pass_time, terms

HERE = Path(__file__).parent


def few(house: House, monkeypatch: pytest.MonkeyPatch, most: int, **changes: object) -> None:
    """The press takes so many pieces in a batch."""
    press = presses.presses()["digital-coated"].model_copy(update={"pieces_per_batch": most, **changes})
    monkeypatch.setattr(house.catalog, "press", lambda name: press)


def printed(house: House, batch: Batch) -> list[tuple[str, list[str]]]:
    """By reference, the codes that are read off the card and the envelope of that row."""
    files = house.files(batch)
    rows = csv.DictReader(io.StringIO(files["MANIFEST.csv"].decode()))
    found = []
    for row in rows:
        seen = [
            code
            for file, page in (("CARD.pdf", row["card_page_first"]), ("ENV.pdf", row["envelope_page"]))
            for code in codes(files[file], int(page) - 1)
        ]
        found.append((row["reference"], seen))
    return found


def codes(data: bytes, page: int) -> list[str]:
    pixels = pdfium.PdfDocument(data)[page].render(scale=200 / 72).to_numpy()[:, :, :3]
    return [found.text for found in zxingcpp.read_barcodes(np.ascontiguousarray(pixels))]


def test_the_parts_of_a_group_are_batches_like_any_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    few(house, monkeypatch, 2)
    batches = house.printed(*(order(n) for n in range(1, 6)))
    assert [(batch.of_day, batch.pieces) for batch in batches] == [(1, 2), (2, 2), (3, 1)]
    seen = [one for batch in batches for one in printed(house, batch)]
    assert seen == [
        (f"R-{n}", [match_code(batch, seq, role) for role in "OE"])
        for n, (batch, seq) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)], 1)
    ]
    text = pdfium.PdfDocument(house.files(batches[1])["CARD.pdf"])[2].get_textpage().get_text_bounded()
    assert "0002/0002" in text


def test_the_limit_is_that_of_the_press_that_is_pinned(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted under another limit is another group: a batch never mixes two of them."""
    few(house, monkeypatch, 2)
    for number in (1, 2, 3):
        house.take(order(number))
    monkeypatch.undo()
    for number in (4, 5, 6):
        house.take(order(number))
    house.run_steps()
    few(house, monkeypatch, 1)
    assert sorted(batch.pieces for batch in gather(house, SCOPE, DAY)) == [1, 2, 3]


@pytest.mark.one_machine
def test_a_partly_used_sheet_of_labels_is_used_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    few(house, monkeypatch, 2, labels=LabelSetup(sheet="5163"))
    for number in range(1, 6):
        house.take(order(number))
    house.run_steps()
    assert [batch.label_start for batch in gather(house, SCOPE, DAY, label_start=4)] == [4, 1, 1]


def test_a_usual_limit_is_not_pinned() -> None:
    """What orders pinned before there was a limit, and what batches are grouped by, stays as it was."""
    shipped = presses.presses()
    assert {press.pieces_per_batch for press in shipped.values()} == {5000}
    assert all("pieces_per_batch" not in press.model_dump() for press in shipped.values())
    own = Press.model_validate({**shipped["digital-coated"].model_dump(), "pieces_per_batch": 700})
    assert own.model_dump()["pieces_per_batch"] == 700 and Press.model_validate(own.model_dump()) == own


@pytest.mark.parametrize("wrong", [0, 100_001, "many", 2.5])
def test_a_limit_that_is_none_is_said(wrong: object) -> None:
    row = {"based_on": "digital-coated", "pieces_per_batch": wrong}
    _, (finding,) = presses.build_presses(("presses.toml", {"own": row}))
    assert (finding.code, finding.where) == ("press.data", "presses.toml own.pieces_per_batch") and finding.remedy


#: Does the cut-off of the shop in that folder at that moment, and dies in the transaction of its second batch.
DYING = """
import datetime as dt, os, signal, sys
import sqlalchemy as sa
from pathlib import Path
from cardpipe.pipeline import duties
from cardpipe.settings import Settings
from shopfloor import FrozenClock, House

house = House(Settings(data=Path(sys.argv[1])))
house.clock = FrozenClock(dt.datetime.fromisoformat(sys.argv[2]))
taken = []
def count(conn, cursor, statement, *_):
    if "SET state = 'batched'" in statement:
        taken.append(statement)
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(house.store.db.engine, "after_cursor_execute", count)
((step, _),) = [each for each in house.store.due_steps(9, 0.0) if each[1] == "close"]
duties.close(house, step)
"""


@pytest.mark.one_machine
def test_a_cut_off_that_died_goes_on(make_house: Callable[[str], House], monkeypatch: pytest.MonkeyPatch) -> None:
    house = make_house("dying")
    house.clock = FrozenClock(dt.datetime(2026, 12, 1, 14, 0, tzinfo=dt.UTC))  # type: ignore[assignment]
    terms(house, cut_off="17:00")
    few(house, monkeypatch, 2)
    for number in range(1, 6):
        house.take(order(number))
    house.run_steps()
    pass_time(house, hours=8, minutes=1)
    Reminder(house).turn()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    child = [sys.executable, "-c", DYING, str(house.settings.data), house.clock.now().isoformat()]
    assert subprocess.run(child, env=environment, timeout=120).returncode == -signal.SIGKILL
    assert [batch.pieces for batch in house.store.batches(SCOPE)] == [2]
    house.run_steps()
    assert [batch.pieces for batch in house.store.batches(SCOPE)] == [2], "the dead one's lease is not over"
    pass_time(house, minutes=2)
    house.run_steps()
    batches = house.store.batches(SCOPE)
    assert [(batch.number, batch.pieces, str(batch.state)) for batch in batches] == [
        (1, 2, "imposed"), (2, 2, "imposed"), (3, 1, "imposed"),
    ]  # fmt: skip
    assert [ref for batch in batches for ref, _ in printed(house, batch)] == [f"R-{n}" for n in range(1, 6)]
    duty = house.store.duties(SCOPE, "close")[0]
    assert (duty.due, duty.state, duty.result) == (DAY, "done", "2 batches with 3 pieces")

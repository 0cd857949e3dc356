"""The ticket: one page, every number on it, and the same as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from cardpipe.catalog.press import formats, presses
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.mailing import Mailing
from cardpipe.lettershop.manifest import Totals
from cardpipe.lettershop.ticket import Ticket, TicketFile, day_in_words, in_words, make_ticket
from cardpipe.model.batch import Batch
from cardpipe.model.finding import note, warning
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.model.units import Size, inch, mm
from cardpipe.prepress.canvas import Picture
from cardpipe.prepress.raster import encode_png, opened

BATCH = Batch("id", Scope(), 17, "2026-11-21", 1, "g", "A7", "us", "usps", BatchState.IMPOSED, 1, 212)
TOTALS = Totals("US", 212, 424, 212, 1, 212, 22578, {"MA": 140, "NY": 65}, {"US": 205, "DE": 4, "CA": 3}, 7)
FILES = (
    TicketFile("Cards", f"{BATCH.name}_CARD.pdf", "c0ffee" * 10 + "c0de", 12_345_678, 424),
    TicketFile("Envelopes", f"{BATCH.name}_ENV.pdf", "e" * 64, 234_567, 212),
    TicketFile("Manifest", f"{BATCH.name}_MANIFEST.csv", "d" * 64, 98_765),
)
PRESS = presses()["digital-coated"]
FINDINGS = (warning("x", "piece 0113", "the photo has 214 ppi"), note("y", "batch", "212 pieces", "meter it"))


def picture(caption: str) -> Picture:
    import numpy as np

    return Picture(encode_png(np.full((70, 100, 3), 90, np.uint8)), caption)


@pytest.fixture
def ticket(usps: Carrier) -> Ticket:
    return make_ticket(
        BATCH, formats()["A7"], usps, FILES, TOTALS, press=PRESS, mailing=Mailing(), rows=[], contact="card desk, +1 617 555 0117",
        pictures=[picture("0001 outside"), picture("0212 outside")], findings=FINDINGS,
    )  # fmt: skip


def words(data: bytes) -> str:
    with opened(data) as document:
        assert len(document) == 1
        return " ".join(document.text(0).replace("\u00a0", " ").split())


def test_everything_a_stranger_needs_is_on_the_page(ticket: Ticket, arimo: bytes) -> None:
    text = words(ticket.to_pdf(arimo))
    for wanted in (
        BATCH.name, "Mail on Saturday, 21 November 2026", "212", "CARD.pdf", FILES[0].sha256, "424", "12,345,678",
        "5 × 7 in (127 × 177.8 mm)", "10 × 7 in (254 × 177.8 mm)", "0.125 in on all four sides", "300gsm-coated",
        "parallel to the fold (the 7 in side)", "about the short edge", "CGATS TR 006", "A7, 7.25 × 5.25 in",
        "card front to the flap, fold down", "characters 1 to 13", "First-Class Mail", "1 to 212, in mail order",
        "MA 140 · NY 65", "Germany 4 · Canada 3", "piece 0113: the photo has 214 ppi.", "Meter it.", "0212 outside",
        "+1 617 555 0117",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_json_says_the_same(ticket: Ticket) -> None:
    body = json.loads(ticket.to_json())
    assert body["batch"] == BATCH.name and body["quantity"] == 212
    assert body["card"]["trim_mm"] == [127.0, 177.8] and body["card"]["bleed_mm"] == 3.175
    assert [file["sha256"] for file in body["files"]] == [file.sha256 for file in FILES]
    assert body["mailing"]["by_state"] == {"MA": 140, "NY": 65} and body["mailing"]["foreign"] == 7
    assert body["sequence"] == {"first": 1, "last": 212, "sum": 22578}
    assert len(body["findings"]) == 2 and len(body["pictures"][0]["sha256"]) == 64


def test_the_bytes_are_always_the_same(ticket: Ticket, arimo: bytes) -> None:
    assert ticket.to_pdf(arimo) == ticket.to_pdf(arimo)
    assert ticket.to_json() == ticket.to_json()


@pytest.mark.parametrize(
    ("name", "grain", "flip"), [("A7", "the 7 in side", "short"), ("A7T", "the 7 in side", "short")]
)
def test_fold_grain_and_flip_follow_the_format(usps: Carrier, name: str, grain: str, flip: str) -> None:
    made = make_ticket(
        BATCH, formats()[name], usps, FILES, TOTALS, press=PRESS, mailing=Mailing(), rows=[], contact="y"
    )
    assert grain in made.grain and f"about the {flip} edge" in made.flip


def test_a_flat_card_has_no_fold(usps: Carrier) -> None:
    flat = replace(formats()["A7"], fold="none")
    made = make_ticket(BATCH, flat, usps, FILES, TOTALS, press=PRESS, mailing=Mailing(), rows=[], contact="y")
    assert (made.fold, made.grain, made.insertion) == ("none", "either way", "card front to the flap")


def test_the_fullest_ticket_still_is_one_page(ticket: Ticket, arimo: bytes) -> None:
    states = {f"S{number:02d}": number for number in range(60)}
    countries = {"US": 1000, **dict.fromkeys(["DE", "CA", "BA", "VC", "AG", "GB", "TT", "PG", "CF", "SA"], 9)}
    full = replace(
        ticket,
        files=tuple(replace(FILES[0], name=f"{BATCH.name}_CARD_{n:02d}.pdf") for n in range(12)),
        totals=replace(TOTALS, by_state=states, by_country=countries),
        findings=tuple(warning("x", f"piece {n:04d}", "the photo is small " * 8, "look at it " * 6) for n in range(30)),
        pictures=tuple(picture(f"{n:04d} outside") for n in range(6)),
        contact="somebody " * 40,
    )
    text = words(full.to_pdf(arimo))
    for counted in (r"and \d+ more files", r"and 2\d more, listed", r"and \d\d more places", "S59 59"):
        assert re.search(counted, text), counted


def test_words_for_days_and_sizes() -> None:
    assert day_in_words("2026-02-28") == "Saturday, 28 February 2026"
    assert in_words(Size(inch(5), inch(7))) == "5 × 7 in (127 × 177.8 mm)"
    assert in_words(Size(mm(105), mm(148))) == "4.13 × 5.83 in (105 × 148 mm)"

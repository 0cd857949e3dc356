"""From composed pieces to finished files: right pages, right codes, right pictures, the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import numpy as np
import pikepdf
import pypdf
import pypdfium2 as pdfium
import pytest
import zxingcpp
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.catalog import press as presses
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Bug
from cardpipe.model.status import BatchState, PieceState
from cardpipe.pipeline import impose, pressfile, writing
from cardpipe.pipeline.gather import gather
from cardpipe.preflight.inspector import inspect
from cardpipe.preflight.profile import Profile

GERMANY = {"name": "Jürgen Müller", "street": "Hauptstr. 5", "city": "Köln", "postcode": "50667", "country": "DE"}


def files(house: House, batch: Batch) -> dict[str, bytes]:
    return house.files(batch)


def printed(house: House, *orders: dict[str, object], pictures: dict[str, bytes] | None = None) -> list[Batch]:
    return house.printed(*orders, pictures=pictures)


def codes_of(data: bytes) -> list[list[str]]:
    """Every Data Matrix of every page, by pages."""
    found = []
    for page in pdfium.PdfDocument(data):
        pixels = page.render(scale=200 / 72).to_numpy()[:, :, :3]
        found.append([r.text for r in zxingcpp.read_barcodes(np.ascontiguousarray(pixels))])
    return found


def test_a_batch_holds_what_a_house_needs_and_every_code_is_right(house: House) -> None:
    zips = ["85705", "02116", "60614"]
    orders = [
        order(n, recipient={"name": f"Reader {n}", "street": f"{n} Elm St", "city": "X", "state": s, "postcode": z})
        for n, (z, s) in enumerate(zip(zips, ["AZ", "MA", "IL"], strict=True), 1)
    ]
    (batch,) = printed(house, *orders, order(4, recipient=GERMANY))
    made = files(house, batch)
    assert sorted(made) == [
        "CARD.pdf", "ENV.pdf", "MANIFEST.csv", "MANIFEST.json", "PREFLIGHT.json", "PREFLIGHT.pdf", "SHA256SUMS", "TICKET.json", "TICKET.pdf",
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(made["MANIFEST.csv"].decode())))
    assert [row["postcode"] for row in rows] == ["02116", "60614", "85705", "50667"]  # ZIP order, foreign apart
    assert [row["reference"] for row in rows] == ["R-2", "R-3", "R-1", "R-4"]
    expected = [[match_code(batch.number, n, "O")] for n in range(1, 5)]
    assert codes_of(made["CARD.pdf"])[::2] == expected and codes_of(made["CARD.pdf"])[1::2] == [[]] * 4
    assert codes_of(made["ENV.pdf"]) == [[match_code(batch.number, n, "E")] for n in range(1, 5)]
    envelopes = pypdf.PdfReader(io.BytesIO(made["ENV.pdf"]))
    assert "JÜRGEN MÜLLER" in envelopes.pages[3].extract_text() and "GERMANY" in envelopes.pages[3].extract_text()
    assert json.loads(made["MANIFEST.json"])["totals"]["pieces"] == 4
    assert len(pypdf.PdfReader(io.BytesIO(made["TICKET.pdf"])).pages) == 1


def test_strangers_open_the_files_and_find_what_a_press_asks_for(house: House) -> None:
    (batch,) = printed(house, order(1), order(2))
    card = files(house, batch)["CARD.pdf"]
    with pikepdf.open(io.BytesIO(card)) as document:
        assert document.check_pdf_syntax() == [] and len(document.pages) == 4 and document.pdf_version == "1.6"
        assert document.Root.OutputIntents[0].S == "/GTS_PDFX" and document.Root.ViewerPreferences.Duplex
        assert [float(v) for v in document.pages[0].TrimBox] == [9, 9, 729, 513]
        arts = {page.Resources.XObject.A0.objgen for page in list(document.pages)[::2]}
        assert len(arts) == 1  # the design's art is in the file once
    for name, trim, bleed, pages in (("CARD.pdf", (720, 504), 9.0, 2), ("ENV.pdf", (522, 378), 0.0, 1)):
        profile = Profile(trim=presses.Size(*trim), bleed=bleed, pages_per_piece=pages)
        report = inspect(io.BytesIO(files(house, batch)[name]), profile, 2)
        assert report.ok and report.codes() == () and report.facts.pages == 2 * pages


def test_each_photo_lies_on_its_own_card(house: House) -> None:
    red, blue = np.zeros((2200, 1700, 3), np.uint8), np.zeros((2200, 1700, 3), np.uint8)
    red[:, :, 0] = 220
    blue[:, :, 2] = 220
    pictures = {name: encoded(pixels) for name, pixels in (("red", red), ("blue", blue))}
    bravo = {"design": "congratulations-bravo", "occasion": "congratulations"}
    (batch,) = printed(
        house, order(1, photo="red", **bravo), order(2, photo="blue", **bravo), order(3, photo="red", **bravo),
        pictures=pictures,
    )  # fmt: skip
    card = files(house, batch)["CARD.pdf"]
    document = pdfium.PdfDocument(card)
    by_reference = {p.reference: p.seq for p in house.store.members(batch.id)}
    for reference, channel in (("R-1", 0), ("R-2", 2), ("R-3", 0)):
        page = document[2 * (by_reference[reference] - 1)]  # type: ignore[operator]
        pixels = page.render(scale=0.5, rev_byteorder=True).to_numpy()
        middle = pixels[pixels.shape[0] // 3, pixels.shape[1] * 7 // 8, :3]
        assert int(np.argmax(middle)) == channel, (reference, middle)
    with pikepdf.open(io.BytesIO(card)) as opened:
        images = {p.Resources.XObject.P0.objgen for p in list(opened.pages)[::2]}
        assert len(images) == 2  # equal pictures are in the file once


def encoded(pixels: np.ndarray) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def test_two_shops_make_the_same_bytes(make_house: Callable[[str], House]) -> None:
    pictures = {"sea": picture(2400, 2000)}
    orders = [
        order(1, design="congratulations-bravo", occasion="congratulations", photo="sea"),
        *(order(n, hand=hand) for n, hand in enumerate(["caveat", "mynerve", "homemade-apple"], 2)),
        order(9, design="sympathy-still", occasion="sympathy"),
    ]
    made = []
    for name, sequence in (("one", orders), ("two", orders[::-1])):
        house = make_house(name)
        batches = printed(house, *sequence, pictures=pictures)
        made.append([(f.name, f.sha256) for batch in batches for f in batch.files])
    assert len(made[0]) == 2 * 9 and made[0] == made[1]


def test_files_split_at_the_same_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    small = presses.presses()["digital-coated"].model_copy(update={"pieces_per_file": 2})
    monkeypatch.setattr(house.catalog, "press", lambda name: small)
    (batch,) = printed(house, *(order(n) for n in range(1, 6)))
    names = sorted(name for name in files(house, batch) if name.endswith("pdf") and name.startswith(("CARD", "ENV")))
    assert names == [f"{kind}_P{n:02d}of03.pdf" for kind in ("CARD", "ENV") for n in (1, 2, 3)]
    made = files(house, batch)
    counted = [(len(pypdf.PdfReader(io.BytesIO(made[name])).pages)) for name in names]
    assert counted == [4, 4, 2, 2, 2, 1]
    rows = list(csv.DictReader(io.StringIO(made["MANIFEST.csv"].decode())))
    assert [(row["card_file"][-11:-4], row["card_page_first"], row["envelope_page"]) for row in rows] == [
        ("P01of03", "1", "1"), ("P01of03", "3", "2"), ("P02of03", "1", "1"), ("P02of03", "3", "2"), ("P03of03", "1", "1"),
    ]  # fmt: skip


def test_a_file_splits_by_bytes_too() -> None:
    press = presses.presses()["digital-coated"].model_copy(update={"bytes_per_file": 100})
    assert writing.split([40] * 5, press) == [2, 2, 1]
    assert writing.split([500, 1, 1], press) == [1, 2]  # one heavy piece is a file of its own, never lost


def test_a_code_that_does_not_read_stops_the_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        house.take(order(number))
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY)
    real = pressfile.match_code_marks

    def swapped(slot: object, code: str, number: str, face: object, **more: object) -> object:
        wrong = code.replace("000001", "000002") if code.endswith("E") else code
        return real(slot, wrong, number, face, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(pressfile, "match_code_marks", swapped)
    with pytest.raises(Bug) as caught:
        impose.make(house, batch)
    assert [f.code for f in caught.value.findings] == ["batch.code_wrong"]
    house.run_steps()
    assert house.store.batch(SCOPE, batch.id).state is BatchState.GATHERED


def test_a_photo_that_breaks_late_holds_back_only_its_own_piece(house: House) -> None:
    bravo = {"design": "congratulations-bravo", "occasion": "congratulations"}
    good = picture(2400, 2400)
    middle = len(good) // 2
    bad = good[:middle] + b"\x00" * 4000 + good[middle + 4000 :]  # whole by its skeleton, broken within
    house.take(order(1, photo="good", **bravo), {"good": good})
    house.take(order(2, photo="bad", **bravo), {"bad": bad})
    house.run_steps()
    batches = gather(house, SCOPE, DAY)
    states = {p.reference: p for order_ in ("R-1", "R-2") for p in house.store.order(SCOPE, order_).pieces}
    assert states["R-1"].state is PieceState.BATCHED
    assert [batch.pieces for batch in batches] == [1]
    assert states["R-2"].state is PieceState.NEEDS_ATTENTION
    assert [(f.code, f.where) for f in states["R-2"].findings] == [("photo.truncated", "photos.main")]


def test_formats_go_into_batches_of_their_own(house: House) -> None:
    batches = printed(
        house, order(1), order(2, design="sympathy-still", occasion="sympathy"),
        order(3, design="home-row", occasion="new-home"),
    )  # fmt: skip
    assert sorted(batch.format for batch in batches) == ["A7", "A7T", "IA6"]
    assert sorted(batch.of_day for batch in batches) == [1, 2, 3]
    top = next(batch for batch in batches if batch.format == "A7T")
    assert codes_of(files(house, top)["CARD.pdf"])[0] == [match_code(top.number, 1, "O")]


def test_a_grey_photo_keeps_its_tones(house: House) -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.linear_gradient("L").resize((2000, 2400)).save(out, "JPEG", quality=92)
    bravo = {"design": "congratulations-bravo", "occasion": "congratulations"}
    (batch,) = printed(house, order(1, photo="grey", **bravo), pictures={"grey": out.getvalue()})
    card = files(house, batch)["CARD.pdf"]
    with pikepdf.open(io.BytesIO(card)) as document:
        assert document.pages[0].Resources.XObject.P0.ColorSpace[0] == "/CalGray"
    page = pdfium.PdfDocument(card)[0].render(scale=1).to_numpy()
    column = page[10 : int(page.shape[0] * 0.7), page.shape[1] * 3 // 4, 0].astype(int)
    assert column[0] < 40 and column[-1] > 200 and (np.diff(column) >= -3).all()


def test_what_a_press_becomes_later_does_not_change_what_was_accepted(
    make_house: Callable[[str], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = presses.presses()["digital-coated"]
    house = make_house("changed")
    assert house.take(order(1)).order
    monkeypatch.setattr(house.catalog, "press", lambda name: real.model_copy(update={"condition_info": "another"}))
    assert house.take(order(2)).order
    house.run_steps()
    batches = gather(house, SCOPE, DAY)
    house.run_steps()
    assert [batch.pieces for batch in batches] == [1, 1], "pieces of two states of a press never share a batch"
    untouched = make_house("untouched")
    (only,) = printed(untouched, order(1))
    first = next(b for b in house.store.batches(SCOPE) if "R-1" in {p.reference for p in house.store.members(b.id)})
    told = {name: b"another" in data for name, data in files(house, first).items() if name.endswith("CARD.pdf")}
    assert told == {"CARD.pdf": False}
    (here,), (there,) = house.store.members(first.id), untouched.store.members(only.id)
    assert here.composed is not None and here.composed == there.composed

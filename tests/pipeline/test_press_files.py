"""Every way in which a press may want its files: X-1a, sheets, labels, bars and imprint; each released and verified."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pikepdf
import pypdf
import pypdfium2 as pdfium
import pytest
import zxingcpp
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.catalog import press as presses
from cardpipe.lettershop import imb
from cardpipe.lettershop.mailing import Insert, Mailing, Permit
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Refused
from cardpipe.model.status import BatchState
from cardpipe.pipeline import verify
from cardpipe.pipeline.gather import gather, presort_list, take_presort
from cardpipe.pipeline.release import release
from cardpipe.ports import PRESORT_AWAITED
from cardpipe.preflight.claim import read as claim
from cardpipe.prepress.press import LabelSetup, SheetSetup

BRAVO = {"design": "congratulations-bravo", "occasion": "congratulations", "photo": "sea"}
ZIPS = [("85705", "Tucson", "AZ"), ("02116", "Boston", "MA"), ("60614", "Chicago", "IL"), ("97201", "Portland", "OR"),
        ("10001", "New York", "NY")]  # fmt: skip
GERMANY = {"name": "Jürgen Müller", "street": "Hauptstr. 5", "city": "Köln", "postcode": "50667", "country": "DE"}


def reader(number: int) -> dict[str, str]:
    postcode, city, state = ZIPS[number % len(ZIPS)]
    return {
        "name": f"Reader {number}",
        "street": f"{number} Elm St",
        "city": city,
        "state": state,
        "postcode": postcode,
    }


def five(**more: object) -> list[dict[str, object]]:
    return [order(n, recipient=reader(n), **more) for n in range(1, 6)]


def released(house: House, batch: Batch, out: Path) -> dict[str, bytes]:
    """The files of a batch as they lie at the house, verified as a house would."""
    release(house, SCOPE, batch.id, out.as_uri())
    folder = out / batch.name
    opened: Callable[[str], io.BufferedReader] = lambda name: (folder / name).open("rb")  # noqa: E731
    assert verify.folder(opened, [p.name for p in folder.iterdir()]) == (batch.name, [])
    return {p.name.removeprefix(batch.name + "_"): p.read_bytes() for p in folder.iterdir()}


def rows(files: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files["MANIFEST.csv"].decode())))


def codes(data: bytes, page: int, scale: float = 200 / 72) -> list[str]:
    pixels = pdfium.PdfDocument(data)[page].render(scale=scale).to_numpy()[:, :, :3]
    return sorted(result.text for result in zxingcpp.read_barcodes(np.ascontiguousarray(pixels)))


def test_the_default_is_x4_with_records_and_no_name_in_them(house: House, tmp_path: Path) -> None:
    (batch,) = house.printed(*five())
    files = released(house, batch, tmp_path)
    assert claim(io.BytesIO(files["CARD.pdf"])).records and not claim(io.BytesIO(files["ENV.pdf"])).records
    with pikepdf.open(io.BytesIO(files["CARD.pdf"])) as document:
        leaves = list(document.Root.DPartRoot.DPartRootNode.DParts[0])
        told = [leaf.DPM.Cardpipe for leaf in leaves]
        assert [int(one.Sequence) for one in told] == [1, 2, 3, 4, 5]
        assert [str(one.PostalCode) for one in told] == sorted(zip_ for zip_, _, _ in ZIPS)
        assert [str(one.MatchCode) for one in told] == [match_code(batch.number, n, "O")[:13] for n in range(1, 6)]
        assert set(told[0].keys()) == {"/Sequence", "/PostalCode", "/Design", "/Inserts", "/MatchCode"}
    assert b"Reader" not in files["CARD.pdf"] and b"Elm St" not in files["CARD.pdf"]


def test_x1a_knows_inks_alone(house: House, tmp_path: Path) -> None:
    house.press = "offset-x1a"
    (batch,) = house.printed(*five(**BRAVO), pictures={"sea": picture(2400, 2000)})
    files = released(house, batch, tmp_path)
    for name in ("CARD.pdf", "ENV.pdf"):
        data = files[name]
        assert data.startswith(b"%PDF-1.4") and b"PDF/X-1a:2003" in data
        for forbidden in (b"/ICCBased", b"/CalGray", b"/SMask", b"/DPart", b"/Transparency", b"DeviceRGB"):
            assert forbidden not in data, (name, forbidden)
    with pikepdf.open(io.BytesIO(files["CARD.pdf"])) as document:
        photo = document.pages[0].Resources.XObject.P0
        assert photo.ColorSpace == "/DeviceCMYK" and photo.Filter == "/DCTDecode"
    house.press = "digital-coated"
    house.take(order(9, **BRAVO), {"sea": picture(2400, 2000)})
    house.run_steps()
    (other,) = gather(house, SCOPE, DAY)
    house.run_steps()
    made = house.files(house.store.batch(SCOPE, other.id))
    x1a = pdfium.PdfDocument(files["CARD.pdf"])[0].render(scale=0.5).to_numpy().astype(int)
    x4 = pdfium.PdfDocument(made["CARD.pdf"])[0].render(scale=0.5).to_numpy().astype(int)
    assert np.abs(x1a[:, :, :3].mean((0, 1)) - x4[:, :, :3].mean((0, 1))).max() < 25, "the picture is no negative"


def test_a_piece_is_never_printed_to_another_standard(house: House) -> None:
    house.take(order(1))
    house.press = "offset-x1a"
    house.take(order(2))
    house.run_steps()
    assert sorted(batch.press for batch in gather(house, SCOPE, DAY)) == ["digital-coated", "offset-x1a"]


@pytest.mark.parametrize("sequence", ["cut-and-stack", "step-and-repeat"])
@pytest.mark.parametrize("flip", ["long-edge", "short-edge"])
def test_sheets_hold_every_piece_once(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sequence: str, flip: str
) -> None:
    setup = SheetSetup.model_validate({"size": "13x19", "order": sequence, "flip": flip})
    press = presses.presses()["digital-coated"].model_copy(update={"sheet": setup})
    monkeypatch.setattr(house.catalog, "press", lambda name: press)
    (batch,) = house.printed(*five(**BRAVO), pictures={"sea": picture(2400, 2000)})
    files = released(house, batch, tmp_path)
    assert "CARD.pdf" not in files, "the same cards never lie there twice"
    data, told = files["SHEETS.pdf"], rows(files)
    assert len(pypdf.PdfReader(io.BytesIO(data)).pages) == 6  # five A7 cards, two a sheet, both sides
    for sheet in (1, 2, 3):
        there = [row for row in told if row["card_sheet"] == str(sheet)]
        assert codes(data, 2 * sheet - 2) == sorted(row["match_code_card"] for row in there)
        assert codes(data, 2 * sheet - 1) == []
    places = [(row["card_sheet"], row["card_slot"]) for row in told]
    expected = {
        "cut-and-stack": [("1", "1"), ("2", "1"), ("3", "1"), ("1", "2"), ("2", "2")],
        "step-and-repeat": [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2"), ("3", "1")],
    }
    assert places == expected[sequence]
    assert not claim(io.BytesIO(data)).records and claim(io.BytesIO(data)).imposed
    assert not claim(io.BytesIO(files["ENV.pdf"])).imposed
    text = pypdf.PdfReader(io.BytesIO(data)).pages[4].extract_text()
    assert "FILLER" in text and "sheet 3 of 3" in text and batch.name in text


def test_x1a_on_sheets(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    press = presses.presses()["offset-x1a"].model_copy(update={"sheet": SheetSetup(size="SRA3")})
    monkeypatch.setattr(house.catalog, "press", lambda name: press)
    (batch,) = house.printed(order(1), order(2), order(3))
    assert b"PDF/X-1a:2003" in released(house, batch, tmp_path)["SHEETS.pdf"]


@pytest.mark.parametrize("sheet", ["5161", "5163", "L7160", "L7163"])
def test_labels_instead_of_envelopes(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: str) -> None:
    press = presses.presses()["digital-coated"].model_copy(
        update={"labels": LabelSetup.model_validate({"sheet": sheet, "offset": ["0.4mm", "-0.3mm"]})}
    )
    monkeypatch.setattr(house.catalog, "press", lambda name: press)
    for one in five():
        assert house.take(one).order
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY, label_start=4)
    house.run_steps()
    files = released(house, house.store.batch(SCOPE, batch.id), tmp_path)
    assert "ENV.pdf" not in files
    assert codes(files["LABELS.pdf"], 0) == [match_code(batch.number, n, "E") for n in range(1, 6)]
    assert [row["envelope_label"] for row in rows(files)] == ["4", "5", "6", "7", "8"]


def test_a_label_that_an_address_does_not_fit_refuses_the_order(house: House) -> None:
    house.press = "digital-labels"
    long = {
        **reader(1),
        "street": "12345 Northwest Extraordinarily Long Boulevard of the Founding Fathers and Mothers of the Republic",
    }
    verdict = house.take(order(1, recipient=long))
    assert verdict.order is None and any(f.code.startswith(("label.", "envelope.")) for f in verdict.findings)


def tracking(serial: int) -> str:
    return f"00270123456{serial:09d}"


def test_the_presort_of_the_house_comes_back(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mailing = Mailing(
        presort="first", mailer_id="123456", service="270", postage="permit",
        permit=Permit(office="DENVER CO", number="1234"),
    )  # fmt: skip
    monkeypatch.setattr(house.catalog, "mailing", lambda: mailing)
    for one in (*five(), order(6, recipient=GERMANY)):
        verdict = house.take(one)
        assert verdict.order, verdict.findings
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY)
    assert house.run_steps() == 0 and house.store.batch(SCOPE, batch.id).held == PRESORT_AWAITED
    listed = list(csv.DictReader(io.StringIO(presort_list(house, SCOPE, batch.id).decode())))
    assert [one["zip"] for one in listed] == sorted(zip_ for zip_, _, _ in ZIPS), "mail abroad is not on the list"
    back = [
        f"{one['record']},{len(listed) - place},{tracking(place)},{one['zip']}1234,5-DIGIT,T{place // 3 + 1}"
        for place, one in enumerate(listed)
    ]
    head = "record,sequence,imb_tracking,imb_routing,level,tray"
    with pytest.raises(Refused) as caught:
        take_presort(house, SCOPE, batch.id, "\n".join([head, *back[:-1]]).encode(), "tester")
    assert [f.code for f in caught.value.findings] == ["presort.records.missing"]
    assert house.store.batch(SCOPE, batch.id).held == PRESORT_AWAITED
    take_presort(house, SCOPE, batch.id, "\n".join([head, *back]).encode(), "tester")
    house.run_steps()
    done = house.store.batch(SCOPE, batch.id)
    assert done.state is BatchState.IMPOSED and done.held is None
    files = released(house, done, tmp_path)
    told = rows(files)
    assert [row["postcode"] for row in told] == [*sorted((z for z, _, _ in ZIPS), reverse=True), "50667"]
    assert [row["imb_tracking"] for row in told] == [*(tracking(n) for n in (4, 3, 2, 1, 0)), ""]
    assert [row["tray"] for row in told] == ["T2", "T2", "T1", "T1", "T1", ""]
    text = pypdf.PdfReader(io.BytesIO(files["ENV.pdf"])).pages[0].extract_text()
    assert "U.S. POSTAGE" in text and "1234" in text
    assert "T2: 1 to 2" in pypdf.PdfReader(io.BytesIO(files["TICKET.pdf"])).pages[0].extract_text().replace(
        "\u00a0", " "
    )


def test_bars_that_do_not_read_stop_the_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from cardpipe.pipeline import pressfile

    monkeypatch.setattr(house.catalog, "mailing", lambda: Mailing(presort="first"))
    house.take(order(1))
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY)
    (piece,) = house.store.members(batch.id)
    real = imb.marks
    monkeypatch.setattr(pressfile.imb, "marks", lambda slot, code, routing: real(slot, code[:-1] + "9", routing))
    data = f"record,sequence,imb_tracking\n{piece.id},1,{tracking(1)}\n".encode()
    take_presort(house, SCOPE, batch.id, data, "tester")
    house.run_steps()
    assert house.store.batch(SCOPE, batch.id).state is BatchState.GATHERED
    assert [f.code for f in house.store.batch_findings(SCOPE, batch.id)] == ["batch.imb_wrong"]


def test_inserts_and_seeds_stand_where_people_look(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = Insert(code="leaflet", title="A leaflet", weight_g=14.0, thickness_mm=0.2, size=(300.0, 200.0))
    monkeypatch.setattr(house.catalog, "insert", lambda code: leaf)
    (batch,) = house.printed(order(1, inserts=["leaflet"]), order(2, seed=True), order(3))
    files = released(house, batch, tmp_path)
    told = {row["reference"]: row for row in rows(files)}
    assert (told["R-1"]["inserts"], told["R-2"]["inserts"], told["R-2"]["seed"]) == ("leaflet", "", "seed")
    assert float(told["R-1"]["weight_g"]) == pytest.approx(float(told["R-2"]["weight_g"]) + 14)
    text = pypdf.PdfReader(io.BytesIO(files["TICKET.pdf"])).pages[0].extract_text()
    assert "leaflet in 1 of 3" in text and "addressed to ourselves" in text
    with pikepdf.open(io.BytesIO(files["CARD.pdf"])) as document:
        told_first = document.Root.DPartRoot.DPartRootNode.DParts[0][int(told["R-1"]["seq"]) - 1].DPM.Cardpipe
        assert [str(code) for code in told_first.Inserts] == ["leaflet"]


def test_an_xjdf_ticket_where_the_press_asks_for_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    press = presses.presses()["digital-coated"].model_copy(update={"xjdf": True})
    monkeypatch.setattr(house.catalog, "press", lambda name: press)
    (batch,) = house.printed(*five())
    files = released(house, batch, tmp_path)
    root = ElementTree.fromstring(files["TICKET.xjdf"])
    assert [one.get("Amount") for one in root.findall(".//{*}Product")] == ["5", "5"]
    told = {one.get("URL"): run.get("NPage") for run in root.findall(".//{*}RunList") for one in run}
    assert told == {f"{batch.name}_CARD.pdf": "10", f"{batch.name}_ENV.pdf": "5"}
    assert f"{batch.name}_TICKET.xjdf" in files["SHA256SUMS"].decode()

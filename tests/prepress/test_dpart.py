"""Records (PDF/VT-1): every page belongs to its piece's record, and what a record may say."""

from __future__ import annotations

import io
import re

import pikepdf
import pytest
from piecemaking import MEDIA, SRGB_KEY, STAMP, TRIM, VT, WORDS, fine_card, fragment, look, merged, numbered

from cardpipe.model.errors import Bug
from cardpipe.model.units import Box
from cardpipe.prepress.dpart import Record
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.page import BLACK, Page, Rect


def record(number: int) -> Record:
    return Record(
        {
            "Sequence": number,
            "PostalCode": "02134",
            "Design": "fougère (été)",
            "Inserts": ["voucher", "Łódź"],
            "MatchCode": f"CP10001{number:06d}O",
        }
    )


def tiny(pages: int) -> Fragment:
    """A piece of so many pages."""
    page = Page("a", MEDIA, TRIM, (Rect(Box(0, 0, 9, 9), BLACK),))
    return Fragment(io.BytesIO(build([page] * pages, SRGB_KEY)))


@pytest.mark.parametrize("pieces", [1, 3, 150])
def test_the_tree_covers_every_page_once_and_in_order(pieces: int) -> None:
    long = [1 + number % 3 for number in range(pieces)]
    fragments = {pages: tiny(pages) for pages in set(long)}
    data = merged([fragments[pages] for pages in long], stamp=VT, records=[record(n) for n in range(pieces)])
    with pikepdf.open(io.BytesIO(data)) as pdf:
        root = pdf.Root.DPartRoot
        assert root.is_indirect and root.Type == "/DPartRoot" and root.RecordLevel == 1
        assert [str(name) for name in root.NodeNameList] == ["/Batch", "/Record"]
        batch = root.DPartRootNode
        assert batch.is_indirect and batch.Type == "/DPart" and batch.Parent.objgen == root.objgen
        assert "/Start" not in batch
        assert len(batch.DParts) == 1 and isinstance(batch.DParts[0], pikepdf.Array)
        leaves = list(batch.DParts[0])
        assert len(leaves) == pieces
        numbers = [page.obj.objgen for page in pdf.pages]
        at = 0
        for place, (leaf, pages) in enumerate(zip(leaves, long, strict=True)):
            assert leaf.is_indirect and leaf.Type == "/DPart" and leaf.Parent.objgen == batch.objgen
            assert "/DParts" not in leaf
            assert leaf.Start.objgen == numbers[at]
            assert ("/End" in leaf) == (pages > 1)
            assert leaf.get("/End", leaf.Start).objgen == numbers[at + pages - 1]
            assert all(pdf.pages[at + page].obj.DPart.objgen == leaf.objgen for page in range(pages))
            assert leaf.DPM.Cardpipe.Sequence == place
            at += pages
        assert at == len(pdf.pages)


def test_a_record_says_what_it_was_given_and_no_more() -> None:
    data = merged([fragment()], stamp=VT, records=[record(17)])
    with pikepdf.open(io.BytesIO(data)) as pdf:
        said = pdf.Root.DPartRoot.DPartRootNode.DParts[0][0].DPM
        assert list(said.keys()) == ["/Cardpipe"]
        own = said.Cardpipe
        assert sorted(own.keys()) == ["/Design", "/Inserts", "/MatchCode", "/PostalCode", "/Sequence"]
        assert (own.Sequence, str(own.PostalCode), str(own.Design)) == (17, "02134", "fougère (été)")
        assert [str(name) for name in own.Inserts] == ["voucher", "Łódź"]
    assert b"/PostalCode (02134)" in data, "plain text stays readable"


def test_the_file_says_that_it_is_vt_and_the_inspector_agrees() -> None:
    fragments = [fragment(fine_card(f"{WORDS} {n}")) for n in range(3)]
    data = merged(fragments, numbered(1), VT, [record(n) for n in range(3)])
    with pikepdf.open(io.BytesIO(data)) as pdf:
        packet = pdf.Root.Metadata.read_bytes().decode()
        dates = [
            re.search(f"<{name}>(.+?)</{name}>", packet) for name in ("pdfvtid:GTS_PDFVTModDate", "xmp:ModifyDate")
        ]
        assert dates[0] and dates[1] and dates[0][1] == dates[1][1]
        assert "<pdfvtid:GTS_PDFVTVersion>PDF/VT-1</pdfvtid:GTS_PDFVTVersion>" in packet
        assert "<pdfxid:GTS_PDFXVersion>PDF/X-4</pdfxid:GTS_PDFXVersion>" in packet
        assert pdf.check_pdf_syntax() == []
        with pdf.open_metadata() as seen:
            assert seen["{http://www.npes.org/pdfvt/ns/id/}GTS_PDFVTVersion"] == "PDF/VT-1"
            assert seen["{http://purl.org/dc/elements/1.1/}title"] == str(pdf.docinfo["/Title"]) == VT.title
    report = look(data, 3, records=True)
    assert report.complete and report.facts.pages == 6
    assert [finding for finding in report.findings if finding.level == "error"] == []


def test_two_runs_give_the_same_bytes() -> None:
    one, two = (merged([fragment(), fragment()], numbered(1), VT, [record(1), record(2)]) for _ in range(2))
    assert one == two
    assert merged([fragment(), fragment()], numbered(1), VT, [record(1), record(3)])[-200:] != one[-200:], "another ID"


def test_without_records_nothing_of_them_is_written() -> None:
    data = merged([fragment()], stamp=STAMP, records=[record(1)])
    assert b"DPart" not in data and b"pdfvt" not in data and b"02134" not in data


def test_a_piece_without_its_record_is_a_bug() -> None:
    with pytest.raises(Bug, match="record"):
        merged([fragment()], stamp=VT)


@pytest.mark.parametrize(
    "values",
    [{"Weight": 4.5}, {"Mailed": True}, {"Nothing": None}, {"Post Code": "x"}, {"1st": "x"}, {"pré": "x"}, {"": "x"},
     {"a:b": "x"}, {"Inserts": ["a", 1]}, {"Raw": b"x"}, {"Half": "\ud800"}, {"Huge": 2**31}, {"Deep": {"a": "b"}},
     {"Name) /JS (x": "y"}],
)  # fmt: skip
def test_a_record_takes_nothing_else(values: dict[str, object]) -> None:
    with pytest.raises(Bug):
        Record(values)  # type: ignore[arg-type]


def test_a_record_does_not_change_afterwards() -> None:
    inserts = ["a"]
    made = Record({"Inserts": inserts})
    inserts.append("b")
    assert made.written() == "/Inserts [(a)]"
    with pytest.raises(TypeError):
        made.values["Sequence"] = 1  # type: ignore[index]

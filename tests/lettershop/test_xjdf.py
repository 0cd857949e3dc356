"""The XJDF ticket: names and shape as the CIP4 schema has them.

The schema's licence binds who redistributes it, so it is not part of this tree. On 22 November 2026 tickets of every
shipped format, as single cards, sheets, labels and remake, and one with hostile names, were validated with lxml against
the schemas 2.1.43-21b2217 and 2.2.42-fb3a9b1 (CIP4's repository xJdfLib). The tables below are what was valid then:
a name or an attribute that is not in them has been validated by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from cardpipe.catalog.press import formats, presses
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.mailing import Mailing
from cardpipe.lettershop.manifest import Totals
from cardpipe.lettershop.ticket import Ticket, TicketFile, make_ticket
from cardpipe.lettershop.xjdf import NAMESPACE, to_xjdf
from cardpipe.model.batch import Batch, Remake
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState

BATCH = Batch("id", Scope(), 17, "2026-11-21", 1, "g", "A7", "us", "usps", BatchState.IMPOSED, 1, 212)
TOTALS = Totals("US", 212, 424, 212, 1, 212, 22578, {"MA": 212}, {"US": 212}, 0)
FILES = (
    TicketFile("cards", f"{BATCH.name}_CARD_01.pdf", "c" * 64, 12_345_678, 400),
    TicketFile("cards", f"{BATCH.name}_CARD_02.pdf", "c" * 64, 345_678, 24),
    TicketFile("envelopes", f"{BATCH.name}_ENV.pdf", "e" * 64, 234_567, 212),
    TicketFile("manifest", f"{BATCH.name}_MANIFEST.csv", "d" * 64, 98_765),
)
#: element: (children it may have, in this order; attributes it must have; attributes it may have besides)
SCHEMA = {
    "XJDF": ("Comment ProductList ResourceSet", "JobID Types", "Version DescriptiveName"),
    "Comment": ("", "", "Language"),
    "ProductList": ("Product", "", ""),
    "Product": ("Intent", "", "ID IsRoot Amount DescriptiveName"),
    "Intent": ("LayoutIntent FoldingIntent MediaIntent ColorIntent", "Name", "DescriptiveName"),
    "LayoutIntent": ("", "", "Bleed Dimensions FinishedDimensions Sides"),
    "FoldingIntent": ("Fold", "", "FoldCatalog"),
    "Fold": ("", "From To", "Travel"),
    "MediaIntent": ("", "MediaType", "GrainDirection MediaQuality Thickness Weight"),
    "ColorIntent": ("SurfaceColor", "", ""),
    "SurfaceColor": ("", "Surface", "ColorsUsed"),
    "ResourceSet": ("Resource", "Name", ""),
    "Resource": ("Part RunList", "", "DescriptiveName"),
    "Part": ("", "", "Run ProductPart"),
    "RunList": ("FileSpec", "", "NPage"),
    "FileSpec": ("", "", "FileSize MimeType URL"),
}
PRODUCT = "ProductList/Product[@ID='{}']/Intent/"

Make = Callable[..., Ticket]


@pytest.fixture
def make(usps: Carrier) -> Make:
    def ticket(format: str = "A7", press: str = "digital-coated", remake: Remake | None = None) -> Ticket:
        return make_ticket(
            BATCH, formats()[format], usps, FILES, TOTALS, press=presses()[press], mailing=Mailing(), rows=[],
            contact="card desk", remake=remake,
        )  # fmt: skip

    return ticket


def read(data: bytes) -> ET.Element:
    """The ticket without its namespace, which every element must have."""
    root = ET.fromstring(data)
    for element in root.iter():
        assert element.tag.startswith(f"{{{NAMESPACE}}}"), element.tag
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    return root


def xjdf(ticket: Ticket) -> ET.Element:
    return read(to_xjdf(ticket, formats()[ticket.format]))


def card(root: ET.Element, intent: str) -> dict[str, str]:
    found = root.find(PRODUCT.format("card") + intent)
    assert found is not None
    return found.attrib


def is_valid(root: ET.Element) -> None:
    for element in root.iter():
        children, required, allowed = (words.split() for words in SCHEMA[element.tag])
        assert [child.tag for child in element] == sorted((c.tag for c in element), key=children.index), element.tag
        assert set(required) <= set(element.attrib) <= {*required, *allowed}, element.tag
    for intent in root.iter("Intent"):
        assert [child.tag for child in intent] == [intent.get("Name")]
    assert re.fullmatch(r"[A-Za-z0-9._-]+", root.get("JobID", "")) and root.get("Types") == "Product"
    ids = [product.get("ID") for product in root.iter("Product")]
    assert len(ids) == len(set(ids)) and {part.get("ProductPart") for part in root.iter("Part")} <= {*ids, None}


@pytest.mark.parametrize("format", sorted(formats()))
@pytest.mark.parametrize("press", ["digital-coated", "digital-labels", "digital-13x19"])
def test_only_names_that_were_validated(make: Make, format: str, press: str) -> None:
    is_valid(xjdf(make(format, press)))


def test_amounts_and_files_are_the_tickets(make: Make) -> None:
    root = xjdf(ticket := make())
    assert root.get("JobID") == ticket.batch and root.get("Version") == "2.1"
    amounts = {product.get("ID"): product.get("Amount") for product in root.iter("Product")}
    assert amounts == {"card": "212", "envelope": "212"} and ticket.quantity == 212
    runs = [
        (part.get("ProductPart"), run.get("NPage"), spec.get("URL"), spec.get("FileSize"))
        for part, run, spec in zip(root.iter("Part"), root.iter("RunList"), root.iter("FileSpec"), strict=True)
    ]
    assert runs == [
        ("card", "400", f"{BATCH.name}_CARD_01.pdf", "12345678"),
        ("card", "24", f"{BATCH.name}_CARD_02.pdf", "345678"),
        ("envelope", "212", f"{BATCH.name}_ENV.pdf", "234567"),
    ]
    assert [part.get("Run") for part in root.iter("Part")] == ["1", "2", "3"]


def test_a_card_folded_at_the_side(make: Make) -> None:
    root = xjdf(make())
    assert card(root, "LayoutIntent") == {
        "Bleed": "9", "FinishedDimensions": "360 504 0", "Sides": "TwoSidedHeadToHead", "Dimensions": "720 504",
    }  # fmt: skip
    assert card(root, "FoldingIntent") == {"FoldCatalog": "F4-1"}
    assert card(root, "MediaIntent") == {
        "GrainDirection": "YDirection", "MediaQuality": "300gsm-coated", "MediaType": "Paper", "Thickness": "340",
        "Weight": "300",
    }  # fmt: skip
    surfaces = root.findall(PRODUCT.format("card") + "ColorIntent/SurfaceColor")
    assert [(one.get("Surface"), one.get("ColorsUsed")) for one in surfaces] == [
        ("Front", "Cyan Magenta Yellow Black"),
        ("Back", "Cyan Magenta Yellow Black"),
    ]
    face = root.findall(PRODUCT.format("envelope") + "ColorIntent/SurfaceColor")
    assert [(one.get("Surface"), one.get("ColorsUsed")) for one in face] == [("Front", "Black")]


def test_a_card_folded_at_the_top_is_no_f4_1(make: Make) -> None:
    root = xjdf(make("A7T"))
    layout = card(root, "LayoutIntent")
    assert (layout["Dimensions"], layout["FinishedDimensions"]) == ("504 720", "504 360 0")
    assert layout["Sides"] == "TwoSidedHeadToFoot" and card(root, "MediaIntent")["GrainDirection"] == "XDirection"
    assert card(root, "FoldingIntent") == {}
    assert card(root, "FoldingIntent/Fold") == {"From": "Front", "To": "Up", "Travel": "360"}


def test_a_flat_card_asks_for_no_fold(make: Make) -> None:
    root = xjdf(make("A7F"))
    assert root.find(PRODUCT.format("card") + "FoldingIntent") is None
    assert "Dimensions" not in card(root, "LayoutIntent") and card(root, "MediaIntent")["GrainDirection"] == "Any"


def test_labels_make_no_envelope_product(make: Make) -> None:
    ticket = make(press="digital-labels")
    labels = TicketFile("labels", f"{BATCH.name}_LABELS.pdf", "e" * 64, 9_876, 22)
    root = xjdf(replace(ticket, files=(FILES[0], labels)))
    assert [product.get("ID") for product in root.iter("Product")] == ["card"]
    assert [part.attrib for part in root.iter("Part")] == [{"Run": "1", "ProductPart": "card"}, {"Run": "2"}]
    assert any("labels 5163" in (comment.text or "") for comment in root.iter("Comment"))


def test_a_remake_says_so(make: Make) -> None:
    root = xjdf(ticket := make(remake=Remake("r", "id", 1, (3, 8), "jam", "tester", "2026-11-22T09:00:00Z")))
    assert root.get("JobID") == ticket.batch != BATCH.name
    assert "spoiled (jam)" in (root.findtext("Comment") or "")


def test_hostile_names_stay_text(make: Make) -> None:
    bad = 'A&B <c d="e">\x00\x0b\ud800 ]]> Zoë'
    ticket = replace(
        make(), batch="a b/<c>", title=bad, contact=bad, files=(replace(FILES[0], name="../ü & <x>.pdf"),)
    )  # fmt: skip
    root = xjdf(ticket)
    is_valid(root)
    shown = 'A&B <c d="e">\ufffd\ufffd\ufffd ]]> Zoë'
    assert root.get("JobID") == "a_b__c_" and root.get("DescriptiveName") == f"a b/<c>: {shown}"
    assert [c.text for c in root.iter("Comment")][-1] == f"Questions: {shown}"
    assert [spec.get("URL") for spec in root.iter("FileSpec")] == ["..%2F%C3%BC%20%26%20%3Cx%3E.pdf"]


def test_the_bytes_are_always_the_same(make: Make) -> None:
    made = [to_xjdf(make(), formats()["A7"]) for _ in range(2)]
    assert made[0] == made[1] and made[0].startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<XJDF xmlns="http')

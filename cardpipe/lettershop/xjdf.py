"""The ticket as an XJDF job ticket (CIP4), for houses whose management system reads one.

Product intent only, ``Types="Product"``: what is wanted, not how it is made. Element and attribute names are those of
the CIP4 schema for XJDF 2.1; a ticket validates against 2.1 and 2.2 alike. It adds nothing to the JSON ticket, which
stays the one that we verify. Without an AuditPool, since that wants the time of day, and without file checksums, since
XJDF means MD5 by them: digests stand in SHA256SUMS.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from cardpipe.lettershop.ticket import Ticket, TicketFile
from cardpipe.model.units import Points
from cardpipe.prepress.format import Format

NAMESPACE, VERSION = "http://www.CIP4.org/JDFSchema_2_0", "2.1"
CARD, ENVELOPE = "card", "envelope"  # IDs of the products, by which the files say what they print
_PRINTED = {"cards": CARD, "card sheets": CARD, "envelopes": ENVELOPE, "labels": ""}
_INKS = "Cyan Magenta Yellow Black"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def to_xjdf(ticket: Ticket, format: Format) -> bytes:
    """The ticket of a batch, or of a remake, as UTF-8 XML; the same ticket gives the same bytes.

    ``format`` tells what the ticket has only in words: fold, grammage, thickness. Lengths are points, paper is g/m²,
    its thickness is micrometres, as XJDF wants them. Labels are among the files but are no product, nor are
    the envelopes then, on which nothing is printed.
    """
    root = ET.Element(
        "XJDF", xmlns=NAMESPACE, Version=VERSION, JobID=_token(ticket.batch), Types="Product",
        DescriptiveName=_text(f"{ticket.batch}: {ticket.title}"),
    )  # fmt: skip
    for words in _words(ticket):
        ET.SubElement(root, "Comment", Language="en").text = _text(words)
    products = ET.SubElement(root, "ProductList")
    files = [file for file in ticket.files if file.part in _PRINTED]
    _card(products, ticket, format)
    if any(_PRINTED[file.part] == ENVELOPE for file in files):
        _envelope(products, ticket, format)
    _files(root, files)
    ET.indent(root)
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _words(ticket: Ticket) -> list[str]:
    """What product intent has no name for, in the ticket's words."""
    said = (
        ("", ticket.remake), ("Mail on ", ticket.mail_on), ("Sides: ", ticket.sides), ("Fold: ", ticket.fold),
        ("Turn: ", ticket.flip), ("Files: ", ticket.standard), ("Sheets: ", ticket.sheets),
        ("Envelope print: ", ticket.envelope_print), ("Insert: ", ticket.insertion), ("With it: ", ticket.inserts),
        ("Match: ", ticket.matching), ("Postage: ", ticket.postage), ("Questions: ", ticket.contact),
    )  # fmt: skip
    return [f"{label}{text}" for label, text in said if text]


def _card(products: ET.Element, ticket: Ticket, format: Format) -> None:
    product = _product(products, CARD, ticket.title, ticket.quantity)
    layout = {
        "Bleed": _number(ticket.bleed),
        "FinishedDimensions": _lengths(ticket.trim.width, ticket.trim.height, 0),
        # the flat sheet is turned about the axis of the fold; about a horizontal one, heads meet feet
        "Sides": "TwoSidedHeadToFoot" if format.fold == "top" else "TwoSidedHeadToHead",
    }
    if format.fold != "none":  # without it, half of 10 x 7 in cannot be told from half of 5 x 14 in
        layout["Dimensions"] = _lengths(ticket.flat.width, ticket.flat.height)
    _intent(product, "LayoutIntent", layout)
    # which side is out belongs to the process, not to the product: the comments tell it, as they do scoring
    if format.fold == "side":
        _intent(product, "FoldingIntent", {"FoldCatalog": "F4-1"})
    elif format.fold == "top":  # the catalogue's four-page folds all halve the width: this fold is spelled out
        folding = _intent(product, "FoldingIntent", {})
        ET.SubElement(folding, "Fold", From="Front", To="Up", Travel=_number(ticket.trim.height))
    media = {
        "GrainDirection": {"side": "YDirection", "top": "XDirection", "none": "Any"}[format.fold],
        "MediaQuality": format.stock,
        "MediaType": "Paper",
        "Thickness": _number(format.stock_mm * 1000),
        "Weight": _number(format.stock_gsm),
    }
    _intent(product, "MediaIntent", media)
    colour = _intent(product, "ColorIntent", {}, ticket.condition)
    for surface in ("Front", "Back"):
        ET.SubElement(colour, "SurfaceColor", ColorsUsed=_INKS, Surface=surface)


def _envelope(products: ET.Element, ticket: Ticket, format: Format) -> None:
    product = _product(products, ENVELOPE, f"Envelope {format.envelope_name}", ticket.quantity)
    size = _lengths(format.envelope.width, format.envelope.height, 0)
    _intent(product, "LayoutIntent", {"Bleed": "0", "FinishedDimensions": size, "Sides": "OneSided"})
    media = {"MediaQuality": ticket.envelope, "MediaType": "Paper", "Weight": _number(format.envelope_gsm)}
    _intent(product, "MediaIntent", media)
    colour = _intent(product, "ColorIntent", {})
    ET.SubElement(colour, "SurfaceColor", ColorsUsed="Black", Surface="Front")


def _product(products: ET.Element, name: str, title: str, amount: int) -> ET.Element:
    return ET.SubElement(
        products, "Product", ID=name, IsRoot="true", Amount=str(amount), DescriptiveName=_text(title)
    )  # fmt: skip


def _intent(product: ET.Element, name: str, told: dict[str, str], title: str = "") -> ET.Element:
    """An intent and in it the element of the same name, which is returned."""
    outer = ET.SubElement(product, "Intent", Name=name)
    if title:
        outer.set("DescriptiveName", _text(title))
    return ET.SubElement(outer, name, {key: _text(value) for key, value in told.items()})


def _files(root: ET.Element, files: list[TicketFile]) -> None:
    """The print files in the order in which they are run, beside the ticket in one folder."""
    runs = ET.SubElement(root, "ResourceSet", Name="RunList")
    for number, file in enumerate(files, start=1):
        resource = ET.SubElement(runs, "Resource", DescriptiveName=_text(file.part))
        part = ET.SubElement(resource, "Part", Run=str(number))
        if product := _PRINTED[file.part]:
            part.set("ProductPart", product)
        run = ET.SubElement(resource, "RunList", NPage=str(file.pages))
        ET.SubElement(run, "FileSpec", FileSize=str(file.size), MimeType="application/pdf", URL=_url(file.name))


def _lengths(*points: Points) -> str:
    return " ".join(_number(length) for length in points)


def _number(value: float) -> str:
    """At most three decimals, no exponent, no trailing zeros."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _token(text: str) -> str:
    """As an NMTOKEN; the names of batches are such already."""
    return _NO_TOKEN.sub("_", text)


def _url(name: str) -> str:
    """A file name as a relative reference (RFC 3986): everything but unreserved characters is escaped."""
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in name.encode("utf-8", "replace"))

"""An XMP packet as flat properties, and dates of both spellings as moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
XMP_MM = "{http://ns.adobe.com/xap/1.0/mm/}"
DC = "{http://purl.org/dc/elements/1.1/}"
PDF = "{http://ns.adobe.com/pdf/1.3/}"
PDFX_ID = "{http://www.npes.org/pdfx/ns/id/}"
PDFVT_ID = "{http://www.npes.org/pdfvt/ns/id/}"
PDFX = "{http://ns.adobe.com/pdfx/1.3/}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

LIMIT = 1 << 20
"""Bytes of a packet; larger ones are refused unread."""

_PDF_DATE = re.compile(r"^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([-+Z])(?:(\d\d)'?(?:(\d\d)'?)?)?)?$")


def properties(packet: bytes) -> dict[str, str]:
    """Every simple property by ``{namespace}name``; of a list the first entry, of alternatives the ``x-default``.

    Raises ValueError for what is not well-formed, and for document types and entities, which XMP has no use for.
    """
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        raise ValueError("it declares a document type or an entity")
    try:
        root = ElementTree.fromstring(packet)
    except (ElementTree.ParseError, ValueError, LookupError) as trouble:
        raise ValueError(f"it is no well-formed XML: {trouble}") from None
    found: dict[str, str] = {}
    for description in root.iter(f"{RDF}Description"):
        for key, value in description.attrib.items():
            if key.startswith("{") and not key.startswith((RDF, "{http://www.w3.org/XML")):
                found.setdefault(key, value)
        for entry in description:
            if isinstance(entry.tag, str):
                found.setdefault(entry.tag, _value(entry))
    if not any(True for _ in root.iter(f"{RDF}RDF")):
        raise ValueError("it holds no rdf:RDF")
    return found


def _value(entry: ElementTree.Element) -> str:
    items = list(entry.iter(f"{RDF}li"))
    if not items:
        return (entry.text or "").strip()
    for item in items:
        if item.get(_LANG) == "x-default":
            return (item.text or "").strip()
    alternative = entry.find(f"{RDF}Alt") is not None
    return "" if alternative else (items[0].text or "").strip()


def pdf_moment(text: str) -> datetime | None:
    """``D:20261121120000+01'00'`` as a moment; without a zone it counts as UTC."""
    match = _PDF_DATE.match(text.strip())
    if not match:
        return None
    year, *rest = match.groups()[:6]
    month, day, hour, minute, second = (
        int(part) if part else none for part, none in zip(rest, (1, 1, 0, 0, 0), strict=True)
    )
    sign, hours, minutes = match.groups()[6:]
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        return datetime(int(year), month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None


def xmp_moment(text: str) -> datetime | None:
    """``2026-11-21T12:00:00+01:00`` as a moment to the second; without a zone it counts as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).replace(microsecond=0)

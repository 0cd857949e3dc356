"""What a file says that it is, read before it is judged: the standard, and whether it has records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from cardpipe.preflight import facts, xmp
from cardpipe.preflight.document import Document
from cardpipe.preflight.survey import inherited

_SHEETS = re.compile(r"_SHEETS(_P\d+of\d+)?$")


@dataclass(frozen=True, slots=True)
class Claim:
    """``standard`` is "X-4", "X-1a" or empty where a file claims neither; ``records`` says that it claims PDF/VT, and
    ``bare`` that its first page ends at the cut line, as envelopes do, which are printed without bleed; ``imposed``
    that its title is that of one of our imposed sheets (their names end in SHEETS)."""

    standard: str = ""
    records: bool = False
    bare: bool = False
    imposed: bool = False


def read(stream: BinaryIO) -> Claim:
    """The claim of a PDF in an open stream, which is left at its start. What cannot be read claims nothing."""
    try:
        with Document(stream) as document:
            packet = facts.packet(document)
            said = packet.properties if packet else {}
            told = facts.identity(document)
            imposed = bool(_SHEETS.search(document.trailer.get("Info").get("Title").text))
            first = next(document.pages())
            bare = facts.box(first.get("TrimBox")) == facts.box(inherited(first, "MediaBox"))
    except Exception:  # as in the inspector: a stranger's file never ends the program, and claims nothing
        return Claim()
    finally:
        if not stream.closed:
            stream.seek(0)
    if said.get(f"{xmp.PDFX_ID}GTS_PDFXVersion", "").startswith("PDF/X-4"):
        return Claim("X-4", f"{xmp.PDFVT_ID}GTS_PDFVTVersion" in said, bare, imposed)
    if any(value.startswith("PDF/X-1a") for value in told.values()):
        return Claim("X-1a", bare=bare, imposed=imposed)
    return Claim(bare=bare, imposed=imposed)

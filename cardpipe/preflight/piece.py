"""The gate for one piece, at compose time: what its pages, their resources and their contents say.

Composing writes the piece as a throw-away file in memory and has it judged here, so that a piece that no press may
have is never gathered. What belongs to the finished file (version, Info, XMP, output intent, records, counts) is not
looked at, nor are the batch's big things: profiles and art are stand-ins in such a file, and art is inspected once by
its digest (see ``art``). Measured: 3 ms for a card with a photo and its envelope, writing both included.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from cardpipe.preflight.check import SUBJECTS
from cardpipe.preflight.inspector import examine
from cardpipe.preflight.profile import Profile
from cardpipe.preflight.report import Report
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Part
from cardpipe.prepress.merge import Shared

_HEAD = 128  # bytes of an ICC profile that say what it is for (ICC.1:2010, 7.2)
SUBJECTS_OF_PAGES = frozenset(SUBJECTS) - {"file", "packet", "intent", "records", "part"}


def inspect_pages(stream: BinaryIO, profile: Profile, name: str = "") -> Report:
    """Judge the pages of a PDF and nothing else of it; never raises, like ``inspect``."""
    return examine(stream, profile, SUBJECTS_OF_PAGES, name=name)


def stand_ins(shared: Shared) -> Shared:
    """What the merge of a throw-away file uses in place of what a batch shares: art as an empty form, of profiles
    their heads, of fonts one file with all glyphs that any piece has asked for so far."""

    def art(digest: str) -> list[Part]:
        return [Part(["<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << >> /Length 0 >>"], b"")]

    return Shared(art, shared.font, lambda digest: shared.icc(digest)[:_HEAD], _so_far)


#: By a font's digest, the glyphs of all pieces so far and a subset with them: soon all that names and streets are
#: written with. A subset of each piece's own takes half a millisecond.
_seen: dict[str, tuple[frozenset[int], bytes]] = {}
_FONTS = 16


def _so_far(font: Font, glyphs: Iterable[int]) -> bytes:
    known, made = _seen.get(font.digest, (frozenset[int](), b""))
    if not known.issuperset(wanted := frozenset(glyphs)):
        known |= wanted
        made = font.subset(known)
        if len(_seen) >= _FONTS:
            _seen.clear()
        _seen[font.digest] = known, made
    return made

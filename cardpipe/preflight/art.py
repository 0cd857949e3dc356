"""A design's art, judged once by its digest: what it will be on every card of the batch.

A page of art is a picture of the flat card with its bleed. Of the page itself only the content goes to press (see
``prepress.pdf.art_parts``, which judges its size), so boxes, annotations and the page's own group are not looked at:
the trim is where the format says, so far within the page as the bleed is wide.
"""

from __future__ import annotations

import io

from cardpipe.preflight.inspector import examine
from cardpipe.preflight.piece import SUBJECTS_OF_PAGES
from cardpipe.preflight.profile import Profile
from cardpipe.preflight.report import Report

SUBJECTS_OF_ART = SUBJECTS_OF_PAGES - {"page", "annotation"}


def inspect_art(data: bytes, profile: Profile, name: str = "") -> Report:
    """Judge a PDF of art by the press's limits; ``profile.bleed`` is the format's. Never raises, like ``inspect``."""
    return examine(io.BytesIO(data), profile, SUBJECTS_OF_ART, name=name, framed=profile.bleed)

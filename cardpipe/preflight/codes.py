"""Every id of a check that there ever was. Reports of old batches and loosened presses name them, so none is removed,
none changes its meaning, and a check whose id is not written here is refused when it is made."""

from __future__ import annotations

from collections.abc import Iterable

DAMAGED = "pdf.damaged"
"""The file, or a part of it, cannot be read."""

EXCESS = "pdf.excess"
"""The file asks for more memory or work than any honest one."""

MISSING = "content.missing"
"""A content stream uses a name that its resources do not have."""

FIRM = frozenset((DAMAGED, EXCESS, MISSING, "pdf.encrypted"))
"""Codes that no press may loosen: behind each of them lies content that nobody looked at."""

CODES = frozenset((
    "pdf.version", "pdf.encrypted", "pdf.id", "pdf.eof", "info.keys", "info.trapped", "xmp.missing", "xmp.filtered",
    "xmp.malformed", "xmp.pdfx", "xmp.dates", "xmp.ids", "xmp.title", "xmp.agreement", "intent.count",
    "intent.condition", "intent.profile", "intent.class", "file.interactive", "file.layers", "file.viewer_areas",
    "page.count", "page.trim", "page.bleedbox", "page.nesting", "page.bleed", "page.size.mixed", "page.size.wrong",
    "page.rotated", "page.user_unit", "page.presentation", "page.blend_space", "page.annotation",
    "page.annotation.action", "content.operators", "content.balance", "filter.lzw", "filter.image.lzw",
    "filter.image.jpx", "art.bleed", "font.embedded", "font.type3", "image.bits", "image.soft_mask.space",
    "image.ppi.low", "image.ppi.soft", "image.mask.ppi.low", "image.mask.ppi.soft", "object.obsolete",
    "object.image.obsolete", "object.layered", "gstate.transfer", "gstate.halftone", "colour.rgb", "colour.icc",
    "colour.unknown", "colour.spot", "colour.spot.twins", "colour.registration", "ink.total", "ink.rich_black_text",
    "ink.white_overprint", "ink.hairline", "vt.presence", "vt.version", "vt.root", "vt.tree", "vt.levels", "vt.pages",
    "vt.end", "vt.back_link", "vt.count", "vt.metadata", "vt.hints", "x1a.version", "x1a.identification", "x1a.xmp",
    "x1a.compressed_objects", "x1a.records", "x1a.intent", "x1a.font", "x1a.page.group", "x1a.form.group",
    "x1a.image.soft_mask", "x1a.gstate", "x1a.colour", "x1a.filter", "x1a.image.bits",
))  # fmt: skip


def refuse(name: str, loosened: Iterable[str]) -> None:
    """Raises ValueError for a loosened check that is firm, or that does not exist (a slip of the pen is no rule)."""
    asked = set(loosened)
    firm = sorted(asked & FIRM)
    if firm:
        raise ValueError(f"profile {name} loosens what no press may loosen: {', '.join(firm)}")
    unknown = sorted(asked - CODES)
    if unknown:
        raise ValueError(f"profile {name} loosens unknown checks: {', '.join(unknown)}")

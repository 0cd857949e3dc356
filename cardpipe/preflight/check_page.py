"""Checks of pages: boxes, bleed, turning, transparency, annotations, and marks that stop short of the bleed."""

from __future__ import annotations

from collections.abc import Iterator

from cardpipe.model.units import Box, Size, to_mm
from cardpipe.preflight.check import View, check
from cardpipe.preflight.subjects import Annotation, Mark, Page, Registration, Stream

_X = "ISO 15930-4:2003 and -7:2010"
_SLACK = 0.01


@check("page.trim", "page", f"{_X}, page boxes; ISO 32000-1, 14.11.2", "Write /TrimBox, and no /ArtBox, on the page.")
def trim(page: Page, view: View) -> Iterator[str]:
    """The cut line is what imposition places and the knife follows; it is never inherited and never guessed."""
    if (page.trim is None) == (page.art is None):
        yield "the page has both /TrimBox and /ArtBox" if page.trim else "the page itself has no /TrimBox"


@check("page.bleedbox", "page", "house; ISO 32000-1, 14.11.2", "Write /BleedBox on the page: the trim and the bleed.")
def bleedbox(page: Page, view: View) -> Iterator[str]:
    """Without it the bleed is what the MediaBox happens to hold, marks included."""
    if page.bleed is None:
        yield "the page itself has no /BleedBox"


@check("page.nesting", "page", f"{_X}, page boxes", "Write boxes with trim in bleed in media; leave /CropBox out.")
def nesting(page: Page, view: View) -> Iterator[str]:
    """A trim beyond the bleed, or a crop that cuts into the bleed, has no meaning that two programs agree on."""
    inner = page.trim or page.art
    if page.media is None:
        yield "the page has no /MediaBox"
        return
    if inner and page.bleed and not page.bleed.contains(inner, _SLACK):
        yield "the trim does not lie within the BleedBox"
    if page.bleed and not page.media.contains(page.bleed, _SLACK):
        yield "the BleedBox does not lie within the MediaBox"
    if inner and not page.media.contains(inner, _SLACK):
        yield "the trim does not lie within the MediaBox"
    if page.crop and page.bleed and not page.crop.contains(page.bleed, _SLACK):
        yield "the CropBox cuts into the BleedBox"


@check(
    "page.bleed",
    "page",
    "house: press profile",
    "Let the art reach the bleed on all four sides.",
    when=lambda page, view: page.trim is not None and page.bleed is not None and not view.profile.imposed,
)
def bleed(page: Page, view: View) -> Iterator[str]:
    """Knives wander by a millimetre. Art that ends at the cut line shows a white sliver on every tenth card."""
    if page.trim is None or page.bleed is None:
        return
    least = min(_margins(page.trim, page.bleed))
    if least < view.profile.bleed - _SLACK:
        yield f"the bleed is {to_mm(least):.2f} mm at its least; the press asks for {to_mm(view.profile.bleed):.2f} mm"


def _margins(trim: Box, bleed: Box) -> tuple[float, float, float, float]:
    return trim.x - bleed.x, trim.y - bleed.y, bleed.right - trim.right, bleed.top - trim.top


def _size(size: Size) -> str:
    return f"{to_mm(size.width):.2f} x {to_mm(size.height):.2f} mm"


@check("page.size.mixed", "page", "house", "Make one file a format.", when=lambda page, view: page.trim is not None)
def size_mixed(page: Page, view: View) -> Iterator[str]:
    """A press sheet is laid out for one size; a page of another shifts its whole stack."""
    if page.trim is None:
        return
    first: Size = view.memory.setdefault("page.size.mixed", page.trim.size)
    if not _same(first, page.trim.size):
        yield f"the trim is {_size(page.trim.size)}; the first page's is {_size(first)}"


@check(
    "page.size.wrong",
    "page",
    "house: the batch's format",
    "Compose the pages for the batch's own format.",
    when=lambda page, view: page.trim is not None and view.profile.trim is not None,
)
def size_wrong(page: Page, view: View) -> Iterator[str]:
    """The file must be cut to the card that was ordered."""
    wanted = view.profile.trim
    if page.trim is not None and wanted is not None and not _same(wanted, page.trim.size):
        yield f"the trim is {_size(page.trim.size)}; the format is {_size(wanted)}"


def _same(one: Size, other: Size) -> bool:
    return abs(one.width - other.width) <= _SLACK * 2 and abs(one.height - other.height) <= _SLACK * 2


@check("page.rotated", "page", "house", "Turn the content, not the page.")
def rotated(page: Page, view: View) -> Iterator[str]:
    """Half of all imposition programs honour /Rotate and the other half ignore it."""
    if page.rotate:
        yield f"/Rotate is {page.rotate:g}"


@check("page.user_unit", "page", f"{_X}; ISO 32000-1, 14.8.2 (Table 30)", "Write coordinates in points.")
def user_unit(page: Page, view: View) -> Iterator[str]:
    """A scaled page is read at another size by programs that do not know the key."""
    if page.user_unit != 1.0:
        yield f"/UserUnit is {page.user_unit:g}"


@check("page.presentation", "page", f"{_X}, presentations and actions", "Remove these keys from the page.")
def presentation(page: Page, view: View) -> Iterator[str]:
    """Slide-show effects and page actions are for screens; PDF/X forbids them, and reportlab writes /Trans."""
    found = sorted(page.keys & {"AA", "Trans", "PresSteps", "Dur"})
    if found:
        yield f"the page has {', '.join('/' + key for key in found)}"


@check(
    "page.blend_space",
    "page",
    "house; ISO 32000-1, 11.6.6",
    "Give the page a transparency group in DeviceCMYK.",
    when=lambda page, view: bool(page.transparent),
    only="X-4",
)
def blend_space(page: Page, view: View) -> Iterator[str]:
    """Transparent colours are mixed in the page group's space; without one each RIP picks its own, and colours move."""
    causes = ", ".join(page.transparent)
    if page.blend is None:
        yield f"the page uses {causes}, and its group names no blend space"
    elif page.blend.count != 4:
        yield f"the page uses {causes}, and blends in {page.blend.label} instead of CMYK"


@check(
    "page.annotation",
    "annotation",
    f"{_X}, annotations",
    "Remove the annotation, or move it out of the bleed.",
    when=lambda note, view: note.kind not in ("PrinterMark", "TrapNet"),
)
def annotation(note: Annotation, view: View) -> Iterator[str]:
    """Some RIPs print annotations and some do not; within the bleed either would be seen."""
    if note.rect is None or note.forbidden is None or note.forbidden.overlaps(note.rect):
        yield f"an annotation ({note.kind or 'of no kind'}) lies within the bleed"


@check("page.annotation.action", "annotation", f"{_X}, actions", "Remove the annotation's action.")
def annotation_action(note: Annotation, view: View) -> Iterator[str]:
    """Paper does nothing when it is touched."""
    if note.action:
        yield f"an annotation ({note.kind or 'of no kind'}) carries an action"


@check("content.operators", "stream", f"{_X}; ISO 32000-1, 7.8.2", "Write the content anew; it may be damaged.")
def operators(stream: Stream, view: View) -> Iterator[str]:
    """An operator that no standard knows is a sign of damage, and what a RIP does there is its own affair."""
    if stream.unknown:
        yield f"unknown operators: {', '.join(repr(name) for name in stream.unknown)}"


@check("content.balance", "stream", "ISO 32000-1, 8.4.2", "Close every q with a Q.")
def balance(stream: Stream, view: View) -> Iterator[str]:
    """After merging, a q without its Q shifts and tints everything that is stamped on the page later."""
    if stream.imbalance:
        yield f"q and Q do not pair ({stream.imbalance} left over)"


@check("filter.lzw", "stream", f"{_X}, compression", "Compress with Flate.")
def lzw_stream(stream: Stream, view: View) -> Iterator[str]:
    """PDF/X forbids LZW, so a RIP that keeps to the standard may stop at it."""
    if "LZWDecode" in stream.filters:
        yield "a content stream is stored with LZW"


def _on_bleeding_card(mark: Mark, view: View) -> bool:
    """Not beside the card, not on a page that is printed without bleed, and not on a sheet, whose cards lie within."""
    return not view.profile.imposed and mark.trim.overlaps(mark.box) and min(_margins(mark.trim, mark.bleed)) > 0.5


@check(
    "art.bleed",
    "mark",
    "house",
    "Draw the mark to the edge of the bleed, or keep it within the safe zone.",
    when=_on_bleeding_card,
)
def art_bleed(mark: Mark, view: View) -> Iterator[str]:
    """A picture or a level rectangle that reaches the cut line and stops before the bleed leaves a white sliver."""
    box, cut, edge, near = mark.box, mark.trim, mark.bleed, 0.5
    short = [
        side
        for side, reaches, stops in (
            ("left", box.x <= cut.x + near, box.x > edge.x + 0.1),
            ("right", box.right >= cut.right - near, box.right < edge.right - 0.1),
            ("bottom", box.y <= cut.y + near, box.y > edge.y + 0.1),
            ("top", box.top >= cut.top - near, box.top < edge.top - 0.1),
        )
        if reaches and stops
    ]
    if short:
        yield f"{mark.what} of {_size(box.size)} reaches the cut line and not the bleed: {', '.join(short)}"


@check(
    "colour.registration",
    "registration",
    "house; ISO 32000-1, 8.6.6.4",
    "Draw it in black or another ink of the card; registration colour belongs beside the trim.",
    when=lambda painted, view: not view.profile.imposed,
)
def registration(painted: Registration, view: View) -> Iterator[str]:
    """Registration colour prints on every plate at once, 400 % of ink: right for crop marks, ruinous on a card."""
    if painted.trim.overlaps(painted.box):
        yield f"something of {_size(painted.box.size)} within the trim is painted in the registration colour (/All)"

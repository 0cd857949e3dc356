"""Checks of objects, each looked at once: fonts, images, forms, graphics states, colour spaces."""

from __future__ import annotations

from collections.abc import Iterator

from cardpipe.model.finding import Level
from cardpipe.preflight.check import View, check
from cardpipe.preflight.colour import Space
from cardpipe.preflight.subjects import Font, Form, GState, Image

_X4 = "ISO 15930-7:2010"
_PDFX = "ISO 15930-4:2003 and -7:2010"
_PROCESS = {"Cyan", "Magenta", "Yellow", "Black", "None", "All"}


@check(
    "font.embedded",
    "font",
    f"{_PDFX}, fonts",
    "Embed the font; with reportlab, name an embedded initialFontName.",
    when=lambda font, view: font.kind != "Type3",
)
def font_embedded(font: Font, view: View) -> Iterator[str]:
    """A font that is only named is replaced by what the RIP has; even unused, it makes a checker bounce the file."""
    if not font.embedded:
        yield f"{font.name} ({font.kind}) is referred to and not embedded"


@check("font.type3", "font", "house", "Use a TrueType or OpenType font, or outlines.")
def font_type3(font: Font, view: View) -> Iterator[str]:
    """Type 3 glyphs are little programs: no hinting, no checks of ours reach them, and some RIPs rasterise them."""
    if font.kind == "Type3":
        yield "a Type 3 font is referred to"


@check("filter.image.lzw", "image", f"{_PDFX}, compression", "Compress with Flate or DCT.")
def image_lzw(image: Image, view: View) -> Iterator[str]:
    """PDF/X forbids LZW, so a RIP that keeps to the standard may stop at it."""
    if "LZWDecode" in image.filters:
        yield f"the {image.role} is stored with LZW"


@check("filter.image.jpx", "image", "house", "Store photos as JPEG (DCT).", Level.WARNING, only="X-4")
def image_jpx(image: Image, view: View) -> Iterator[str]:
    """JPEG 2000 and JBIG2 are legal, and old RIPs choke on them in the middle of a run."""
    for name in ("JPXDecode", "JBIG2Decode"):
        if name in image.filters:
            yield f"the {image.role} is stored with {name.removesuffix('Decode')}"


@check("image.bits", "image", "house", "Store images with 8 bits a component, or 1.", Level.WARNING, only="X-4")
def image_bits(image: Image, view: View) -> Iterator[str]:
    """Sixteen bits double the file and no press shows them."""
    if image.bits > 8:
        yield f"the {image.role} has {image.bits} bits a component"


@check(
    "image.soft_mask.space",
    "image",
    "ISO 32000-1, 11.6.5.3",
    "Store the soft mask in DeviceGray.",
    when=lambda image, view: image.role == "soft mask",
    only="X-4",
)
def soft_mask_space(image: Image, view: View) -> Iterator[str]:
    """A soft mask is a share of cover, not a colour; the standard knows it in DeviceGray only."""
    if image.space is None or image.space.family != "DeviceGray":
        yield f"the soft mask is in {image.space.label if image.space else 'no colour space'}"


@check("object.obsolete", "form", f"{_PDFX}, XObjects", "Draw the content itself; remove the named entries.")
def obsolete_form(form: Form, view: View) -> Iterator[str]:
    """PostScript, OPI proxies and references to other files print as something else than what was approved, or not."""
    found = sorted(form.keys & {"OPI", "Ref", "PS"})
    if form.kind == "PS" or "PS" in found or "Subtype2" in form.keys:
        yield "a PostScript XObject"
    elif form.kind != "Form":
        yield f"an XObject of unknown kind /{form.kind}"
    for key in found:
        if key != "PS":
            yield f"a form has /{key}"


@check("object.image.obsolete", "image", f"{_PDFX}, alternate images and OPI", "Remove these keys from the image.")
def obsolete_image(image: Image, view: View) -> Iterator[str]:
    """An alternate or an OPI comment lets a press swap the picture for another."""
    found = sorted(image.keys & {"OPI", "Alternates"})
    if found:
        yield f"the {image.role} has {', '.join('/' + key for key in found)}"


@check("object.layered", "form", f"{_PDFX}, optional content; house", "Flatten the layers before the file is made.")
def layered_form(form: Form, view: View) -> Iterator[str]:
    """A form that belongs to a layer is printed by some and not by others."""
    if "OC" in form.keys:
        yield "a form belongs to a layer (/OC)"


@check("gstate.transfer", "gstate", f"{_PDFX}, transfer curves", "Remove /TR and /TR2; put the curve into the colours.")
def transfer(state: GState, view: View) -> Iterator[str]:
    """A transfer curve bends every ink behind the profile's back."""
    if state.transfer:
        yield "a graphics state sets a transfer curve (/TR or /TR2)"


@check("gstate.halftone", "gstate", f"{_PDFX}, halftones", "Remove /HTP and /HTO.")
def halftone(state: GState, view: View) -> Iterator[str]:
    """The halftone's origin belongs to the press."""
    if state.halftone_phase:
        yield "a graphics state sets the halftone's origin (/HTP or /HTO)"


@check(
    "colour.rgb", "space", f"{_X4}, device colour spaces", "Convert to CMYK, or tag it with an ICC profile.", only="X-4"
)
def rgb(space: Space, view: View) -> Iterator[str]:
    """With a CMYK output intent, untagged RGB means a different colour to each RIP."""
    if any(one.family == "DeviceRGB" and not one.remapped for one in space.lineage()):
        yield f"untagged RGB: {space.label}"


@check(
    "colour.icc",
    "space",
    f"{_X4}, ICCBased; ICC.1:2010, 7.2",
    "Embed the right profile and write its own /N.",
    when=lambda space, view: any(one.icc for one in space.lineage()),
    only="X-4",
)
def icc(space: Space, view: View) -> Iterator[str]:
    """A profile for other components than the colour has is ignored by some RIPs and fatal to others."""
    for one in space.lineage():
        head = one.icc
        if head is None:
            continue
        if not head.genuine:
            yield "an ICCBased space carries no ICC profile"
        elif head.components != head.declared:
            yield f"an ICCBased space says /N {head.declared}; its profile has {head.components} components"
        elif head.kind not in ("scnr", "mntr", "prtr", "spac") or head.version > 4:
            yield f"an ICCBased space carries a profile of class {head.kind!r}, version {head.version}"


@check("colour.unknown", "space", "ISO 32000-1, 8.6", "Use a colour space of the standard.")
def unknown_space(space: Space, view: View) -> Iterator[str]:
    """A space that cannot be read prints as black, or as nothing."""
    if any(one.family == "unknown" for one in space.lineage()):
        yield "a colour space cannot be read"


@check(
    "colour.spot",
    "space",
    "house: the ticket's list",
    "Convert the spot colour, or name it in the press profile.",
    when=lambda space, view: any(one.inks for one in space.lineage()),
)
def spot(space: Space, view: View) -> Iterator[str]:
    """Each spot is a plate or a station that somebody must have ordered; an unknown one prints as a surprise."""
    allowed = _PROCESS | set(view.profile.spots)
    found = sorted({ink for one in space.lineage() for ink in one.inks if ink not in allowed})
    if found:
        yield f"spot colours not on the list: {', '.join(found)}"


@check(
    "colour.spot.twins",
    "space",
    f"{_PDFX}, Separation",
    "Define each spot colour once and refer to it.",
    when=lambda space, view: any(one.inks for one in space.lineage()),
)
def spot_twins(space: Space, view: View) -> Iterator[str]:
    """One name with two recipes makes two colours of one plate."""
    for one in space.lineage():
        if one.family == "Separation" and one.base is not None:
            recipe = (one.base, one.tint)
            known = view.memory.setdefault(f"spot {one.inks[0]}", recipe)
            if known != recipe and known[0] != recipe[0]:
                yield f"spot colour {one.inks[0]} is defined over {known[0].label} and over {one.base.label}"

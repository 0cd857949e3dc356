"""The studio's designs: every folder loads, its art is fresh, and a press can print it.

Folders are found, not listed: a new design is tested without new test code. Art made elsewhere is named in
``NOT_DRAWN_HERE``.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest

from cardpipe.model.units import Box, Size, inch, mm
from cardpipe.prepress.design import Design
from cardpipe.prepress.format import Format, Panel

DESIGNS = Path(__file__).resolve().parents[2] / "designs"
STUDIO = DESIGNS / "_studio"
FOLDERS = sorted(file.parent for file in DESIGNS.glob("*/design.toml"))
NOT_DRAWN_HERE: frozenset[str] = frozenset()

sys.path.insert(0, str(STUDIO))

import draw  # noqa: E402
import twins  # noqa: E402


def _format(name: str, fold: str, trim: Size, bleed: float, envelope: Size) -> Format:
    return Format(name, name, fold, trim, bleed, bleed, envelope, name, "silk 300", 300, 0.3)  # type: ignore[arg-type]


FORMATS = {
    f.name: f
    for f in (
        _format("A7", "side", Size(inch(5), inch(7)), inch(0.125), Size(inch(7.25), inch(5.25))),
        _format("A7T", "top", Size(inch(7), inch(5)), inch(0.125), Size(inch(7.25), inch(5.25))),
        _format("A2", "side", Size(inch(4.25), inch(5.5)), inch(0.125), Size(inch(5.75), inch(4.375))),
        _format("IA6", "side", Size(mm(105), mm(148)), mm(3), Size(mm(162), mm(114))),
    )
}

# All that a flat, opaque drawing in process colours needs. No text, images, shadings, RGB, grey or graphics states.
OPERATORS = {"q", "Q", "cm", "w", "J", "j", "k", "K", "m", "l", "c", "h", "f", "f*", "S", "W", "n"}

folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def _design(folder: Path) -> Design:
    return Design.model_validate(tomllib.loads((folder / "design.toml").read_text(encoding="utf-8")))


def _pixels(file: Path, scale: float = 2.0):
    """The page as an array of rows, top first, and the scale."""
    return pdfium.PdfDocument(file.read_bytes())[0].render(scale=scale).to_numpy()[:, :, :3]


def _cut(pixels, page: Size, box: Box, scale: float = 2.0):
    """The pixels of a box on the page (origin lower left)."""
    top = round((page.height - box.top) * scale)
    return pixels[top : top + round(box.height * scale), round(box.x * scale) : round(box.right * scale)]


def test_there_are_designs() -> None:
    """The guard looked at more than nothing, and the shelf holds what a shop must have."""
    assert len(FOLDERS) > 7
    designs = [_design(folder) for folder in FOLDERS]
    occasions = {occasion for design in designs for occasion in design.occasions}
    assert {
        "birthday",
        "thank-you",
        "holiday",
        "new-home",
        "congratulations",
        "sympathy",
        "job-completed",
        "referral",
    } <= occasions
    assert {"A7", "IA6"} <= {design.format for design in designs} <= set(FORMATS)
    clips = {frame.clip for design in designs for frame in design.photos}
    assert clips == {"rect", "rounded", "ellipse"}
    assert any(frame.bleeds for design in designs for frame in design.photos)
    assert {folder.name for folder in FOLDERS} == set(draw.DRAWINGS) | NOT_DRAWN_HERE


@folders
def test_the_design_loads_and_is_named_as_its_folder(folder: Path) -> None:
    design = _design(folder)
    assert design.name == folder.name
    assert design.license == "CC-BY-4.0"
    licence = (folder / "LICENSE").read_text(encoding="utf-8")
    assert design.title in licence and "CC-BY-4.0" in licence


@folders
def test_specimens_show_the_design_at_its_limit(folder: Path) -> None:
    design = _design(folder)
    counts = [len(specimen.message.split()) for specimen in design.specimen]
    assert len(counts) >= 2
    assert 64 <= max(counts) <= 95, counts
    needed = sum(frame.required for frame in design.photos)
    assert all(needed <= specimen.photos <= len(design.photos) for specimen in design.specimen)


@folders
def test_screen_twins_look_like_the_inks(folder: Path) -> None:
    for name, ink in _design(folder).inks.items():
        shown, told = (bytes.fromhex(text[1:]) for text in (twins.twin(list(ink.cmyk)), ink.screen))
        assert max(abs(a - b) for a, b in zip(shown, told, strict=True)) <= 8, f"{name}: run designs/_studio/twins.py"


@folders
def test_the_art_is_what_the_studio_draws(folder: Path) -> None:
    """Byte for byte, twice. If this fails after a change of a script: ``python designs/_studio/draw.py``."""
    if folder.name in NOT_DRAWN_HERE:
        pytest.skip("its art was made elsewhere")
    art = draw.art(folder.name)
    assert art == draw.art(folder.name)
    assert set(art) == {"outside.pdf", "inside.pdf"}
    for file, data in art.items():
        assert (folder / file).read_bytes() == data, f"{file} is stale: run designs/_studio/draw.py {folder.name}"


@folders
@pytest.mark.parametrize("side", ["outside", "inside"])
def test_a_press_can_print_the_art(folder: Path, side: str) -> None:
    form = FORMATS[_design(folder).format]
    file = folder / f"{side}.pdf"
    assert file.stat().st_size < 150_000
    with pikepdf.open(file) as pdf:
        assert len(pdf.pages) == 1
        page = pdf.pages[0]
        media = [float(v) for v in page.obj.MediaBox]
        trim = [float(v) for v in page.obj.TrimBox]
        assert media == pytest.approx([0, 0, form.media.width, form.media.height], abs=0.01)
        assert [float(v) for v in page.obj.BleedBox] == media
        box = form.trim_box
        assert trim == pytest.approx([box.x, box.y, box.right, box.top], abs=0.01)
        assert not page.obj.Resources.keys(), "no fonts, images or graphics states"
        assert "/Group" not in page.obj
        seen, colours = set(), set()
        for operands, operator in pikepdf.parse_content_stream(page):
            seen.add(str(operator))
            if str(operator) in ("k", "K"):
                colours.add(tuple(float(value) for value in operands))
    assert colours, "the page is blank"
    assert seen <= OPERATORS
    assert max(sum(colour) for colour in colours) <= 2.8, "total ink of a flat"


@folders
def test_frames_keep_to_their_panels(folder: Path) -> None:
    """Inside the safe area, or, where they bleed, to the very end of the bleed and never over the fold."""
    design = _design(folder)
    form = FORMATS[design.format]
    for frame in design.frame:
        if frame.follows:
            continue
        panel = form.panels[frame.panel]
        room = Box(0, 0, form.trim.width, form.trim.height)
        if not frame.bleeds:
            assert room.inset(inch(0.25)).contains(frame.inner), frame.field
            continue
        left, right, top, bottom = _reach(panel, form)
        full = Box(-left, -top, room.width + left + right, room.height + top + bottom)
        assert full.contains(frame.inner), frame.field
        for over, edge in (
            (frame.inner.x < 0, full.x - frame.inner.x),
            (frame.inner.y < 0, full.y - frame.inner.y),
            (frame.inner.right > room.width, full.right - frame.inner.right),
            (frame.inner.top > room.height, full.top - frame.inner.top),
        ):
            assert not over or abs(edge) < 0.01, f"{frame.field} stops within the bleed"


def _reach(panel: Panel, form: Format) -> tuple[float, float, float, float]:
    """How far art may go beyond a panel's trim: left, right, top, bottom; nothing over the fold."""
    b = form.bleed
    if form.fold == "side":
        return (b, 0.0, b, b) if panel.name in ("back", "left") else (0.0, b, b, b)
    return (b, b, b, 0.0) if panel.name == "top" else (b, b, 0.0, b)


@folders
def test_the_message_lies_on_clean_paper(folder: Path) -> None:
    """Under the message, and the signature that follows it in its frame, is no more than a breath of tint."""
    design = _design(folder)
    form = FORMATS[design.format]
    message, signature = design.one("message"), design.one("signature")
    assert message and signature and signature.follows
    assert message.inner.height > 2.5 * signature.extent.height
    panel = form.panels[message.panel]
    place, _ = panel.place(message.inner)
    assert _cut(_pixels(folder / f"{panel.side}.pdf"), form.media, place).min() >= 232


@folders
def test_the_back_leaves_room_for_the_match_code(folder: Path) -> None:
    """22 × 16 mm, centred, 8 mm above the trim: one even colour."""
    form = FORMATS[_design(folder).format]
    inner = Box((form.trim.width - mm(22)) / 2, form.trim.height - mm(24), mm(22), mm(16))
    place, _ = form.panels["back"].place(inner)
    cut = _cut(_pixels(folder / "outside.pdf"), form.media, place)
    assert cut.size and (cut == cut[0, 0]).all()


@folders
@pytest.mark.parametrize("side", ["outside", "inside"])
def test_art_that_touches_the_trim_runs_into_the_bleed(folder: Path, side: str) -> None:
    form = FORMATS[_design(folder).format]
    pixels, scale = _pixels(folder / f"{side}.pdf"), 2.0
    inner, outer = round((form.bleed + 0.5) * scale), 1
    height, width = pixels.shape[:2]
    edges = (
        (pixels[inner:-inner, inner], pixels[inner:-inner, outer]),
        (pixels[inner:-inner, width - 1 - inner], pixels[inner:-inner, width - 1 - outer]),
        (pixels[inner, inner:-inner], pixels[outer, inner:-inner]),
        (pixels[height - 1 - inner, inner:-inner], pixels[height - 1 - outer, inner:-inner]),
    )
    for trim, end in edges:
        bare = (trim.min(axis=1) < 248) & (end.min(axis=1) > 252)
        runs = "".join("x" if b else " " for b in bare).split()
        assert len(bare) > 500
        assert max(map(len, runs), default=0) < 15 * scale, "a colour stops between the trim and the end of the bleed"

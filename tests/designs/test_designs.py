"""Every design passes its check and looks as it did; a new one can be printed; each kind of fault has its code.

Folders are found, not listed: a new design is tested without new test code. A specimen that changed on purpose is
drawn anew by ``cardpipe design proof``, which also notes what the design's files were.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageChops

from cardpipe.catalog import digests
from cardpipe.catalog.press import formats
from cardpipe.cli import designs
from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Level
from cardpipe.pipeline import proofs, specimen
from cardpipe.prepress.proof import Look
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

DESIGNS = Path(__file__).resolve().parents[2] / "designs"
NAMES = sorted(file.parent.name for file in DESIGNS.glob("*/design.toml"))
GOLDEN_BYTES = 60_000


def shop_of(tmp: Path, folder: Path) -> Shop:
    return Shop(Settings(data=tmp / "data", designs=folder))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = shop_of(tmp_path_factory.mktemp("house"), DESIGNS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A house whose designs folder is empty and may be spoiled. A name is read once: take a fresh one each time."""
    tmp = tmp_path_factory.mktemp("studio")
    made = shop_of(tmp, tmp / "designs")
    yield made
    made.close()


def test_there_are_designs_to_look_at() -> None:
    assert len(NAMES) > 7


@pytest.mark.parametrize("name", NAMES)
def test_a_design_passes_and_looks_as_it_did(house: Shop, name: str, tmp_path: Path) -> None:
    """Its check finds no error, its files are those that were proofed, and each specimen is drawn as it was."""
    verdict, pictures = designs.proofs_of(house, name)
    assert verdict.ok, [f for f in verdict.findings if f.level is Level.ERROR]
    stale = [f for f in verdict.findings if f.code.startswith("design.proof")]
    assert not stale, f"run: cardpipe design proof {name}"
    folder = DESIGNS / name
    assert pictures.pop(digests.FILE) == (folder / digests.FILE).read_bytes()
    kept = {str(file.relative_to(folder)) for file in folder.rglob("*.png")}
    assert kept == set(pictures) and len(kept) >= 3
    wrong = []
    for file, actual in pictures.items():
        expected = (folder / file).read_bytes()
        assert len(expected) <= GOLDEN_BYTES
        if differs := difference(actual, expected, tmp_path / file):
            wrong.append(f"{file}: {differs}")
    assert not wrong, f"{wrong}; see {tmp_path}, and if it is meant: cardpipe design proof {name}"


def difference(actual: bytes, expected: bytes, keep: Path) -> str:
    """What differs, in words, or nothing; then actual, expected and difference are kept. Some slack for another
    machine's rounding: single pixels may flip, shapes may not move."""
    one, two = (Image.open(io.BytesIO(data)).convert("RGB") for data in (actual, expected))
    said = ""
    if one.size != two.size:
        said = f"{one.size} instead of {two.size}"
    else:
        change = np.asarray(ImageChops.difference(one, two)).max(axis=2)
        share, mean = float((change > 48).mean()), float(change.mean())
        if share > 0.002 or mean > 2:
            said = f"{share:.2%} of the pixels differ plainly, {mean:.1f} levels on average"
    if said:
        keep.parent.mkdir(parents=True, exist_ok=True)
        one.save(keep.with_suffix(".actual.png"))
        two.save(keep.with_suffix(".expected.png"))
        if one.size == two.size:
            ImageChops.difference(one, two).point(lambda v: min(255, v * 4)).save(keep.with_suffix(".difference.png"))
    return said


def test_a_moved_word_is_seen(house: Shop, tmp_path: Path) -> None:
    """The comparison above has teeth: one line of a message moved by two pixels does not pass."""
    expected = (DESIGNS / NAMES[0] / "specimen" / "long.png").read_bytes()
    assert not difference(expected, expected, tmp_path / "same.png")
    picture = Image.open(io.BytesIO(expected)).convert("RGB")
    half = (picture.width // 2, int(picture.height * 0.7), picture.width, int(picture.height * 0.74))
    picture.paste(picture.crop(half), (half[0] + 2, half[1]))
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert difference(out.getvalue(), expected, tmp_path / "moved.png")
    assert {file.name for file in tmp_path.iterdir()} == {
        f"moved.{k}.png" for k in ("actual", "expected", "difference")
    }


def test_card_and_envelope_of_a_piece_have_proofs(house: Shop) -> None:
    source, bench = house.catalog.design(NAMES[0]), specimen.Bench(house)
    shown = specimen.show(bench, source, source.design.specimen[0])
    assert shown.piece is not None and not shown.findings
    look = Look(ppi=72)
    card = proofs.draw(bench, shown.piece, look)
    envelope = proofs.draw(bench, shown.piece, look, "envelope")
    assert [page.name for page in card.pages] == ["outside", "inside"]
    assert len(envelope.pages) == 1 and envelope.pages[0].pixels.min() < 60, "an address stands on it"
    assert card.digest != envelope.digest and card.png().startswith(b"\x89PNG")
    with pytest.raises(Refused):
        proofs.draw(bench, replace(shown.piece, composed=None), look)


@pytest.mark.parametrize("format_name", sorted(formats()))
def test_a_new_design_passes_at_once(studio: Shop, format_name: str) -> None:
    name = f"new-{format_name.lower()}"
    folder = designs.create(studio, name, format_name)
    verdict = designs.examine(studio, name)
    assert verdict.ok, verdict.findings
    assert {f.code for f in verdict.findings} <= {"design.proof.none", "image.mask.ppi.soft", "design.hand.long"}
    layout = formats()[format_name]
    for side in layout.sides:
        for file in (f"{side}.pdf", f"guides-{side}.pdf"):
            with pikepdf.open(folder / file) as pdf:
                assert [float(v) for v in pdf.pages[0].mediabox][2:] == pytest.approx(
                    [layout.media.width, layout.media.height], abs=0.01
                )
    assert b" K" not in (folder / f"{layout.sides[0]}.pdf").read_bytes(), "no guide lines in the art"


def test_nothing_half_made_is_left(studio: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    designs.create(studio, "taken", "A2")
    before = sorted(studio.settings.designs.rglob("*"))
    with pytest.raises(Conflict):
        designs.create(studio, "taken", "A2")
    with pytest.raises(Refused) as refusal:
        designs.create(studio, "../Out", "B9")
    assert {f.code for f in refusal.value.findings} == {"design.name", "design.format"}

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Exception, match="cannot be written: No space left"):
        designs.create(studio, "halved", "A2")
    assert sorted(studio.settings.designs.rglob("*")) == before


# Faults. Each spoils one thing of a sound design and names the code of what must be found.


def toml(old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / "design.toml"
        text = file.read_text(encoding="utf-8")
        assert re.search(old, text), old
        file.write_text(re.sub(old, new, text, count=1), encoding="utf-8")

    return spoil


def paint(operators: bytes, resources: str = "") -> Callable[[Path], None]:
    """Further operators at the end of the inside's art."""

    def spoil(folder: Path) -> None:
        with pikepdf.open(folder / "inside.pdf", allow_overwriting_input=True) as pdf:
            page = pdf.pages[0]
            page.obj.Contents = pdf.make_stream(page.obj.Contents.read_bytes() + b"\n" + operators)
            if resources:
                page.obj.Resources = pikepdf.Object.parse(resources.encode())
            pdf.save(folder / "inside.pdf")

    return spoil


def pages(folder: Path) -> None:
    with pikepdf.open(folder / "outside.pdf", allow_overwriting_input=True) as pdf:
        pdf.pages.append(pdf.pages[0])
        pdf.save(folder / "outside.pdf")


def cropped(folder: Path) -> None:
    with pikepdf.open(folder / "outside.pdf", allow_overwriting_input=True) as pdf:
        x0, y0, x1, y1 = (float(v) for v in pdf.pages[0].mediabox)
        pdf.pages[0].mediabox = pikepdf.Array([x0, y0, x1 - 18, y1 - 18])
        pdf.save(folder / "outside.pdf")


def photo(panel: str, box: str, more: str = "required = false") -> Callable[[Path], None]:
    rows = f'[[frame]]\npanel = "{panel}"\nfield = "photos.main"\nbox = {box}\n{more}\n\n'
    return toml(r"(?m)^\[\[specimen\]\]", rows + "[[specimen]]")


def gone(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


FAULTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "no TOML": ("design.toml.unreadable", toml(r"(?m)^version = 1", "version = ")),
    "unknown key": ("design.toml.invalid", toml(r"(?m)^version = 1", 'versoin = 1\nversion = 1')),
    "length without a unit": ("design.toml.invalid", toml(r'largest = "[^"]*"', "largest = 3")),
    "unknown ink": ("design.toml.invalid", toml(r'(?m)^ink = "pen"', 'ink = "gold"')),
    "other name": ("design.name", toml(r'(?m)^name = "[^"]*"', 'name = "other"')),
    "unknown format": ("design.format", toml(r'(?m)^format = "[^"]*"', 'format = "B9"')),
    "unknown panel": ("design.frame.panel", toml(r'panel = "right"', 'panel = "middle"')),
    "unknown hand": ("design.hand", toml(r'(?m)^hand = "[^"]*"', 'hand = "nobody"')),
    "unknown hand of a specimen": ("order.hand", toml(r'(?m)^name = "short"', 'name = "short"\nhand = "nobody"')),
    "art missing": ("design.art.missing", gone("inside.pdf")),
    "art of two pages": ("design.art.pages", pages),
    "art too small": ("design.art.size", cropped),
    "art damaged": ("design.art.damaged", lambda folder: (folder / "inside.pdf").write_bytes(b"%PDF-1.6 no more")),
    "art in RGB": ("colour.rgb", paint(b"1 0 0 rg 20 20 40 40 re f")),
    "too much ink": ("ink.total", paint(b"1 1 1 0.6 k 20 20 40 40 re f")),
    "font not embedded": (
        "font.embedded",
        paint(
            b"BT /F1 12 Tf 40 60 Td (Hi) Tj ET",
            "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
        ),
    ),
    "outside the safe margin": ("design.frame.outside", toml(r'box = \["[^"]*"', 'box = ["4mm"')),
    "frames overlap": ("design.frame.overlap", photo("right", '["20mm", "60mm", "40mm", "40mm"]')),
    "frame over the match code": ("design.frame.code", photo("back", '["20mm", "90mm", "60mm", "40mm"]')),
    "picture over the fold": (
        "design.frame.fold",
        photo("front", '["-0.125in", "20mm", "40mm", "40mm"]', "bleeds = true\nrequired = false"),
    ),
    "picture ends within the bleed": (
        "design.frame.bleed",
        photo("front", '["20mm", "-1mm", "40mm", "40mm"]', "bleeds = true\nrequired = false"),
    ),
    "signature elsewhere": (
        "design.frame.follows",
        toml(r'panel = "right"\nfield = "signature"', 'panel = "left"\nfield = "signature"'),
    ),
    "signature too large": ("design.frame.follows", toml(r'size = \["[^"]*"', 'size = ["150mm"')),
    "specimen too long": ("message.too_long", toml("You waited with us", "You waited with us for us " * 40)),
    "too low for any hand": ("design.hand.short", toml(r'(box = \[(?:"[^"]*", ){3})"[^"]*"', r'\g<1>"30mm"')),
    "photo not shown": ("photo.missing", photo("left", '["20mm", "20mm", "40mm", "40mm"]', "required = true")),
    "photos without frames": ("design.specimen.photos", toml(r'(?m)^name = "short"', 'name = "short"\nphotos = 1')),
    "licence missing": ("design.licence.missing", gone("LICENSE")),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_code(studio: Shop, fault: str) -> None:
    code, spoil = FAULTS[fault]
    name = "fault-" + re.sub("[^a-z]+", "-", fault.lower())
    spoil(designs.create(studio, name, "A2"))
    verdict = designs.examine(studio, name)
    errors = [finding for finding in verdict.findings if finding.level is Level.ERROR]
    assert code in {finding.code for finding in errors}
    assert all(finding.message and finding.where for finding in errors)
    assert not verdict.ok


def proofed(house: Shop, name: str) -> Path:
    """A new design with its proofs."""
    folder = designs.create(house, name, "A2")
    verdict, pictures = designs.proofs_of(house, name)
    assert verdict.ok
    designs.write(folder, pictures)
    return folder


def anew(house: Shop) -> Shop:
    """The same house with nothing read yet but its fonts: a shop reads a design once."""
    made = Shop(house.settings)
    made.__dict__["darkroom"] = house.darkroom
    made.catalog.__dict__["fonts"] = house.catalog.fonts
    return made


def codes(house: Shop, folder: Path) -> set[str]:
    """What the design's lock says of its files as they are now."""
    return {finding.code for finding in digests.judge(anew(house).catalog.design(folder.name), folder)}


def test_a_changed_design_needs_a_new_version(studio: Shop) -> None:
    folder = proofed(studio, "versioned")
    assert not codes(studio, folder)
    paint(b"0 0 0 0.2 k 20 20 9 9 re f")(folder)
    assert codes(studio, folder) == {"design.version"}
    verdict, pictures = designs.proofs_of(anew(studio), "versioned")
    assert "design.version" in {finding.code for finding in verdict.findings}
    assert not verdict.ok and not pictures, "and proofs are not drawn over the old ones"
    toml("version = 1", "version = 2")(folder)
    assert codes(studio, folder) == {"design.proof.old"}
    toml("version = 2", "version = 1")(folder)
    shutil.copy(folder / "guides-inside.pdf", folder / "inside.pdf")
    assert "design.version" in codes(studio, folder)
    (folder / digests.FILE).write_text("version = 'one'", encoding="utf-8")
    assert "design.lock.unreadable" in codes(studio, folder)

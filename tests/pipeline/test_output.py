"""The press's output standard, from the design's art to the fragment: chosen when the order is accepted, for ever."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image
from shopfloor import SCOPE, House, order, picture

from cardpipe.model.finding import Level
from cardpipe.model.piece import Piece
from cardpipe.model.status import PieceState
from cardpipe.pipeline import compose, judging, proofs
from cardpipe.pipeline.output import judge_output
from cardpipe.ports import DesignSource
from cardpipe.prepress import proof
from cardpipe.prepress.fragment import Fragment
from cardpipe.settings import Settings

DESIGN = "congratulations-bravo"
WHERE = f"designs/{DESIGN}/inside.pdf"
PRESS = (Path(__file__).parents[2] / "cardpipe" / "catalog" / "cp_TR006_300.icc").read_bytes()
Change = Callable[[Pdf, Dictionary], bytes]


@pytest.fixture
def plant(tmp_path: Path):
    """A shop whose press takes PDF/X-1a."""
    made = House(Settings(data=tmp_path / "plant", press="offset-x1a"))
    yield made
    made.close()
    made.store.close()


def spoiled(house: House, *changes: Change) -> DesignSource:
    """The design with these changes to the art of its inside."""
    source = house.catalog.design(DESIGN)
    with pikepdf.open(io.BytesIO(source.files["inside.pdf"])) as pdf:
        page = pdf.pages[0]
        page.contents_coalesce()
        resources = page.obj.get("/Resources", Dictionary())
        page.obj.Resources = resources
        added = b"\n".join(change(pdf, resources) for change in changes)
        page.obj.Contents = pdf.make_stream(page.obj.Contents.read_bytes() + b"\n" + added)
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    return house.catalog.design_from(DESIGN, {**source.files, "inside.pdf": out.getvalue()})


def state(**entries: object) -> Change:
    def change(pdf: Pdf, resources: Dictionary) -> bytes:
        resources.ExtGState = Dictionary(GX=Dictionary(Type=Name.ExtGState, **entries))
        return b"q /GX gs 0 0 1 0 k 20 20 40 40 re f Q"

    return change


def image(**entries: object) -> Change:
    """A picture of four pixels; ``SMask=True`` gives it a soft mask."""

    def change(pdf: Pdf, resources: Dictionary) -> bytes:
        base = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 2, "Height": 2, "BitsPerComponent": 8}
        more = dict(entries)
        if more.pop("SMask", False):
            more["SMask"] = pdf.make_stream(bytes(4), **base, ColorSpace=Name.DeviceGray)
        made = pdf.make_stream(bytes(32), **{**base, "ColorSpace": Name.DeviceCMYK, **more})
        resources.XObject = Dictionary(**dict(resources.get("/XObject", {}).items()), X=made)
        return b"q 40 0 0 40 20 20 cm /X Do Q"

    return change


def group(pdf: Pdf, resources: Dictionary) -> bytes:
    within = Dictionary(S=Name.Transparency, CS=Name.DeviceCMYK)
    form = pdf.make_stream(b"0 0 1 0 k 20 20 40 40 re f", Type=Name.XObject, Subtype=Name.Form,
                           BBox=Array([0, 0, 80, 80]), Group=within)  # fmt: skip
    resources.XObject = Dictionary(F=form)
    return b"/F Do"


def tagged(pdf: Pdf, resources: Dictionary) -> bytes:
    profile = pdf.make_stream(PRESS, N=4)
    resources.ColorSpace = Dictionary(CX=Array([Name.ICCBased, profile]))
    return b"/CX cs 0 0 1 0 scn 20 20 40 40 re f"


def defaulted(pdf: Pdf, resources: Dictionary) -> bytes:
    profile = pdf.make_stream(PRESS, N=4)
    resources.ColorSpace = Dictionary(DefaultCMYK=Array([Name.ICCBased, profile]))
    return b"0 0 1 0 k 20 20 40 40 re f"


def red(pdf: Pdf, resources: Dictionary) -> bytes:
    return b"1 0 0 rg 20 20 40 40 re f"


FAULTS: dict[str, tuple[str, Change]] = {
    "an alpha": ("design.transparency", state(ca=0.5)),
    "a blend mode": ("design.transparency", state(BM=Name.Multiply)),
    "a soft mask": ("design.transparency", image(SMask=True)),
    "a group": ("design.transparency", group),
    "RGB": ("design.colour", red),
    "RGB in a picture": ("design.colour", image(ColorSpace=Name.DeviceRGB)),
    "a profile's colours": ("design.colour", tagged),
    "a default colour space": ("design.colour", defaulted),
    "sixteen bits": ("design.output", image(BitsPerComponent=16)),
    "JPEG 2000": ("design.output", image(Filter=Name.JPXDecode)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_art_that_an_x1a_press_cannot_print_is_told(house: House, fault: str) -> None:
    sound = house.catalog.design(DESIGN)
    assert judge_output(sound, "X-1a") == []
    code, change = FAULTS[fault]
    source = spoiled(house, change)
    assert judge_output(source, "X-4") == []
    found = judge_output(source, "X-1a")
    assert [(f.level, f.code, f.where) for f in found] == [(Level.ERROR, code, WHERE)]
    assert "X-1a" in found[0].message and found[0].remedy
    assert judge_output(source, "X-1a") == found


def test_everything_wrong_is_said_at_once_and_by_name(house: House) -> None:
    found = judge_output(spoiled(house, red, state(ca=0.5, BM=Name.Screen), image(BitsPerComponent=16)), "X-1a")
    said = {f.code: f.message for f in found}
    assert set(said) == {"design.colour", "design.transparency", "design.output"}
    assert "DeviceRGB" in said["design.colour"] and "blend mode Screen" in said["design.transparency"]


def test_the_pages_own_group_mixes_nothing(house: House) -> None:
    """Cairo writes one on every page; it does not come along."""

    def grouped(pdf: Pdf, resources: Dictionary) -> bytes:
        pdf.pages[0].obj.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB)
        return b""

    assert judge_output(spoiled(house, grouped), "X-1a") == []


def test_art_that_cannot_be_read_is_not_taken_for_sound(house: House) -> None:
    source = house.catalog.design(DESIGN)
    broken = house.catalog.design_from(DESIGN, {**source.files, "inside.pdf": b"%PDF-1.4 no more"})
    assert [f.code for f in judge_output(broken, "X-1a")] == ["design.art.damaged"]

    def half(pdf: Pdf, resources: Dictionary) -> bytes:
        return b"(no end"

    assert [f.code for f in judge_output(spoiled(house, half), "X-1a")] == ["design.art.damaged"]


def test_a_design_is_judged_for_the_press_in_use(house: House, plant: House, monkeypatch: pytest.MonkeyPatch) -> None:
    source = spoiled(house, state(ca=0.5))
    for shop, wanted in ((house, False), (plant, True)):
        monkeypatch.setattr(shop.catalog, "design", lambda name: source)
        verdict = judging.judge(shop, DESIGN)
        assert isinstance(verdict, judging.Judged)
        codes = [f.code for f in verdict.findings if f.level is Level.ERROR]
        assert ("design.transparency" in codes) == wanted, codes
        assert wanted or not codes


# pieces -----------------------------------------------------------------------------------------------------------


def grey_picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture(width, height))).convert("L").save(out, "JPEG", quality=90)
    return out.getvalue()


def composed(house: House, number: int = 1, photo: bytes | None = None) -> Piece:
    changes = {"design": DESIGN, "occasion": "congratulations", "photo": "p"}
    verdict = house.take(order(number, **changes), {"p": photo or picture(1600, 1700)})
    assert verdict.order is not None, verdict.findings
    piece = verdict.order.pieces[0]
    return replace(piece, state=PieceState.COMPOSED, composed=compose.make(house, piece))


def fragments(house: House, piece: Piece) -> list[Fragment]:
    assert piece.composed is not None
    digests = (piece.composed.card, piece.composed.envelope)
    return [Fragment(io.BytesIO(house.artifacts.get(SCOPE, digest))) for digest in digests]


def heads(made: Fragment) -> str:
    return " ".join(str(token) for entry in made.objects for token in entry["head"])


def test_the_output_standard_is_in_the_fragment(house: House, plant: House) -> None:
    for photo, space in ((None, "/DeviceCMYK /Decode"), (grey_picture(1600, 1700), "/DeviceGray")):
        one, other = composed(house, 1 + bool(photo), photo), composed(plant, 1 + bool(photo), photo)
        assert one.composed is not None and other.composed is not None
        assert one.composed.card != other.composed.card and one.composed.envelope != other.composed.envelope
        card, envelope = fragments(plant, other)
        assert card.output == envelope.output == "X-1a"
        assert space in heads(card) and "ICCBased" not in heads(card) and "CalGray" not in heads(card)
        assert not any(key.startswith("icc:") for key in card.shared() | envelope.shared())
        assert fragments(house, one)[0].output == "X-4"
        assert compose.make(plant, other) == other.composed, "the same bytes again"


def test_a_piece_stays_with_the_press_of_its_order(plant: House) -> None:
    """The shop changed its press since; the card that was accepted did not."""
    before = composed(plant)
    assert before.composed is not None
    plant.press = "digital-coated"
    again = compose.make(plant, before)
    assert again == before.composed
    later = composed(plant, 2)
    assert [one.output for one in fragments(plant, later)] == ["X-4", "X-4"]


def test_proofs_of_both_look_alike(house: House, plant: House) -> None:
    for number, photo in ((1, picture(1600, 1700)), (2, grey_picture(1600, 1700))):
        pages = []
        for shop in (house, plant):
            made = proofs.draw(shop, composed(shop, number, photo), proof.Look(ppi=60, word="", slots=False))
            pages.append([page.pixels.astype(int) for page in made.pages])
        for one, other in zip(*pages, strict=True):
            assert one.shape == other.shape
            assert np.abs(one - other).mean() < 8, "the press's reach, and no negative"


def test_an_order_for_art_that_the_press_cannot_print_is_refused(
    house: House, plant: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for shop, codes in ((house, []), (plant, ["design.transparency"])):
        source = spoiled(shop, state(ca=0.5))
        monkeypatch.setattr(shop.catalog, "design", lambda name, source=source: source)
        one = order(1, design=DESIGN, occasion="congratulations", photo="p")
        verdict = shop.take(one, {"p": picture(1600, 1700)})
        assert [f.code for f in verdict.findings if f.level is Level.ERROR] == codes
        assert (verdict.order is None) == bool(codes)


def test_a_batch_for_an_x1a_press_is_one(plant: House) -> None:
    photos = {"p": picture(1600, 1700), "g": grey_picture(1600, 1700)}
    orders = [order(n, design=DESIGN, occasion="congratulations", photo=ref) for n, ref in enumerate(photos, 1)]
    (batch,) = plant.printed(*orders, pictures=photos)
    files = plant.files(batch)
    for name in ("CARD.pdf", "ENV.pdf"):
        data = files[name]
        assert data.startswith(b"%PDF-1.4") and b"(PDF/X-1a:2003)" in data
        assert not any(word in data for word in (b"/ICCBased", b"/DeviceRGB", b"/SMask", b"/DPart", b"/Transparency"))
    assert files["CARD.pdf"].count(b"/DeviceCMYK /Decode") == 1 and b"/DeviceGray" in files["CARD.pdf"]


def test_art_that_no_press_may_have_stops_the_order_and_not_a_batch(tmp_path: Path) -> None:
    """Art in RGB, put into a design after somebody checked it."""
    import shutil

    folder = tmp_path / "designs" / "thank-you-fern"
    shutil.copytree(Path(__file__).parents[2] / "designs" / "thank-you-fern", folder)
    (folder / "digests.toml").unlink()
    good = House(Settings(data=tmp_path / "good", designs=tmp_path / "designs"))
    assert good.take(order(1)).order is not None
    good.close()
    good.store.close()
    with Pdf.open(folder / "inside.pdf", allow_overwriting_input=True) as art:
        art.pages[0].contents_add(b"q 1 0 0 rg 100 100 50 50 re f Q")
        art.save()
    made = House(Settings(data=tmp_path / "shop", designs=tmp_path / "designs"))
    verdict = made.take(order(2))
    assert verdict.order is None and {f.code for f in verdict.findings if f.level is Level.ERROR} == {"colour.rgb"}
    made.close()
    made.store.close()

"""Photos in a press's inks: the same colours as in sRGB, never more ink than the press takes, black where grey was."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from picturemaking import ASTRONAUT, P3, SRGB, flat, near, order, profile, saved, shown
from piecemaking import BLUE, MEDIA, PRESS, ROOT, TRIM, X1A, look, merged, plates, shared
from PIL import Image, ImageCms

from cardpipe.model.finding import Level
from cardpipe.model.units import Box
from cardpipe.prepress import proof
from cardpipe.prepress.page import Page, Photo, Rect
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder, develop
from cardpipe.prepress.raster import opened
from cardpipe.prepress.separation import encode, limited, most_ink, prepare, separate

DEMO = Path(__file__).parents[1] / "demo" / "photos"
ARIMO = (ROOT / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()
PLACE = Box(20, 60, 120, 120)


def inks_order(side: float = 1.0, **more: object) -> PhotoOrder:
    return order(side, side, colour="cmyk", profile=PRESS, **more)


def inks_of(photo: DevelopedPhoto) -> np.ndarray:
    """Pillow's reading of the JPEG: 255 for full ink."""
    image = Image.open(io.BytesIO(photo.jpeg))
    assert image.mode == "CMYK" and photo.cmyk and not photo.grey
    return np.asarray(image)


@cache
def transform(to: str, source: str = "CMYK", black_point: bool = True) -> ImageCms.ImageCmsTransform:
    """Made here once more, so that not the code under test is asked what is right."""
    ends = {"CMYK": ImageCms.ImageCmsProfile(io.BytesIO(PRESS)), "RGB": ImageCms.createProfile("sRGB")}
    ends["LAB"] = ImageCms.createProfile("LAB")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION if black_point else ImageCms.Flags.NONE
    return ImageCms.buildTransform(ends[source], ends[to], source, to, ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)


def on_paper(inks: np.ndarray) -> np.ndarray:
    """How inks look when they are printed, in sRGB."""
    return np.asarray(ImageCms.applyTransform(Image.fromarray(inks, "CMYK"), transform("RGB"))).astype(int)


def lightness(pixels: np.ndarray, source: str) -> np.ndarray:
    """L* from 0 to 100, the paper being 100."""
    lab = ImageCms.applyTransform(Image.fromarray(pixels, source), transform("LAB", source, False))
    return np.asarray(lab)[:, :, 0] / 2.55


def every_colour(step: int = 8) -> np.ndarray:
    levels = np.arange(0, 256 + step, step).clip(max=255).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1)
    return grid.reshape(len(levels) ** 2, len(levels), 3)


def most(inks: np.ndarray) -> float:
    return float(inks.sum(axis=2, dtype=int).max() / 2.55)


# ink --------------------------------------------------------------------------------------------------------------


def test_no_colour_at_all_takes_more_ink_than_the_profile_was_made_for() -> None:
    inks = separate(every_colour(), PRESS)
    assert inks.shape[2] == 4 and 279 < most(inks) < 282  # print.md 1.4: 280.8 %
    assert not separate(np.full((1, 1, 3), 255, np.uint8), PRESS).any(), "white is paper"


def photos() -> list[Path]:
    """The demo's, but for the one that is meant to be no photo."""
    found = [path for path in sorted(DEMO.iterdir()) if path.suffix in (".jpg", ".png", ".webp", ".heic")]
    return [path for path in found if path.stat().st_size > 1000]


@pytest.mark.parametrize("path", photos(), ids=lambda path: path.stem)
def test_no_photo_takes_more_than_the_press(path: Path) -> None:
    photo = develop(path.read_bytes(), inks_order(3))
    assert "photo.ink" not in [finding.code for finding in photo.findings]
    assert most_ink(photo.jpeg) <= 300
    assert most_ink(photo.jpeg) == pytest.approx(most(inks_of(photo)), abs=3), "Pillow reads what we measured"


def test_there_are_photos_to_look_at() -> None:
    assert len(photos()) >= 10


@pytest.mark.parametrize("max_ink", [300.0, 260.0, 200.0, 90.0])
def test_hard_edges_keep_to_any_limit(max_ink: float) -> None:
    noise = np.random.default_rng(7).integers(0, 2, (160, 160, 1)).astype(np.uint8) * 220
    jpeg, findings = encode(separate(noise.repeat(3, axis=2), PRESS), 90, max_ink, "photos.main")
    assert most_ink(jpeg) <= max_ink and not findings


def test_a_photo_that_defies_the_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardpipe.prepress.separation._TRIES", 1)
    noise = np.random.default_rng(7).integers(0, 2, (160, 160, 1)).astype(np.uint8) * 220
    _, findings = encode(separate(noise.repeat(3, axis=2), PRESS), 90, 260.0, "photos.main")
    assert [(f.level, f.code, f.where) for f in findings] == [(Level.WARNING, "photo.ink", "photos.main")]
    assert "260 % are the limit" in findings[0].message


def test_too_much_ink_is_taken_from_the_colours_and_not_from_black() -> None:
    inks = separate(every_colour(), PRESS)
    less = limited(inks, 220)
    heavy = inks.sum(axis=2, dtype=int) > 220 * 2.55
    assert heavy.any() and most(less) < 220.1
    assert (less[~heavy] == inks[~heavy]).all() and (less[:, :, 3] == inks[:, :, 3]).all()
    shares = [a[heavy][:, :3] / a[heavy][:, :3].sum(axis=1, keepdims=True) for a in (inks, less)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03, "cyan, magenta and yellow give way alike"


# colour -----------------------------------------------------------------------------------------------------------


def test_the_same_photo_in_srgb_and_on_paper() -> None:
    """The astronaut's colours lie within the press's reach but for her suit's brightest orange."""
    data = ASTRONAUT.read_bytes()
    screen, paper = shown(develop(data, order(1.5, 1.5))), on_paper(inks_of(develop(data, inks_order(1.5))))
    apart = np.abs(screen - paper).max(axis=2)
    assert np.median(apart) <= 6 and np.percentile(apart, 75) <= 12
    assert abs(screen.mean() - paper.mean()) < 4


def test_coding_costs_little() -> None:
    pixels = np.asarray(Image.open(ASTRONAUT).convert("RGB"))
    inks = separate(pixels, PRESS)
    jpeg, _ = encode(inks, 90, 300, "photo")
    again = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert np.abs(again.astype(int) - inks).mean() < 3
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90, subsampling=2)
    assert len(jpeg) < 2.6 * len(out.getvalue())


def test_a_wide_colour_is_converted_from_its_own_space() -> None:
    colour = (190, 110, 70)
    wide, plain = (
        inks_of(develop(saved(flat(colour), "PNG", icc_profile=profile(primaries)), inks_order(0.1)))[15, 15]
        for primaries in (P3, SRGB)
    )
    expected = np.asarray(develop_pixels(saved(flat(colour), "PNG", icc_profile=profile(P3))))
    assert near(wide, tuple(expected), 6) and not near(wide, tuple(plain), 6)


def develop_pixels(data: bytes) -> np.ndarray:
    """By way of the sRGB photo, with the tests' own transform."""
    pixel = shown(develop(data, order(0.1, 0.1)))[15:16, 15:16].astype(np.uint8)
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixel), transform("CMYK", "RGB")))[0, 0]


def test_a_photo_that_comes_in_cmyk_keeps_its_colour() -> None:
    ink = (150, 60, 20, 10)
    for data in (
        saved(flat(ink, "CMYK"), "JPEG", quality=100, icc_profile=PRESS),
        saved(flat(ink, "CMYK"), "TIFF"),  # without a profile: read as the press's
    ):
        inks = inks_of(develop(data, inks_order(0.1)))
        wanted = on_paper(np.asarray(flat(ink, "CMYK")))[15, 15]
        assert near(on_paper(inks)[15, 15], tuple(wanted), 5)


# black ------------------------------------------------------------------------------------------------------------


def test_a_grey_photo_is_black_ink_of_the_same_lightness() -> None:
    ramp = np.linspace(0, 255, 256).astype(np.uint8)[None].repeat(64, 0)
    frame = {"width_in": 256 / 300, "height_in": 64 / 300, "quality": 100}
    photo = develop(saved(ramp, "PNG"), order(**frame, colour="cmyk", profile=PRESS))
    assert photo.grey and not photo.cmyk and photo.findings == ()
    left_white = np.asarray(Image.open(io.BytesIO(photo.jpeg)))
    assert left_white.ndim == 2 and left_white[0, -1] == 255 and left_white[0, 0] == 0
    inks = np.zeros((*left_white.shape, 4), np.uint8)
    inks[:, :, 3] = 255 - left_white
    printed = lightness(inks, "CMYK")[5]
    wanted = lightness(ramp[:, :, None].repeat(3, axis=2), "RGB")[5]
    assert printed[0] == pytest.approx(16.5, abs=1), "black ink alone is no blacker"
    assert (np.diff(printed) >= 0).all()
    light = wanted > 50
    assert np.abs(printed - wanted)[light].max() < 2.5, "the tone is kept, not the number"


# in a file --------------------------------------------------------------------------------------------------------


def page_with(photo: DevelopedPhoto) -> list[Page]:
    mark = Photo(PLACE, photo.jpeg, photo.width_px, photo.height_px, photo.grey, cmyk=photo.cmyk)
    beside = Rect(Box(200, 60, 60, 60), BLUE)
    return [Page("outside", MEDIA, TRIM, (mark, beside)), Page("inside", MEDIA, TRIM, ())]


def placed(pixels: np.ndarray, ppi: float) -> np.ndarray:
    """The photo's pixels out of those of its page."""
    s, top = ppi / 72, MEDIA.height - PLACE.top
    rows, columns = slice(round(top * s), round((top + 120) * s)), slice(round(20 * s), round(140 * s))
    return pixels[rows, columns].astype(int)


def test_a_rasteriser_sees_the_photo_and_not_its_negative() -> None:
    photo = develop((DEMO / "astronaut.jpg").read_bytes(), inks_order(120 / 72))
    file = merged([plates(page_with(photo))], stamp=X1A)
    assert b"/ICCBased" not in file and b"/DeviceRGB" not in file and b"/SMask" not in file
    report = look(file, 1, standard="X-1a")
    assert report.ok, report.findings
    with opened(file) as document:
        seen = placed(document.pixels(0, 300), 300)
    wanted = on_paper(inks_of(photo))
    assert seen.shape == wanted.shape == (500, 500, 3)
    seen, wanted = (part.reshape(50, 10, 50, 10, 3).mean(axis=(1, 3)) for part in (seen, wanted))
    assert np.abs(seen - wanted).mean() < 4 and np.abs(seen - (255 - wanted)).mean() > 60


def test_proofs_show_ink_as_it_prints() -> None:
    """In colour, and black alone: DeviceGray is the black plate, where dots gain, and not the light of a screen."""
    grey = saved(np.full((400, 400), 128, np.uint8), "PNG")
    for data, slack in ((ASTRONAUT.read_bytes(), 6), (grey, 4)):
        screen = shown(develop(data, order(120 / 72, 120 / 72)))
        fragment = plates(page_with(develop(data, inks_order(120 / 72))))
        before = proof.digest(fragment)
        pages = proof.draw(fragment, shared(), X1A, ARIMO, proof.Look(ppi=72, word="", slots=False))
        assert proof.digest(fragment) == before
        left, top = round(PLACE.x - TRIM.x), round(TRIM.top - PLACE.top)
        seen = pages[0].pixels[top : top + 120, left : left + 120].astype(int)
        assert abs(seen.mean() - screen.mean()) < slack
    assert near(seen[60, 60], (128, 128, 128), 5), "not the 102 of the number in the file"


def test_what_is_no_presss_profile_is_told() -> None:
    prepare(PRESS)
    for bad in (b"no profile" * 40, profile(P3), PRESS[:4000]):
        with pytest.raises(ValueError, match="not an ICC profile of a CMYK press"):
            prepare(bad)


def test_the_same_photo_gives_the_same_bytes() -> None:
    data = ASTRONAUT.read_bytes()
    assert develop(data, inks_order()) == develop(data, inks_order())
    assert develop(data, inks_order()).jpeg != develop(data, order(1, 1)).jpeg

"""A photo with its trouble: what is taken, cut, lost and coarse is told in numbers and drawn where it is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cardpipe.prepress import photoshow
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
from cardpipe.prepress.photoshow import Trouble

LETTERING = Path(__file__).resolve().parents[2] / "fonts"
GREY = 150


@pytest.fixture(scope="module")
def lettering() -> bytes:
    """A font file of the shop."""
    return next(iter(sorted(LETTERING.rglob("*.ttf")))).read_bytes()


def whole(width: int = 1200, height: int = 800, shown: int = 600) -> DevelopedPhoto:
    """A plain grey photo of that size, developed so wide."""
    out = io.BytesIO()
    size = (shown, round(shown * height / width))
    Image.new("RGB", size, (GREY, GREY, GREY)).save(out, "JPEG", quality=95)
    return DevelopedPhoto(out.getvalue(), *size, False, 300.0, (0, 0, width, height), 72.0, 48.0)


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.int16)


def placed(crop: tuple[int, int, int, int], ppi: float = 200.0, faces: tuple[tuple[int, int, int, int], ...] = ()) -> DevelopedPhoto:  # fmt: skip
    return DevelopedPhoto(b"", 1, 1, False, ppi, crop, 100.0, 100.0, faces)


def test_what_the_trim_takes_and_which_faces_it_cuts() -> None:
    order = PhotoOrder(100, 100, knife_pt=(10, 0, 0, 20), min_ppi=150)
    inside, cut = (300, 100, 100, 100), (205, 100, 50, 50)
    seen = photoshow.trouble(placed((200, 0, 800, 800), 200.0, (inside, cut)), order)
    assert seen.taken == (200, 0, 800, 800)
    assert seen.kept == (280, 0, 720, 640)
    assert seen.lost == (cut,) and not seen.coarse
    assert "1 of 2 faces" in seen.told()


def test_a_photo_shown_whole_has_no_crop_but_may_be_coarse() -> None:
    seen = photoshow.trouble(placed((0, 0, 300, 300), 80.0), PhotoOrder(100, 100, "contain", min_ppi=150))
    assert seen.taken is None and seen.coarse
    assert seen.told() == "it prints at 80 ppi, and 150 are needed"


def test_a_glance_cuts_as_the_order_does_and_asks_for_no_press() -> None:
    order = PhotoOrder(100, 50, focus=(0.2, 0.3), colour="cmyk", profile=b"icc", tone="gentle", knife_pt=(1, 2, 3, 4))
    quick = photoshow.glance(order)
    assert (quick.width_pt, quick.height_pt, quick.focus, quick.knife_pt) == (100, 50, (0.2, 0.3), (1, 2, 3, 4))
    assert (quick.colour, quick.profile, quick.tone) == ("srgb", None, "off")


def test_what_is_not_taken_lies_in_the_shade_and_the_cut_is_dashed(lettering: bytes) -> None:
    seen = Trouble(taken=(300, 0, 800, 800), kept=(360, 0, 740, 760), ppi=200, least=150)
    drawn = pixels(photoshow.draw(whole(), seen, lettering))
    assert drawn.shape[:2] == (400, 600)
    assert drawn[200, 60].mean() < GREY - 50  # left of the crop
    assert abs(drawn[200, 300].mean() - GREY) < 6  # within
    red, green = drawn[..., 0], drawn[..., 1]
    magenta = (red > 190) & (green < 90)
    assert 100 < magenta[:, 178:185].any(axis=1).sum() < 390  # dashes down the left cut, with gaps
    assert not magenta[:, 250:400][20:350].any()


def test_a_face_beyond_the_cut_is_left_out_and_one_on_it_is_cut() -> None:
    assert photoshow._touches((90, 0, 20, 20), (100, 0, 300, 300))
    assert not photoshow._touches((70, 0, 20, 20), (100, 0, 300, 300))


def test_a_lost_face_is_red_and_a_kept_one_green(lettering: bytes) -> None:
    kept, lost = (500, 200, 200, 200), (900, 200, 200, 200)
    seen = Trouble((0, 0, 1200, 800), (0, 0, 1000, 800), (kept, lost), (lost,), 300, 150)
    drawn = pixels(photoshow.draw(whole(), seen, lettering))
    around = drawn[95:205, 246:254]
    assert ((around[..., 1] > 140) & (around[..., 0] < 100)).any()
    around = drawn[95:205, 446:454]
    assert ((around[..., 0] > 180) & (around[..., 1] < 90)).any()


def test_a_coarse_photo_shows_a_little_of_itself_enlarged(lettering: bytes) -> None:
    photo = whole(400, 300, 400)
    fine = photoshow.draw(photo, Trouble((50, 0, 300, 300), (50, 0, 300, 300), ppi=200, least=150), lettering)
    coarse = photoshow.draw(photo, Trouble((50, 0, 300, 300), (50, 0, 300, 300), ppi=60, least=150), lettering)
    assert pixels(fine).shape[:2] == (300, 400)
    shown = pixels(coarse)
    assert max(shown.shape[:2]) == photoshow.SIDE  # enlarged, so that its lines are thin beside it
    corner = shown[-280:, -320:]
    assert ((corner > 245).all(axis=2)).sum() > 200  # the white frame of the enlarged part


def test_nothing_to_draw_leaves_the_photo_alone(lettering: bytes) -> None:
    drawn = pixels(photoshow.draw(whole(), Trouble(), lettering))
    assert abs(drawn - GREY).max() < 8

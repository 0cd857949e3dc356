"""PNG art: a whole side as one picture, judged by its header, tagged as sRGB."""

from __future__ import annotations

import io

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageCms
from svgmaking import ORDER, picture

from cardpipe.model.errors import Refused
from cardpipe.model.units import mm
from cardpipe.prepress.art import ArtOrder, MadeArt
from cardpipe.prepress.pdf import art_parts
from cardpipe.prepress.raster import opened
from cardpipe.prepress.svgart import make

PNG = ArtOrder("designs/x/outside.png", "png", mm(50), mm(25))
WIDTH, HEIGHT = 591, 295


def made(data: bytes) -> MadeArt:
    return make(data, PNG)


def test_a_sharp_picture_becomes_the_page() -> None:
    pixels = np.zeros((HEIGHT + 1, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] = (200, 40, 40)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    page = made(out.getvalue())
    assert page.pdf == made(out.getvalue()).pdf
    assert art_parts(page.pdf, PNG.media, "x")
    with pikepdf.open(io.BytesIO(page.pdf)) as document:
        (image,) = (value for _, value in document.pages[0].Resources.XObject.items())
        assert (image.Width, image.Height) == (WIDTH, HEIGHT + 1), "not resampled"
        assert image.ColorSpace[0] == "/ICCBased" and "/SMask" not in image
    with opened(page.pdf) as document:
        shown = document.pixels(0, 72)
    assert shown[5, 5].tolist() == [200, 40, 40] and shown[-5, -5].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (picture(WIDTH - 20, HEIGHT - 10), "art.png.ppi"),
        (picture(2 * WIDTH, HEIGHT + 1), "art.png.shape"),
        (picture(12_000, 6_000, "L"), "art.png.large"),
        (picture(WIDTH, HEIGHT + 1)[:300], "art.png.unreadable"),
        (picture(WIDTH, HEIGHT + 1, kind="JPEG"), "art.png.unreadable"),
        (b"", "art.png.unreadable"),
    ],
    ids=["coarse", "shape", "giant", "torn", "JPEG", "empty"],
)
def test_what_cannot_be_printed_has_its_code(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        made(data)
    assert code in [finding.code for finding in caught.value.findings]
    assert all(finding.where == PNG.where and finding.message for finding in caught.value.findings)


def test_profiles_alpha_and_depth_are_brought_to_plain_srgb() -> None:
    tagged = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (
        picture(WIDTH, HEIGHT + 1, icc_profile=tagged),
        picture(WIDTH, HEIGHT + 1, "RGBA"),
        picture(WIDTH, HEIGHT + 1, "L"),
    ):
        with pikepdf.open(io.BytesIO(made(data).pdf)) as document:
            (image,) = (value for _, value in document.pages[0].Resources.XObject.items())
            assert image.BitsPerComponent == 8 and image.ColorSpace[1].N == 3 and "/SMask" not in image


def test_deep_grey_keeps_its_tones() -> None:
    ramp = np.tile(np.linspace(0, 65535, WIDTH).astype(np.uint16), (HEIGHT + 1, 1))
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    with opened(made(out.getvalue()).pdf) as document:
        row = document.pixels(0, 72)[20, :, 0].astype(int)
    assert row[3] < 12 and row[-4] > 243 and abs(row[len(row) // 2] - 128) < 6 and (np.diff(row) >= 0).all()


def test_an_svg_is_not_taken_for_a_picture() -> None:
    assert ORDER.kind == "svg"
    with pytest.raises(Refused):
        made(b"<svg xmlns='http://www.w3.org/2000/svg'/>")

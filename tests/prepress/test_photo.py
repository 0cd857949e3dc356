"""Photos: upright, the right colour, the right crop, sharp enough."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from picturemaking import (
    ADOBE,
    ASTRONAUT,
    BLUE,
    GREEN,
    P3,
    RED,
    SRGB,
    WHITE,
    chunk,
    corners,
    exif,
    flat,
    middle,
    near,
    order,
    profile,
    saved,
    scene,
    shown,
    stored,
)
from PIL import Image, ImageCms, ImageOps

from cardpipe.model.finding import Level
from cardpipe.prepress import crop
from cardpipe.prepress.photo import PhotoOrder, develop, judge


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", [(0.8, 0.5), (0.4, 0.5)], ids=["as it is", "cropped and resampled"])
def test_every_orientation_ends_upright(kind: str, orientation: int, frame: tuple[float, float]) -> None:
    options = {"quality": 95, "exif": exif(orientation)} if kind in ("JPEG", "WEBP", "AVIF") else {}
    if kind == "PNG":
        options = {"exif": exif(orientation)}
    if kind == "TIFF":
        options = {"tiffinfo": {0x0112: orientation}}
    data = saved(stored(corners(), orientation), kind, **options)
    facts = judge(data)
    assert (facts.width, facts.height, facts.findings) == (240, 160, ())
    pixels = shown(develop(data, order(*frame)))
    edge = 8
    assert near(pixels[edge, edge], RED, 16), "upper left"
    assert near(pixels[edge, -edge], GREEN, 16), "upper right"
    assert near(pixels[-edge, edge], BLUE, 16), "lower left"
    assert near(pixels[-edge, -edge], WHITE, 16), "lower right"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(orientation: int) -> None:
    data = saved(stored(corners(), orientation), "HEIF", quality=95, exif=exif(orientation))
    facts = judge(data)
    assert (facts.format, facts.width, facts.height, facts.orientation) == ("HEIC", 240, 160, 1)
    pixels = shown(develop(data, order(0.8, 0.5)))
    assert near(pixels[8, 8], RED, 16) and near(pixels[8, -8], GREEN, 16) and near(pixels[-8, 8], BLUE, 16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_focus_is_a_point_of_the_picture_as_seen(orientation: int) -> None:
    data = saved(stored(corners(), orientation), "PNG", exif=exif(orientation))
    photo = develop(data, order(0.2, 0.2, focus=(0.9, 0.1)))
    assert photo.crop == (80, 0, 160, 160)
    photo = develop(data, order(0.1, 0.5, focus=(1.0, 0.0)))
    assert photo.crop == (208, 0, 32, 160)
    assert near(shown(photo)[10, 10], GREEN) and near(shown(photo)[-10, 10], WHITE)


# colour ---------------------------------------------------------------------------------------------------------


def in_srgb(colour: tuple[int, ...], to_xyz: tuple[tuple[float, ...], ...], gamma: float = 2.2) -> tuple[int, ...]:
    linear = np.linalg.inv(np.array(SRGB)) @ np.array(to_xyz) @ (np.array(colour) / 255) ** gamma
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in np.rint(encoded * 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("primaries", [P3, ADOBE], ids=["Display P3", "Adobe RGB"])
def test_wide_colours_become_srgb(kind: str, primaries: tuple[tuple[float, ...], ...]) -> None:
    colour = (190, 110, 70)
    expected = in_srgb(colour, primaries)
    assert not near(np.array(colour), expected, 9), "the colour must tell the two spaces apart"
    options = {"quality": 100} if kind in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
    data = saved(flat(colour), kind, icc_profile=profile(primaries), **options)
    assert judge(data).has_icc
    assert near(middle(data), expected, 4)


def test_a_profile_that_swaps_colours_is_obeyed() -> None:
    swapped = tuple((row[1], row[2], row[0]) for row in SRGB)
    data = saved(flat((220, 40, 40)), "PNG", icc_profile=profile(swapped))
    red, green, blue = middle(data)
    assert green > 200 > 90 > max(red, blue)


def test_an_srgb_profile_changes_nothing() -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(4).integers(0, 256, (64, 64, 3), np.uint8)
    with_profile, without = saved(noise, "PNG", icc_profile=own), saved(noise, "PNG")
    assert develop(with_profile, order(1, 1)).jpeg == develop(without, order(1, 1)).jpeg


def test_a_profile_that_does_not_fit_is_told() -> None:
    for bad in (b"not a profile" * 20, profile(P3, space=b"GRAY")):
        photo = develop(saved(flat((190, 110, 70)), "PNG", icc_profile=bad), order(0.1, 0.1))
        assert "photo.profile_unusable" in [finding.code for finding in photo.findings]
        assert near(shown(photo)[15, 15], (190, 110, 70), 4)


def test_cmyk_with_and_without_adobes_marker() -> None:
    with_marker = saved(flat((0, 255, 255, 0), "CMYK"), "JPEG", quality=100)
    start = with_marker.index(b"\xff\xee")
    without = with_marker[:start] + with_marker[start + 2 + int.from_bytes(with_marker[start + 2 : start + 4], "big") :]
    assert b"Adobe" in with_marker and b"Adobe" not in without
    red, green, blue = middle(with_marker)
    assert red > 180 > 80 > max(green, blue), "magenta and yellow make red"
    red, green, blue = middle(without)  # the same bytes now mean full cyan and full black
    assert max(red, green, blue) < 60
    codes = [finding.code for finding in develop(with_marker, order(0.1, 0.1)).findings]
    assert "photo.cmyk_unprofiled" in codes


def test_cmyk_is_read_by_its_own_profile_or_the_presss() -> None:
    press = Path(__file__).parents[2] / "cardpipe" / "catalog" / "cp_TR006_300.icc"
    icc = press.read_bytes()
    ink = (200, 60, 20, 10)
    own = develop(saved(flat(ink, "CMYK"), "JPEG", quality=100, icc_profile=icc), order(0.1, 0.1))
    given = develop(saved(flat(ink, "CMYK"), "TIFF"), order(0.1, 0.1, profile=icc))
    naive = develop(saved(flat(ink, "CMYK"), "TIFF"), order(0.1, 0.1))
    assert near(shown(own)[15, 15], tuple(shown(given)[15, 15]), 4)
    assert not near(shown(naive)[15, 15], tuple(shown(given)[15, 15]), 12)
    assert "photo.cmyk_assumed" in [finding.code for finding in given.findings]
    assert not [finding for finding in own.findings if "cmyk" in finding.code]


def test_sixteen_bits_alpha_palette_and_bilevel() -> None:
    deep = Image.fromarray(np.full((64, 64), 0x8123, np.uint16))
    photo = develop(saved(deep, "PNG"), order(0.1, 0.1))
    assert photo.grey and near(shown(photo)[15, 15], (0x81,), 2)
    assert near(middle(saved(flat((0, 0, 0, 0), "RGBA"), "PNG")), (255, 255, 255), 2)
    assert near(middle(saved(flat((200, 0, 0, 128), "RGBA"), "PNG")), (227, 127, 127), 3)
    assert near(middle(saved(flat((200, 0, 0, 128), "RGBA"), "WEBP", lossless=True)), (227, 127, 127), 3)
    palette = flat((30, 180, 40)).quantize(8)
    assert near(middle(saved(palette, "PNG")), (30, 180, 40), 4)
    assert near(middle(saved(palette, "PNG", transparency=0)), (255, 255, 255), 2)
    assert develop(saved(flat(1, "1"), "PNG"), order(0.1, 0.1)).grey


def test_sixteen_bit_colour_png_keeps_its_colours() -> None:
    row = b"\0" + struct.pack(">HHH", 0xC812, 0x3045, 0x2099) * 64
    header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * 64)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
    assert near(middle(data), (0xC8, 0x30, 0x20), 3)


def test_grey_stays_grey_and_its_profile_counts() -> None:
    ramp = np.tile(np.arange(64, 192, 2, dtype=np.uint8), (64, 1))
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        photo = develop(saved(ramp, kind), order(0.1, 0.1))
        assert photo.grey == (kind != "WEBP"), kind  # WebP has no grey
    light = develop(saved(flat(128, "L"), "PNG", icc_profile=profile(SRGB, 1.0, b"GRAY")), order(0.1, 0.1))
    assert light.grey and near(shown(light)[15, 15], (188,), 3)


# size and sharpness -----------------------------------------------------------------------------------------------


def test_the_result_has_the_resolution_of_its_frame() -> None:
    data = saved(corners(1200, 900), "JPEG", quality=90)
    photo = develop(data, order(2, 2))
    assert (photo.width_px, photo.height_px, photo.findings) == (600, 600, ())
    assert photo.crop == (150, 0, 900, 900) and photo.ppi == pytest.approx(450)
    assert (photo.width_pt, photo.height_pt) == (144, 144)


def test_fewer_pixels_are_never_blown_up() -> None:
    photo = develop(saved(corners(600, 400), "JPEG"), order(2, 2))
    assert (photo.width_px, photo.height_px) == (400, 400)
    assert [(f.level, f.code) for f in photo.findings] == [(Level.WARNING, "photo.resolution.soft")]
    assert photo.findings[0].message == (
        "400 x 400 pixels of 600 x 400 on 2.00 x 2.00 in are 200 ppi; "
        "crisp print takes 300 ppi, which is 600 x 600 pixels"
    )


@pytest.mark.parametrize(
    ("side", "codes"),
    [(298, ["photo.resolution.low"]), (300, ["photo.resolution.soft"]), (598, ["photo.resolution.soft"]), (600, [])],
)
def test_the_bands_of_resolution(side: int, codes: list[str]) -> None:
    photo = develop(saved(corners(side, side), "JPEG"), order(2, 2, where="photos.main"))
    assert [finding.code for finding in photo.findings] == codes
    assert all(finding.where == "photos.main" for finding in photo.findings)
    if side == 298:
        assert photo.findings[0].level is Level.ERROR
        assert "298 x 298 pixels on 2.00 x 2.00 in are 149 ppi; at least 150 ppi" in photo.findings[0].message


def test_contain_shows_the_whole_picture() -> None:
    photo = develop(saved(corners(1200, 800), "JPEG"), order(2, 2, fit="contain"))
    assert photo.crop == (0, 0, 1200, 800) and (photo.width_px, photo.height_px) == (600, 400)
    assert (photo.width_pt, photo.height_pt) == pytest.approx((144, 96))


def test_an_order_that_cannot_be_is_refused_at_once() -> None:
    cmyk = {"colour": "cmyk"}
    for bad in ({"width_pt": 0.0}, {"fit": "stretch"}, {"focus": (0.5, 1.5)}, {"colour": "lab"}, cmyk,
                {**cmyk, "profile": b"press", "max_ink": 401.0}):  # fmt: skip
        with pytest.raises(ValueError):
            PhotoOrder(**{"width_pt": 72.0, "height_pt": 72.0, **bad})  # type: ignore[arg-type]


def test_as_sharp_as_pillows_lanczos() -> None:
    """A zone plate, whose rings grow finer than the target can hold: a worse resampler blurs them or makes moire."""
    rows, columns = np.mgrid[0:1200, 0:1200] - 600.0
    plate = (127.5 + 120 * np.sin((rows**2 + columns**2) / 700)).astype(np.uint8)
    pixels = shown(develop(saved(plate, "PNG"), order(1.5, 1.5, quality=98)))
    best = np.asarray(Image.fromarray(plate).resize((450, 450), Image.Resampling.LANCZOS)).astype(int)
    for worse, least in ((Image.Resampling.NEAREST, 20), (Image.Resampling.BILINEAR, 4)):
        other = np.asarray(Image.fromarray(plate).resize((450, 450), worse)).astype(int)
        assert np.abs(other - best).mean() > least, "the picture must tell them apart"
    assert np.abs(pixels - best).mean() < 3
    middle_of = (slice(150, 300), slice(150, 300))
    assert pixels[middle_of].std() >= 0.97 * best[middle_of].std()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_is_pillows_lanczos_but_for_noise(orientation: int) -> None:
    """The astronaut, cropped and made smaller by 1.4, beside the way that most programs take (turn, fit by Lanczos,
    encode). PSNR in decibels, and the energy of the finest detail; other resamplers of Pillow must miss the mark."""
    seen = np.asarray(Image.open(ASTRONAUT).convert("RGB"))[:, 20:240]
    data = saved(stored(seen, orientation), "JPEG", quality=98, subsampling=0, exif=exif(orientation))
    size = (140, 180)
    ours = shown(develop(data, order(size[0] / 300, size[1] / 300, focus=(0.5, 0.4), quality=98)))

    def peers(kernel: Image.Resampling) -> np.ndarray:
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        fitted = ImageOps.fit(upright, size, kernel, centering=(0.5, 0.4))
        return np.asarray(Image.open(io.BytesIO(saved(fitted, "JPEG", quality=98)))).astype(int)

    def decibels(one: np.ndarray, other: np.ndarray) -> float:
        return float(10 * np.log10(255**2 / ((one - other) ** 2).mean()))

    def detail(pixels: np.ndarray) -> float:
        light = pixels.mean(axis=2)
        return float(np.abs(4 * light[1:-1, 1:-1] - light[:-2, 1:-1] - light[2:, 1:-1] - light[1:-1, :-2]
                            - light[1:-1, 2:]).mean())  # fmt: skip

    best = peers(Image.Resampling.LANCZOS)
    near, sharp = decibels(ours, best), detail(ours) / detail(best)
    others = {kernel.name: (decibels(peers(kernel), best), detail(peers(kernel)) / detail(best))
              for kernel in (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.NEAREST)}  # fmt: skip
    assert near >= 42 and 0.97 <= sharp <= 1.03, (near, sharp, others)
    assert all(distance < 38 for distance, _ in others.values()), others


# faces ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 900])
def test_a_narrow_crop_keeps_the_face(left: int) -> None:
    photo = develop(scene(left), order(1, 2))
    assert len(photo.faces) == 1
    x, y, w, h = photo.faces[0]
    assert left < x < x + w < left + 480, "the face that is there"
    crop_x, crop_y, crop_w, crop_h = photo.crop
    assert crop_x <= x and x + w <= crop_x + crop_w and crop_y <= y and y + h <= crop_y + crop_h
    assert abs((x + w / 2) - (crop_x + crop_w / 2)) < 0.25 * crop_w or crop_x in (0, 1400 - crop_w)
    assert "photo.face_at_edge" not in [finding.code for finding in photo.findings]


def test_a_face_is_found_upright_only_after_turning() -> None:
    turned = Image.open(io.BytesIO(scene(900))).transpose(Image.Transpose.ROTATE_90)
    photo = develop(saved(turned, "JPEG", exif=exif(6)), order(1, 2))
    assert len(photo.faces) == 1 and photo.faces[0][0] > 900


def test_a_face_that_the_knife_would_cut_is_told() -> None:
    whole = develop(scene(900), order(1, 2)).faces[0]
    knife = (24.0, 0.0, 24.0, 0.0)  # two thirds of an inch of one: the face no longer fits between
    photo = develop(scene(900), order(1, 2, knife_pt=knife))
    assert photo.faces == (whole,)
    assert [finding.code for finding in photo.findings if "face" in finding.code] == ["photo.face_at_edge"]


def test_no_face_in_noise_stripes_and_gradients() -> None:
    rng = np.random.default_rng(5)
    for pixels in (rng.integers(0, 256, (480, 640), np.uint8), np.tile(np.arange(640) // 3, (480, 1)).astype(np.uint8)):
        assert crop.faces(pixels) == ()


def test_where_a_crop_lies_without_faces() -> None:
    assert crop.choose((1000, 1000), 2.0).box == (0, 200, 1000, 500), "a little above the middle"
    assert crop.choose((1000, 1000), 0.5).box == (250, 0, 500, 1000)
    assert crop.choose((1000, 1000), 0.5, focus=(0.0, 0.0)).box == (0, 0, 500, 1000)
    two = ((50, 400, 100, 100), (850, 400, 120, 120))
    chosen = crop.choose((1000, 1000), 0.5, two)
    assert chosen.lost == (two[0],), "where only one fits, the larger stays"
    assert chosen.box[0] + 500 >= 970


def test_the_same_bytes_every_time() -> None:
    data = scene(500)
    first = develop(data, order(1, 2))
    assert all(develop(data, order(1, 2)) == first for _ in range(3))

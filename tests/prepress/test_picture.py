"""What is no photo, or not all of one, is refused; and what a photo carries besides its pixels stays behind."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from picturemaking import P3, chunk, corners, flat, middle, near, order, profile, refused, saved
from PIL import Image, PngImagePlugin

from cardpipe.model.finding import Level
from cardpipe.prepress import picture
from cardpipe.prepress.photo import develop, judge


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "a")
    return out.getvalue()


STRANGERS = {
    "PDF": b"%PDF-1.7\n1 0 obj", "HTML": b"<!DOCTYPE html><html>", "SVG": b"<?xml version='1.0'?>\n<svg xmlns='x'/>",
    "ZIP": zipped(), "GIF": saved(flat(3, "P"), "GIF"), "BMP": saved(flat((1, 2, 3)), "BMP"), "unknown": b"",
    "video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64), "Photoshop": b"8BPS\0\1" + bytes(30),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n", "camera raw": b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_named_and_refused(name: str) -> None:
    facts = judge(STRANGERS[name], "photos.main")
    assert facts.format == name
    assert [(f.level, f.code, f.where) for f in facts.findings] == [(Level.ERROR, "photo.format", "photos.main")]
    assert refused(STRANGERS[name]) == ["photo.format"]


def test_bombs_are_refused_by_their_header() -> None:
    gif = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(8) + b"\0\2\0\0\x3b"
    assert refused(gif) == ["photo.format"]
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body
    assert refused(png) == ["photo.too_large"]
    jpeg = bytearray(saved(corners(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    assert refused(bytes(jpeg)) == ["photo.too_large"]
    assert refused(saved(corners(), "JPEG"), max_pixels=240 * 160 - 1) == ["photo.too_large"]
    assert develop(saved(corners(), "JPEG"), order(max_pixels=240 * 160)).jpeg


def test_too_many_bytes() -> None:
    data = saved(corners(), "JPEG")
    assert [f.code for f in judge(data, max_bytes=len(data) - 1).findings] == ["photo.file_too_large"]
    assert judge(data + bytes(picture.MAX_BYTES)).findings[0].code == "photo.file_too_large"


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.995])
def test_a_cut_file_is_never_printed(kind: str, share: float) -> None:
    noise = np.random.default_rng(6).integers(0, 256, (200, 300, 3), np.uint8)
    real = {"progressive": "JPEG"}.get(kind, kind)
    data = saved(noise, real, **({"progressive": True} if kind == "progressive" else {}))
    assert develop(data, order(0.5, 0.5)).jpeg
    codes = refused(data[: int(len(data) * share)])
    assert codes in (["photo.truncated"], ["photo.damaged"])
    if kind != "TIFF":  # whose tags may lie at its end, so that nothing at all can be read
        assert codes == ["photo.truncated"]


@pytest.mark.parametrize("kind", ["rgb", "progressive", "grey", "cmyk"])
@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\xe1\0\x08within", b"\xff\xd8\xff", bytes(40)], ids=bytes.hex)
def test_a_jpeg_without_its_end_is_cut_whatever_follows(kind: str, end: bytes) -> None:
    """Every pixel may be there; whether it is, nobody knows."""
    bands = {"grey": 1, "cmyk": 4}.get(kind, 3)
    noise = np.random.default_rng(6).integers(0, 256, (200, 300, bands), np.uint8)
    mode = {"grey": "L", "cmyk": "CMYK"}.get(kind, "RGB")
    data = saved(Image.fromarray(noise.squeeze(), mode), "JPEG", **({"progressive": True} if kind[0] == "p" else {}))
    assert data.endswith(b"\xff\xd9") and not judge(data).findings
    assert refused(data[:-2] + end) == ["photo.truncated"]
    assert [finding.code for finding in judge(data[:-2] + end).findings] == ["photo.truncated"]


def test_a_jpeg_cut_and_closed_again_is_seen() -> None:
    noise = np.random.default_rng(6).integers(0, 256, (200, 300, 3), np.uint8)
    data = saved(noise, "JPEG")
    assert refused(data[: len(data) // 2] + b"\xff\xd9") == ["photo.truncated"]


def test_a_thumbnails_end_is_not_the_pictures_end() -> None:
    data = saved(np.random.default_rng(6).integers(0, 256, (200, 300, 3), np.uint8), "JPEG")
    thumbnail = saved(corners(64, 64), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\0\0" + thumbnail
    data = data[:2] + segment + data[2:]
    assert develop(data, order(0.5, 0.5)).jpeg
    assert [finding.code for finding in judge(data[: len(data) // 2]).findings] == ["photo.truncated"]


def test_stray_bytes_are_forgiven_where_no_pixel_suffers() -> None:
    data = saved(corners(), "JPEG")
    at = data.index(b"\xff\xdb")
    photo = develop(data[:at] + b"junk" + data[at:], order(0.5, 0.5))
    assert photo.jpeg == develop(data, order(0.5, 0.5)).jpeg
    assert "photo.untidy" in [finding.code for finding in photo.findings]
    assert develop(data + b"trailing" * 100, order(0.5, 0.5)).jpeg == photo.jpeg


def test_damage_within_is_seen() -> None:
    noise = np.random.default_rng(6).integers(0, 256, (200, 300, 3), np.uint8)
    jpeg = bytearray(saved(noise, "JPEG"))
    jpeg[len(jpeg) // 2 : len(jpeg) // 2 + 400] = bytes(400)
    assert refused(bytes(jpeg))[0] in ("photo.damaged", "photo.truncated")
    png = bytearray(saved(noise, "PNG"))
    png[len(png) // 2] ^= 0x55
    assert refused(bytes(png)) == ["photo.damaged"]


def test_a_compressed_text_of_gigabytes_costs_nothing() -> None:
    data = saved(corners(), "PNG")
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))
    for at in (33, len(data) - 12):
        assert develop(data[:at] + bomb + data[at:], order(0.5, 0.5)).jpeg == develop(data, order(0.5, 0.5)).jpeg


def test_only_the_first_frame_of_an_animation() -> None:
    frames = [flat((200, 30, 30)), flat((30, 30, 200))]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert near(middle(data), (200, 30, 30), 4)


# what is left behind ----------------------------------------------------------------------------------


def secrets() -> dict[str, bytes]:
    tags = Image.Exif()
    tags[0x010E] = "SECRET-EXIF"
    place = tags.get_ifd(0x8825)
    place.update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.2), 29: "SECRET-GPS"})
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET-TEXT")
    pixels = corners()
    return {
        "JPEG": saved(pixels, "JPEG", exif=tags, comment=b"SECRET-COMMENT", icc_profile=profile(P3)) + zipped(),
        "PNG": saved(pixels, "PNG", exif=tags, pnginfo=text, icc_profile=profile(P3)),
        "WEBP": saved(pixels, "WEBP", exif=tags, xmp=b"SECRET-XMP"),
        "HEIF": saved(pixels, "HEIF", exif=tags.tobytes()),
    }


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_nothing_but_pixels_goes_on(kind: str) -> None:
    data = secrets()[kind]
    assert b"SECRET" in data, "the secret must be there to be lost"
    jpeg = develop(data, order(0.5, 0.5)).jpeg
    for word in (b"SECRET", b"Exif", b"GPS", b"ICC_PROFILE", b"http", b"PK\x03\x04", b"Photoshop"):
        assert word not in jpeg
    image = Image.open(io.BytesIO(jpeg))
    assert not image.getexif() and set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert jpeg.count(b"\xff\xc0") == 1 and b"\xff\xc2" not in jpeg[:700], "baseline"
    assert jpeg.endswith(b"\xff\xd9")

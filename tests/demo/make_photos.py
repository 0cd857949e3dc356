"""Make the demo's photos out of the packages that LICENSES.md names. Nothing imports this; it is kept as a record.

    python tests/demo/make_photos.py UNPACKED tests/demo/photos

UNPACKED holds the unpacked packages: lomiri-wallpapers-16.04 and palapeli-data (Debian), the sdist pillow_heif-1.8.1,
the wheels scikit_image-0.26.0 and matplotlib-3.11.2 (PyPI). Every kind of file that a customer sends is here once: a
PNG, a WebP, a phone's HEIC, a JPEG stored sideways with EXIF orientation 6, a JPEG in a wide-gamut colour space.
"""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms, ImageOps

_LOMIRI = "x_lomiri-wallpapers-16.04/usr/share/backgrounds/"
_PALAPELI = "x_palapeli/usr/share/palapeli/collection/"
_HEIF = "py/pillow_heif-1.8.1/tests/images/"
_SKIMAGE = "py/scikit_image/skimage/data/"

#: File made: source, crop as shares (left, top, right, bottom), longer side in pixels at most, quality.
PHOTOS = {
    "dogs-at-the-window.jpg": (_LOMIRI + "friends_by_Aitzol_Berasategi.jpg", (0, 0.02, 1, 0.86), 2500, 82),
    "dandelions.jpg": (_LOMIRI + "seeding_by_Clements_Engelhardt.jpg", (0.02, 0, 0.72, 1), 2400, 80),
    "autumn-pasture.jpg": (_LOMIRI + "aitzgorri_by_Aitzol_Berasategi.jpg", (0, 0.05, 0.92, 1), 2250, 74),
    "mountain-path.jpg": (_LOMIRI + "picosdeeuropa_by_Aitzol_Berasategi.jpg", (0, 0, 1, 1), 2000, 66),
    "evening-hill.webp": (_LOMIRI + "sunset_by_Aitzol_Berasategi.jpg", (0, 0, 1, 1), 2700, 84),
    "fig-in-a-red-bowl.jpg": (_LOMIRI + "Picture_0B_by_freespace.jpg", (0, 0, 1, 1), 2250, 76),
    "brushes.jpg": (_LOMIRI + "Picture_1A_by_freespace.jpg", (0, 0, 1, 1), 1365, 82),
    "grey-cat.heic": (_HEIF + "heif_other/cat.hif", (0.04, 0, 0.96, 1), 2600, 52),
    "guitar.jpg": (_HEIF + "heif_special/guitar_cw90.hif", (0, 0.16, 1, 0.95), 2300, 80),
    "bee.jpg": (_PALAPELI + "european-honey-bee.jpg", (0, 0, 1, 1), 1620, 82),
    "coffee.png": (_SKIMAGE + "coffee.png", (0.04, 0, 0.98, 1), 600, 0),
    "astronaut.jpg": (_SKIMAGE + "astronaut.png", (0, 0, 1, 1), 512, 90),
    "admiral.jpg": ("py/mpl/matplotlib/mpl-data/sample_data/grace_hopper.jpg", (0, 0, 1, 1), 600, 90),
}
SIDEWAYS = "dogs-at-the-window.jpg"
WIDE_GAMUT = "fig-in-a-red-bowl.jpg"
_ORIENTATION = 0x0112


def display_p3() -> bytes:
    """An ICC profile (version 4, matrix and curve) of the colour space of today's phones: the primaries of DCI-P3, the
    white of D65 adapted to D50, the transfer curve of sRGB."""

    def text(words: str) -> bytes:
        data = words.encode("utf-16-be")
        return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(data), 28) + data

    def fixed(kind: bytes, *values: float) -> bytes:
        return kind + bytes(4) + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"para" + struct.pack(">IHH", 0, 3, 0)
    curve += b"".join(struct.pack(">i", round(v * 65536)) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    adapt = (1.047882, 0.022919, -0.050201, 0.029587, 0.990479, -0.017059, -0.009232, 0.015076, 0.751678)
    tags = {
        b"desc": text("A space like Display P3"), b"cprt": text("CC0-1.0"), b"wtpt": fixed(b"XYZ ", 0.9642, 1, 0.8249),
        b"rXYZ": fixed(b"XYZ ", 0.515121, 0.241196, -0.001053), b"gXYZ": fixed(b"XYZ ", 0.291977, 0.692245, 0.041885),
        b"bXYZ": fixed(b"XYZ ", 0.157104, 0.066574, 0.784073), b"chad": fixed(b"sf32", *adapt),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, body = b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    payload = struct.pack(">I", len(tags)) + table + body
    header = struct.pack(">I4sI", 128 + len(payload), bytes(4), 0x04200000) + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2026, 11, 21, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1, 0.8249)))
    return header.ljust(128, b"\0") + payload


def srgb(picture: Image.Image) -> Image.Image:
    """Its colours in sRGB, and nothing of what a camera wrote beside them."""
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    if profile:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        picture = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"))
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    return clean


def make(name: str, source: Path, target: Path) -> None:
    """One photo: cropped, made smaller, written in its kind."""
    where, (left, top, right, bottom), longest, quality = PHOTOS[name]
    picture = srgb(Image.open(source / where))
    width, height = picture.size
    picture = picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
    if max(picture.size) > longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    path = target / name
    if name == SIDEWAYS:
        exif = Image.Exif()
        exif[_ORIENTATION] = 6
        exif[0x010F], exif[0x0110] = "Cardpipe", "demo: held upright, stored sideways"
        picture.rotate(90, expand=True).save(path, quality=quality, optimize=True, progressive=True, exif=exif)
    elif name == WIDE_GAMUT:
        wide = display_p3()
        to = ImageCms.ImageCmsProfile(io.BytesIO(wide))
        picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), to)
        picture.save(path, quality=quality, optimize=True, icc_profile=wide)
    elif path.suffix == ".heic":
        pillow_heif.from_pillow(picture).save(path, quality=quality)
    elif path.suffix == ".png":
        picture.save(path, optimize=True)
    elif path.suffix == ".webp":
        picture.save(path, quality=quality, method=6)
    else:
        picture.save(path, quality=quality, optimize=True, progressive=True)
    print(f"{name}: {picture.size[0]} x {picture.size[1]}, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    pillow_heif.register_heif_opener()
    for each in PHOTOS:
        make(each, Path(sys.argv[1]), Path(sys.argv[2]))

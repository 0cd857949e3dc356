"""A developed photo becomes a press's inks, for houses that take no other colour (PDF/X-1a; ISO 15930-4, 6.2).

Relative colorimetric with black point compensation, as photos are read: what an X-1a press prints is what an X-4 press
makes of the same photo in sRGB, and it takes less ink than the perceptual table (280.8 % against 285.5 % with the
profile that ships), which is room for what JPEG adds at hard edges. Grey photos are printed in black ink alone.

The heavy libraries are imported where they are used, as in ``prepress.photo``; a press's tables are made once.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cardpipe.model.finding import Finding, warning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cardpipe.prepress.decode import Pixels

_TRIES = 4
_PER_CENT = 2.55  # levels of 8 bits


def prepare(profile: bytes) -> None:
    """Make a press's tables, so that a process forked from this one has them.

    Raises ValueError for what is no printer's CMYK profile. Profiles are the shop's own, never a stranger's.
    """
    try:
        _inks(profile)
        _black(profile)
    except Exception as problem:
        raise ValueError(f"not an ICC profile of a CMYK press: {problem}") from None


def separate(pixels: Pixels, profile: bytes) -> Pixels:
    """sRGB (three bands) as cyan, magenta, yellow and black, 255 for full ink; grey (one band, sRGB's tone curve) as
    black ink alone."""
    import numpy as np
    from PIL import Image, ImageCms

    if pixels.shape[2] == 1:
        return _black(profile)[pixels]
    height, width = pixels.shape[:2]
    image = Image.frombuffer("RGB", (width, height), np.ascontiguousarray(pixels), "raw", "RGB", 0, 1)
    return np.asarray(ImageCms.applyTransform(image, _inks(profile)))


def limited(inks: Pixels, max_ink: float) -> Pixels:
    """The same with no more than ``max_ink`` per cent in all: black stays, the three colours give way alike."""
    import numpy as np

    most = int(max_ink * _PER_CENT)
    heavy = _total(inks) > most
    if not heavy.any():
        return inks
    found = inks[heavy].astype(np.float32)
    black = found[:, 3:]
    found[:, :3] *= np.maximum(0, most - black) / found[:, :3].sum(axis=1, keepdims=True)
    result = inks.copy()
    result[heavy] = np.minimum(found, most)  # rounds down
    return result


def encode(inks: Pixels, quality: int, max_ink: float, where: str) -> tuple[bytes, list[Finding]]:
    """The inks as a JPEG: four components as Adobe writes them (YCCK at full size, inverted: a PDF says ``/Decode
    [1 0 1 0 1 0 1 0]``), black alone as one component that is the paper left white (DeviceGray).

    Compression adds ink at hard edges. What is decoded again is measured, and where it is more than ``max_ink`` the
    photo is coded with that much less; a photo that defies it is told by ``photo.ink``.
    """
    import simplejpeg

    if inks.shape[2] == 1:
        return simplejpeg.encode_jpeg(255 - inks, quality, "GRAY", "Gray", fastdct=False), []
    room, jpeg, found = min(max_ink, int(_total(inks).max()) / _PER_CENT), b"", 0.0
    for _ in range(_TRIES):
        jpeg = simplejpeg.encode_jpeg(255 - limited(inks, room), quality, "CMYK", "444", fastdct=False)
        found = most_ink(jpeg)
        if found <= max_ink:
            return jpeg, []
        room -= found - max_ink + 1
    message = f"the photo's heaviest spot has {found:.0f} % of ink; {max_ink:g} % are the limit"
    return jpeg, [warning("photo.ink", where, message, "look at the proof; send the photo with less contrast")]


def most_ink(jpeg: bytes) -> float:
    """Total ink, in per cent, of the heaviest pixel of a JPEG that :func:`encode` made of four inks."""
    import simplejpeg

    paper = simplejpeg.decode_jpeg(jpeg, "CMYK", fastdct=False)
    return (4 * 255 - int(_total(paper).min())) / _PER_CENT


def _total(inks: Pixels) -> NDArray[np.uint16]:
    """The four bands added up; seven times as fast as ``sum`` along the last axis."""
    import numpy as np

    total = inks[:, :, 0].astype(np.uint16)
    for band in (1, 2, 3):
        total += inks[:, :, band]
    return total


@lru_cache(maxsize=8)
def _inks(profile: bytes) -> Any:
    """sRGB to a press's four inks."""
    from PIL import ImageCms

    return ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB", "CMYK",
        ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


@lru_cache(maxsize=8)
def _black(profile: bytes) -> Pixels:
    """How much black ink prints each of sRGB's 256 greys, from this press's paper to its own full black.

    The tone is kept and not the number: 50 % of black ink print far darker than half, because dots gain.
    """
    import numpy as np
    from PIL import Image, ImageCms

    ramp = np.zeros((1, 256, 4), np.uint8)
    ramp[0, :, 3] = np.arange(256)
    to_lab = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("LAB"), "CMYK", "LAB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )  # fmt: skip
    printed = ImageCms.applyTransform(Image.frombuffer("CMYK", (256, 1), ramp, "raw", "CMYK", 0, 1), to_lab)
    light = _luminance(np.asarray(printed)[0, :, 0] / _PER_CENT)
    full = light[-1]
    grey = np.arange(256) / 255
    linear = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    ink = np.interp(full + (1 - full) * linear, light[::-1], np.arange(255, -1, -1))
    return np.asarray(np.rint(ink), np.uint8)


def _luminance(lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE 15: from L* to Y, the paper's being 1."""
    import numpy as np

    return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)

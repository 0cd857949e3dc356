"""Uploaded pictures: their pixels, as stored. Runs in the limited child only (see ``cardpipe.darkroom``)."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, has_errors, warning
from cardpipe.prepress import picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_STRAY = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")  # libjpeg's words
_STRAY_MOST = 16
_CUT_WORDS = ("truncated", "premature", "unexpected end", "end of file", "outside of file")


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels as stored: height x width x bands, 8 bits. ``orientation`` (EXIF 1-8) is still to be applied.

    ``space`` is ``grey``, ``rgb``, ``cmyk`` (0 = no ink) or ``lab``; ``alpha`` is None where everything is opaque.
    """

    pixels: Pixels
    space: str
    orientation: int = 1
    icc: bytes | None = None
    alpha: Pixels | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as seen, after orientation."""
        height, width = self.pixels.shape[:2]
        return (height, width) if self.orientation >= 5 else (width, height)


def decode(data: bytes, where: str = "photo", *, kind: str = "photo", max_pixels: int = picture.MAX_PIXELS) -> Picture:
    """All pixels, or :class:`Refused` with :func:`picture.judge`'s findings, ``.truncated`` or ``.damaged``.

    A picture of which a part is missing is refused: a decoder would fill that part with grey, and it would print.
    """
    facts, icc = picture.judge_for_decoding(data, where, kind=kind, max_pixels=max_pixels)
    _refuse(facts)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if facts.format == "JPEG" and facts.mode in ("rgb", "grey"):
                return _jpeg(data, facts, icc, kind, where, max_pixels)
            return _heif(data, facts) if facts.format == "HEIC" else _other(data, facts)
    except (Refused, MemoryError):
        raise
    except Exception as exc:
        cut = any(word in str(exc).lower() for word in _CUT_WORDS)
        finding = picture.truncated(kind, where) if cut else picture.damaged(kind, where)
        raise Refused("the picture cannot be used", (finding,)) from None


def _refuse(facts: picture.PictureFacts) -> None:
    if has_errors(facts.findings):
        raise Refused("the picture cannot be used", facts.findings)


def _jpeg(
    data: bytes, facts: picture.PictureFacts, icc: bytes | None, kind: str, where: str, max_pixels: int
) -> Picture:
    import simplejpeg

    space = "GRAY" if facts.mode == "grey" else "RGB"
    findings: tuple[Finding, ...] = ()
    try:
        pixels = simplejpeg.decode_jpeg(data, space, strict=True)
    except ValueError:
        _refuse(picture.judge(data, where, kind=kind, max_pixels=max_pixels))  # its end is missing
        # Once more without what lies between the segments. A few bytes too many before the end are cameras' habit;
        # whatever else libjpeg warns of means that it invented part of the picture.
        lean = picture.lean_jpeg(data)
        try:
            pixels = simplejpeg.decode_jpeg(lean, space, strict=True)
        except ValueError as exc:
            stray = _STRAY.fullmatch(str(exc))
            if stray is None or int(stray[1]) > _STRAY_MOST:
                raise
            pixels = simplejpeg.decode_jpeg(lean, space, strict=False)
        findings = (warning(f"{kind}.untidy", where, "the file is not tidy, its picture seems whole",
                            "look at the proof, or open it in a picture program and save it again"),)  # fmt: skip
    return Picture(pixels, facts.mode, facts.orientation, icc, None, findings)


def _heif(data: bytes, facts: picture.PictureFacts) -> Picture:
    import numpy as np

    heif = picture.open_heif(data)
    return _banded(_eight_bits(np.asarray(heif)), facts.mode, 1, picture.icc_of(heif.info))


def _other(data: bytes, facts: picture.PictureFacts) -> Picture:
    import numpy as np

    image = picture.open_pillow(data, facts.format)
    straight = facts.format == "JPEG" and "adobe" not in image.info
    icc = picture.icc_of(image.info)
    image.load()
    plain = {"grey": "L", "grey+alpha": "LA", "rgb": "RGB", "rgb+alpha": "RGBA", "cmyk": "CMYK", "lab": "LAB"}
    if image.mode not in ("I;16", "I;16B", "I;16L") and image.mode != plain[facts.mode]:
        image = image.convert(plain[facts.mode])
    pixels = _eight_bits(np.asarray(image))
    if straight:  # Pillow takes every CMYK JPEG for Adobe's, which store 255 for no ink; without its marker 0 is none
        pixels = 255 - pixels
    return _banded(pixels, facts.mode, facts.orientation, icc)


def _eight_bits(pixels: NDArray[Any]) -> Pixels:
    import numpy as np

    return pixels if pixels.dtype == np.uint8 else (pixels.astype(np.uint16) >> 8).astype(np.uint8)


def _banded(pixels: Pixels, mode: str, orientation: int, icc: bytes | None) -> Picture:
    import numpy as np

    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    space, _, has_alpha = mode.partition("+")
    alpha = None
    if has_alpha and pixels.shape[2] in (2, 4):
        pixels, alpha = np.ascontiguousarray(pixels[:, :, :-1]), pixels[:, :, -1]
        alpha = None if alpha.min() == 255 else np.ascontiguousarray(alpha)
    return Picture(np.ascontiguousarray(pixels), space, orientation, icc, alpha)

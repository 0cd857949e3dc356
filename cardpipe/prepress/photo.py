"""An uploaded photo becomes the JPEG that is printed: upright, cropped, in sRGB or a press's inks, at its frame's
resolution.

Everything but the pixels stays behind: no EXIF, no place names, no profile, no second file hidden in the first. The
result depends on the bytes and the order alone, so that a remake in March equals the proof of today.

:func:`develop` uses libvips, which hangs in a process forked from one that had used it (performance.md): call it
through ``cardpipe.darkroom``, or in a process that does not fork afterwards. The heavy libraries are imported where
they are used, so that importing this module for its values costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cardpipe.model.finding import Finding, error, warning
from cardpipe.model.units import Points, to_inch
from cardpipe.prepress import crop as cropping
from cardpipe.prepress import separation, tone
from cardpipe.prepress.colour import to_srgb
from cardpipe.prepress.crop import PixelBox
from cardpipe.prepress.decode import Picture, decode
from cardpipe.prepress.picture import MAX_PIXELS, PictureFacts, judge

if TYPE_CHECKING:
    from cardpipe.prepress.decode import Pixels

__all__ = ["DevelopedPhoto", "PhotoOrder", "PictureFacts", "develop", "judge"]


@dataclass(frozen=True, slots=True)
class PhotoOrder:
    """How a photo will be placed.

    ``width_pt`` and ``height_pt`` are the frame's, bleed included; ``knife_pt`` is what the trim takes of it at left,
    top, right and bottom (a frame with 9 pt of bleed on three sides: ``(9, 9, 9, 0)``), so that a face that would be
    cut is noticed. ``cover`` fills the frame and crops, ``contain`` shows the whole picture within it. ``focus`` is the
    point that the crop centres on, in shares of width and height as seen, y downwards; None looks for faces.

    ``profile`` is the ICC profile of the press that the order is pinned to. It speaks for CMYK photos that bring none;
    with the ``colour`` cmyk the photo is made of that press's inks, at most ``max_ink`` per cent of them. ``tone`` is
    that press's: ``gentle`` mends flat and dark pictures a little (see ``prepress.tone``).
    """

    width_pt: Points
    height_pt: Points
    fit: Literal["cover", "contain"] = "cover"
    focus: tuple[float, float] | None = None
    target_ppi: int = 300
    min_ppi: int = 150
    quality: int = 90
    where: str = "photo"
    knife_pt: tuple[Points, Points, Points, Points] = (0.0, 0.0, 0.0, 0.0)
    max_pixels: int = MAX_PIXELS
    colour: Literal["srgb", "cmyk"] = "srgb"
    profile: bytes | None = field(default=None, repr=False)
    max_ink: float = 300.0
    tone: Literal["off", "gentle"] = "off"

    def __post_init__(self) -> None:
        if self.width_pt <= 0 or self.height_pt <= 0:
            raise ValueError("a photo's frame needs a width and a height in points")
        if self.fit not in ("cover", "contain"):
            raise ValueError(f"fit is 'cover' or 'contain', not {self.fit!r}")
        if self.focus is not None and not all(0 <= share <= 1 for share in self.focus):
            raise ValueError("a focus is two shares between 0 and 1, from the left and from the top")
        if self.tone not in ("off", "gentle"):
            raise ValueError(f"tone is 'off' or 'gentle', not {self.tone!r}")
        if self.colour not in ("srgb", "cmyk"):
            raise ValueError(f"colour is 'srgb' or 'cmyk', not {self.colour!r}")
        if self.colour == "cmyk" and (self.profile is None or not 0 < self.max_ink <= 400):
            raise ValueError("a photo in cmyk needs the press's profile, and a limit of ink of up to 400 per cent")


@dataclass(frozen=True, slots=True)
class DevelopedPhoto:
    """A baseline JPEG without metadata or profile, to be tagged sRGB by the page (``grey``: one component, sRGB's
    tone curve). For an order in cmyk it is ``cmyk``, four inks inverted and marked as Adobe does, or ``grey``, black
    ink alone as DeviceGray (see ``prepress.separation``).

    ``width_pt`` and ``height_pt`` are the placed size: the frame's with ``cover``, within it with ``contain``. ``ppi``
    is the effective resolution of the source at that size, before it was brought down to the target. ``crop`` and
    ``faces`` are boxes in pixels of the source as seen. ``findings`` may hold errors (``photo.resolution.low``): the
    JPEG is then good for a proof, not for print.
    """

    jpeg: bytes
    width_px: int
    height_px: int
    grey: bool
    ppi: float
    crop: PixelBox
    width_pt: Points
    height_pt: Points
    faces: tuple[PixelBox, ...] = ()
    findings: tuple[Finding, ...] = ()
    cmyk: bool = False


def develop(data: bytes, order: PhotoOrder) -> DevelopedPhoto:
    """Develop one photo.

    Raises :class:`Refused` with every finding where the bytes give no whole picture (see ``prepress.picture``).
    """
    picture = decode(data, order.where, max_pixels=order.max_pixels)
    size = picture.size
    findings = list(picture.findings)
    found: tuple[PixelBox, ...] = ()
    placed = (float(order.width_pt), float(order.height_pt))
    box: PixelBox = (0, 0, *size)
    if order.fit == "contain":
        scale = min(order.width_pt / size[0], order.height_pt / size[1])
        placed = (size[0] * scale, size[1] * scale)
    else:
        if order.focus is None:
            found = cropping.faces(*_search_copy(picture))
        left, top, right, bottom = order.knife_pt
        knife = (left / placed[0], top / placed[1], right / placed[0], bottom / placed[1])
        chosen = cropping.choose(size, placed[0] / placed[1], found, order.focus, knife)
        box = chosen.box
        if chosen.lost:
            findings.append(
                warning("photo.face_at_edge", order.where,
                        f"{len(chosen.lost)} of {len(found)} faces cannot be kept within the trim",
                        "say with photo_focus, or by name with photos_focus, where the eye rests, such as [0.5, 0.3]; "
                        "or choose a design with a wider photo frame")
            )  # fmt: skip
    ppi, judgement = _resolution(box, placed, size, order)
    findings += judgement
    target = tuple(max(1, round(to_inch(side) * order.target_ppi)) for side in placed)
    enough = box[2] >= target[0] and box[3] >= target[1]
    wanted = (target[0], target[1]) if enough else (box[2], box[3])
    pixels = _resample(_cut(picture, box), *_stored(wanted, picture.orientation))
    pixels, remarks = to_srgb(upright(pixels, picture.orientation), picture, order.profile, order.where)
    findings += remarks
    if order.tone == "gentle":
        pixels = tone.gentle(pixels)
    jpeg, remarks = _coded(pixels, order)
    findings += remarks
    height_px, width_px, bands = pixels.shape
    grey, cmyk = bands == 1, bands == 3 and order.colour == "cmyk"
    return DevelopedPhoto(jpeg, width_px, height_px, grey, ppi, box, *placed, found, tuple(findings), cmyk)


def _coded(pixels: Pixels, order: PhotoOrder) -> tuple[bytes, list[Finding]]:
    """The JPEG, and what is to be said of it."""
    import simplejpeg

    if order.colour == "cmyk" and order.profile is not None:
        inks = separation.separate(pixels, order.profile)
        return separation.encode(inks, order.quality, order.max_ink, order.where)
    grey = pixels.shape[2] == 1
    space, chroma = ("GRAY", "Gray") if grey else ("RGB", "420")
    return simplejpeg.encode_jpeg(pixels, order.quality, space, chroma, fastdct=False), []


def _resolution(
    box: PixelBox, placed: tuple[float, float], size: tuple[int, int], order: PhotoOrder
) -> tuple[float, list[Finding]]:
    """Effective pixels per inch at the placed size, and the finding on it."""
    across, down = to_inch(placed[0]), to_inch(placed[1])
    ppi = min(box[2] / across, box[3] / down)
    if ppi >= order.target_ppi - 0.5:
        return ppi, []
    low = ppi < order.min_ppi
    level, code, need = (
        (error, "photo.resolution.low", order.min_ppi) if low else (warning, "photo.resolution.soft", order.target_ppi)
    )
    cropped = "" if box[2:] == size else f" of {size[0]} x {size[1]}"
    message = (
        f"{box[2]} x {box[3]} pixels{cropped} on {across:.2f} x {down:.2f} in are {int(ppi)} ppi; "
        f"{'at least' if low else 'crisp print takes'} {need} ppi, "
        f"which is {-int(-across * need // 1)} x {-int(-down * need // 1)} pixels"
    )
    remedy = "send the original photo, not one saved from a message or a web page"
    return ppi, [level(code, order.where, message, remedy)]


def _stored(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation >= 5 else size


def _cut(picture: Picture, box: PixelBox) -> Pixels:
    """The box's pixels, still lying as stored, transparency laid on white."""
    import numpy as np

    x, y, w, h = box
    width, height = picture.size
    right, below = width - x - w, height - y - h
    column, row = {
        1: (x, y), 2: (right, y), 3: (right, below), 4: (x, below),
        5: (y, x), 6: (y, right), 7: (below, right), 8: (below, x),
    }[picture.orientation]  # fmt: skip
    w, h = _stored((w, h), picture.orientation)
    pixels = picture.pixels[row : row + h, column : column + w]
    if picture.alpha is None:
        return pixels
    alpha = picture.alpha[row : row + h, column : column + w, None].astype(np.uint16)
    return ((pixels * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply the EXIF orientation (EXIF 2.3, 4.6.4 A, tag 0x0112)."""
    import cv2
    import numpy as np

    if orientation == 1:
        return np.ascontiguousarray(pixels)
    bands = pixels.shape
    if orientation in (5, 7):  # mirrored, then turned as 6 and 8 are
        pixels = cv2.transpose(pixels)  # type: ignore[assignment]
        turned = pixels if orientation == 5 else cv2.flip(pixels, -1)
    elif orientation in (6, 8):
        turned = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE if orientation == 6 else cv2.ROTATE_90_COUNTERCLOCKWISE)
    else:
        turned = cv2.flip(pixels, {2: 1, 3: -1, 4: 0}[orientation])
    return np.asarray(turned, np.uint8).reshape(turned.shape[:2] + bands[2:])


def _search_copy(picture: Picture) -> tuple[Pixels, int]:
    """The light of every n-th pixel, upright, and n: about twice as fine as faces are looked for."""
    import numpy as np

    step = max(1, max(picture.size) // (2 * cropping.SEARCH_SIDE))
    pixels = picture.pixels[::step, ::step]
    if picture.space == "cmyk":
        light = 255 - np.minimum(255, pixels[:, :, 1].astype(np.uint16) + pixels[:, :, 3]).astype(np.uint8)
    else:
        light = pixels[:, :, 1 if picture.space == "rgb" else 0]  # green is nearest to brightness
    return upright(light, picture.orientation), step


def _resample(pixels: Pixels, width: int, height: int) -> Pixels:
    """Lanczos3 down to width x height; as it is where it has that size. libvips: as sharp as Pillow's, 5 x as fast."""
    if pixels.shape[:2] == (height, width):
        return pixels
    import numpy as np
    import pyvips

    rows, columns, bands = pixels.shape
    source = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels), columns, rows, bands, "uchar")
    small = source.resize(width / columns, vscale=height / rows, kernel="lanczos3")
    if (small.width, small.height) != (width, height):
        raise RuntimeError(f"libvips made {small.width} x {small.height} of {width} x {height}")
    return np.frombuffer(small.write_to_memory(), np.uint8).reshape(height, width, bands)

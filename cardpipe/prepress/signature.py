"""The ink of a signature, lifted off its paper: a one-bit mask that takes whatever ink colour the page gives it.

Works on a photo or scan of a signed sheet (white, cream, in shadow, lined) and on a picture with transparency. The
mask is CCITT Group 4 (ITU-T T.6): some 2 kB where an 8-bit soft mask takes 58 kB, sharp at 600 ppi and above.

In the PDF (ISO 32000-1, 7.4.6 and 8.9.6.2): ``/ImageMask true /BitsPerComponent 1 /Decode [0 1]
/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns width_px /Rows height_px /BlackIs1 false >>``. Ink is
Group 4's black, which BlackIs1 false decodes to 0, which Decode [0 1] paints. The heavy libraries are imported where
they are used.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Points, to_inch
from cardpipe.prepress.decode import Picture, decode
from cardpipe.prepress.picture import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

_WORK_SIDE = 2400  # pixels of the longer side on which the ink is looked for
_PAPER_SIDE = 300  # pixels on which the paper's light is measured
_LEAST_CONTRAST = 36  # levels of 255 between paper and ink, after the light is evened out
_LEAST_INK, _MOST_INK = 0.0002, 0.30  # shares of the picture: less is dust, more is no signature on paper
_EDGE = 0.42  # of the way from paper to ink: where a stroke's edge is taken to lie
_RULE_SHARE = 0.85  # of the picture's width that a ruled line covers
_RULE_REACH = 9  # pixels on either side of a ruled line's middle that are looked at
_FAINT = 75  # of 255: paler than a stroke's edge (128), darker than paper (36)
_MARGIN = 0.02  # of the ink's longer side, left around it


@dataclass(frozen=True, slots=True)
class SignatureOrder:
    """The box in which a signature will be placed (it fits within, keeping its shape), in points; ``ppi`` of the mask,
    and the ``min_ppi`` that the ink's own pixels must reach at that size."""

    width_pt: Points
    height_pt: Points
    ppi: int = 600
    min_ppi: int = 150
    where: str = "signature"
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if self.width_pt <= 0 or self.height_pt <= 0:
            raise ValueError("a signature's box needs a width and a height in points")


@dataclass(frozen=True, slots=True)
class LiftedSignature:
    """Group 4 data of one strip (see the module for its meaning), trimmed to the ink. ``aspect`` is width by height;
    ``width_pt`` and ``height_pt`` the placed size; ``ppi`` what the source gives at that size. ``findings`` may hold an
    error, ``signature.resolution.low``: the mask is then good for a proof, not for print."""

    g4: bytes
    width_px: int
    height_px: int
    aspect: float
    width_pt: Points
    height_pt: Points
    ppi: float
    findings: tuple[Finding, ...] = ()


def lift(data: bytes, order: SignatureOrder) -> LiftedSignature:
    """Lift the ink. Raises :class:`Refused` with ``signature.format`` and its like (see ``prepress.picture``) where
    the bytes give no whole picture, and with ``signature.no_ink`` where no strokes stand out from the paper."""
    import cv2
    import numpy as np

    picture = decode(data, order.where, kind="signature", max_pixels=order.max_pixels)
    soft = _ink(picture)
    strokes = None if soft is None else _strokes(soft)
    if soft is None or strokes is None:
        raise Refused("no signature was found in the picture", (_no_ink(order.where),))
    rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
    margin = max(2, round(_MARGIN * max(np.ptp(rows), np.ptp(columns))))
    near = cv2.dilate(strokes.astype(np.uint8), np.ones((3, 3), np.uint8))
    inked = (soft * near)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cut = np.pad(inked, margin)
    height, width = cut.shape
    scale = min(order.width_pt / width, order.height_pt / height)  # points a pixel
    placed = (width * scale, height * scale)
    reduced = max(1.0, max(picture.size) / _WORK_SIDE)
    ppi = reduced / to_inch(scale)
    wanted = (max(1, round(to_inch(placed[0]) * order.ppi)), max(1, round(to_inch(placed[1]) * order.ppi)))
    mask = _enlarged(cut, wanted) > 127
    findings = _resolution(ppi, width * reduced, placed[0], order)
    return LiftedSignature(_group4(mask), *wanted, wanted[0] / wanted[1], *placed, ppi, findings)


def _enlarged(soft: Grey, size: tuple[int, int]) -> Grey:
    """Brought to the mask's size before it is cut to one bit, so that its edges lie between the source's pixels."""
    import cv2
    import numpy as np

    way = cv2.INTER_AREA if size[0] < soft.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(soft, size, interpolation=way), np.uint8)


def _no_ink(where: str) -> Finding:
    return error("signature.no_ink", where, "no pen strokes stand out from the paper",
                 "sign with a dark pen on plain white paper and photograph it from above in daylight")  # fmt: skip


def _resolution(ppi: float, pixels: float, width: Points, order: SignatureOrder) -> tuple[Finding, ...]:
    if ppi >= order.min_ppi:
        return ()
    message = (
        f"the signature is {round(pixels)} pixels wide, {int(ppi)} to the inch on {to_inch(width):.2f} in; "
        f"at least {order.min_ppi} are needed"
    )
    remedy = "photograph it from nearer, or scan it at 300 dpi"
    return (error("signature.resolution.low", order.where, message, remedy),)


def _ink(picture: Picture) -> Grey | None:
    """How much ink each pixel holds, 0 to 255 with 128 at the edge of a stroke; None where there is none."""
    import cv2
    import numpy as np

    from cardpipe.prepress.photo import upright

    height, width = picture.pixels.shape[:2]
    scale = min(1.0, _WORK_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def reduced(pixels: Grey) -> Grey:
        return pixels if scale == 1.0 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    if picture.alpha is not None and float((picture.alpha > 127).mean()) < 0.5:
        return upright(reduced(picture.alpha), picture.orientation)
    pixels = picture.pixels
    if picture.space == "cmyk":
        pixels = (255 - np.minimum(255, pixels[:, :, :3].astype(np.uint16) + pixels[:, :, 3:])).astype(np.uint8)
    elif picture.space == "lab":
        pixels = np.ascontiguousarray(pixels[:, :, :1])
    if picture.alpha is not None:
        pixels = np.where(picture.alpha[:, :, None] > 127, pixels, 255).astype(np.uint8)
    level = _evened(reduced(pixels))
    edge = _edge(level)
    if edge is None:
        return None
    threshold, contrast = edge
    soft = 128 + (threshold - level.astype(np.float32)) * (127 / (contrast * (1 - _EDGE)))
    return upright(np.clip(soft, 0, 255).astype(np.uint8), picture.orientation)


def _evened(pixels: Grey) -> Grey:
    """The paper's light and tint divided out, so that paper is 255 everywhere; the darkest band of each pixel."""
    import cv2
    import numpy as np

    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    height, width = pixels.shape[:2]
    scale = min(1.0, _PAPER_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    bands = []
    for band in cv2.split(pixels):
        small = cv2.resize(band, size, interpolation=cv2.INTER_AREA)
        paper = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), (0, 0), 6)
        paper = np.maximum(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), 1)
        bands.append(cv2.divide(band, paper, scale=255))
    darkest = np.minimum.reduce(bands)
    return np.asarray(cv2.GaussianBlur(darkest, (0, 0), max(0.6, max(width, height) / 2400)), np.uint8)


def _edge(level: Grey) -> tuple[float, float] | None:
    """Where ink begins, and how much darker than paper it is; None where nothing stands out.

    The darkest twentieth of what is darker than the paper's noise is ink, even on lined paper, whose lines are more
    but paler. An edge lies at a share of the way from paper to ink, however much ink there is (Otsu's does not).
    """
    import numpy as np

    paper, low = (float(value) for value in np.percentile(level, (50, 16)))
    faint = paper - max(12.0, 3.0 * (paper - low))
    candidates = level[level < faint]
    if candidates.size < _LEAST_INK * level.size:
        return None
    contrast = paper - float(np.percentile(candidates, 5))
    threshold = min(paper - _EDGE * contrast, faint)
    share = float((level < threshold).mean())
    if contrast < _LEAST_CONTRAST or not _LEAST_INK <= share <= _MOST_INK:
        return None
    return threshold, contrast


def _strokes(soft: Grey) -> NDArray[np.bool_] | None:
    """The signature's pixels: without ruled lines, specks and what lies far from it. None where nothing is left."""
    import cv2
    import numpy as np

    mask = np.ascontiguousarray(_without_rules(_without_rules(soft).T).T > 127).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    height, width = mask.shape
    stats = stats[1:].astype(int)
    areas, right, bottom = stats[:, 4], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    inside = (stats[:, 0] > 1) & (stats[:, 1] > 1) & (right < width - 1) & (bottom < height - 1)
    if areas[inside].sum() < 0.25 * areas.sum():
        inside[:] = True  # a tight crop: the strokes themselves reach the edge; else it is the table or a shadow
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    pen = 2 * float(np.percentile(distance[np.isin(labels, 1 + np.flatnonzero(inside))], 80))  # its width, roughly
    dark = np.bincount(labels[soft > 191], minlength=count)[1:]
    kept = inside & (areas >= max(8.0, 0.35 * pen * pen)) & (dark >= 0.1 * areas)
    if areas[kept].sum() < _LEAST_INK * mask.size:
        return None
    return _together(np.isin(labels, 1 + np.flatnonzero(kept)))


def _together(strokes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Strokes that lie near each other, as those of one name do; far and smaller ones go."""
    import cv2
    import numpy as np

    rows, columns = np.nonzero(strokes)
    step = max(1, max(strokes.shape) // 300)
    small = (-(-strokes.shape[0] // step), -(-strokes.shape[1] // step))
    coarse = np.zeros(small, np.uint8)
    coarse[rows // step, columns // step] = 1
    reach = max(3, round(0.15 * max(np.ptp(rows), np.ptp(columns)) / step)) | 1
    joined = cv2.dilate(coarse, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, groups = cv2.connectedComponents(joined)
    group = groups[rows // step, columns // step]
    weight = np.bincount(group)
    stay = np.isin(group, np.flatnonzero(weight >= 0.2 * weight.max()))
    result = np.zeros_like(strokes)
    result[rows[stay], columns[stay]] = True
    return result


def _without_rules(soft: Grey) -> Grey:
    """Ink without the lines of lined paper: thin, straight, nearly level, from edge to edge. A stroke that crosses one
    stays whole; a flourish under the name, which ends within the picture, is no line."""
    import cv2
    import numpy as np

    height, width = soft.shape
    faint = soft > _FAINT
    block = max(4, width // 48)
    blocks = width // block
    filled = faint[:, : blocks * block].reshape(height, blocks, block).mean(axis=2) > 0.5
    spread = filled.copy()
    spread[1:] |= filled[:-1]
    spread[:-1] |= filled[1:]
    places = (np.arange(blocks) - blocks / 2 + 0.5) * block
    best, slopes = np.zeros(height), np.zeros(height)
    for slope in sorted(np.arange(-0.06, 0.0601, 2.0 / width), key=abs):
        lines = np.clip(np.arange(height)[:, None] + np.rint(places * slope).astype(int), 0, height - 1)
        share = spread[lines, np.arange(blocks)].mean(axis=1)
        better = share > best
        best[better], slopes[better] = share[better], slope
    rows = np.flatnonzero(best >= _RULE_SHARE)
    if not rows.size:
        return soft
    result = soft.copy()
    columns = np.arange(width)
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        row = round(float(np.mean(group[best[group] == best[group].max()])))
        middle = row + np.rint((columns - width / 2) * slopes[row]).astype(int)
        offsets = np.arange(-_RULE_REACH, _RULE_REACH + 1)[:, None]
        places_of = offsets + middle
        valid = (places_of >= 0) & (places_of < height)
        band = np.where(valid, soft[np.clip(places_of, 0, height - 1), columns], 0)
        thick = np.median((band > _FAINT).sum(axis=0))
        if thick > _RULE_REACH:
            continue  # a bar, not a line
        pale = int(np.median(band.max(axis=0))) + 30
        reach = int(thick) // 2 + 2
        line = np.abs(offsets) <= reach
        beyond = (band > 127) & (np.abs(offsets) == reach + 1)
        alone = ~beyond.any(axis=0) & (np.where(line, band, 0).max(axis=0) <= pale)
        by_ink = cv2.dilate((band > pale).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        cleared = line & valid & (alone | ((band <= pale) & ~by_ink))
        result[places_of[cleared], np.broadcast_to(columns, band.shape)[cleared]] = 0
    return result


def _group4(mask: NDArray[np.bool_]) -> bytes:
    """One Group 4 strip whose black is the mask's True."""
    from PIL import Image, TiffImagePlugin

    height = mask.shape[0]
    out = io.BytesIO()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[278] = height  # RowsPerStrip: all in one
    Image.fromarray(mask).save(out, "TIFF", compression="group4", tiffinfo=tags)
    with Image.open(io.BytesIO(out.getvalue())) as written:
        starts, lengths = written.tag_v2[273], written.tag_v2[279]  # type: ignore[attr-defined]
    if len(starts) != 1:
        raise RuntimeError("libtiff cut the mask into strips")
    return out.getvalue()[starts[0] : starts[0] + lengths[0]]

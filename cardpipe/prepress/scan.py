"""A photo of a filled form becomes a flat grey page: found by its markers, laid straight, its light evened out.

Runs in the limited child only (see ``cardpipe.darkroom``): the photo is a stranger's. What comes out is a plain raster
on which paper is 255 and ink is dark. Cyan guides are gone, because of each pixel the lighter of the red channel and
the mean of green and blue counts: cyan is light in the second, black and blue ink are dark in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.prepress import formsheet as form
from cardpipe.prepress.decode import Picture, decode
from cardpipe.prepress.formsheet import DENSITY, PAGE_HEIGHT, PAGE_WIDTH, FlatPage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Floats = NDArray[np.float64]

_LEAST_DENSITY = 5.5  # of the photo, at its farthest corner: 140 ppi
_FINEST = 14.0  # a finer photo is made smaller first
_LEAST_PAPER, _LEAST_CONTRAST = 75.0, 55.0  # levels of 255: the paper's light, and paper less a marker's black
_BLURRED = 0.66  # millimetres over which a marker's edge goes from white to black; a good photo has 0.3 to 0.4
_CURLED = 5.0  # millimetres by which the middle markers may lie beside where flat paper has them
_PAPER_STEP = 10  # pixels of the flat page in one of those on which the paper's light is measured
_INK_SEEN = 0.90  # of the paper's light: darker is ink, or a guide
_RED = 0.22  # how much lighter ink is in red than in blue, of the paper's light
_DAYLIGHT = "photograph it flat, from straight above, in daylight without a shadow on it"


def flatten(data: bytes, where: str = "scan") -> FlatPage:
    """Find the page in a photo and lay it flat.

    Raises Refused: as ``decode`` does with ``scan.`` codes; with ``scan.markers`` where a corner's marker is not to be
    seen; with ``scan.small``, ``.dark``, ``.blurred``, ``.curled``, ``.mixed`` and ``.red``, all at once.
    """
    seen = _colours(decode(data, where, kind="scan"))
    found = _markers(seen)
    page, findings = _whole_page(found, where)
    if page is None:
        raise Refused("the form was not found in the picture", findings)
    places = {place: found[form.marker_id(page, place)] for place in range(6) if form.marker_id(page, place) in found}
    density = _density(places)
    if density > _FINEST:
        seen, places = _reduced(seen, places, _FINEST / density)
    findings += _judge_geometry(places, density, where)
    flat = _laid(seen, places)
    findings += _judge_light(flat, places, where)
    if has_errors(findings):
        raise Refused("the picture of the form is not good enough", findings)
    even = _evened(flat)
    if _is_red(even):
        what = "the ink is red or orange, which cannot be told from paper"
        raise Refused("the ink cannot be seen", [error("scan.red", where, what, "write with a black or blue pen")])
    red, green, blue = even
    level = np.minimum(np.maximum(red, (green + blue) * 0.5), 1.0)
    whole = np.rint(level * 255).astype(np.uint8)
    return FlatPage(page, whole.tobytes(), round(density, 2), tuple(findings))


def _colours(picture: Picture) -> Grey:
    """Upright RGB pixels of any picture."""
    from cardpipe.prepress.photo import upright

    pixels = picture.pixels
    if picture.space == "cmyk":
        pixels = (255 - np.minimum(255, pixels[:, :, :3].astype(np.uint16) + pixels[:, :, 3:])).astype(np.uint8)
    elif picture.space != "rgb":
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    if picture.alpha is not None:
        pixels = np.where(picture.alpha[:, :, None] > 127, pixels, 255).astype(np.uint8)
    return np.ascontiguousarray(upright(pixels, picture.orientation))


def _markers(seen: Grey) -> dict[int, Floats]:
    """The form's markers by number: four corners each, in the picture's pixels. One number twice: the larger."""
    import cv2

    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    settings.minMarkerPerimeterRate = 0.02
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(form.DICTIONARY), settings)
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    side = max(grey.shape)
    best: dict[int, Floats] = {}
    for scale in (min(1.0, 2400 / side), min(1.0, 1200 / side)):  # strong noise hides markers at the finer one
        small = grey if scale == 1.0 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        corners, ids, _ = detector.detectMarkers(small)
        numbers: list[int] = [] if ids is None else [int(number) for number in ids.ravel()]
        for quad, number in zip(corners, numbers, strict=True):
            if number < form.PAGES * len(form.PLACES) and number not in best:
                best[number] = (quad.reshape(4, 2).astype(np.float64) + 0.5) / scale - 0.5
        if len(best) >= len(form.PLACES):
            break
    return best


def _whole_page(found: dict[int, Floats], where: str) -> tuple[int | None, list[Finding]]:
    """The page whose markers are in view, or what is missing."""
    seen = {page: [p for p in range(6) if form.marker_id(page, p) in found] for page in range(1, form.PAGES + 1)}
    page: int = max(seen, key=lambda number: len(seen[number]))
    others = [number for number, places in seen.items() if number != page and len(places) > 1]
    findings = []
    if others:
        what = f"markers of pages {page} and {others[0]} are in one picture"
        findings.append(error("scan.mixed", where, what, "photograph each page by itself"))
    missing = [form.PLACES[place] for place in range(4) if place not in seen[page]]
    if missing:
        some = f"page {page}: " if seen[page] else ""
        what = f"{some}{4 - len(missing)} of 4 corner markers are seen; not: {', '.join(missing)}"
        remedy = "photograph the whole page, all black marks in view and sharp, no finger or shadow on them"
        findings.append(error("scan.markers", where, what, remedy))
    return (None if findings else page), findings


def _paper_corners(place: int) -> Floats:
    x, y = form.marker_corner(place)
    side = form.MARKER
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def _density(places: dict[int, Floats]) -> float:
    """Pixels a millimetre where the picture shows the page smallest."""
    sides = [np.hypot(*(quad - np.roll(quad, 1, axis=0)).T).min() for quad in places.values()]
    return float(min(sides)) / form.MARKER


def _reduced(seen: Grey, places: dict[int, Floats], scale: float) -> tuple[Grey, dict[int, Floats]]:
    import cv2

    small = np.asarray(cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return small, {place: (quad + 0.5) * scale - 0.5 for place, quad in places.items()}


def _homography(places: dict[int, Floats], chosen: tuple[int, ...]) -> Floats:
    """From the paper's millimetres to the picture's pixels, by the corners of those markers."""
    import cv2

    paper = np.concatenate([_paper_corners(place) for place in chosen])
    matrix, _ = cv2.findHomography(paper, np.concatenate([places[place] for place in chosen]))
    return np.asarray(matrix, np.float64)


def _judge_geometry(places: dict[int, Floats], density: float, where: str) -> list[Finding]:
    import cv2

    findings = []
    if density < _LEAST_DENSITY:
        what = f"the page has {density:.1f} pixels a millimetre where it is smallest; {_LEAST_DENSITY} are needed"
        findings.append(error("scan.small", where, what, "go nearer, or let the camera take its largest picture"))
    back = np.linalg.inv(_homography(places, (0, 1, 2, 3)))
    off = 0.0
    for place in set(places) & {4, 5}:
        lies = cv2.perspectiveTransform(places[place][None], back)[0]
        off = max(off, float(np.hypot(*(lies - _paper_corners(place)).mean(axis=0))))
    if off > _CURLED:
        what = f"the paper is curled: its middle lies {off:.1f} mm beside where flat paper has it"
        findings.append(error("scan.curled", where, what, "press it flat, under glass or on a board, and try again"))
    return findings


def _laid(seen: Grey, places: dict[int, Floats]) -> Grey:
    """The live area, straight; its upper and its lower half each by their own markers where all six are in view."""
    import cv2

    to_paper = np.array([[1 / DENSITY, 0, 0.5 / DENSITY], [0, 1 / DENSITY, 0.5 / DENSITY], [0, 0, 1]])

    def warped(chosen: tuple[int, ...]) -> Grey:
        matrix = _homography(places, chosen) @ to_paper
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        size = (PAGE_WIDTH, PAGE_HEIGHT)
        made = cv2.warpPerspective(seen, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(made, np.uint8)

    if len(places) < len(form.PLACES):
        return warped((0, 1, 2, 3))
    seam = round(form.SEAM * DENSITY)
    flat = warped((0, 1, 5, 4))
    flat[seam:] = warped((4, 5, 2, 3))[seam:]
    return flat


def _judge_light(flat: Grey, places: dict[int, Floats], where: str) -> list[Finding]:
    """Judged at the markers, of which it is known what is black and what is white."""
    grey = flat.mean(axis=2)
    whites, contrasts, widths = [], [], []
    for place in places:
        x, y = (round(value * DENSITY) for value in form.marker_corner(place))
        side, rim = round(form.MARKER * DENSITY), DENSITY
        patch = grey[max(0, y - rim) : y + side + rim, max(0, x - rim) : x + side + rim]
        black, white = (float(value) for value in np.percentile(patch, (4, 96)))
        steepest = max(float(np.percentile(np.abs(np.diff(patch, axis=axis)), 99)) for axis in (0, 1))
        whites.append(white)
        contrasts.append(white - black)
        widths.append((white - black) / max(steepest, 0.1) / DENSITY)
    findings = []
    if min(whites) < _LEAST_PAPER or min(contrasts) < _LEAST_CONTRAST:
        what = f"too dark or too flat: paper has {min(whites):.0f} of 255, black ink is {min(contrasts):.0f} darker"
        findings.append(error("scan.dark", where, what, _DAYLIGHT))
    elif float(np.median(widths)) > _BLURRED:
        what = f"not sharp: an edge is {float(np.median(widths)):.2f} mm wide, {_BLURRED:g} mm may be"
        findings.append(error("scan.blurred", where, what, "wipe the lens, hold still, let it focus on the page"))
    return findings


def _evened(flat: Grey) -> list[NDArray[np.float32]]:
    """Each channel as a share of the paper's own light there: shadows, lamps and the paper's tint are gone."""
    import cv2

    size = (PAGE_WIDTH // _PAPER_STEP, PAGE_HEIGHT // _PAPER_STEP)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))  # 9 mm: wider than any stroke
    bands: list[NDArray[np.float32]] = []
    for band in cv2.split(flat):
        small = cv2.resize(band, size, interpolation=cv2.INTER_AREA)
        paper = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), (0, 0), 2.0)
        light = cv2.resize(paper.astype(np.float32), (PAGE_WIDTH, PAGE_HEIGHT), interpolation=cv2.INTER_LINEAR)
        seen = cv2.GaussianBlur(band, (0, 0), 0.7).astype(np.float32)
        bands.append(np.asarray(seen / np.maximum(light, 1.0), np.float32))
    return bands


def _is_red(even: list[NDArray[np.float32]]) -> bool:
    """Whether most of what is written is light in red and dark in blue."""
    x, y = round(form.LEFT * DENSITY), round(form.TOP * DENSITY)
    body = slice(y, round((form.HEIGHT - 2) * DENSITY), 2), slice(x, round((form.WIDTH - form.LEFT) * DENSITY), 2)
    red, green, blue = (band[body] for band in even)
    inked = np.minimum(green, blue) < 0.7
    return int(inked.sum()) > 500 and float(np.median(red[inked] - blue[inked])) > _RED

"""Where to cut a photo: faces found, and the crop that keeps them.

Boxes are (x, y, width, height) in pixels of the picture as seen, y downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PixelBox = tuple[int, int, int, int]

SEARCH_SIDE = 640  # pixels of the longer side on which faces are looked for
_LEAST_SHARE = 0.07  # of the shorter side: what is smaller is either no face or not the photo's subject
_FIRST, _SECOND = "haarcascade_frontalface_alt2.xml", "haarcascade_frontalface_default.xml"
_HEAD = (0.15, 0.35, 0.15, 0.20)  # hair, ears and chin around a found face: left, top, right, bottom, of its size
_EYES_AT = 0.42  # of the crop's height: where the faces' middle goes when there is room
_NO_FACE_AT = 0.40  # of the slack: without faces a tall picture is cut more at its foot than at its head


@dataclass(frozen=True, slots=True)
class Crop:
    """The chosen box, and those faces that it could not keep within the trim."""

    box: PixelBox
    lost: tuple[PixelBox, ...] = ()


@lru_cache(maxsize=4)
def _cascade(name: str) -> Any:
    import cv2

    cv2.setNumThreads(1)
    found = cv2.CascadeClassifier(str(cv2.data.haarcascades) + name)  # type: ignore[attr-defined]
    if found.empty():
        raise RuntimeError(f"OpenCV has no {name}; install opencv-python-headless 4, not 5")
    return found


def warm() -> None:
    """Load the cascades, so that a process forked from this one has them."""
    _cascade(_FIRST)
    _cascade(_SECOND)


def faces(grey: NDArray[np.uint8], step: int = 1) -> tuple[PixelBox, ...]:
    """Frontal faces in an upright grey picture (height x width), the largest first.

    ``step`` says that only every step-th pixel was handed in; boxes are those of the whole picture. Two cascades
    trained apart must agree on a face: each alone finds faces in fur, fruit and foliage.
    """
    import cv2

    height, width = grey.shape
    scale = max(1.0, max(width, height) / SEARCH_SIDE)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = cv2.equalizeHist(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    least = max(24, round(min(small.shape) * _LEAST_SHARE))
    found = _cascade(_FIRST).detectMultiScale(small, 1.1, 5, minSize=(least, least))
    if not len(found):
        return ()
    second = _cascade(_SECOND).detectMultiScale(small, 1.1, 4, minSize=(least, least))
    agreed = [tuple(int(side) for side in box) for box in found if any(_same(box, other) for other in second)]
    full = scale * step
    boxes = [(round(x * full), round(y * full), int(w * full), int(h * full)) for x, y, w, h in agreed]
    return tuple(sorted(boxes, key=lambda box: (-box[2] * box[3], box)))


def _same(one: Sequence[int], other: Sequence[int]) -> bool:
    (x, y, w, h), (u, v, a, b) = (map(float, one), map(float, other))
    near = abs(x + w / 2 - u - a / 2) < 0.3 * max(w, a) and abs(y + h / 2 - v - b / 2) < 0.3 * max(h, b)
    return near and 0.6 < w / a < 1.7


def choose(
    size: tuple[int, int],
    aspect: float,
    found: Sequence[PixelBox] = (),
    focus: tuple[float, float] | None = None,
    knife: tuple[float, float, float, float] = (0, 0, 0, 0),
) -> Crop:
    """The largest box of ``aspect`` (width by height) within a picture of ``size``.

    It is centred on ``focus`` (shares of width and height) where one is given, else keeps as much face as it can,
    else lies in the middle, a little above it in tall pictures. ``knife`` is what the trim takes of the crop at left,
    top, right and bottom, as shares: a face reaching into it counts as lost.
    """
    width, height = size
    crop_width = min(width, max(1, round(height * aspect)))
    crop_height = min(height, max(1, round(width / aspect)))
    left, top, right, bottom = knife
    heads = [_head(box, size) for box in found]
    x = _place(width, crop_width, [(b[0], b[2], h[0], h[2], b[2] * b[3]) for b, h in zip(found, heads, strict=True)],
               focus[0] if focus else None, (left, right), 0.5, 0.5)  # fmt: skip
    y = _place(height, crop_height, [(b[1], b[3], h[1], h[3], b[2] * b[3]) for b, h in zip(found, heads, strict=True)],
               focus[1] if focus else None, (top, bottom), _EYES_AT, _NO_FACE_AT)  # fmt: skip
    low_x, high_x = x + left * crop_width, x + crop_width * (1 - right)
    low_y, high_y = y + top * crop_height, y + crop_height * (1 - bottom)
    lost = tuple(b for b in found if b[0] < low_x or b[0] + b[2] > high_x or b[1] < low_y or b[1] + b[3] > high_y)
    return Crop((x, y, crop_width, crop_height), lost)


def _head(face: PixelBox, size: tuple[int, int]) -> PixelBox:
    x, y, w, h = face
    left, top = max(0, round(x - _HEAD[0] * w)), max(0, round(y - _HEAD[1] * h))
    right, bottom = min(size[0], round(x + w + _HEAD[2] * w)), min(size[1], round(y + h + _HEAD[3] * h))
    return left, top, right - left, bottom - top


def _place(
    length: int, kept: int, spans: list[tuple[int, int, int, int, int]], focus: float | None,
    knife: tuple[float, float], face_at: float, empty_at: float,
) -> int:  # fmt: skip
    """Where a crop of ``kept`` starts along one side; spans are (face, its length, head, its length, weight)."""
    slack = length - kept
    if slack <= 0:
        return 0
    if focus is not None:
        return min(max(round(focus * length - kept / 2), 0), slack)
    if not spans:
        return round(slack * empty_at)
    first, last = min(head for _, _, head, _, _ in spans), max(head + size for _, _, head, size, _ in spans)
    wanted = (first + last) / 2 - face_at * kept
    starts = {0, slack, round(wanted)}
    for _, _, head, size, _ in spans:
        starts |= {int(head - knife[0] * kept), int(head + size - kept * (1 - knife[1])) + 1}
    for face, size, _, _, _ in spans:
        starts |= {int(face - knife[0] * kept), int(face + size - kept * (1 - knife[1])) + 1}

    def merit(start: int) -> tuple[int, int, float]:
        low, high = start + knife[0] * kept, start + kept * (1 - knife[1])
        whole = sum(weight for face, size, _, _, weight in spans if face >= low and face + size <= high)
        hair = sum(weight for _, _, head, size, weight in spans if head >= low and head + size <= high)
        return whole, hair, -abs(start - wanted)

    return max(sorted(min(max(start, 0), slack) for start in starts), key=merit)

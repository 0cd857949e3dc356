"""Gentle tone for print: what a careful operator does to a flat photo, and leaves alone in every other.

Paper shows less range than a screen and a printed dot grows, so that flat pictures print dull and dark ones muddy. Both
are mended a little, by one curve on a pixel's brightness (its strongest channel), by which all three channels are
multiplied: neither hue nor saturation moves, and no channel ends before the others do. Read from a table, so that a
remake equals the proof. Deliberate haze and candlelight stay: the bounds are narrower than what would undo them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cardpipe.prepress.decode import Pixels

#: The most that black and white point are moved by, as a share of the whole range; 15 of 255 levels.
MOST_MOVED = 0.06
#: The share of pixels at each end that may become wholly black or fully bright. Both together are below 0.5 %.
ENDS = 0.002
#: A picture that reaches so near to both ends has its full range, and is left as it is.
_FULL = 8
#: With fewer levels between its ends it is a plain colour or a fog: nothing in it tells where its ends should be.
_PLAIN = 64
#: Levels between the strongest and the weakest channel, on average, below which a picture is grey: it is art, or a
#: photo whose tones were chosen.
_GREY = 3.0
#: Pictures whose middle (median) level is below the first are lifted, by the full amount from the second on.
_DIM, _DARK = 102, 51
#: The most that the middle tones are lifted by: a dot of 50 % grows by about 15 % on coated board, of which a quarter
#: is taken back (the ICC profile already knows the rest).
MOST_LIFT = 0.04


def gentle(pixels: Pixels) -> Pixels:
    """The picture (height x width x 3, sRGB) with its ends and, where it is dark, its middle mended; the very same
    pixels where it is grey or plain, or has its full range."""
    import numpy as np

    if pixels.shape[2] != 3:
        return pixels
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    bright = np.maximum(np.maximum(red, green), blue)
    if float((bright - np.minimum(np.minimum(red, green), blue)).mean()) < _GREY:
        return pixels
    counts = np.bincount(bright.ravel(), minlength=256)
    low, high = _ends(counts)
    if (low <= _FULL and high >= 255 - _FULL) or high - low < _PLAIN:
        return pixels
    most = round(MOST_MOVED * 255)
    low, high = min(low, most), max(high, 255 - most)
    middle = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    lift = MOST_LIFT * min(1.0, max(0.0, (_DIM - middle) / (_DIM - _DARK)))
    table = _table(low, high, round(lift * 1000))
    place = (bright.astype(np.uint16) << 8)[:, :, None] | pixels
    return np.asarray(table.ravel().take(place), np.uint8)


def _ends(counts: NDArray[np.intp]) -> tuple[int, int]:
    """The levels beyond which, at most, :data:`ENDS` of the pixels lie."""
    import numpy as np

    allowed = int(counts.sum()) * ENDS
    below = np.cumsum(counts)
    above = np.cumsum(counts[::-1])
    return max(0, int((below <= allowed).sum()) - 1), min(255, 256 - int((above <= allowed).sum()))


@lru_cache(maxsize=64)
def _table(low: int, high: int, lift: int) -> NDArray[np.uint8]:
    """What a channel becomes, by the pixel's brightness and its own level; ``lift`` in thousandths."""
    import numpy as np

    level = np.arange(256)
    share = np.clip((level - low) / (high - low), 0.0, 1.0)
    curve = share + 4 * (lift / 1000) * share * (1 - share)
    grown = np.outer(curve * 255 / np.maximum(level, 1), level)
    return np.asarray(np.clip(np.floor(grown + 0.5), 0, 255), np.uint8)

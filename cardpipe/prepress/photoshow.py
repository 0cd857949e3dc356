"""A photo as it came, with its trouble drawn on: what the frame takes of it, what the cut takes of that, faces, and how
coarse it would print. For whoever must decide whether to ask for another one."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

from PIL import Image, ImageDraw, ImageFont

from cardpipe.prepress.crop import PixelBox
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder

#: The longest side of what is drawn, and of what is developed for it: fine enough to show a coarse photo's own pixels.
SIDE, _FINE = 760, 1400
_PATCH_INCH, _PATCH = 0.5, 300  # so much of the card is enlarged to so many pixels
_WORDS, _LINE = 27, 5  # pixels: a page shows the picture at half its size
_Colour = tuple[int, int, int]
_TRIM, _KEPT, _LOST, _PAPER, _NIGHT = (236, 0, 122), (38, 176, 98), (226, 32, 40), (255, 255, 255), (18, 20, 26)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is to be drawn: boxes in pixels of the photo as seen. ``taken`` is the crop of the frame, ``kept`` that less
    what the trim takes; ``lost`` of the ``faces`` reach beyond it. ``ppi`` is how fine it prints, ``least`` how fine it
    must; 0 where that is not the question."""

    taken: PixelBox | None = None
    kept: PixelBox | None = None
    faces: tuple[PixelBox, ...] = ()
    lost: tuple[PixelBox, ...] = field(default=())
    ppi: float = 0.0
    least: int = 0

    @property
    def coarse(self) -> bool:
        return 0 < self.ppi < self.least

    def told(self) -> str:
        """The same in words, for whoever does not see the picture."""
        said = ["what the frame takes is bright"] if self.taken else []
        said += [f"{len(self.lost)} of {len(self.faces)} faces are cut or left out"] if self.lost else []
        said += [f"it prints at {int(self.ppi)} ppi, and {self.least} are needed"] if self.coarse else []
        return "; ".join(said)


def whole(side: int = _FINE) -> PhotoOrder:
    """How a photo is developed to be shown: all of it, in sRGB, ``side`` pixels at most, whatever its resolution."""
    return PhotoOrder(side, side, "contain", target_ppi=72, min_ppi=1, quality=82)


def glance(order: PhotoOrder) -> PhotoOrder:
    """The same crop as that order's, quickly: as few pixels as can be, in plain sRGB."""
    return replace(order, target_ppi=20, min_ppi=1, quality=50, colour="srgb", profile=None, tone="off")


def trouble(placed: DevelopedPhoto, order: PhotoOrder) -> Trouble:
    """What there is to draw of a photo that was developed by that order, or at a :func:`glance`."""
    x, y, w, h = placed.crop
    if order.fit == "contain":
        return Trouble(None, None, (), (), placed.ppi, order.min_ppi)
    left, top, right, bottom = order.knife_pt
    kept = (
        round(x + w * left / order.width_pt), round(y + h * top / order.height_pt),
        round(w * (1 - (left + right) / order.width_pt)), round(h * (1 - (top + bottom) / order.height_pt)),
    )  # fmt: skip
    lost = tuple(face for face in placed.faces if not _within(face, kept))
    return Trouble(placed.crop, kept, placed.faces, lost, placed.ppi, order.min_ppi)


def draw(photo: DevelopedPhoto, seen: Trouble, lettering: bytes, side: int = SIDE) -> bytes:
    """A JPEG of the :func:`whole` photo with its trouble. ``lettering`` is the font file of its words."""
    fine = Image.open(io.BytesIO(photo.jpeg), formats=["JPEG"]).convert("RGB")
    scale = min(1.0, side / max(fine.size))
    picture = fine.resize(
        (max(1, round(fine.width * scale)), max(1, round(fine.height * scale))), Image.Resampling.LANCZOS
    )
    if seen.coarse and max(picture.size) < side:  # a stamp-sized photo would leave no room for its lines
        grown = side / max(picture.size)
        picture = picture.resize(
            (round(picture.width * grown), round(picture.height * grown)), Image.Resampling.BICUBIC
        )
    sheet = _Sheet(picture, picture.width / max(1, photo.crop[2]), lettering)
    if seen.taken is not None:
        sheet.dim(seen.taken)
    if seen.kept is not None:
        sheet.cut(seen.kept)
    for face in seen.faces:
        gone = face in seen.lost
        sheet.box(face, _LOST if gone else _KEPT, _LINE + 1 if gone else _LINE - 1)
        if gone:
            sheet.tag("reaches into the cut" if _touches(face, seen.kept) else "left out", face, _LOST)
    if seen.coarse:
        sheet.enlarge(fine, fine.width / max(1, photo.crop[2]), seen)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=84)
    return out.getvalue()


def _touches(face: PixelBox, kept: PixelBox | None) -> bool:
    if kept is None:
        return True
    across = min(face[0] + face[2], kept[0] + kept[2]) - max(face[0], kept[0])
    down = min(face[1] + face[3], kept[1] + kept[3]) - max(face[1], kept[1])
    return across > 0 and down > 0


def _within(face: PixelBox, kept: PixelBox) -> bool:
    right, below = kept[0] + kept[2], kept[1] + kept[3]
    return face[0] >= kept[0] and face[1] >= kept[1] and face[0] + face[2] <= right and face[1] + face[3] <= below


class _Sheet:
    """The picture that is drawn on; boxes come in pixels of the photo."""

    def __init__(self, picture: Image.Image, scale: float, lettering: bytes) -> None:
        self._picture, self._scale = picture, scale
        self._pen = ImageDraw.Draw(picture, "RGBA")
        self._font = ImageFont.truetype(io.BytesIO(lettering), _WORDS)

    def dim(self, taken: PixelBox) -> None:
        """What the frame does not take lies in the shade."""
        left, top, right, bottom = self._place(taken)
        wide, tall = self._picture.size
        for shade in ((0, 0, wide, top), (0, bottom, wide, tall), (0, top, left, bottom), (right, top, wide, bottom)):
            if shade[2] - shade[0] >= 1 and shade[3] - shade[1] >= 1:
                self._pen.rectangle((shade[0], shade[1], shade[2] - 1, shade[3] - 1), fill=(*_NIGHT, 150))
        self._pen.rectangle((left, top, right - 1, bottom - 1), outline=(*_NIGHT, 255), width=6)
        self._pen.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline=(*_PAPER, 255), width=3)

    def cut(self, kept: PixelBox) -> None:
        """The cut, in dashes."""
        left, top, right, bottom = self._place(kept)
        for start in range(0, round(max(right - left, bottom - top)), 24):
            across, down = min(left + start + 14, right), min(top + start + 14, bottom)
            if left + start < right:
                for y in (top, bottom - 4):
                    self._pen.line((left + start, y, across, y), fill=_TRIM, width=_LINE - 1)
            if top + start < bottom:
                for x in (left, right - 4):
                    self._pen.line((x, top + start, x, down), fill=_TRIM, width=_LINE - 1)

    def box(self, box: PixelBox, colour: _Colour, width: int) -> None:
        left, top, right, bottom = self._place(box)
        self._pen.rectangle((left - 2, top - 2, right + 1, bottom + 1), outline=(*_NIGHT, 120), width=width + 2)
        self._pen.rectangle((left - 1, top - 1, right, bottom), outline=(*colour, 255), width=width)

    def tag(self, text: str, box: PixelBox, colour: _Colour) -> None:
        """Words below a box, or above it where there is no room."""
        left, top, _, bottom = self._place(box)
        y = bottom + 6 if bottom + _WORDS + 20 < self._picture.height else max(2.0, top - _WORDS - 18)
        self._say(text, left, y, colour)

    def enlarge(self, fine: Image.Image, scale: float, seen: Trouble) -> None:
        """A little of the card as it would be printed, many times as large, in the lower right corner."""
        area = seen.kept or seen.taken or (0, 0, round(fine.width / scale), round(fine.height / scale))
        x, y, w, h = max(seen.faces, key=lambda face: face[2], default=area)
        reach = max(4.0, seen.ppi * _PATCH_INCH) / 2
        middle = (
            min(max(x + w / 2, reach), fine.width / scale - reach),
            min(max(y + h / 2, reach), fine.height / scale - reach),
        )
        found = tuple(
            round(edge * scale) for edge in (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
        )
        size = min(_PATCH, round(min(self._picture.size) * 0.45))
        patch = fine.crop((found[0], found[1], max(found[0] + 1, found[2]), max(found[1] + 1, found[3]))).resize(
            (size, size), Image.Resampling.NEAREST
        )
        left, top = self._picture.width - size - 12, self._picture.height - size - 12
        self.box(
            (round(middle[0] - reach), round(middle[1] - reach), round(2 * reach), round(2 * reach)), _LOST, _LINE - 1
        )
        self._pen.rectangle(
            (left - 8, top - 8, left + size + 7, top + size + 7), fill=(*_PAPER, 255), outline=_LOST, width=3
        )
        self._picture.paste(patch, (left, top))
        self._say(f"half an inch of the card: {int(seen.ppi)} of {seen.least} ppi", left - 8, top - _WORDS - 24, _LOST)

    def _say(self, text: str, x: float, y: float, colour: _Colour) -> None:
        width = self._font.getlength(text) + 16
        x, y = max(2.0, min(x, self._picture.width - width - 2)), max(2.0, y)
        self._pen.rounded_rectangle((x, y, x + width, y + _WORDS + 12), 6, fill=(*colour, 255))
        self._pen.text((x + 8, y + _WORDS / 2 + 6), text, fill=_PAPER, font=self._font, anchor="lm")

    def _place(self, box: PixelBox) -> tuple[float, float, float, float]:
        x, y, w, h = (side * self._scale for side in box)
        return x, y, x + w, y + h

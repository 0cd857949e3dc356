"""Pages that show hands: what one writes itself and what another writes for it, and two writings of one message laid
upon each other. US Letter, in points, y upwards."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence

from cardpipe.model.errors import Refused
from cardpipe.model.units import Box, Points, Size, inch
from cardpipe.prepress.font import Font
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.hand import UNIT, Writing, write
from cardpipe.prepress.lettering import letter
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import Ink, Mark, Outline, Page, Rect
from cardpipe.prepress.sameness import Sameness, keys
from cardpipe.prepress.typeset import Layout, TextFrame, fit
from cardpipe.prepress.wording import Face, Hand
from cardpipe.prepress.xmp import Stamp

PAPER = Size(inch(8.5), inch(11))
_LEFT, _WIDE = inch(0.75), inch(7)
_ZOOM = 2.0  # of single letters

BLUE_BLACK = Ink("blue-black", 1.0, 0.85, 0.25, 0.45)
_BORROWED = Ink("borrowed", 0.05, 0.62, 0.85, 0.05)
_GREY = Ink("grey", 0, 0, 0, 0.55)
_RULE = Ink("rule", 0, 0, 0, 0.2)
_ONE, _OTHER = Ink("one", 0.85, 0.15, 0.0, 0.0), Ink("other", 0.0, 0.75, 0.75, 0.0)

#: Rows of a specimen: all of Latin-1 and Latin Extended-A, and a taste of what lies beyond.
NAMES = "Zoë Łukasz Šárka Nguyễn Noël Đặng Åsa Željko Œuvre Çağla Þór Ķīriņš Αλέξης Мария"
ROWS: tuple[tuple[str, str], ...] = (
    ("names", NAMES),
    ("small letters", "abcdefghijklmnopqrstuvwxyz"),
    ("capitals", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("figures and marks", "0123456789 . , ; : ! ? ' \" ’ “ ” – — … ( ) & @ # % * + = / - $ £ € ¢ ° ½"),
    ("Latin-1", "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿß ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ ¡ ¿ « »"),
    ("Latin Extended-A", "āăąćĉċčďđēĕėęěĝğġģĥħĩīĭįıĳĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżž"),
    ("its capitals", "ĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĲĴĶĹĻĽŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"),
    ("Vietnamese", "ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"),
    ("Greek and Cyrillic", "αβγδεζηθικλμνξοπρστυφχψω абвгдежзийклмнопрстуфхцчшщъыьэюя"),
)


def specimen(hand: Hand, title: str, facts: Sequence[str], message: str, printed: Face, x_height: Points) -> Page:
    """One hand on one page: a message, names, and every letter, those of another face in another ink. ``facts`` are
    lines of print under the title. Raises Refused where it does not go onto the page at any size."""
    for share in (0.82, 0.76, 0.7, 0.64, 0.58, 0.52):
        marks: list[Mark] = [letter(printed, title, 17, _LEFT, inch(10.2))]
        y = inch(10.0)
        for line in facts:
            y -= 11
            marks.append(letter(printed, line, 7.5, _LEFT, y, ink=_GREY))
        y = _block(marks, hand, message, y - 12, min(x_height, 1.2 * share * x_height), BLUE_BLACK, title, 200)
        for name, row in ROWS:
            y = _row(marks, hand, printed, name, row, y, share * x_height)
        if y > inch(0.6):
            words = f"In blue-black what {hand.faces[0].name} writes itself; in brown what another face writes for it."
            marks.append(letter(printed, words, 7, _LEFT, inch(0.45), ink=_GREY))
            return _page("specimen", marks)
    raise Refused(f"the specimen of {hand.name} does not go onto one page; shorten its message")


def comparison(hand: str, strength: str, layout: Layout, pair: tuple[Writing, Writing], same: Sameness,
               others: float, printed: Face) -> Page:  # fmt: skip
    """Two writings of one message: side by side, laid upon each other, and their commonest letters in rows, with the
    numbers. ``others``: what the letters of two different hands have in common."""
    one, other = pair
    size = layout.frame
    if size.width > (_WIDE - 12) / 2:
        raise Refused(f"a frame of {size.width:.0f} pt is too wide to be shown twice on {PAPER.width:.0f} pt")
    right = _LEFT + _WIDE - size.width
    top, title = inch(9.6), f"{hand}, {strength}: how alike two writings of one message are"
    twins = "no letter comes twice" if same.twins is None else f"with its next twin in one writing {same.twins:.1%}"
    figures = f"Each letter with the same one of the other writing {same.letters:.1%}, {twins}, with another hand's"
    marks: list[Mark] = [
        letter(printed, title, 13, _LEFT, inch(10.25)),
        letter(printed, f"{figures} {others:.1%}.", 7.5, _LEFT, inch(10.03), ink=_GREY),
        letter(printed, f"Ink that lies on the other page's ink {same.page:.1%}.", 7.5, _LEFT, inch(9.88), ink=_GREY),
        Outline(Box(_LEFT, top - size.height, size.width, size.height), one.path, BLUE_BLACK),
        Outline(Box(right, top - size.height, size.width, size.height), other.path, BLUE_BLACK),
    ]  # fmt: skip
    low = top - 2 * size.height - 8
    if low < inch(0.4):
        raise Refused(f"a frame of {size.height:.0f} pt is too high to be shown twice on {PAPER.height:.0f} pt")
    for writing, ink in ((one, _ONE), (other, _OTHER)):
        marks.append(Outline(Box(_LEFT, low, size.width, size.height), writing.path, ink))
    marks.append(letter(printed, "upon each other", 7, _LEFT, low - 4, ink=_GREY))
    marks += _twins(layout, pair, printed, right, top - size.height - 8, low)
    return _page("comparison", marks)


def overview(hands: Sequence[Hand], words: str, printed: Face, x_heights: Sequence[Points]) -> Page:
    """The same words in each hand, a row each."""
    marks: list[Mark] = []
    pitch = min(inch(0.95), inch(10) / len(hands))
    for index, (hand, x_height) in enumerate(zip(hands, x_heights, strict=True)):
        low = inch(10.5) - (index + 1) * pitch
        made = fit(hand, words, TextFrame(_WIDE, pitch - 20, x_height, 4.0, 3.3))
        if isinstance(made, list):
            raise Refused(f"{hand.name} cannot write these words", made)
        marks.append(letter(printed, hand.name, 7, _LEFT, low + pitch - 12, ink=_GREY))
        box = Box(_LEFT, low, _WIDE, pitch - 20)
        marks.append(Outline(box, write(made, f"overview {hand.name}".encode()).path, BLUE_BLACK))
    return _page("overview", marks)


def as_pdf(pages: Iterable[Page], printed: Face, profile: bytes, title: str) -> bytes:
    """The pages as one PDF. ``profile`` is an ICC profile of a press, for the output intent."""
    sink = io.BytesIO()
    shared = Shared(lambda key: [], _only(printed), lambda digest: profile)
    merge = Merge(sink, shared, Stamp(title, "2026-01-01", "press", "showing", "showing", "Simplex"))
    for page in pages:
        merge.add(Fragment(io.BytesIO(build([page], ""))), lambda page, slot: ())
    merge.finish()
    return sink.getvalue()


def _only(printed: Face) -> Callable[[str], tuple[Font, str]]:
    return lambda digest: (printed.font, printed.name.capitalize())


def _page(name: str, marks: list[Mark]) -> Page:
    return Page(name, PAPER, Box(0, 0, PAPER.width, PAPER.height), tuple(marks))


def _row(marks: list[Mark], hand: Hand, printed: Face, name: str, row: str, y: Points, x_height: Points) -> Points:
    """A labelled row of letters, parted by who writes them; where the next row begins."""
    marks.append(Rect(Box(_LEFT, y - 2, _WIDE, 0.4), _RULE, "rule"))
    marks.append(letter(printed, name, 6.5, _LEFT, y - 10, ink=_GREY))
    y -= 10
    words = row.split(" ") if " " in row and name in ("names", "figures and marks") else list(row.replace(" ", ""))
    face, rest = hand.faces[0], Hand(hand.name, hand.faces[1:])
    own = [word for word in words if _writes(face, word)]
    lent = [word for word in words if word not in own]
    if own:
        y = _block(marks, Hand(hand.name, (face,)), " ".join(own), y, x_height, BLUE_BLACK, name, 60)
    if lent:
        y = _block(marks, rest, " ".join(lent), y, x_height, _BORROWED, f"{name} lent", 60)
    return y


def _writes(face: Face, word: str) -> bool:
    return face.faults.isdisjoint(word) and not face.font.missing(word)


def _block(
    marks: list[Mark], hand: Hand, text: str, y: Points, x_height: Points, ink: Ink, seed: str, most: Points
) -> Points:
    """Text in handwriting below ``y``, at most so high; the height at which the next block begins."""
    made = fit(hand, text, TextFrame(_WIDE, most, x_height, 3.0, 3.0))
    if isinstance(made, list):
        raise Refused(f"{hand.name} cannot write a row of its specimen ({seed})", made)
    marks.append(Outline(Box(_LEFT, y - most, _WIDE, most), write(made, seed.encode()).path, ink))
    return y - (most - made.bottom) - 3


def _twins(
    layout: Layout, pair: tuple[Writing, Writing], printed: Face, x: Points, top: Points, low: Points
) -> list[Mark]:
    """Rows of the commonest letters: those of one writing, and below them those of the other."""
    order = keys(layout)
    common = sorted(set(order), key=lambda key: (-order.count(key), key))[:6]
    parts = [_letters(writing) for writing in pair]
    pitch, marks = (top - low) / len(common), list[Mark]()
    for index, key in enumerate(common):
        places = [number for number, other in enumerate(order) if other == key]
        for line, (cut, ink) in enumerate(zip(parts, (_ONE, _OTHER), strict=True)):
            at = x
            y = top - index * pitch - (line + 0.75) * pitch * 0.46
            for number in places:
                path, width = cut[number]
                if at + width > _LEFT + _WIDE:
                    break
                marks.append(Outline(Box(at, y, width, pitch * 0.46), path, ink))
                at += width + 0.5 * layout.x_height
    return marks


def _letters(writing: Writing) -> list[tuple[bytes, Points]]:
    """The letters of a writing, each enlarged, as a path from its own left edge and baseline, with its width."""
    _, *rows = writing.path.decode().split("\n")
    scale = _ZOOM * UNIT
    head = f"{scale} 0 0 {scale} 0 0 cm"
    cut: list[tuple[bytes, Points]] = []
    body: list[str] = []
    for row in rows:
        if row.endswith("cm"):
            body = []
        elif row == "f":
            xs = [float(figure) for line in body for figure in line.split(" ")[:-1][::2]]
            if xs:
                path = "\n".join([head, f"1 0 0 1 {-min(xs):.0f} 0 cm", *body, "f", ""]).encode()
                cut.append((path, (max(xs) - min(xs)) * scale))
        elif row:
            body.append(row)
    return cut

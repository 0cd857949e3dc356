"""System four, continued: a street of houses, each cut from three flats of colour."""

from __future__ import annotations

from kit import Card, Ink, Panel
from lettering import BLACK, caps, imprint, words
from paths import ellipse, polygon, polyline, rect, rounded


def _windows(
    panel: Panel,
    x: float,
    y: float,
    cols: int,
    rows: int,
    step: tuple[float, float],
    pane: tuple[float, float],
    glass: list[Ink],
    bar: Ink,
) -> None:
    for row in range(rows):
        for col in range(cols):
            wx, wy = x + col * step[0], y + row * step[1]
            panel.fill(rect(wx - 1.6, wy - 1.6, pane[0] + 3.2, pane[1] + 3.2), bar)
            panel.fill(rect(wx, wy, *pane), glass[(row * cols + col) % len(glass)])
            panel.fill(rect(wx + pane[0] / 2 - 0.5, wy, 1.0, pane[1]), bar)
            panel.fill(rect(wx, wy + pane[1] * 0.58, pane[0], 1.0), bar)


def house(
    panel: Panel, x: float, y: float, width: float, wall: float, roof: float, kind: str, inks: tuple[Ink, Ink, Ink],
    glass: list[Ink], bar: Ink, door: Ink, rows: int,
) -> None:  # fmt: skip
    """A house front: ``kind`` is gable, hip, steps or flat; its last fifth lies in shade."""
    face, shade, tiles = inks
    right, top = x + width, y + wall
    chimney = x + width * 0.70
    if kind in ("gable", "hip"):
        panel.fill(rect(chimney, top, 9, roof * 0.92), tiles)
        panel.fill(rect(chimney - 1.5, top + roof * 0.92, 12, 3), bar)
    if kind == "gable":
        panel.fill(polygon([(x, y), (right, y), (right, top), (x + width / 2, top + roof), (x, top)]), face)
        panel.fill(
            polygon([(right - width * 0.2, y), (right, y), (right, top), (right - width * 0.2, top + roof * 0.4)]),
            shade,
        )
        for side in (-1, 1):
            mid = x + width / 2
            eave = mid + side * (width / 2 + 5)
            drop = top - 5 * roof / (width / 2)
            panel.fill(polygon([(mid, top + roof + 6), (eave, drop + 6), (eave, drop), (mid, top + roof)]), tiles)
        panel.fill(ellipse(x + width / 2, top + roof * 0.28, 5.4), bar)
        panel.fill(ellipse(x + width / 2, top + roof * 0.28, 3.8), glass[0])
    elif kind == "hip":
        panel.fill(rect(x, y, width, wall), face)
        panel.fill(rect(right - width * 0.2, y, width * 0.2, wall), shade)
        panel.fill(polygon([(x - 4, top), (right + 4, top), (right - 9, top + roof), (x + 9, top + roof)]), tiles)
        dormer = x + width / 2
        panel.fill(
            polygon(
                [
                    (dormer - 9, top),
                    (dormer + 9, top),
                    (dormer + 9, top + roof * 0.5),
                    (dormer, top + roof * 0.86),
                    (dormer - 9, top + roof * 0.5),
                ]
            ),
            face,
        )
        panel.fill(rect(dormer - 4.5, top + 2, 9, roof * 0.38), glass[-1])
    elif kind == "steps":
        outline = [(x, y), (right, y)]
        n = 4
        for i in range(n):
            sx, sy = right - i * width / (2 * n + 1), top + i * roof / n
            outline += [(sx, sy + roof / n), (right - (i + 1) * width / (2 * n + 1), sy + roof / n)]
        outline += [(x + right - px, py) for px, py in reversed(outline[2:])]
        panel.fill(polygon(outline), face)
        panel.fill(rect(right - width * 0.2, y, width * 0.2, wall + roof / n), shade)
        panel.fill(ellipse(x + width / 2, top + roof * 0.36, 5.6), bar)
        panel.fill(ellipse(x + width / 2, top + roof * 0.36, 4), glass[0])
    else:
        panel.fill(rect(x, y, width, wall), face)
        panel.fill(rect(right - width * 0.2, y, width * 0.2, wall), shade)
        panel.fill(rect(x - 3.5, top - 1, width + 7, 7), tiles)
        for i in range(int(width / 9)):
            panel.fill(rect(x + 3 + i * 9, top - 5, 3.6, 4), tiles)
    pane = (10.5, 14.5)
    cols = 3 if width > 64 else 2
    step = (width - 2 * 10 - pane[0]) / (cols - 1)
    storey = (wall - 40) / rows
    _windows(panel, x + 10, y + 42, cols, rows, (step, storey), pane, glass, bar)
    dx = x + 9
    panel.fill(rounded(dx - 2, y - 2, 18, 33, 8), bar)
    panel.fill(rounded(dx, y - 2, 14, 31, 6.8), door)
    panel.fill(ellipse(dx + 11, y + 12, 1.1), bar)
    panel.fill(rect(dx - 4, y, 22, 2.6), shade)
    wide = width - 42
    panel.fill(rect(right - 9 - wide - 1.6, y + 9.4, wide + 3.2, 18.2), bar)
    panel.fill(rect(right - 9 - wide, y + 11, wide, 15), glass[1 % len(glass)])


def _tree(panel: Panel, x: float, y: float, height: float, round_: bool, light: Ink, dark: Ink, trunk: Ink) -> None:
    panel.fill(rect(x - 1.5, y, 3, height * 0.55), trunk)
    rx, ry = (height * 0.27, height * 0.30) if round_ else (height * 0.165, height * 0.40)
    crown = ellipse(x, y + height - ry, rx, ry)
    panel.fill(crown, light)
    with panel.within(crown):
        panel.fill(rect(x, y, rx + 1, height), dark)
    panel.stroke(polyline([(x, y + height * 0.3), (x, y + height - ry * 1.05)]), trunk, 1.2)


def home_row(card: Card) -> None:
    """A street with every lamp lit, and one door a brighter colour than the rest."""
    names = ("sky", "blue", "brick", "ochre", "sea", "cream")
    sky, blue, brick, ochre, sea, cream = (card.ink(n) for n in names)
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(sky)
    card.back.flood(sky)
    front.fill(ellipse(w * 0.735, h * 0.735, 50), ochre.mix(sky, 0.62))
    for x, y, s in ((96, 306, 1.0), (212, 326, 0.7), (436, 318, 0.85)):
        for dx, dy, n in ((0, 0, 58), (16, 8, 34), (-12, -8, 40)):
            front.fill(rounded(x + dx * s - n * s / 2, y + dy * s, n * s, 7 * s, 3.4 * s), cream)
    y = 112.0
    deep, rust, amber, teal, stone = (
        blue.mix(blue, 1),
        brick.mix(blue, 0.28),
        ochre.mix(brick, 0.3),
        sea.mix(blue, 0.4),
        cream.mix(blue, 0.18),
    )
    warm, pale = ochre.mix(cream, 0.35), sea.mix(cream, 0.55)
    street = (
        (-22, 72, 118, 40, "gable", (sea, teal, deep), [pale, warm, pale], brick, 2),
        (54, 58, 150, 26, "flat", (brick, rust, rust.mix(deep, 0.35)), [warm, pale], deep, 3),
        (116, 76, 104, 44, "steps", (ochre, amber, rust), [pale, pale, warm], deep, 2),
        (196, 66, 136, 34, "hip", (deep.mix(sea, 0.22), deep, rust), [warm, warm, pale], ochre, 2),
        (266, 82, 112, 50, "gable", (cream, stone, brick), [teal, warm, teal], brick, 2),
        (352, 58, 146, 28, "flat", (sea, teal, deep), [warm, pale, warm], deep, 3),
        (414, 70, 108, 40, "steps", (brick, rust, deep), [pale, warm], deep, 2),
        (488, 60, 128, 30, "hip", (ochre, amber, rust), [pale, warm], deep, 2),
    )
    for x, width, wall, roof, kind, inks, glass, door, rows in street:
        bar = cream if inks[0] != cream else deep.mix(sea, 0.35)
        house(front, x, y, width, wall, roof, kind, inks, glass, bar, door, rows)
    front.fill(rect(-9, -9, w + 18, y + 9), deep)
    front.fill(rect(-9, y - 5, w + 18, 5), stone)
    for x, height, round_ in ((51, 62, False), (192, 56, True), (348, 60, False), (484, 54, True)):
        _tree(front, x, y - 1, height, round_, sea.mix(ochre, 0.18), teal, deep)
    front.fill(words("home, sweet new home", BLACK, 32).centred(front.mid, 52), cream)
    front.fill(caps("may every window be warm", 8, 320).centred(front.mid, 27), ochre)

    roof = polyline([(-14, 12), (0, 24), (14, 12)]).add(polyline([(-11, 14), (-11, 0), (11, 0), (11, 14)]))
    roof.add(polyline([(-3, 0), (-3, 8), (3, 8), (3, 0)]))
    imprint(card, deep, motif=roof)

    upper = card.top
    x, low, fw, fh = card.frame("photos.home")
    plate = rounded(x + 1, low + 1, fw - 2, fh - 2, 13)
    upper.fill(plate, sky)
    with upper.within(plate):
        upper.fill(ellipse(x + fw * 0.73, low + fh * 0.7, 24), ochre.mix(sky, 0.62))
        house(
            upper,
            x + fw / 2 - 41,
            low + 34,
            82,
            82,
            42,
            "gable",
            (brick, rust, deep),
            [pale, warm, pale],
            cream,
            deep,
            1,
        )
        upper.fill(rect(x, low, fw, 35), teal)
        for dx, height, round_ in ((-70, 62, False), (66, 54, True), (-98, 44, True)):
            _tree(upper, x + fw / 2 + dx, low + 34, height, round_, sea.mix(ochre, 0.18), teal, deep)


DRAWINGS = {"home-row": home_row}

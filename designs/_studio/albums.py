"""System five, continued: albums, where the photos are the picture and the art is their mount."""

from __future__ import annotations

from botany import leaf
from kit import Card, Ink, Panel
from lettering import BLACK, QUIET, caps, fitted, imprint, words
from paths import Path, ellipse, polygon, polyline, rect, smooth

_YEAR = ("photos.first", "photos.second", "photos.third", "photos.fourth")


def _snow(panel: Panel, x: float, y: float, s: float, ink: Ink) -> None:
    """Winter: six arms, each with two barbs."""
    out = Path()
    for i in range(6):
        arm = polyline([(0, 0), (0, 10)]).add(polyline([(-3.2, 9), (0, 5.6), (3.2, 9)]))
        out.add(arm.at(x, y, i * 60, s))
    panel.stroke(out, ink, max(1.15 * s, 0.6))


def _blossom(panel: Panel, x: float, y: float, s: float, ink: Ink) -> None:
    """Spring: five notched petals with a gap between them, and an open heart."""
    petal = Path().move(0, 2.6).curve(-3.2, 3.6, -5.4, 8.4, -2.4, 10.2).line(0, 8.8).line(2.4, 10.2)
    petal.curve(5.4, 8.4, 3.2, 3.6, 0, 2.6).close()
    for i in range(5):
        panel.fill(petal.at(x, y, i * 72, s), ink)


def _sun(panel: Panel, x: float, y: float, s: float, ink: Ink) -> None:
    """Summer: a disc and twelve rays."""
    panel.fill(ellipse(x, y, 4.6 * s), ink)
    for i in range(12):
        panel.stroke(polyline([(0, 7), (0, 10.2 if i % 2 else 9)]).at(x, y, i * 30, s), ink, max(1.15 * s, 0.6))


def _oak(panel: Panel, x: float, y: float, s: float, ink: Ink, vein: Ink) -> None:
    """Fall: a lobed leaf on its stalk, leaning."""
    half = [(0, -8), (3.4, -6.6), (3.2, -3.6), (6.0, -2.6), (5.2, 0.8), (6.4, 3.4), (3.8, 5.0), (3.2, 8.4), (0, 10.4)]
    outline = half + [(-px, py) for px, py in reversed(half[1:-1])]
    panel.fill(smooth(outline, closed=True).at(x, y, -32, s), ink)
    panel.stroke(polyline([(0, -11.5), (0, 6.5)]).at(x, y, -32, s), vein, max(0.75 * s, 0.5))
    panel.stroke(polyline([(0, -11.5), (0, -7.5)]).at(x, y, -32, s), ink, max(1.2 * s, 0.6))


def _tiles(card: Card, label: tuple[float, float, float, float], scale: float) -> list[Path]:
    """The front's grid in small, its middle at the origin: the four photos, then the label."""
    mid, half = card.front.width / 2, card.front.height / 2
    boxes = [*(card.frame(field) for field in _YEAR), label]
    return [rect((x - mid) * scale, (y - half) * scale, w * scale, h * scale) for x, y, w, h in boxes]


def year_in_four(card: Card) -> None:
    """Four photos of four sizes, and a fifth tile that says what they are."""
    paper, paprika, sand, slate = (card.ink(n) for n in ("paper", "paprika", "sand", "slate"))
    front = card.front
    front.flood(paper)
    card.back.flood(paper)
    x, y, w, _ = card.frame("photos.first")
    low = card.frame("photos.third")[1]
    label = (x, low, w, y - 7.2 - low)
    for field in _YEAR:
        px, py, pw, ph = card.frame(field)
        front.fill(rect(px + 1, py + 1, pw - 2, ph - 2), sand)
    front.fill(rect(*label), paprika)
    mid, base = x + w / 2, low + label[3] / 2
    front.fill(fitted("our year in four", QUIET, w - 52).centred(mid, base - 23), paper)
    seasons = (_snow, _blossom, _sun)
    for i, draw in enumerate(seasons):
        draw(front, mid - 54 + 36 * i, base + 22, 1.0, sand)
    _oak(front, mid + 54, base + 22, 1.08, sand, paprika)

    imprint(card, slate, motif=Path().add(*_tiles(card, label, 0.085)))
    top, cx, cy, scale = card.top, card.top.mid, card.top.height * 0.53, 0.27
    inks = (slate, paprika.mix(sand, 0.72), sand, paprika.mix(sand, 0.42), paprika)
    tiles = _tiles(card, label, scale)
    for tile, ink in zip(tiles, inks, strict=True):
        top.fill(tile.at(cx, cy), ink)
    middles = [(cx + (t.bounds()[0] + t.bounds()[2]) / 2, cy + (t.bounds()[1] + t.bounds()[3]) / 2) for t in tiles]
    _snow(top, *middles[0], 1.6, paper)
    _blossom(top, *middles[1], 1.1, paper)
    _sun(top, *middles[2], 0.95, paprika)
    _oak(top, *middles[3], 1.2, paper, paprika)
    top.fill(caps("with love from all of us", 7.6, 320).centred(cx, cy - 76), paprika)


def _opening(s: float) -> Path:
    """A window's opening with a flat arch, its sill on the origin."""
    out = Path().move(-20, 0).line(20, 0).line(20, 40).curve(20, 51, 11, 60, 0, 60).curve(-11, 60, -20, 51, -20, 40)
    return out.close().at(0, 0, 0, s)


def _window(panel: Panel, x: float, y: float, s: float, inks: tuple[Ink, Ink, Ink, Ink]) -> None:
    """A window with the evening in it: a low sun over two hills."""
    frame, sky, sun, hill = inks
    panel.stroke(_opening(s).at(x, y), frame, 5 * s)
    with panel.within(_opening(s).at(x, y)):
        panel.fill(rect(x - 21 * s, y, 42 * s, 62 * s), sky)
        panel.fill(ellipse(x + 5 * s, y + 23 * s, 9 * s), sun)
        far = smooth([(-24, 20), (-12, 23), (2, 17), (14, 15), (24, 19)]).line(24, -2).line(-24, -2).close()
        near = smooth([(-24, 8), (-8, 7), (6, 11), (24, 13)]).line(24, -2).line(-24, -2).close()
        panel.fill(far.at(x, y, 0, s), hill.tint(0.55))
        panel.fill(near.at(x, y, 0, s), hill)
    panel.fill(rect(-1.1, -1, 2.2, 62).at(x, y, 0, s), frame)
    panel.fill(rect(-21, 38, 42, 2.2).at(x, y, 0, s), frame)
    panel.fill(rect(-28, -6.6, 56, 5.6).at(x, y, 0, s), frame)


def just_because_window(card: Card) -> None:
    """A photo to three edges, and a band at its side like a drawn curtain."""
    linen, cornflower, moss, apricot = (card.ink(n) for n in ("linen", "cornflower", "moss", "apricot"))
    front, w, h = card.front, card.front.width, card.front.height
    front.flood(cornflower)
    card.back.flood(linen)
    x, _, pw, _ = card.frame("photos.main")
    edge = x + pw
    front.fill(rect(-9, -9, edge + 9 + 4.5, h + 9), apricot)
    mid = (edge + 4 + w) / 2 - 1
    line = words("just because", BLACK, 35)
    front.fill(line.at(mid + 9, 30 - line.bounds()[0], 90), linen)
    _window(front, mid, h - 69, 0.62, (linen, apricot.mix(linen, 0.62), apricot, cornflower))

    imprint(card, moss, motif=_opening(0.45).add(polyline([(0, 0), (0, 27)]), polyline([(-9, 17.5), (9, 17.5)])))
    top, cx, y = card.top, card.top.mid, card.top.height * 0.36
    _window(top, cx, y, 1.7, (moss, apricot.mix(linen, 0.62), apricot, cornflower))
    for dx, turn, n in ((0, 92, 30), (-1, 122, 25), (2, 62, 26), (-3, 150, 17), (4, 34, 17)):
        leaf(top, cx - 27 + dx, y + 14, turn, n, n * 0.36, moss.tint(0.66), moss, bend=0.06)
    top.fill(polygon([(cx - 36, y + 16), (cx - 18, y + 16), (cx - 20.5, y), (cx - 33.5, y)]), apricot)


DRAWINGS = {"just-because-window": just_because_window, "year-in-four": year_in_four}

"""How far the drawing on a page reaches: the box around all its paths and pictures."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name

from cardpipe.model.units import Box

_Matrix = tuple[float, float, float, float, float, float]
_Point = tuple[float, float]
_DEEPEST = 12


def pictures(page: bytes) -> dict[int, Box]:
    """Where each picture of a page lies, by the number of its object, by which preflight names it. Of a page that
    cannot be read, as many as were found."""
    found: dict[int, Box] = {}
    trouble = (pikepdf.PdfError, LookupError, ValueError, TypeError, AttributeError)
    with suppress(*trouble), pikepdf.open(io.BytesIO(page)) as document:
        only = document.pages[0]
        _walk(only, only.obj.get("/Resources"), (1, 0, 0, 1, 0, 0), [], 0, found)
    return found


def extent(page: bytes) -> Box | None:
    """The box of a one-page PDF's drawing, in page coordinates; None where nothing is drawn. Curves are sampled, and
    clips are not followed: it is to point at something, not to measure it."""
    with pikepdf.open(io.BytesIO(page)) as document:
        points: list[_Point] = []
        only = document.pages[0]
        _walk(only, only.obj.get("/Resources"), (1, 0, 0, 1, 0, 0), points, 0)
    if not points:
        return None
    return _around(points)


def _around(points: list[_Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _walk(
    drawn: Any, resources: Any, start: _Matrix, points: list[_Point], depth: int, seen: dict[int, Box] | None = None
) -> None:
    now, kept, path = start, list[_Matrix](), list[_Point]()
    for item in pikepdf.parse_content_stream(drawn):
        operands, name = item.operands, str(item.operator)
        if name == "q":
            kept.append(now)
        elif name == "Q" and kept:
            now = kept.pop()
        elif name == "cm":
            now = _times(tuple(float(v) for v in operands), now)  # type: ignore[arg-type]
        elif name in ("m", "l", "c"):
            x1, y1, *more = (float(v) for v in operands)
            ends = [_at(now, x1, y1), *(_at(now, x, y) for x, y in zip(more[::2], more[1::2], strict=True))]
            path += _curve(path[-1], *ends) if name == "c" and path else ends
        elif name == "re":
            x, y, width, height = (float(v) for v in operands)
            path += [_at(now, x, y), _at(now, x + width, y), _at(now, x, y + height), _at(now, x + width, y + height)]
        elif name in ("f", "F", "f*", "S", "s", "B", "B*", "b", "b*"):
            points += path
            path = []
        elif name == "n":
            path = []
        elif name == "Do" and isinstance(resources, Dictionary) and depth < _DEEPEST:
            _placed(resources.XObject[str(operands[0])], now, points, depth, seen)


def _placed(target: Any, now: _Matrix, points: list[_Point], depth: int, seen: dict[int, Box] | None) -> None:
    if target.get("/Subtype") == Name.Image:
        corners = [_at(now, x, y) for x in (0, 1) for y in (0, 1)]
        points += corners
        if seen is not None:
            seen.setdefault(target.objgen[0], _around(corners))
        return
    matrix = tuple(float(v) for v in target.get("/Matrix", [1, 0, 0, 1, 0, 0]))
    _walk(target, target.get("/Resources"), _times(matrix, now), points, depth + 1, seen)  # type: ignore[arg-type]


def _curve(a: _Point, b: _Point, c: _Point, d: _Point) -> list[_Point]:
    """Points of a cubic curve."""
    made = []
    for step in range(1, 9):
        t = step / 8
        u = 1 - t
        share = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
        made.append((sum(s * p[0] for s, p in zip(share, (a, b, c, d), strict=True)),
                     sum(s * p[1] for s, p in zip(share, (a, b, c, d), strict=True))))  # fmt: skip
    return made


def _at(m: _Matrix, x: float, y: float) -> _Point:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def _times(one: _Matrix, two: _Matrix) -> _Matrix:
    """First the one, then the other (ISO 32000-1, 8.3.3)."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = two
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m

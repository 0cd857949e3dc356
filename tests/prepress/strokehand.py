"""A hand that is no font: strokes whose points were written down by hand, drawn with a round pen.

Points are tenths of an x-height, x to the right, y up from the base line. The pen rounds corners as a wrist does.
"""

from __future__ import annotations

import cv2
import numpy as np
from formfilling import BLACK, MM

from cardpipe.prepress import formsheet as form

STROKES = {
    "a": "9,8 6,10 2,9 0,5 2,1 5,0 8,3 9,9 9,3 11,0", "b": "1,19 1,0|1,6 4,10 8,9 9,5 7,1 3,0 1,3",
    "c": "8,8 5,10 1,8 0,4 2,1 5,0 8,2", "d": "8,7 5,10 1,8 0,4 2,0 6,1 8,5 9,19|9,19 8,4 10,0",
    "e": "0,5 8,6 7,9 4,10 1,8 0,4 2,0 5,0 8,2", "f": "8,17 6,19 4,17 3,12 3,0|0,10 7,10",
    "g": "8,8 5,10 1,8 0,4 3,1 7,3 8,9 8,-4 5,-8 1,-6", "h": "1,19 1,0|1,6 4,10 7,9 8,5 8,0",
    "i": "1,10 1,2 3,0|1,14 1.4,14.4", "j": "4,10 4,-4 2,-8 -1,-6|4,14 4.4,14.4", "k": "1,19 1,0|8,10 1,4|3,6 9,0",
    "l": "2,19 1,10 1,2 4,0", "m": "1,10 1,0|1,6 4,10 6,9 6,0|6,6 9,10 12,9 12,0", "n": "1,10 1,0|1,6 4,10 7,9 8,6 8,0",
    "o": "5,10 1,8 0,4 3,0 7,1 9,5 8,9 5,10", "p": "1,10 1,-8|1,6 4,10 8,9 9,5 7,1 3,0 1,3",
    "q": "8,8 5,10 1,8 0,4 3,0 7,3 8,9 8,-8 11,-5", "r": "1,10 1,0|1,6 3,9 7,10", "s": "7,9 4,10 1,8 3,6 6,4 7,2 4,0 0,1",
    "t": "4,16 4,3 6,0 9,1|0,11 8,11", "u": "1,10 1,3 3,0 6,1 8,5 8,10|8,10 8,2 10,0", "v": "0,10 4,0 8,10",
    "w": "0,10 3,0 6,8 9,0 12,10", "x": "0,10 8,0|8,10 0,0", "y": "0,10 4,1|9,10 4,-1 1,-8", "z": "0,10 8,10 0,0 9,0",
    "A": "0,0 7,20 13,0|3,7 11,7", "B": "1,20 1,0|1,20 8,19 9,14 2,11|2,11 10,9 11,3 7,0 1,0",
    "C": "12,17 8,20 3,18 0,10 3,2 8,0 12,3", "D": "1,20 1,0|1,20 9,18 13,10 9,2 1,0",
    "E": "11,20 1,20 1,0 12,0|1,10 9,10", "F": "12,20 1,20 1,0|1,11 9,11",
    "G": "12,17 8,20 3,18 0,10 3,2 9,0 13,4 13,9 8,9", "H": "1,20 1,0|12,20 12,0|1,10 12,10", "I": "1,20 1,0",
    "J": "9,20 9,5 6,0 2,1 0,5", "K": "1,20 1,0|11,20 1,9|4,12 12,0", "L": "1,20 1,0 11,0",
    "M": "0,0 2,20 8,5 14,20 16,0", "N": "1,0 1,20 12,0 12,20", "O": "8,20 3,18 0,10 3,2 8,0 13,3 15,10 12,18 8,20",
    "P": "1,20 1,0|1,20 9,19 10,13 7,10 1,10", "Q": "8,20 3,18 0,10 3,2 8,0 13,3 15,10 12,18 8,20|9,5 16,-3",
    "R": "1,20 1,0|1,20 9,19 10,13 7,10 1,10|5,10 12,0", "S": "11,17 7,20 2,18 2,13 9,9 11,4 7,0 1,2",
    "T": "0,20 14,20|7,20 7,0", "U": "1,20 1,5 5,0 10,2 12,7 12,20", "V": "0,20 7,0 14,20", "W": "0,20 5,0 10,15 15,0 20,20",
    "X": "0,20 12,0|12,20 0,0", "Y": "0,20 7,10 7,0|14,20 7,10", "Z": "0,20 12,20 0,0 13,0",
    "0": "5,19 1,15 0,8 3,0 8,2 10,10 8,18 5,19", "1": "0,14 5,19 5,0", "2": "0,15 4,19 9,16 7,9 0,0 10,0",
    "3": "0,17 5,19 9,15 4,11|4,11 9,8 9,3 5,0 0,2", "4": "6,19 0,7 10,7|8,12 8,0", "5": "9,19 1,19 1,11 6,12 9,7 7,1 0,1",
    "6": "8,18 3,14 0,6 3,0 8,2 8,8 4,10 0,6", "7": "0,19 10,19 4,0", "8": "8,17 4,19 1,15 8,7 8,1 3,0 0,4 8,13 8,17",
    "9": "9,14 5,19 0,15 2,10 7,11 9,17 8,0", ".": "1,0 1.6,0.4", ",": "2,1 1,-3", "!": "1,19 1,6|1,0 1.4,0.4",
    "?": "0,16 4,20 9,16 5,10 5,6|5,0 5.4,0.4", "'": "1,20 0,15", "-": "0,7 7,7", "´": "0,13 4,17", "ˇ": "0,16 3,13 6,16",
    "¨": "0,14 0.4,14.4|5,14 5.4,14.4", "/": "0,-2 9,20", "th": "4,16 4,3 6,0|0,11 8,11|10,19 10,0|10,6 13,10 16,9 17,5 17,0",
    "ll": "2,19 1,2 4,0|8,19 7,2 10,0", "oo": "5,10 1,8 0,4 3,0 7,1 9,5 8,9 5,10|17,10 13,8 12,4 15,0 19,1 21,5 20,9 17,10",
}  # fmt: skip
X_HEIGHT, PEN = 4.0, 0.55  # millimetres


def lines(text: str) -> list[np.ndarray]:
    """The strokes in x-heights, their corners cut twice (Chaikin), their ends kept."""
    made = []
    for stroke in STROKES[text].split("|"):
        points = np.array([[float(part) for part in point.split(",")] for point in stroke.split()]) / 10
        for _ in range(2 if len(points) > 2 else 0):
            cut = np.empty((2 * len(points) - 2, 2))
            cut[0::2] = 0.78 * points[:-1] + 0.22 * points[1:]
            cut[1::2] = 0.22 * points[:-1] + 0.78 * points[1:]
            points = np.concatenate([points[:1], cut[1:-1], points[-1:]])
        made.append(points)
    return made


def pen_width() -> float:
    """The width of the line that is really drawn, in millimetres: the drawing library's lines are wider than asked."""
    sheet = np.zeros((60, 60), np.uint8)
    cv2.line(sheet, (10, 30), (50, 30), 255, round(PEN * MM), cv2.LINE_AA)
    return float(sheet[:, 30].sum()) / 255 / MM


class StrokePen:
    """Writes cells, each time a little otherwise; ``truth`` keeps the strokes of each sample, in millimetres."""

    def __init__(self) -> None:
        self.truth: dict[tuple[str, int], list[np.ndarray]] = {}

    def __call__(self, page: np.ndarray, cell: form.Cell, x: float, y: float, chance: np.random.Generator) -> None:
        if cell.text not in STROKES:
            return
        strokes = lines(cell.text)
        middle = (min(s[:, 0].min() for s in strokes) + max(s[:, 0].max() for s in strokes)) / 2
        lean, grow = chance.normal(0.06, 0.02), X_HEIGHT * (1 + chance.normal(0, 0.015))
        x, y = x + chance.normal(0, 0.4) * MM, y + chance.normal(0, 0.2) * MM
        written = [grow * (stroke - (middle, 0) + lean * stroke[:, 1:] * (1, 0)) for stroke in strokes]
        for stroke in written:
            points = np.rint((stroke * (MM, -MM) + (x, y)) * 16).astype(np.int32)
            cv2.polylines(page, [points[:, None]], False, BLACK, round(PEN * MM), cv2.LINE_AA, shift=4)
        self.truth[cell.text, cell.sample] = written

"""Draw the art of all designs, or of those named: ``python designs/_studio/draw.py [NAME…]``.

Each system of drawing is one script with a table ``DRAWINGS`` from a design's name to the function that draws it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path as File

sys.path.insert(0, str(File(__file__).resolve().parent))

import albums
import ceremonies
import gardens
import landscapes
import letters
import photos
import playthings
import quiet
import shapes
import streets
from kit import Card

DRAWINGS: dict[str, Callable[[Card], None]] = {
    **letters.DRAWINGS,
    **gardens.DRAWINGS,
    **landscapes.DRAWINGS,
    **shapes.DRAWINGS,
    **streets.DRAWINGS,
    **photos.DRAWINGS,
    **playthings.DRAWINGS,
    **quiet.DRAWINGS,
    **ceremonies.DRAWINGS,
    **albums.DRAWINGS,
}


def art(name: str) -> dict[str, bytes]:
    """The art of one design, by file name."""
    card = Card(name)
    DRAWINGS[name](card)
    return card.save()


def main(names: list[str]) -> None:
    """Write the art into the design folders."""
    for name in names or sorted(DRAWINGS):
        folder = Card(name).folder
        for file, data in art(name).items():
            (folder / file).write_bytes(data)
            print(f"{name}/{file}  {len(data) / 1000:.1f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])

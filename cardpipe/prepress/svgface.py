"""Which face of the shop's shelf a text of an artist's drawing asks for: this very one, or none.

A browser takes the next best face, makes a bold one of a regular one, or a slanted one. On a card that would be other
lettering than the artist drew, so that here a name, a weight and a style must be on the shelf as they are asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from cardpipe.prepress.art import ArtFace
from cardpipe.prepress.font import Font

_SAMPLE = "Hamburgefonstiv, 0123 ÀÇßñłő ΑΒΩ Жя!"
_SHOWN = 24  # faces that a remedy names
_GENERIC = {"serif", "sans-serif", "sans", "monospace", "cursive", "fantasy", "system-ui", "ui-serif", "ui-sans-serif"}


class Faces:
    """The shelf, for one drawing. A face is opened when it is first asked for."""

    def __init__(self, shelf: Sequence[ArtFace]) -> None:
        self._shelf = shelf
        self._fonts: dict[tuple[str, tuple[str, ...]], Font] = {}

    def choose(self, family: str, weight: int, italic: bool) -> ArtFace | str:
        """The face, or why there is none, in words. The name may be a family's, with its weight and style; or that of
        one face, such as ``JosefinSans-SemiBold`` or its folder's, which says weight and style already."""
        asked = _plain(family)
        own = [face for face in self._shelf if _plain(face.family) == asked]
        linked = [face for face in self._shelf if _plain(face.linked) == asked]
        alone = [face for face in self._shelf if asked in map(_plain, (face.name, *face.names))]
        found = [face for face in own if (face.weight, face.italic) == (weight, italic)]
        if not found and weight in (400, 500):  # either is the other's first substitute (CSS Fonts 3, 5.2)
            found = [face for face in own if (face.weight, face.italic) == (900 - weight, italic)]
        found = found or [face for face in linked if weight in (400, face.weight) and face.italic == italic]
        if not own and not linked:
            found = [face for face in alone if weight in (400, face.weight) and italic in (False, face.italic)]
        if len(found) == 1:
            return found[0]
        if found:
            folders = " and ".join(face.name for face in found)
            return f"{family[:60]!r} is more than one face of the shelf ({folders}); name one of these"
        style = f"{weight}{' italic' if italic else ''}"
        if named := own or linked or alone:
            return f"the shelf has {' and '.join(_told(face) for face in named)}, and {style} is asked for"
        if asked in _GENERIC:
            return f"{family[:60]!r} is another face on each machine"
        return f"{family[:60]!r} is not on the shelf"

    def near(self, family: str) -> str:
        """The faces that there are, and the one that may be meant."""
        rows = sorted({_told(face) for face in self._shelf}, key=str.casefold)
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        families = {
            _plain(name): _told(face)
            for face in self._shelf
            for name in (face.family, face.linked, face.name, *face.names)
        }
        close = difflib.get_close_matches(_plain(family), families, 1)
        meant = f"the nearest is {families[close[0]]}; there are " if close else ""
        return f"{meant}{', '.join(rows[:_SHOWN])}{more}"

    @property
    def stand_in(self) -> ArtFace:
        """A face for a draft's text whose own is not there: one that has the letters of most texts."""
        return min(self._shelf, key=lambda face: (len(self.font(face).missing(_SAMPLE)), face.name))

    def font(self, face: ArtFace, without: tuple[str, ...] = ()) -> Font:
        """The face opened, some of its features switched off."""
        key = (face.sha256, without)
        if key not in self._fonts:
            features = {**dict(face.features), **dict.fromkeys(without, False)}
            replace = {bad: list(good) for bad, *good in face.replace}
            self._fonts[key] = Font(face.data, features, face.x_height, replace=replace)
        return self._fonts[key]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _told(face: ArtFace) -> str:
    style = " ".join(part for part in ("" if face.weight == 400 else str(face.weight), "italic" * face.italic) if part)
    return f"{face.family} ({style})" if style else face.family

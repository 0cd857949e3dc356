"""The catalog as the pipeline sees it: designs, hands, formats, presses, carriers, each loaded when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from cardpipe.catalog import press as presses
from cardpipe.catalog.carriers import load_carriers
from cardpipe.catalog.designs import DesignFolder, DesignShelf, from_files
from cardpipe.catalog.fonts import FontFolder, Fonts, load_fonts, make_font
from cardpipe.lettershop.carrier import Carrier
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.prepress.press import Press

PRINTED = "arimo"  # the face of addresses and numbers: Arial's metrics, every Latin, Greek and Cyrillic letter


class Catalog:
    """Everything that can be ordered, from two folders (designs, fonts) and the data that ships with cardpipe."""

    def __init__(self, designs: Path, fonts: Path) -> None:
        self.shelf = DesignShelf(designs)
        self._fonts_folder = fonts

    @cached_property
    def fonts(self) -> Fonts:
        """All fonts, by name."""
        return load_fonts(self._fonts_folder)

    @cached_property
    def _carriers(self) -> dict[str, Carrier]:
        return load_carriers()

    def designs(self) -> list[str]:
        """Every design's name."""
        return self.shelf.names()

    def design(self, name: str) -> DesignFolder:
        """A design as it is today. Raises Refused for an unknown or a broken one."""
        return self.shelf.load(name)

    def design_for(self, occasion: str) -> str:
        """The name of the design for an occasion."""
        return self.shelf.for_occasion(occasion)

    def design_from(self, name: str, files: Mapping[str, bytes]) -> DesignFolder:
        """A design as it was pinned."""
        return from_files(files, name, judged=True)

    def hands(self) -> list[str]:
        """Every hand's name."""
        return self.fonts.names("hand")

    def hand(self, name: str) -> list[FontFolder]:
        """A hand and those that help out, the chosen one first. Raises Refused for an unknown one."""
        if name not in self.hands():
            raise Refused(f"there is no hand {name!r}; choose one of: {', '.join(self.hands())}")
        return self.fonts.chain(name)

    def printed(self) -> FontFolder:
        """The face of addresses and numbers."""
        return self.fonts.folders[PRINTED]

    def font_from(self, settings: bytes, data: bytes) -> FontFolder:
        """A font as it was pinned."""
        made = make_font(settings, data)
        if isinstance(made, list):
            raise Refused("a pinned font cannot be opened", made)
        return made

    def press(self, name: str) -> Press:
        """A press profile by name."""
        known = presses.presses()
        if name not in known:
            raise Refused(
                f"there is no press {name!r}",
                [
                    error(
                        "press.unknown", "CARDPIPE_PRESS", f"there is no press {name!r}", f"one of: {', '.join(known)}"
                    )
                ],
            )
        return known[name]

    def carrier(self, name: str) -> Carrier:
        """A carrier by name."""
        if name not in self._carriers:
            known = ", ".join(self._carriers)
            raise Refused(
                f"there is no carrier {name!r}",
                [error("carrier.unknown", "CARDPIPE_CARRIER", f"there is no carrier {name!r}", f"one of: {known}")],
            )
        return self._carriers[name]

    def profile(self, name: str) -> bytes:
        """An ICC profile that ships with cardpipe, by file name."""
        return presses.profile(name)

"""The catalog as the pipeline sees it: designs, hands, formats, presses, houses, carriers, each loaded when first asked
for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from cardpipe.catalog import mailing
from cardpipe.catalog.art import MakeArt, no_art
from cardpipe.catalog.designs import DesignFolder, DesignShelf, from_files
from cardpipe.catalog.fonts import FontFolder, Fonts, load_fonts, make_font
from cardpipe.catalog.shopfolder import ShopData, read_shop
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.house import House
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press

PRINTED = "arimo"  # the face of addresses and numbers: Arial's metrics, every Latin, Greek and Cyrillic letter


class Catalog:
    """Everything that can be ordered: from two folders (designs, fonts), the data that ships with cardpipe, and the
    shop's own folder, which adds to it or replaces it. ``art`` makes a page of an SVG or a PNG."""

    def __init__(self, designs: Path, fonts: Path, shop: Path | None = None, art: MakeArt = no_art) -> None:
        self.shelf = DesignShelf(designs, self.formats, art, lambda: self.fonts.art_faces)
        self._fonts_folder = fonts
        self._shop_folder = shop

    @cached_property
    def fonts(self) -> Fonts:
        """All fonts, by name."""
        return load_fonts(self._fonts_folder)

    @cached_property
    def _data(self) -> ShopData:
        return read_shop(self._shop_folder)

    def formats(self) -> Mapping[str, Format]:
        """Every format by name. Raises Refused with every mistake of the shop's own folder, as all of these do."""
        return self._data.formats

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
        return from_files(files, name, self.formats, judged=True)

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
        known = self._data.presses
        if name not in known:
            what = f"there is no press {name!r}"
            raise Refused(what, [error("press.unknown", "CARDPIPE_PRESS", what, f"one of: {', '.join(known)}")])
        return known[name]

    def houses(self) -> Sequence[House]:
        """The print and mail houses, in the order in which they are asked whether they take a piece."""
        return tuple(self._data.houses.values())

    def carrier(self, name: str) -> Carrier:
        """A carrier by name."""
        known = self._data.carriers
        if name not in known:
            what = f"there is no carrier {name!r}"
            raise Refused(what, [error("carrier.unknown", "CARDPIPE_CARRIER", what, f"one of: {', '.join(known)}")])
        return known[name]

    def mailing(self) -> Mailing:
        """How this shop posts."""
        return self._data.mailing

    def insert(self, code: str) -> Insert:
        """What goes into the envelope beside the card. Raises Refused that names the known ones."""
        return mailing.named(self._data.inserts, code)

    def profile(self, name: str) -> bytes:
        """An ICC profile by file name: one that ships with cardpipe, or one of the shop's own folder."""
        return self._data.profiles.get(name)

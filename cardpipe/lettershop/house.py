"""A print and mail house: which pieces it takes, how it prints and posts them, and where its files go. Read from
``houses.toml`` of the shop's own folder. A shop of one house needs no such file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.lettershop.mailing import Mailing


class House(BaseModel):
    """One house. ``formats`` and ``countries`` (ISO 3166-1, two letters, the recipient's) are what it takes; where none
    is named it takes all. ``delivery`` is the place of its files, as ``CARDPIPE_DELIVERY`` writes it; without one they
    are fetched. ``mailing`` is how it posts, where that is not how the shop does: a permit holds at one post office."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: Annotated[str, Field(max_length=60)] = ""
    press: str
    delivery: str = ""
    formats: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    mailing: Mailing | None = None

    @property
    def called(self) -> str:
        """Its title, else its name."""
        return self.title or self.name

    def takes(self, format: str, country: str) -> bool:
        """Whether pieces of this format to this country are printed there."""
        return (not self.formats or format in self.formats) and (not self.countries or country in self.countries)


def taking(houses: Iterable[House], format: str, country: str) -> House | None:
    """The first of these houses that takes such a piece; None: the shop's own press and place do."""
    return next((house for house in houses if house.takes(format, country)), None)

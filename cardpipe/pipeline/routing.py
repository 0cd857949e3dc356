"""Routing: which print and mail house prints a piece, on which press, and where the files of its batch go.

It is decided when an order is accepted, and pinned: a piece is composed for its press. Where a house lives is looked up
when a batch is released, since it may have moved meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cardpipe.lettershop.house import House, taking
from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.batch import BY_DOWNLOAD, Batch
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop
from cardpipe.prepress.press import Press


@dataclass(frozen=True, slots=True)
class Route:
    """Where a piece is printed: the house by name (empty where the shop lists none that takes it), its press, how it
    posts, and where that is written."""

    house: str
    press: Press
    mailing: Mailing
    written: str = "mailing.toml"


@dataclass(frozen=True, slots=True)
class Way:
    """A place where a batch may go: the house's name (empty: the shop's own place), what it is called, and its address.
    ``own`` says that this is where the batch's pieces were routed to."""

    house: str
    called: str
    address: str
    own: bool


def route(shop: Shop, format: str, country: str = "") -> Route:
    """The way of a piece of this format to this country; without one it stays in the carrier's own."""
    catalog = shop.catalog
    found = taking(shop.houses, format, country or catalog.carrier(shop.carrier).origin)
    if found is None:
        return Route("", catalog.press(shop.press), catalog.mailing())
    press = catalog.press(found.press)
    if found.mailing is None:
        return Route(found.name, press, catalog.mailing())
    return Route(found.name, press, found.mailing, f"houses.toml {found.name}.mailing")


def named(shop: Shop, name: str) -> House:
    """The house of that name. Raises Refused that names those that there are."""
    for house in shop.houses:
        if house.name == name:
            return house
    known = ", ".join(house.name for house in shop.houses)
    what = f"there is no house {name!r} in houses.toml"
    remedy = (
        f"one of: {known}" if known else "describe it there, or name a place: file:///FOLDER, sftp://USER@HOST/FOLDER"
    )
    raise Refused(what, [error("house.not_listed", "house", what, remedy)])


def called(shop: Shop, name: str) -> str:
    """What people call that house: its title, or its name where the list does not hold it any more."""
    return next((house.called for house in _listed(shop) if house.name == name), name)


def _listed(shop: Shop) -> Sequence[House]:
    """The houses; none where the list cannot be read, of which whatever needs it tells."""
    try:
        return shop.houses
    except Refused:
        return ()


def _unfit(shop: Shop, batch: Batch, house: House) -> str:
    """Why a batch cannot be printed there as its files are: they are made for a press, and for a permit, which holds at
    one post office. Its own house may have changed its permit: what was accepted before carries the old one."""
    if house.press != batch.press:
        return f"house {house.name} prints on {house.press}, and {batch.name} is made for {batch.press}"
    if house.name != batch.house:
        for piece in shop.store.page_of_members(batch.scope, batch.id, limit=1):
            if pinned.mailing(piece.spec) != (house.mailing or shop.catalog.mailing()):
                return f"house {house.name} posts in another way than {batch.name} is made for"
    return ""


def target(shop: Shop, batch: Batch, to: str = "") -> str:
    """The address where a batch goes: where it went or is on its way already, else that of the house it was made for;
    or ``to`` an address or another house by name; empty is the shop's own place. Raises Refused where that house is
    none, has no place, or prints or posts in another way than the one for which the batch's files are made."""
    if not to and batch.house and batch.target not in (None, BY_DOWNLOAD):
        return str(batch.target)
    if ":" in to or not (to or batch.house):
        return to
    house = named(shop, to or batch.house)
    if why := _unfit(shop, batch, house):
        remedy = "name its address instead, where that house has agreed to print and post these files"
        raise Refused(why, [error("house.unfit", "to", why, remedy)])
    if not house.delivery:
        what = f"house {house.name} has no place for files (delivery in houses.toml)"
        remedy = "set its delivery, name a folder or an address, or fetch the files from the console"
        raise Refused(what, [error("delivery.target", "to", what, remedy)])
    return house.delivery


def ways(shop: Shop, batch: Batch, own_place: bool) -> list[Way]:
    """Every place that a person may choose for a batch, the house it was made for first; then the others that print on
    the same press, and post in the same way. ``own_place`` says whether the shop itself has one (CARDPIPE_DELIVERY). A
    house whose place cannot be used is none of them, and keeps nobody from the others: ``cardpipe doctor`` says what is
    wrong with it."""
    found = []
    for house in _listed(shop):
        with suppress(Refused):
            if house.delivery and not _unfit(shop, batch, house):
                address = shop.delivery(house.delivery).address
                found.append(Way(house.name, house.called, address, house.name == batch.house))
    if own_place and not batch.house:
        found.append(Way("", "", shop.delivery("").address, True))
    return sorted(found, key=lambda way: not way.own)


def pinned_house(spec: dict[str, Any]) -> str:
    """The house for which a piece was composed; one from before there were several, or of none, has none."""
    return str(spec.get("house", ""))

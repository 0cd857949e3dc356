"""The print and mail houses of a shop, by name: ``houses.toml`` of its own folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from cardpipe.catalog.tables import Table, Tables, build
from cardpipe.lettershop.addressing import TERRITORIES
from cardpipe.lettershop.countries import rules
from cardpipe.lettershop.house import House
from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.finding import Finding, error

HOUSES = "houses.toml"


def build_houses(
    presses: Collection[str], formats: Collection[str], mailing: Mailing, *layers: tuple[str, Tables]
) -> tuple[dict[str, House], list[Finding]]:
    """Every house by name, in the order in which they are asked whether they take a piece, and all that is wrong with
    them: a press, a format or a country that is none, and a house that no piece ever comes to. What a house says of its
    mailing differs from ``mailing``, the shop's own."""
    strange: list[Finding] = []

    def make(name: str, table: Table) -> House:
        strange.extend(_strange(f"{HOUSES} {name}", table, presses, formats, mailing))
        return House.model_validate({"name": name, **_posted(table, mailing)})

    made, findings = build(layers, make, "house")
    return made, [*findings, *strange, *_never(list(made.values()))]


def _posted(table: Table, mailing: Mailing) -> Table:
    """The table with a whole mailing: the shop's, but for what is written there."""
    own = table.get("mailing")
    if not isinstance(own, dict):
        return table
    whole = {**mailing.model_dump(mode="json"), **own}
    if mailing.permit is not None and isinstance(own.get("permit"), dict):
        whole["permit"] = {**mailing.permit.model_dump(), **own["permit"]}
    return {**table, "mailing": whole}


def _strange(
    where: str, table: Table, presses: Collection[str], formats: Collection[str], mailing: Mailing
) -> Iterator[Finding]:
    """What it names and is not there. What is of another kind than a name is said by the schema."""
    press = table.get("press")
    if isinstance(press, str) and press not in presses:
        yield error("house.press", f"{where}.press", f"there is no press {press!r}", f"one of: {', '.join(presses)}")
    if isinstance(place := table.get("delivery"), str) and place and (what := _no_place(place)):
        yield error("house.delivery", f"{where}.delivery", what, "write file:///FOLDER or sftp://USER@HOST/FOLDER")
    own = table.get("mailing")
    if isinstance(own, dict) and "permit" in own and _posted(table, mailing)["mailing"].get("postage") != "permit":
        what, remedy = "is never printed: postage is not by permit", 'add postage = "permit" to it, or take it out'
        yield error("house.permit", f"{where}.mailing.permit", what, remedy)
    for format in _names(table, "formats"):
        if format not in formats:
            what = f"there is no format {format!r}"
            yield error("house.format", f"{where}.formats", what, f"of these: {', '.join(formats)}")
    for country in _names(table, "countries"):
        if rules(country) is None:
            what = f"there is no country {country!r}"
            yield error("house.country", f"{where}.countries", what, "write ISO 3166-1 codes: US, DE")
        elif country in TERRITORIES:
            what = f"{country} is a state of the US for our post, and never a country"
            yield error("house.country", f"{where}.countries", what, "write US, or leave it out")


def _no_place(address: str) -> str:
    """What is wrong with it at first sight; the adapter reads it in full. The address itself is never repeated."""
    try:
        parts = urlsplit(address)
        password, port = parts.password, parts.port
    except ValueError:  # brackets that do not match, a port that is no number
        return "cannot be read as an address"
    if password is not None:
        return "holds a password: leave it out, and set CARDPIPE_SFTP_KEY to a private key"
    if not address.startswith(("file:///", "sftp://")):
        return "is neither file:/// nor sftp://"
    if parts.scheme == "sftp" and not (parts.username and parts.hostname and port != 0):
        return "names no user, or no host"
    if not parts.path.strip("/") or {"..", "~"} & set(parts.path.split("/")):
        return "names no folder, or one with '..' or '~'"
    return "" if address.isprintable() and not {"?", "#"} & set(address) else "holds characters that no address has"


def _names(table: Table, key: str) -> list[str]:
    given = table.get(key)
    return [name for name in given if isinstance(name, str)] if isinstance(given, list) else []


def _never(houses: list[House]) -> Iterator[Finding]:
    """Those that get no piece, whatever is ordered."""
    for place, house in enumerate(houses):
        first = next((other for other in houses[:place] if _covers(other, house)), None)
        if first is not None:
            what = f"gets no piece: {first.name}, which stands before it, takes all that it would take"
            remedy = "say which formats or countries the first one takes, or let this one stand before it"
            yield error("house.never", f"{HOUSES} {house.name}", what, remedy)


def _covers(first: House, house: House) -> bool:
    """Whether one takes all that the other does."""
    formats = not first.formats or (bool(house.formats) and house.formats <= first.formats)
    return formats and (not first.countries or (bool(house.countries) and house.countries <= first.countries))

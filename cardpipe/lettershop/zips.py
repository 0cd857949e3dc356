"""Which place a ZIP code belongs to, without asking anybody: package zipcodes (USPS ZIP Locale Detail and city names).

The list lies inside the package, compiled in: nothing is read from a disk. It is as old as the installed package (it is
built anew every month), so a ZIP that it does not know is a reason to look again and none to refuse. Unpacking it takes
a quarter of a second and 38 MB at the first question of a process; an answer after that takes 0.2 ms, or nothing if it
was given before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import zipcodes

from cardpipe.model.finding import Finding, error, note, warning

#: The ZIP codes of each state, as patterns that match from their beginning.
Prefixes = Mapping[str, re.Pattern[str]]
#: Of the cities that a ZIP code knows, so many are named in a remedy.
NAMED = 3
#: Words of city names that the USPS writes in two ways (Publication 28, Appendix C and the City State file).
_WORDS = {
    "SAINT": "ST", "SAINTE": "STE", "FORT": "FT", "MOUNT": "MT", "MOUNTAIN": "MTN", "NORTH": "N", "SOUTH": "S",
    "EAST": "E", "WEST": "W", "HEIGHTS": "HTS", "SPRINGS": "SPGS", "SPRING": "SPG", "BEACH": "BCH", "CITY": "CY",
    "VILLAGE": "VLG", "TOWNSHIP": "TWP", "ISLAND": "IS", "JUNCTION": "JCT", "CENTER": "CTR", "CENTRE": "CTR",
    "POINT": "PT", "LAKE": "LK", "PARK": "PK", "GROVE": "GRV", "VALLEY": "VLY", "RIVER": "RIV",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zip:
    """One ZIP code. ``cities`` begins with the one that the post office prefers; ``active`` is whether mail goes there
    today; ``boxes`` says that there are post office boxes and no streets."""

    state: str
    cities: tuple[str, ...]
    active: bool
    boxes: bool

    def knows(self, city: str) -> bool:
        """Whether mail for this city is right here, in whatever spelling."""
        return _key(city) in {_key(known) for known in self.cities}


@lru_cache(maxsize=4096)
def find(code: str) -> Zip | None:
    """The ZIP code's place, by its five figures; None where the list has no such code."""
    found = zipcodes.matching(code) if re.fullmatch(r"[0-9]{5}", code) else []  # type: ignore[no-untyped-call]
    if not found:
        return None
    entry = found[0]
    cities = dict.fromkeys([entry["city"], *entry["acceptable_cities"]])
    return Zip(
        state=entry["state"],
        cities=tuple(city.upper() if entry["zip_code_type"] == "MILITARY" else city for city in cities),
        active=bool(entry["active"]),
        boxes=entry["zip_code_type"] == "PO BOX",
    )


def judge(code: str, state: str, city: str, where: str, prefixes: Prefixes, *, street: bool) -> list[Finding]:
    """Whether ZIP code, state and city of one address agree. ``state`` is a code or empty; ``prefixes`` are each
    state's ZIP codes by another list; ``street`` says that the address is a street's.

    A miss warns: the list ages, and a new ZIP code is no fault of the sender's. A contradiction is an error: the
    sorting machine goes by the ZIP code, and the card would travel to another state. Where the two lists contradict
    each other (eleven ZIP codes in 2026, six of them military), nobody is refused.
    """
    place, five = f"{where}.postcode", code[:5]
    known = find(five)
    if known is None:
        return [
            warning("address.postcode.unknown", place, f"{five} is not in our list of ZIP codes",
                    "look at it again; a new ZIP code may be newer than the list")
        ]  # fmt: skip
    if not known.active:
        return [
            warning("address.postcode.inactive", place, f"{five} is a ZIP code that no mail goes to any more",
                    "ask whether the address still holds; of military ZIP codes the list is often wrong")
        ]  # fmt: skip
    if state and state != known.state:
        if (lies := prefixes.get(known.state)) is None or not lies.match(five):
            return []
        return [
            error("address.postcode.contradicts", place, f"{five} lies in {known.state}, not in {state}",
                  f"write state {known.state} if the ZIP code is right, else the ZIP code of the city in {state}")
        ]  # fmt: skip
    findings = []
    if city and not known.knows(city):
        findings.append(
            warning("address.city.postcode", f"{where}.city", f"the city is none that the post office names for {five}",
                    f"write {' or '.join(known.cities[:NAMED])}, or look at the ZIP code again")
        )  # fmt: skip
    if known.boxes and street:
        findings.append(
            note("address.postcode.boxes", place, f"{five} has post office boxes only, and this is a street",
                 "look whether there is a box; most post offices deliver it all the same")
        )  # fmt: skip
    return findings


def _key(city: str) -> str:
    """A city's name as it is compared: no accents, no signs, one spelling of each word that has two."""
    flat = unicodedata.normalize("NFKD", city.upper().replace(".", " ").replace("-", " "))
    words = "".join(letter for letter in flat if letter == " " or (letter.isascii() and letter.isalnum())).split()
    return "".join(_WORDS.get(word, word) for word in words)

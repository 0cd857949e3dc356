"""An address is judged for its country, and becomes the lines that a postman and an OCR camera both read.

USPS Publication 28 for mail at home; abroad the destination's own order, its country in English capitals alone on the
last line (print.md section 4). ZIP codes are text: a leading zero that a spreadsheet ate is found, never guessed back.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

from cardpipe.lettershop import pub28, zips
from cardpipe.lettershop.countries import Rules, fold, rules
from cardpipe.model.address import Address
from cardpipe.model.finding import Finding, error, has_errors, note, warning

#: Own country codes in ISO 3166-1, yet mail at home for the USPS (International Mail Manual 111.3).
TERRITORIES = frozenset({"AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"})
MILITARY_STATES = frozenset({"AA", "AE", "AP"})
MILITARY_CITIES = frozenset({"APO", "FPO", "DPO"})

_PARTS = {"A": "street", "C": "city", "S": "state", "Z": "postcode"}
_REMEDIES = {
    "street": "fill in the street with its number, or the PO box",
    "city": "fill in the city or town as the post office knows it",
    "state": "fill in the state, province or region; its code or its full name",
    "postcode": "fill in the postcode",
}


def judge(address: Address, where: str, origin: str = "US") -> list[Finding]:
    """Everything that would keep this address from being delivered, at once. ``where`` is its field in the order."""
    given = _at_home(address, origin)
    country = rules(given.country)
    findings: list[Finding] = []
    if not (given.name or given.company):
        findings.append(
            error("address.name.missing", f"{where}.name", "neither a name nor a company is given",
                  "fill in the name, the company or both")
        )  # fmt: skip
    if country is None:
        return [
            *findings,
            error("address.country.unknown", f"{where}.country", f"{given.country} is no country that has mail",
                  "write two letters after ISO 3166-1, such as US, DE or GB"),
        ]  # fmt: skip
    filled = _filled(given, country)
    for letter, part in _PARTS.items():
        value = filled.street or filled.street2 if letter == "A" else getattr(filled, part)
        if letter in country.required and not value:
            findings.append(
                error(f"address.{part}.missing", f"{where}.{part}",
                      f"the {part} is missing; addresses in {country.name} need one", _remedy(part, country))
            )  # fmt: skip
    findings += _judge_state(filled, country, where)
    findings += _judge_postcode(filled, country, where)
    findings += _judge_military(filled, where)
    findings += _judge_letters(filled, where)
    findings += [
        error(
            f"address.{part}.empty",
            f"{where}.{part}",
            "holds neither a letter nor a figure",
            "write it out, or leave it away",
        )
        for part in ("name", "company", "street", "street2", "city")
        if (value := getattr(filled, part)) and not any(character.isalnum() for character in value)
    ]
    return findings


def normalised(address: Address, origin: str = "US") -> Address:
    """The same address with state and postcode as they are printed; what is not understood stays as it was given."""
    given = _at_home(address, origin)
    country = rules(given.country)
    if country is None:
        return given
    filled = _filled(given, country)
    state = country.state(filled.state) or filled.state
    postcode = pub28.write_zip(filled.postcode) if filled.country == "US" else country.write_postcode(filled.postcode)
    street, street2 = (filled.street, filled.street2) if filled.street else (filled.street2, "")
    return filled.model_copy(
        update={"state": state, "postcode": postcode or filled.postcode, "street": street, "street2": street2}
    )


def is_domestic(address: Address, origin: str = "US") -> bool:
    """Whether the origin's post carries it at home: territories and military post offices included."""
    return _at_home(address, origin).country == origin


def lines(
    address: Address, origin: str = "US", *, capitals: bool = True, country_line: bool | None = None
) -> tuple[str, ...]:
    """The printed lines, none of them blank. ``capitals`` is the style for the reading machine; without it a return
    address keeps its own case. ``country_line`` forces the country's name (None: only where mail goes abroad)."""
    plain = normalised(address, origin)
    country = rules(plain.country)
    home = plain.country == origin
    layout = country.layout if country else "%N%n%O%n%A%n%C %S %Z"
    streets, city = [plain.street, plain.street2], plain.city
    if plain.country == "US":
        streets = pub28.standard(plain) if capitals else pub28.streets(plain)
        city = pub28.unpunctuated(city) if capitals else city
        city = "Washington" if (plain.state, fold(city)) == ("DC", "washingtondc") else city
        layout = layout if capitals else layout.replace("%C %S", "%C, %S")
    company = plain.company if fold(plain.company) != fold(plain.name) or not plain.name else ""
    values = {"N": [plain.name], "O": [company], "A": [street for street in streets if street],
              "C": [city], "S": [plain.state], "Z": [plain.postcode], "D": [""], "X": [""]}  # fmt: skip
    written: list[str] = []
    for row in layout.split("%n"):
        if row == "%A":
            written += [street for street in values["A"] if street.strip()]
            continue
        letters = re.findall("%([A-Z])", row)
        if letters and not any(value for letter in letters for value in values[letter]):
            continue  # nothing of this line is given: a literal such as "SE-" is not printed alone
        if not plain.postcode:
            row = re.sub(r"(?<!%)\b[A-Z]{1,3}[ -]?%Z", "", row)  # MC-98000 Monaco, but never MC- Monaco
        if {"C", "S"} <= set(letters) and fold(plain.city) == fold(plain.state):
            row = re.sub(r"[ ,/-]*%S", "", row)  # Madrid, Madrid
        text = re.sub("%([A-Z])", lambda match: " ".join(values[match.group(1)]), row)
        line = re.sub(r" +", " ", text).strip(" ,-/")
        if line and line not in written[-1:]:
            written.append(line)
    written = [_capitals(line, plain.country) if capitals else line for line in written]
    if country_line if country_line is not None else not home:
        name = country.name if country else plain.country
        written = [line for line in written if fold(line) != fold(name)]
        written.append(name)
    return tuple(written)


def sort_key(address: Address, origin: str = "US") -> str:
    """Mail order as one sortable string: mail at home by ZIP, then ZIP+4; then abroad by country and postcode."""
    plain = normalised(address, origin)
    if plain.country != origin:
        return f"1 {plain.country} {plain.postcode.replace(' ', '')}"
    if origin == "US":
        head, _, tail = plain.postcode.partition("-")
        return f"0 {head} {tail or '0000'}"
    return f"0 {plain.postcode}"


def _at_home(address: Address, origin: str) -> Address:
    """A territory of the USA, given as a country, is a state of it for mail from the USA."""
    if origin == "US" and address.country in TERRITORIES:
        return address.model_copy(update={"country": "US", "state": address.country})
    return address


def _filled(address: Address, country: Rules) -> Address:
    """A city that is its own province (Dubai, Tokyo, Seoul) may stand in the city's field alone. Never where states
    have codes: New York is a city of NY, but Washington is none of WA."""
    if address.state or country.coded or "S" not in country.required or not country.state(address.city):
        return address
    return address.model_copy(update={"state": address.city, "city": address.city if "C" in country.required else ""})


def _remedy(part: str, country: Rules) -> str:
    if part == "postcode" and country.example:
        return f"{_REMEDIES[part]}, such as {country.example}; as text, so that no zero is lost"
    return _REMEDIES[part]


def _judge_state(address: Address, country: Rules, where: str) -> list[Finding]:
    if not address.state:
        return []
    place = f"{where}.state"
    if "%S" not in country.layout:
        return [note("address.state.unused", place, f"addresses in {country.name} carry no state; it is not printed")]
    if not country.states or country.state(address.state):
        return []
    given = fold(address.state)
    near = [spelling for spelling in country.states if len(given) > 2 and spelling.startswith(given)]
    near = near or difflib.get_close_matches(given, country.states, n=1, cutoff=0.7)
    remedy = f"did you mean {country.states[near[0]]}?" if near else "write its code or its full name"
    if country.coded:
        return [error("address.state.unknown", place, f"{_shown(address.state)} is no state of {country.name}", remedy)]
    return [
        warning("address.state.unknown", place,
                f"{_shown(address.state)} is not in our list for {country.name}; it is printed", remedy)
    ]  # fmt: skip


def _judge_postcode(address: Address, country: Rules, where: str) -> list[Finding]:
    if not address.postcode:
        return []
    place, state = f"{where}.postcode", country.state(address.state)
    if "%Z" not in country.layout:
        return [note("address.postcode.unused", place, f"{country.name} uses no postcodes; it is not printed")]
    write = pub28.write_zip if country.code == "US" else country.write_postcode
    written = write(address.postcode)
    allowed = country.zips.get(state or "")
    if written is None:
        padded = next((p for zeros in ("0", "00") if (p := write(zeros + address.postcode))), None)
        if padded and padded.startswith("0") and (allowed is None or allowed.match(padded)):
            return [
                error("address.postcode.zero_lost", place,
                      f"{_shown(address.postcode)} is too short: a spreadsheet seems to have dropped a leading zero",
                      f"write {padded}, as text")
            ]  # fmt: skip
        what = "5 or 9 figures" if country.code == "US" else f"a form such as {country.example}"
        return [
            error("address.postcode.pattern", place, f"{_shown(address.postcode)} is no postcode of {country.name}",
                  f"write {what}, as text")
        ]  # fmt: skip
    found = _judge_zip(address, country, where, written) if country.code == "US" else []
    if allowed and not allowed.match(written) and not has_errors(found):
        found.append(
            warning("address.postcode.state", place, f"{written} does not lie in {state}",
                    "look at both again: the postcode decides where the card goes")
        )  # fmt: skip
    return found


def _judge_zip(address: Address, country: Rules, where: str, code: str) -> list[Finding]:
    """ZIP code, state and city together."""
    kinds = {part.kind for line in (address.street, address.street2) for part in pub28.parse(line)}
    street = pub28.Kind.STREET in kinds and pub28.Kind.BOX not in kinds
    city = address.city if any(character.isalnum() for character in address.city) else ""
    return zips.judge(code, country.state(address.state) or "", city, where, country.zips, street=street)


def _judge_military(address: Address, where: str) -> list[Finding]:
    city, place = address.city.upper().rstrip("."), f"{where}.city"
    if address.country != "US":
        if city in MILITARY_CITIES:
            return [
                error("address.military.country", f"{where}.country", f"{city} mail is mail at home, not abroad",
                      "write country US and state AA, AE or AP")
            ]  # fmt: skip
        return []
    military = address.state.upper() in MILITARY_STATES
    if military and city and city not in MILITARY_CITIES:
        return [
            error("address.military.city", place, f"state {address.state.upper()} goes with APO, FPO or DPO only",
                  "write APO, FPO or DPO as the city; no base and no foreign town")
        ]  # fmt: skip
    if city in MILITARY_CITIES and not military:
        return [
            error("address.military.state", f"{where}.state", f"city {city} goes with state AA, AE or AP only",
                  "write AA (Americas), AE (Europe and others) or AP (Pacific)")
        ]  # fmt: skip
    return []


def _judge_letters(address: Address, where: str) -> list[Finding]:
    """Posts ask for Latin letters; a name in other letters may stay, somebody at the door can read it."""
    findings = []
    for part in ("name", "company", "street", "street2", "city", "state", "postcode"):
        odd = sorted({c for c in getattr(address, part) if c.isalpha() and not _latin(c)})
        if odd:
            script = unicodedata.name(odd[0], "unknown").split()[0].title()
            level = warning if part in ("name", "company") else error
            findings.append(
                level(f"address.{part}.letters", f"{where}.{part}", f"{len(odd)} letters are not Latin ({script})",
                      "write it in Latin letters, as on a passport; posts abroad read no others")
            )  # fmt: skip
    return findings


def _shown(text: str) -> str:
    """A code as it was given; of a field that holds something else, only the beginning: findings travel to logs."""
    return text if len(text) <= 15 else f"{text[:10]}…"


def _latin(character: str) -> bool:
    return unicodedata.name(character, "UNNAMED").split()[0] in ("LATIN", "MODIFIER", "FEMININE", "MASCULINE")


def _capitals(text: str, country: str) -> str:
    """Capitals that keep every diacritic; ß becomes SS, and Turkish i keeps its dot."""
    if country in ("TR", "AZ"):
        text = text.replace("i", "İ")
    return unicodedata.normalize("NFC", text.upper())

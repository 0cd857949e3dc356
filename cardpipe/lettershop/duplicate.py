"""The natural key of an order: who is congratulated on what, whatever the order is called. Two orders with one key are
likely the same card ordered twice; the second is held until somebody allows it.

The key is a keyed hash: it outlives the personal data that it was made of, and nobody without the secret can try names
and addresses on it. It is kept in the database, so a change of these rules is a new ``_VERSION``, and finds no
duplicate of an order that was stored under the old one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re

from cardpipe.lettershop import addressing, pub28
from cardpipe.lettershop.abbreviations import ALONE, RANGED, SUFFIXES
from cardpipe.lettershop.personname import name_key, plain
from cardpipe.lettershop.pub28 import Kind, Part
from cardpipe.model.address import Address
from cardpipe.model.errors import Bug
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import canonical

_VERSION = "natural key 1"
_LEAST_SECRET = 16

#: Occasions that come once a year; so does every other anniversary and birthday (``home-anniversary``).
YEARLY = frozenset({
    "anniversary", "birthday", "christmas", "diwali", "easter", "fathers-day", "halloween", "hanukkah", "holiday",
    "holidays", "independence-day", "kwanzaa", "lunar-new-year", "memorial-day", "mothers-day", "name-day", "new-year",
    "passover", "seasons-greetings", "st-patricks-day", "thanksgiving", "valentines-day", "veterans-day",
})  # fmt: skip
#: Of these, those that are kept around the turn of the year: what leaves in January belongs to the season before.
WINTER = frozenset({"christmas", "hanukkah", "holiday", "holidays", "kwanzaa", "new-year", "seasons-greetings"})

#: Farther from its mail date, an occasion's date is another year's: a date of birth, most likely.
FARTHEST = 366

_ORDINALS = {"FIRST": "1ST", "SECOND": "2ND", "THIRD": "3RD", "FOURTH": "4TH", "FIFTH": "5TH", "SIXTH": "6TH",
             "SEVENTH": "7TH", "EIGHTH": "8TH", "NINTH": "9TH", "TENTH": "10TH"}  # fmt: skip
_WORDS = {**SUFFIXES, **RANGED, **ALONE, **_ORDINALS, "SAINT": "ST"}
#: Designators of a flat that people take one for the other. A floor and a building are something else.
_FLATS = frozenset({"APT", "UNIT", "STE", "RM", "#"})


def is_yearly(occasion: str) -> bool:
    """Whether an occasion comes once a year, so that its year tells two cards apart and not its day."""
    return occasion in YEARLY or occasion.endswith(("-anniversary", "-birthday"))


def judge_date(occasion_date: dt.date | None, mail_on: dt.date) -> list[Finding]:
    """Whether the day that is celebrated belongs to this card. With the date of birth in its place each year's card
    would look like a second one of the year of birth."""
    if occasion_date is None or abs((occasion_date - mail_on).days) <= FARTHEST:
        return []
    return [
        error("order.occasion_date.far", "occasion_date",
              f"is {abs((occasion_date - mail_on).days)} days away from the mail date; {FARTHEST} are the most",
              "give the day that is celebrated this time, not the date of birth or of the wedding")
    ]  # fmt: skip


def natural_key(
    secret: bytes,
    tenant: str,
    mode: str,
    recipient: Address,
    occasion: str,
    occasion_date: dt.date | None,
    mail_on: dt.date,
    *,
    origin: str = "US",
) -> str:
    """HMAC-SHA256, in hexadecimal, of who (:func:`personname.name_key`, or the company), where, on what occasion and
    when: for yearly ones the year, else the day, of ``occasion_date`` or where none is given of ``mail_on``.

    ``secret`` is the installation's own, at least 16 bytes that never change; Bug with less.
    """
    if len(secret) < _LEAST_SECRET:
        raise Bug(f"the secret of the natural keys has {len(secret)} bytes; {_LEAST_SECRET} are the least")
    who = name_key(recipient.name) or plain(recipient.company) or recipient.name
    where = _place(recipient, origin)
    told = [_VERSION, tenant, mode, who, where, occasion, _time(occasion, occasion_date or mail_on)]
    return hmac.new(secret, canonical(told), hashlib.sha256).hexdigest()


def _time(occasion: str, day: dt.date) -> str:
    if not is_yearly(occasion):
        return day.isoformat()
    return str(day.year - (occasion in WINTER and day.month == 1))


def _place(address: Address, origin: str) -> list[object]:
    """Where it goes. A postcode makes the city and the state superfluous, which people spell in many ways."""
    given = addressing.normalised(address, origin)
    if given.country == "US":
        code, lines = (pub28.write_zip(given.postcode) or given.postcode)[:5], _at_home(given)
    else:
        code, lines = plain(given.postcode).replace(" ", ""), [_abroad(given)]
    city = [] if code else [plain(given.city), plain(given.state)]
    return [given.country, code, city, lines]


def _at_home(address: Address) -> list[list[str]]:
    """Streets and boxes, the flats' numbers, and everything else: each sorted, as one writes the flat above the street
    and another behind it."""
    given = [_unaccented(line) for line in (address.street, address.street2)]
    parts = _parts(given, address.state)
    if any(part.kind is Kind.OTHER for part in parts):  # perhaps both lines make one form
        both = address.model_copy(update={"street": given[0], "street2": given[1]})
        parts = _parts(pub28.standard(both), address.state)
    homes = [f"{part.number} {part.name}" for part in parts if part.kind in (Kind.STREET, Kind.BOX)]
    units = [unit for part in parts for unit in ((part.name,) if part.kind is Kind.UNIT else part.units)]
    others = [part.name for part in parts if part.kind in (Kind.AREA, Kind.OTHER)]
    return [sorted(map(_words, homes)), sorted(map(_flat, units)), sorted(map(_words, others))]


def _abroad(address: Address) -> list[str]:
    """Each part between commas and lines. 5 a and 5a are one number, Hauptstraße and Hauptstr. one street."""
    parts = f"{address.street},{address.street2}".split(",")
    words = (re.sub(r"STRASSE\b", "STR", _words(part)) for part in parts)
    return sorted(re.sub(r"(?<=\d) (?=[A-Z]\b)", "", part) for part in words if part)


def _parts(lines: list[str], state: str) -> list[Part]:
    return [part for line in lines if line for part in pub28.parse(line, state)]


def _unaccented(line: str) -> str:
    """Its points, commas and # are still of use."""
    return "".join(plain(c) or c if c.isalpha() else c for c in line)


def _words(text: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in plain(text).upper().split())


def _flat(unit: str) -> str:
    """``APT 4-B``, ``# 4B`` and ``4B`` are one flat."""
    words = unit.replace("-", "").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in _FLATS else words)

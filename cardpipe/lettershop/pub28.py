"""How the USPS wants its own addresses written: Publication 28, Postal Addressing Standards."""

from __future__ import annotations

import re

from cardpipe.model.address import Address

#: Longest street line to which a flat's number is joined (it fits the smallest envelope at the smallest size).
JOINED = 34

_SECONDARY = re.compile(
    r"(?:#|(?:APT|APARTMENT|UNIT(?! \d+ BOX)|STE|SUITE|FL|FLOOR|RM|ROOM|BLDG|BUILDING|DEPT|LOT|SPC|SPACE|TRLR"
    r"|PH|PENTHOUSE|HNGR|SLIP|PIER|LBBY|LOWR|UPPR|OFC|BSMT|FRNT|REAR|STOP)\b|\w+ FL(?:OOR)?\b|\d+[A-Z]?$)", re.I
)  # fmt: skip
_DELIVERY = re.compile(
    r"(?:\d\S* \S|P\.? ?O\.? ?BOX\b|RR \d|HC \d|PSC \d|CMR \d|UNIT \d+ BOX\b|GENERAL DELIVERY)", re.I
)


def write_zip(text: str) -> str | None:
    """A ZIP code as it is printed: 02139 or 02139-4307."""
    match = re.fullmatch(r"(\d{5})(?:[ -]?(\d{4}))?", text)
    return "-".join(group for group in match.groups() if group) if match else None


def streets(address: Address, comma: str) -> list[str]:
    """The delivery line stands right above the city (Publication 28, 213): a flat's number ends it where there is
    room, behind a ``comma`` where one is wanted, and everything else goes above it."""
    first, second = address.street, address.street2
    if not second or (_DELIVERY.match(second) and not _SECONDARY.match(second)):
        return [first, second]
    if _SECONDARY.match(second) and len(first) + 1 + len(second) <= JOINED:
        return [f"{first}{comma} {second}"]
    return [second, first] if _DELIVERY.match(first) else [first, second]


def unpunctuated(text: str) -> str:
    """No punctuation in streets and cities but hyphens, slashes and a point within a number (Publication 28, 222)."""
    return re.sub(r" +", " ", re.sub(r"(?<!\d)\.|\.(?!\d)|[,;:]", " ", text)).strip()

"""OpenCage's test cases: components of an address, and the lines that its people expect of them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from corpora import NAME, Score, same_words, words

from cardpipe.lettershop.addressing import lines, normalised
from cardpipe.lettershop.countries import rules
from cardpipe.model.address import Address

#: Which of their components may be our city, our street, our second street line, our state.
CITIES = (
    "city", "town", "village", "hamlet", "municipality", "locality", "postal_city", "suburb", "county", "island",
    "state_district", "city_district", "region", "neighbourhood", "local_administrative_area", "district",
)  # fmt: skip
ROADS = ("road", "pedestrian", "street", "path", "residential", "footway", "place", "street_name")
AREAS = (
    "neighbourhood", "suburb", "quarter", "city_district", "district", "residential", "county", "hamlet", "village",
    "state_district", "municipality", "region", "subcounty", "croft", "allotments",
)  # fmt: skip
STATES = (
    "state", "state_code", "province", "region", "state_district", "county", "county_code", "island", "archipelago",
)  # fmt: skip
OTHERS = ("house_number", "housenumber", "street_number", "postcode", "partial_postcode", "country", "country_code",
          "continent")  # fmt: skip
KNOWN = {*CITIES, *ROADS, *AREAS, *STATES, *OTHERS}


def opencage(folder: Path) -> dict[str, Score]:
    """Every country's test cases: our lines hold the words of theirs, line by line and in the same order."""
    scores: dict[str, Score] = defaultdict(Score)
    for path in sorted((folder / "testcases" / "countries").glob("*.yaml")):
        for case in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader):
            if case and path.stem.upper() not in ("AQ", "XX"):
                _one_case(scores[path.stem.upper()], path.stem.upper(), case)
    return scores


def _one_case(score: Score, code: str, case: dict[str, Any]) -> None:
    expected = [line for line in str(case["expected"]).splitlines() if line.strip()]
    given = {name: str(value) for name, value in case["components"].items() if str(value).strip()}
    country = rules(code)
    if country is None:
        score.skipped["no address data for this country"] += 1
        return
    if len(expected) > 1:
        expected = expected[:-1]  # the country's line: ours is the USPS's name, by our own tests
    address, reason = _address(code, given, expected)
    if address is None:
        score.skipped[reason] += 1
        return
    ours = [line for line in lines(address, "XX", country_line=True)[:-1] if line != NAME.upper()]
    state = (normalised(address, "XX").state, address.state)
    if _same(expected, ours, state, abbreviated=code == "US"):
        score.passed += 1
    else:
        score.failed.append(f"{code} {case.get('description', '')}: expected {expected}, ours {ours}")


def _address(code: str, given: dict[str, str], expected: list[str]) -> tuple[Address | None, str]:
    """Their components in our fields. A component is used where what is expected prints it: which of two towns is the
    postal one is a mapmaker's question, and no order asks it."""
    left = [list(words(line)) for line in expected]
    parts: dict[str, str] = {}

    def take(name: str, whole: bool = False) -> bool:
        """Whether the component stands in a line (or is one); its words are then accounted for."""
        wanted = words(given.get(name, ""))
        for line in left:
            for at in range(len(line) - len(wanted) + 1) if wanted else ():
                if line[at : at + len(wanted)] == wanted and (not whole or len(line) == len(wanted)):
                    del line[at : at + len(wanted)]
                    return True
        return False

    country = rules(code)
    first = words(expected[0]) if expected else []
    houses = [name for name in given if name not in KNOWN and words(given[name]) == first and take(name, whole=True)]
    if len(houses) > 1:
        return None, "two names of one house"
    parts = {"company": given[houses[0]]} if houses else {}
    road = next((name for name in ROADS if name in given and any(_within(given[name], line) for line in expected)), "")
    streets: list[tuple[int, str]] = []
    if road:
        at = next(place for place, line in enumerate(expected) if _within(given[road], line))
        streets.append((at, expected[at]))
        left[at].clear()
    if "postcode" in given and take("postcode"):
        parts["postcode"] = given["postcode"]
    cities = CITIES if country and "%S" in country.layout else (*CITIES, "state")
    there = [name for name in cities if name in given and name != road]
    main = next((name for name in there if any(_has(given[name], row) for row in left)), "")
    row = next((place for place, line in enumerate(left) if main and _has(given[main], line)), len(left))
    for name in AREAS:
        at = next((place for place, line in enumerate(left[:row]) if line == words(given.get(name, " "))), -1)
        if name in given and name not in (road, main) and at >= 0 and len(streets) < 2:
            streets.append((at, given[name]))
            left[at].clear()
    parts |= dict(zip(("street", "street2"), (text for _, text in sorted(streets)), strict=False))
    if main and take(main):
        parts["city"] = given[main]
    for name in STATES if country else ():
        if name in given and name != main and (take(name) or _take_code(country.state(given[name]), left)):
            parts["state"] = given[name]
            break
    if any(left):
        return None, "prints a component that our Address has no field for, or words not given"
    if not parts.get("city") and not parts.get("street"):
        return None, "neither city nor street"
    try:
        return Address(name=NAME, country=code, **parts), ""
    except ValueError:
        return None, "holds an invisible direction mark, which our orders refuse"


def _has(text: str, line: list[str]) -> bool:
    wanted = words(text)
    return bool(wanted) and any(line[at : at + len(wanted)] == wanted for at in range(len(line)))


def _within(text: str, line: str) -> bool:
    return _has(text, words(line))


def _take_code(state: str | None, left: list[list[str]]) -> bool:
    for line in left:
        if state and words(state) and words(state)[0] in line and len(words(state)) == 1:
            line.remove(words(state)[0])
            return True
    return False


def _same(expected: list[str], ours: list[str], state: tuple[str, str], *, abbreviated: bool) -> bool:
    def rows(texts: list[str]) -> list[list[str]]:
        code, name = words(state[0]), words(state[1])
        made = []
        for text in texts:
            row = words(text)
            for at in range(len(row) - len(name), -1, -1) if name and name != code else ():
                if row[at : at + len(name)] == name:
                    row[at : at + len(name)] = code  # California or CA: one state
                    break
            made.append(sorted(row))
        return made

    theirs, mine = rows(expected), rows(ours)
    if abbreviated and len(theirs) == len(mine):
        return all(
            same_words([one], [other]) for one, other in zip(map(" ".join, theirs), map(" ".join, mine), strict=True)
        )
    return theirs == mine

"""``cardpipe house``: the print and mail houses, and what each of them gets."""

from __future__ import annotations

from typing import Any

from cardpipe.cli import show
from cardpipe.lettershop.house import House
from cardpipe.wiring import shop

_ALL = "all"


def list_houses(as_json: bool) -> None:
    """Every house in the order in which they are asked whether they take a piece; last what the shop does with the
    others."""
    house = shop()
    found = [_value(each) for each in house.houses]
    rest: dict[str, Any] = {
        "name": None, "title": "what no other takes", "formats": [], "countries": [], "press": house.press,
        "delivery": house.settings.delivery,
    }  # fmt: skip
    table = show.table(
        ("house", "title", "formats", "to", "press", "its files go to"),
        [
            (
                each["name"] or "–", each["title"], ", ".join(each["formats"]) or _ALL,
                ", ".join(each["countries"]) or _ALL, each["press"], each["delivery"] or "whoever fetches them",
            )
            for each in (*found, rest)
        ],
    )  # fmt: skip
    show.data({"houses": found, "rest": rest}, as_json, table)


def _value(house: House) -> dict[str, Any]:
    return {"name": house.name, "title": house.title, "formats": sorted(house.formats),
            "countries": sorted(house.countries), "press": house.press, "delivery": house.delivery}  # fmt: skip

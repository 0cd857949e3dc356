"""What can be ordered, as a CRM's form needs it; and the terms under which."""

from __future__ import annotations

import io
from typing import Any

import httpx
from PIL import Image

from cardpipe.wiring import Shop


def test_designs(client: httpx.Client, house: Shop) -> None:
    told = client.get("/v1/designs").json()
    assert [each["name"] for each in told["designs"]] == house.catalog.designs() and told["next"] is None
    home = next(each for each in told["designs"] if each["name"] == "home-row")
    assert home["format"]["name"] == "A7T" and home["occasions"] == ["new-home", "congratulations"]
    photo = home["photos"][0]
    assert (photo["name"], photo["required"]) == ("home", False)
    press = house.catalog.press(house.press)
    assert photo["least_pixels"] == [round(3.4 * press.photo_minimum_ppi), round(2.6 * press.photo_minimum_ppi)]
    assert photo["best_pixels"] == [round(3.4 * press.photo_ppi), round(2.6 * press.photo_ppi)]
    assert home["message"]["largest_mm"] == 3.1 and home["message"]["proven_characters"] > 300
    assert home["signature"] and "pen" in home["inks"] and home["hand"] in house.catalog.hands()


def test_designs_page_by_page(client: httpx.Client, house: Shop) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        params: dict[str, Any] = {"limit": 5, **({"cursor": cursor} if cursor else {})}
        told = client.get("/v1/designs", params=params).json()
        seen += [each["name"] for each in told["designs"]]
        if (cursor := told["next"]) is None:
            break
    assert seen == house.catalog.designs() and len(seen) > 5
    suited = client.get("/v1/designs", params={"occasion": "new-home"}).json()["designs"]
    assert suited and all("new-home" in each["occasions"] for each in suited)


def test_thumbnails(client: httpx.Client) -> None:
    shown = 0
    for design in client.get("/v1/designs").json()["designs"]:
        if design["thumbnail"] is None:
            continue
        shown += 1
        answer = client.get(design["thumbnail"])
        assert answer.headers["content-type"] == "image/png" and Image.open(io.BytesIO(answer.content)).width > 50
        unchanged = client.get(design["thumbnail"], headers={"if-none-match": answer.headers["etag"]})
        assert unchanged.status_code == 304
    assert shown > 3
    for name in ("nope", "_studio", "..", "%2e%2e%2fhome-row", "home-row%2f..%2fhome-row"):
        assert client.get(f"/v1/designs/{name}/thumbnail").status_code == 404


def test_hands_and_occasions(client: httpx.Client, house: Shop) -> None:
    hands = client.get("/v1/hands").json()["hands"]
    assert [hand["name"] for hand in hands] == house.catalog.hands() and all(hand["title"] for hand in hands)
    occasions = {each["name"]: each for each in client.get("/v1/occasions").json()["occasions"]}
    assert "home-row" in occasions["new-home"]["designs"]
    assert all(each["design"] in each["designs"] for each in occasions.values())


def test_terms(client: httpx.Client, caller: Any, key: Any, house: Shop) -> None:
    mine = caller(key("termed", "test"))
    terms = house.store.tenant("termed").model_validate(
        {"name": "termed", "zone": "America/New_York", "cut_off": "14:30", "daily_limit": 500, "rate": 100_000}
    )
    house.store.set_tenant(terms, "test")
    told = mine.get("/v1/tenant").json()
    assert (told["name"], told["mode"], told["zone"], told["cut_off"]) == (
        "termed",
        "test",
        "America/New_York",
        "14:30",
    )
    assert told["daily_limit"] == 500 and told["photo_urls"] is False
    assert told["next_cut_off"].startswith(told["next_mail_on"]) and told["next_cut_off"].endswith("Z")
    assert client.get("/v1/tenant").json()["next_cut_off"] is None

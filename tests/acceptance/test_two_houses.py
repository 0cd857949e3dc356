"""A shop whose cards are printed in two places: who runs it is told, and each batch finds its way."""

from __future__ import annotations

from pathlib import Path

from running import DAY, Cardpipe, order, write

LIST = """
[north]
title = "North Print & Mail"
press = "digital-coated"
countries = ["DE"]
delivery = "{place}"

[labels]
press = "digital-labels"
formats = ["A2"]
"""
GERMAN = {"name": "Jörg Weiß", "street": "Lindenstraße 4", "city": "Köln", "postcode": "50674", "country": "DE"}


def test_each_batch_goes_to_the_house_that_its_cards_were_made_for(cardpipe: Cardpipe, tmp_path: Path) -> None:
    shop, north = tmp_path / "shop", tmp_path / "north"
    shop.mkdir()
    (shop / "houses.toml").write_text(LIST.format(place=north.as_uri()))
    given = {"CARDPIPE_SHOP": str(shop)}
    listed = cardpipe("house", "list", "--json", **given).data
    assert [house["name"] for house in listed["houses"]] == ["north", "labels"]
    assert listed["rest"]["press"] == "digital-coated"
    (told,) = [check for check in cardpipe("doctor", "--json", **given).data["checks"] if check["name"] == "houses"]
    assert told["level"] == "ok" and f"north on digital-coated: {north.as_uri()}" in told["message"]

    file = write(tmp_path / "o.ndjson", order(1), order(2, recipient=GERMAN))
    assert cardpipe("order", "submit", file, "--mail-on", DAY, **given).code == 0
    batches = cardpipe("batch", "close", "--mail-on", DAY, "--json", **given).data["batches"]
    assert sorted((batch["house"], batch["pieces"]) for batch in batches) == [("", 1), ("north", 1)]
    (ours,) = [batch["name"] for batch in batches if not batch["house"]]
    (theirs,) = [batch["name"] for batch in batches if batch["house"]]
    refused = cardpipe("batch", "release", ours, **given)
    assert refused.code == 2 and "CARDPIPE_DELIVERY" in refused.words, "the shop itself has no place"
    wrong = cardpipe("batch", "release", theirs, "--to", "labels", **given)
    assert wrong.code == 2 and "prints on digital-labels" in wrong.words
    assert cardpipe("batch", "release", theirs, "--json", **given).data["place"] == str(north / theirs)
    assert cardpipe("batch", "verify", north / theirs, **given).code == 0
    assert cardpipe("batch", "release", ours, "--to", "north", **given).code == 0, "it prints on the same press"
    assert {path.name for path in north.iterdir() if path.is_dir()} == {ours, theirs}


def test_a_mistake_in_the_list_stops_before_an_order_is_taken(cardpipe: Cardpipe, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "houses.toml").write_text('[north]\npress = "digital"\ncountries = ["Germany"]\n')
    ran = cardpipe("house", "list", CARDPIPE_SHOP=str(tmp_path / "shop"))
    assert ran.code == 2 and "houses.toml north.countries" in ran.words and "houses.toml north.press" in ran.words

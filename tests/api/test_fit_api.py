"""POST /v1/fit: said before ordering, with numbers, and the words are not repeated."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from asking import codes

WORDS = "Dear {first_name},\n\nThank you for the garden with the lights on.\n\nJune"


def test_it_fits(client: httpx.Client) -> None:
    answer = client.post("/v1/fit", json={"message": WORDS, "design": "thank-you-fern", "recipient_name": "Anna Berg"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["fits"] and told["missing"] == [] and told["design"] == "thank-you-fern"
    assert told["lines"] == len(told["words"]) >= 3 and sum(told["words"]) == len(WORDS.split())
    assert told["smallest_mm"] <= told["x_height_mm"] <= told["largest_mm"] and told["height_mm"] <= told["room_mm"]
    for word in ("garden", "Anna", "Thank"):
        assert word not in answer.text


def test_it_does_not_fit(client: httpx.Client) -> None:
    told = client.post("/v1/fit", json={"message": "Many words. " * 150, "design": "thank-you-fern"}).json()
    assert not told["fits"] and told["lines"] is None and told["findings"]


def test_characters_that_no_hand_writes(client: httpx.Client) -> None:
    told = client.post("/v1/fit", json={"message": "Dear Anna,\n漢 字", "design": "thank-you-fern"}).json()
    assert not told["fits"]
    assert [(each["code"], each["column"]) for each in told["missing"]] == [("U+6F22", 1), ("U+5B57", 3)]


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "request.body"), ({"message": "x", "massage": "y"}, "request.body"), ({"message": "x", "design": "nope"}, "design.unknown"),
     ({"message": "x", "hand": "nope"}, "order.hand"), ({"message": 3}, "request.body"), ({"message": ""}, "request.body")],
)  # fmt: skip
def test_what_cannot_be_tried(client: httpx.Client, body: dict[str, Any], code: str) -> None:
    answer = client.post("/v1/fit", json=body)
    assert answer.status_code == 422 and code in codes(answer), answer.text

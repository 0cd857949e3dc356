"""Through the API an order says where the eye rests, and is told by field what cannot be meant."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asking import LIVE, card
from PIL import Image

from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]
PATCH = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def uploaded(client: httpx.Client) -> str:
    """A photo large enough for any frame of home-row, by its digest."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((2400, 1800)).convert("RGB").save(out, "JPEG")
    answer = client.post("/v1/pictures", content=out.getvalue(), headers={"content-type": "image/jpeg"})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["picture"])


def test_said_changed_and_taken_back(client: httpx.Client, house: Shop, order: Make, uploaded: str) -> None:
    asked = card(order, "focus", design="home-row", photo=uploaded, photo_focus=[0.25, 0.75])
    answer = client.post("/v1/orders", json=asked)
    assert answer.status_code == 202, answer.text
    assert client.post("/v1/orders", json=asked).json()["id"] == answer.json()["id"], "the same order again"
    pinned = house.store.order(LIVE, "focus").pieces[0].spec["focus"]
    assert pinned == {"home": [0.25, 0.75]}
    etag = answer.json()["etag"]
    for patch, expected in (({"photo_focus": [1, 0]}, {"home": [1.0, 0.0]}), ({"photo_focus": None}, None)):
        changed = client.patch("/v1/orders/focus", json=patch, headers={**PATCH, "if-match": etag})
        assert changed.status_code == 200, changed.text
        etag = changed.json()["etag"]
        assert house.store.order(LIVE, "focus").pieces[0].spec.get("focus") == expected
    assert changed.json()["revision"] == 3


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"photo_focus": [0.5, 1.5]}, "photo_focus"),
        ({"photo_focus": "0.5 0.5"}, "photo_focus"),
        ({"photos_focus": {"home": [0.5]}}, "photos_focus.home"),
        ({"photos_focus": {"home": [0.5, 0.5]}}, "photos_focus.home"),
    ],
)
def test_what_cannot_be_meant_is_a_finding_at_its_field(
    client: httpx.Client, order: Make, uploaded: str, said: dict[str, Any], where: str
) -> None:
    answer = client.post("/v1/orders", json=card(order, "no-focus", design="home-row", photo=uploaded, **said))
    assert answer.status_code == 422
    assert where in {finding["where"] for finding in answer.json()["findings"]}


def test_the_description_says_what_a_focus_is(client: httpx.Client) -> None:
    shape = client.get("/v1/openapi.json").json()["components"]["schemas"]["Order"]["properties"]
    single = next(one for one in shape["photo_focus"]["anyOf"] if one.get("type") == "array")
    assert single == shape["photos_focus"]["additionalProperties"]
    assert single["items"] == {"type": "number", "minimum": 0, "maximum": 1} and single["minItems"] == 2

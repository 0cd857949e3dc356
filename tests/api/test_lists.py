"""Lists of orders: page by page without a gap, every filter, and no filter silently passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asking import card, codes

from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def lister(caller: Any, key: Any, order: Make) -> httpx.Client:
    """A tenant with seven orders, oldest first list-0 … list-6."""
    client: httpx.Client = caller(key("lister"))
    for number in range(7):
        changes: dict[str, Any] = {"metadata": {"crm": str(number % 2), "all": "yes"}}
        if number == 3:
            changes |= {"occasion": "new-home", "design": "home-row", "mail_on": "2026-12-24"}
        answer = client.post("/v1/orders", json=card(order, f"list-{number}", **changes))
        assert answer.status_code == 202, answer.text
    client.post("/v1/orders/list-5/cancel", json={"reason": "no"})
    client.post("/v1/orders/list-6/hold", json={"reason": "wait"})
    return client


def listed(client: httpx.Client, **params: Any) -> list[str]:
    answer = client.get("/v1/orders", params=params)
    assert answer.status_code == 200, answer.text
    return [each["reference"].removeprefix("list-") for each in answer.json()["orders"]]


def test_page_by_page(lister: httpx.Client) -> None:
    seen, cursor, pages = [], None, 0
    while True:
        params: dict[str, Any] = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        answer = lister.get("/v1/orders", params=params).json()
        seen += [each["reference"] for each in answer["orders"]]
        pages, cursor = pages + 1, answer["next"]
        if cursor is None:
            break
        assert "list" not in cursor and "ord_" not in cursor
    assert pages == 3 and seen == [f"list-{number}" for number in reversed(range(7))]


def test_a_line_is_the_order_without_its_log(lister: httpx.Client) -> None:
    line = lister.get("/v1/orders", params={"limit": 1}).json()["orders"][0]
    shown = lister.get("/v1/orders/list-6").json()
    assert line == {**shown, "events": None} and shown["events"]


@pytest.mark.parametrize(
    ("params", "found"),
    [({"state": "cancelled"}, "5"), ({"state": ["accepted", "cancelled"]}, "6543210"), ({"state": "accepted"}, "643210"),
     ({"piece_state": "cancelled"}, "5"), ({"piece_state": ["waiting", "cancelled"]}, "6543210"), ({"held": "true"}, "6"),
     ({"held": "false"}, "543210"), ({"occasion": "new-home"}, "3"), ({"design": "home-row"}, "3"), ({"mail_on": "2026-12-24"}, "3"),
     ({"metadata[crm]": "1"}, "531"), ({"metadata[crm]": "1", "metadata[all]": "yes", "held": "false"}, "531"),
     ({"metadata[crm]": "7"}, ""), ({"metadata[none]": "1"}, ""), ({"since": "2020-01-01T00:00:00Z"}, "6543210"),
     ({"until": "2020-01-01T00:00:00+02:00"}, ""), ({"import": "imp_none"}, "")],
)  # fmt: skip
def test_filters(lister: httpx.Client, params: dict[str, Any], found: str) -> None:
    assert "".join(listed(lister, **params)) == found


def test_since_and_until_bound_the_moment(lister: httpx.Client) -> None:
    at = lister.get("/v1/orders/list-3").json()["accepted_at"]
    assert listed(lister, since=at) == list("6543") and listed(lister, until=at) == list("210")


@pytest.mark.parametrize(
    "params",
    [{"stat": "held"}, {"limit": 0}, {"limit": 101}, {"limit": "x"}, {"state": "gone"}, {"piece_state": "accepted"},
     {"mail_on": "tomorrow"}, {"held": "perhaps"}, {"since": "yesterday"}, {"cursor": "abc"}, {"cursor": ""},
     {"cursor": "ä"}, {"metadata": "x"}, {"metadata[]": "x"}, {"metadata[a]": ["1", "2"]}, {"metadata[a]": "\0"},
     {"occasion": "New Home"}, {"offset": 10}],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(lister: httpx.Client, params: dict[str, Any]) -> None:
    answer = lister.get("/v1/orders", params=params)
    assert answer.status_code == 422 and answer.json()["findings"], (params, answer.text)


def test_a_cursor_is_good_for_its_list_and_tenant_alone(
    lister: httpx.Client, client: httpx.Client, caller: Any, key: Any
) -> None:
    cursor = lister.get("/v1/orders", params={"limit": 2}).json()["next"]
    assert listed(lister, limit=2, cursor=cursor) == ["4", "3"]
    for other in (client, caller(key("lister", "test"))):
        answer = other.get("/v1/orders", params={"cursor": cursor})
        assert answer.status_code == 422 and codes(answer) == {"request.cursor"}
    for path in ("/v1/imports", "/v1/batches", "/v1/designs"):
        assert lister.get(path, params={"cursor": cursor}).status_code == 422
    forged = cursor[:-2] + ("AA" if not cursor.endswith("AA") else "BB")
    assert lister.get("/v1/orders", params={"cursor": forged}).status_code == 422


def test_a_test_key_lists_its_own(caller: Any, key: Any, lister: httpx.Client, house: Shop) -> None:
    assert listed(caller(key("lister", "test"))) == []
    assert listed(caller(key("lister"))) == list("6543210")

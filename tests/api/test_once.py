"""One Idempotency-Key, one effect: replayed word for word, refused for another body, free again where nothing came of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from asking import LIVE, card, codes
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.api.access import Caller
from cardpipe.api.once import digests
from cardpipe.model.errors import Unavailable
from cardpipe.model.order import Scope
from cardpipe.wiring import Shop

Make = Callable[..., dict[str, Any]]
ME = Caller(LIVE, "abcdefgh", frozenset(), 60)


def post(client: httpx.Client, asked: dict[str, Any], key: str) -> httpx.Response:
    return client.post("/v1/orders", json=asked, headers={"idempotency-key": key})


def test_replayed_word_for_word(client: httpx.Client, order: Make) -> None:
    asked = card(order, "once-1", metadata={"a.b": "1"})
    first = post(client, asked, "key one")
    client.post("/v1/orders/once-1/cancel", json={"reason": "meanwhile"})
    again = post(client, asked, "key one")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content, "the answer of then, whatever became of it since"
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"


def test_another_body_under_the_same_key(client: httpx.Client, order: Make) -> None:
    assert post(client, card(order, "once-2"), "key two").status_code == 202
    asked = card(order, "once-3", message="Private words.")
    asked["recipient"]["city"] = "Salem"
    answer = post(client, asked, "key two")
    assert answer.status_code == 409 and codes(answer) == {"idempotency_key_reused"}
    assert {"reference", "message", "recipient.city"} <= {finding["where"] for finding in answer.json()["findings"]}
    assert "Private" not in answer.text
    assert client.get("/v1/orders/once-3").status_code == 404


def test_the_same_reference_under_another_key(client: httpx.Client, order: Make) -> None:
    first = post(client, card(order, "once-4"), "key four")
    second = post(client, card(order, "once-4"), "key five")
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json()["id"] == first.json()["id"] and second.headers["idempotent-replayed"] == "true"
    other = post(client, card(order, "once-4", message="Else."), "key six")
    assert other.status_code == 409 and codes(other) == {"order.reference_reused"}


def test_what_was_refused_may_be_sent_again_mended(client: httpx.Client, order: Make) -> None:
    bad = post(client, card(order, "once-7", hand="nobodys"), "key seven")
    assert bad.status_code == 422
    assert post(client, card(order, "once-7"), "key seven").status_code == 202


def test_a_failure_is_never_an_answer(
    client: httpx.Client, house: Shop, order: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = card(order, "once-8")
    with monkeypatch.context() as broken:

        def fail(*_: Any, **__: Any) -> Any:
            raise Unavailable("the database has no room")

        broken.setattr(house.store, "add_order", fail)
        assert post(client, asked, "key eight").status_code == 503
    answer = post(client, asked, "key eight")
    assert answer.status_code == 202 and "idempotent-replayed" not in answer.headers


def test_one_in_flight(client: httpx.Client, house: Shop, order: Make) -> None:
    asked = card(order, "once-9")
    caller = next(iter(house.store.keys("local")))
    fields = digests(house.secret, Caller(LIVE, caller.id, caller.scopes, 60), asked)
    receipt = house.store.begin_request(LIVE, "orders", "key nine", fields)
    assert not isinstance(receipt, tuple)
    answer = post(client, asked, "key nine")
    assert answer.status_code == 409 and codes(answer) == {"in_progress"} and answer.headers["retry-after"] == "1"
    house.store.forget_request(LIVE, receipt)
    assert post(client, asked, "key nine").status_code == 202


def test_from_many_at_once_it_is_one(client: httpx.Client, order: Make) -> None:
    asked = card(order, "once-10")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(client, asked, "key ten"), range(16)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    made = [answer for answer in answers if answer.status_code == 202]
    assert sum("idempotent-replayed" not in answer.headers for answer in made) == 1
    assert len({answer.content for answer in made}) == 1
    assert all(codes(answer) == {"in_progress"} for answer in answers if answer.status_code == 409)
    assert post(client, asked, "key ten").content == made[0].content


def test_keys_belong_to_a_tenant_and_a_mode(
    client: httpx.Client, tester: httpx.Client, stranger: httpx.Client, order: Make
) -> None:
    answers = [post(each, card(order, "once-11"), "key eleven") for each in (client, tester, stranger)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 3


@pytest.mark.parametrize("name", ["", "x" * 256, "ünicode", "a\tb"])
def test_keys_that_cannot_be_kept(client: httpx.Client, order: Make, name: str) -> None:
    headers = {"idempotency-key": name.encode()}
    answer = client.post("/v1/orders", json=card(order, "once-12"), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 422 and codes(answer) == {"idempotency_key.form"}
    twice = client.post(
        "/v1/orders", json=card(order, "once-12"), headers=[("idempotency-key", "a"), ("idempotency-key", "b")]
    )
    assert twice.status_code == 422 and codes(twice) == {"idempotency_key.form"}
    assert client.get("/v1/orders/once-12").status_code == 404


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(["a", "b", "a.b", "c[0]"]), VALUES, max_size=3)


@given(one=BODIES, other=BODIES)
def test_digests_tell_bodies_apart_and_nothing_else(one: dict[str, Any], other: dict[str, Any]) -> None:
    secret = b"x" * 32
    same = repr(one) == repr(other)
    if same:
        assert digests(secret, ME, one) == digests(secret, ME, other)
    told = digests(secret, ME, one)
    assert all(len(value) == 16 for value in told.values())
    neighbour = digests(secret, Caller(Scope("other", "live"), "abcdefgh", frozenset(), 60), one)
    assert not set(told.values()) & set(neighbour.values())
    assert not set(told.values()) & set(digests(b"y" * 32, ME, one).values())


def test_every_leaf_is_told_by_its_path() -> None:
    body = {"a": {"b": 1, "c.d": [1, {"e": 2}]}, "f": {}, "g": [], "h": None}
    assert set(digests(b"x" * 32, ME, body)) == {"a.b", "a.c..d[0]", "a.c..d[1].e", "f", "g", "h"}
    changed = {**body, "f": {"new": 1}}
    assert set(digests(b"x" * 32, ME, changed)) - set(digests(b"x" * 32, ME, body)) == {"f.new"}

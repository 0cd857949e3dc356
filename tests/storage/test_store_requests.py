"""One Idempotency-Key, one effect: who is first, what the others are answered, and who takes over from the dead."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cardpipe.model.errors import Conflict, Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.stored import Receipt

SCOPE = Scope()
DOOR = "POST /v1/orders"
FIELDS = {"reference": "d1", "recipient.name": "d2"}


def _answering(receipt):
    return replace(receipt, answer=lambda stored: (202, f'{{"id":"{stored.id}"}}'))


def _codes(problem):
    return [(finding.code, finding.where) for finding in problem.value.findings]


def _orders(sql, store):
    return sql(store, "SELECT count(*) FROM orders")[0][0]


def test_the_first_gets_a_receipt_and_all_others_its_answer(any_store, order, sql):
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    assert isinstance(receipt, Receipt)
    stored, _ = any_store.add_order(order(1), _answering(receipt))
    assert any_store.begin_request(SCOPE, DOOR, "k1", dict(reversed(FIELDS.items()))) == (
        202,
        f'{{"id":"{stored.id}"}}',
    )
    assert [tuple(row) for row in sql(any_store, "SELECT subject, token FROM requests")] == [(stored.id, None)]


def test_a_key_is_one_for_each_tenant_mode_and_door(any_store):
    others = [(Scope("b"), DOOR), (Scope("local", "test"), DOOR), (SCOPE, "POST /v1/imports")]
    for scope, door in [(SCOPE, DOOR), *others]:
        assert isinstance(any_store.begin_request(scope, door, "k1", FIELDS), Receipt)


@pytest.mark.parametrize("finished", [True, False])
def test_another_body_under_the_key_is_refused_with_each_field(any_store, order, finished):
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    if finished:
        any_store.add_order(order(1), _answering(receipt))
    with pytest.raises(Conflict) as refused:
        any_store.begin_request(SCOPE, DOOR, "k1", {"reference": "d1", "recipient.name": "other", "message": "d3"})
    assert _codes(refused) == [("idempotency_key_reused", "message"), ("idempotency_key_reused", "recipient.name")]
    assert "d2" not in str(refused.value.findings)


def test_while_the_first_is_at_it_the_others_wait(any_store):
    any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    with pytest.raises(Conflict) as refused:
        any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    assert _codes(refused) == [("in_progress", "Idempotency-Key")]


def test_what_came_to_nothing_is_forgotten(any_store):
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    any_store.forget_request(SCOPE, receipt)
    again = any_store.begin_request(SCOPE, DOOR, "k1", {"reference": "another body"})
    assert isinstance(again, Receipt)
    any_store.forget_request(SCOPE, receipt)  # late: it is not his any more
    with pytest.raises(Conflict):
        any_store.begin_request(SCOPE, DOOR, "k1", {"reference": "another body"})


def test_what_was_answered_is_never_forgotten(any_store, order):
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    any_store.add_order(order(1), _answering(receipt))
    any_store.forget_request(SCOPE, receipt)
    assert any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)[0] == 202


def test_after_two_minutes_the_next_one_takes_over_and_the_late_first_one_does_nothing(store, clock, order, sql):
    first = store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    clock.forward(119)
    with pytest.raises(Conflict):
        store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    clock.forward(2)
    with pytest.raises(Conflict) as refused:  # dead or not: the key belongs to that body
        store.begin_request(SCOPE, DOOR, "k1", {"reference": "other"})
    assert {code for code, _ in _codes(refused)} == {"idempotency_key_reused"}
    second = store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    assert isinstance(second, Receipt)
    with pytest.raises(Unavailable):
        store.add_order(order(1), _answering(first))
    assert _orders(sql, store) == 0
    stored, fresh = store.add_order(order(1), _answering(second))
    assert fresh
    with pytest.raises(Unavailable):  # nor after it
        store.add_order(order(1), _answering(first))
    assert store.begin_request(SCOPE, DOOR, "k1", FIELDS) == (202, f'{{"id":"{stored.id}"}}')


def test_one_that_began_in_the_future_was_written_by_a_clock_that_was_set_back(store, clock):
    store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    clock.forward(-4)
    with pytest.raises(Conflict):
        store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    clock.forward(-2)
    assert isinstance(store.begin_request(SCOPE, DOOR, "k1", FIELDS), Receipt)


def test_of_many_who_take_over_at_once_one_does(any_store, sql):
    any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    for _ in range(20):
        sql(any_store, "UPDATE requests SET begun_at = begun_at - 200")
        assert _said(any_store, 12).count("receipt") == 1


def _said(store, number):
    ready = threading.Barrier(number)

    def begin(_):
        ready.wait()
        try:
            said = store.begin_request(SCOPE, DOOR, "k1", FIELDS)
        except Conflict as conflict:
            return conflict.findings[0].code
        return "receipt" if isinstance(said, Receipt) else said

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def test_fifty_posts_at_once_with_one_key_are_one_order_with_one_answer(any_store, order, sql):
    """Each is a retry that waits and asks again, as a client would; each would be an order of its own without the key."""
    ready = threading.Barrier(50)

    def post(number):
        ready.wait()
        for _ in range(400):
            try:
                said = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
            except Conflict as conflict:
                assert conflict.findings[0].code == "in_progress"
                threading.Event().wait(0.02)
                continue
            if not isinstance(said, Receipt):
                return said
            any_store.add_order(order(number), _answering(said))
        return None

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(post, range(50)))
    assert _orders(sql, any_store) == 1
    assert len(answers - {None}) == 1
    assert None not in answers


def test_an_answer_outlives_the_erasure_of_its_fields(any_store, order, sql):
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    any_store.add_order(order(1), _answering(receipt))
    sql(any_store, "UPDATE requests SET fields = '{}'")
    assert any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)[0] == 202


def test_an_order_that_is_refused_leaves_its_request_open_to_be_forgotten(any_store, order, sql):
    any_store.add_order(order(1))
    receipt = any_store.begin_request(SCOPE, DOOR, "k1", FIELDS)
    with pytest.raises(Conflict):
        any_store.add_order(order(1, message="Else"), _answering(receipt))
    any_store.forget_request(SCOPE, receipt)
    assert sql(any_store, "SELECT count(*) FROM requests")[0][0] == 0
